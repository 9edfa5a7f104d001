"""The radial flow: a stretch towards or away from a point."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import replace
from ..core.parameters import as_parameter, check_broadcast, known_values, positive_parameter
from .base import Bijector
from .events import check_event
from .residual_step import above_minus_one, from_above_minus_one, one_plus


class Radial(Bijector):
    """y = x + beta / (alpha + r) (x - center), r = |x - center|, beta > -alpha (Rezende & Mohamed 2015, eq. 14).

    inverse: along the ray from the center, |y - center| = r (r + s) / (r + alpha) with s = alpha + beta: the positive
    root of a quadratic;    log |det dy/dx| = (D - 1) log((r + s) / (r + alpha)) + log(1 + alpha beta / (r + alpha)^2),
    written as sums of positive terms;    domain and codomain: real vectors.

    beta >= -alpha is what makes it invertible (appendix A.2). beta = 0 is the identity.

    Args:
        center: shape [..., D]. Leading axes are batch axes, so that every row may have a flow of its own.
        alpha: positive, a number or shape [...]; the scale of r. Its logarithm trains, `raw_alpha`.
        beta: above -alpha, a number or shape [...]. What trains is `raw_beta`, any number x: beta / alpha is x for
            x >= 0 and x / (1 - x) for x < 0.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if center is not a vector, or some known alpha is not positive or beta not above -alpha.
    """

    center: jax.Array
    raw_alpha: jax.Array
    raw_beta: jax.Array

    forward_min_event_ndims = 1

    def __init__(self, center: Any, alpha: Any = 1.0, beta: Any = 0.0, *, validate_args: bool = False):
        self.center = as_parameter(center, "Radial: center")
        if self.center.ndim < 1:
            raise ValueError(
                "Radial: expected center of shape [..., D], and got a number; it is a point among the events. Give one "
                "number for each entry of an event."
            )
        alpha = positive_parameter(alpha, "Radial: alpha", validate=validate_args)
        beta = as_parameter(beta, "Radial: beta")
        known_alpha, known_beta = known_values(alpha), known_values(beta)
        if known_alpha is not None and known_beta is not None and np.any(known_beta <= -known_alpha):
            raise ValueError(
                f"Radial: expected beta > -alpha, and got alpha={known_alpha.tolist()}, beta={known_beta.tolist()}; "
                "below, spheres around the center pass through each other. Give a larger beta; unconstrained numbers "
                "go to Radial.from_unconstrained."
            )
        leading = {"center": self.center.shape[:-1], "alpha": alpha.shape, "beta": beta.shape}
        check_broadcast("Radial (leading axes)", **{name: np.empty(shape) for name, shape in leading.items()})
        self.raw_alpha = jnp.log(alpha)
        self.raw_beta = from_above_minus_one(beta / alpha)
        self.validate_args = validate_args

    @classmethod
    def from_unconstrained(cls, center: Any, raw_alpha: Any, raw_beta: Any, *, validate_args: bool = False) -> "Radial":
        """The flow of unconstrained numbers, as a network gives them; zeros are alpha = 1, beta = 0.

        Args:
            center: shape [..., D].
            raw_alpha, raw_beta: numbers or shapes [...]; see the class.
            validate_args: check values, also under `jit`.
        """
        raw = as_parameter(raw_alpha, "Radial: raw_alpha"), as_parameter(raw_beta, "Radial: raw_beta")
        return replace(cls(center, validate_args=validate_args), raw_alpha=raw[0], raw_beta=raw[1])

    @property
    def alpha(self) -> jax.Array:
        """The scale of r, positive."""
        return jnp.exp(self.raw_alpha)

    @property
    def beta(self) -> jax.Array:
        """The strength, above -alpha."""
        return self.alpha * above_minus_one(self.raw_beta)

    def _forward_and_log_det(self, x):
        check_event(x, self.center.shape[-1:], "Radial")
        offset = x - self.center
        near = self.alpha / (self.alpha + _norm(offset))
        return x + offset * (above_minus_one(self.raw_beta) * near)[..., None], self._log_det(near)

    def _inverse_and_log_det(self, y):
        check_event(y, self.center.shape[-1:], "Radial")
        offset, alpha = y - self.center, self.alpha
        s = alpha * one_plus(self.raw_beta)
        # r^2 + (s - v) r - alpha v = 0, v = |y - center|, in units of v + s + alpha, of which no square overflows.
        v = _norm(offset)
        unit = v + s + alpha
        half = (v - s) / unit / 2
        root = jnp.sqrt(half * half + alpha / unit * (v / unit))
        positive = half > 0
        r = jnp.where(positive, half + root, alpha / unit * (v / unit) / jnp.where(positive, 1, root - half)) * unit
        near = alpha / (alpha + r)
        shrunk = above_minus_one(self.raw_beta) * near / self._stretch(near)
        return y - offset * shrunk[..., None], -self._log_det(near)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _stretch(self, near: jax.Array) -> jax.Array:
        """(r + s) / (r + alpha), from near = alpha / (alpha + r)."""
        return (1 - near) + one_plus(self.raw_beta) * near

    def _log_det(self, near: jax.Array) -> jax.Array:
        # The slope along the ray is (1 - near^2) + s / alpha near^2.
        along = (1 - near) * (1 + near) + one_plus(self.raw_beta) * near * near
        return (self.center.shape[-1] - 1) * jnp.log(self._stretch(near)) + jnp.log(along)


def _norm(x: jax.Array) -> jax.Array:
    """|x| of vectors; no square overflows, and the derivative at 0 is 0."""
    largest = lax.stop_gradient(jnp.max(jnp.abs(x), -1, keepdims=True, initial=0))
    unit = jnp.where(largest > 0, largest, 1)
    square = jnp.sum((x / unit) * (x / unit), -1)
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), square) * unit[..., 0]
