"""LambertWTail: heavier tails, by a map whose inverse is Lambert's W."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core import two_parts
from ..core.elementary import at_least_single, log1p
from ..core.lambert_w import LARGE, lambert_w
from ..core.parameters import as_parameter, check_broadcast, known_values, positive_parameter
from .base import Bijector


class LambertWTail(Bijector):
    """y = shift + scale u exp(d u^2 / 2), u = (x - shift) / scale, element by element; d is the tailweight.

    inverse  u = z exp(-w / 2), z = (y - shift) / scale, w = W(d z^2) with W exp(W) = d z^2;
    log |dy/dx| = w / 2 + log(1 + w), w = d u^2;    domain and codomain: real.

    A tailweight of 0 is the identity. Of a normal variable, d > 0 makes tails that fall like |y|^(-1 - 1/d): moments
    exist below 1 / d.

    The exponent d u^2 / 2 is computed in two parts, so that y is right to a few units in the last place of what u is
    rounded to. The inverse solves for w by log(d z^2) where d z^2 overflows, and takes u = sqrt(w / d) where w > 1.

    Args:
        shift: centre, any shape that broadcasts against x.
        scale: positive, likewise. The parameter that trains is its logarithm, `raw_scale`.
        tailweight: d >= 0, likewise; `raw_tailweight`. From 0, the logarithm of which is -infinity, it does not move.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale is not positive or tailweight negative, or the shapes do not broadcast.

    Source: Goerg, "The Lambert way to Gaussianize heavy-tailed data with the inverse of Tukey's h transformation as a
    special case", 2015.
    """

    shift: jax.Array
    raw_scale: jax.Array
    raw_tailweight: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(self, shift: Any, scale: Any, tailweight: Any, *, validate_args: bool = False):
        check_broadcast("LambertWTail", shift=shift, scale=scale, tailweight=tailweight)
        known = known_values(tailweight)
        if known is not None and not np.all((known >= 0) & np.isfinite(known)):
            raise ValueError(
                f"LambertWTail: expected tailweights that are not negative, and got {known.tolist()}: with a negative "
                "one the map turns back. Give 0 for the identity, or a positive number."
            )
        self.shift = as_parameter(shift, "LambertWTail: shift")
        self.raw_scale = jnp.log(positive_parameter(scale, "LambertWTail: scale", validate=validate_args))
        tailweight = as_parameter(tailweight, "LambertWTail: tailweight")
        if known is None and validate_args:
            fine = jnp.all((tailweight >= 0) & jnp.isfinite(tailweight))
            tailweight = eqx.error_if(tailweight, ~fine, "LambertWTail: expected tailweights that are not negative")
        self.raw_tailweight = jnp.log(tailweight)
        self.validate_args = validate_args

    @property
    def scale(self) -> jax.Array:
        """The unit of x - shift."""
        return jnp.exp(self.raw_scale)

    @property
    def tailweight(self) -> jax.Array:
        """d."""
        return jnp.exp(self.raw_tailweight)

    def _forward_and_log_det(self, x):
        wide, shift, scale, log_d = self._single(x)
        centred = wide - shift
        u = centred / scale
        # Beyond this point u^2 would overflow, and y has unless d is 0.
        most = 2.0 ** (int(jnp.finfo(u.dtype).maxexp) // 2 - 4)
        parts = two_parts.split(jnp.clip(u, -most, most))
        exponent = two_parts.multiply(two_parts.multiply(parts, parts), two_parts.split(jnp.exp(log_d) / 2))
        v = _finite(u) * jnp.exp(log_d / 2)
        y = two_parts.exp(exponent, centred) + shift
        return y.astype(x.dtype), v / 2 * v + log1p(_finite(v * v))

    def _inverse_and_log_det(self, y):
        wide, shift, scale, log_d = self._single(y)
        z, root = (wide - shift) / scale, jnp.exp(log_d / 2)
        finite = _finite(z)
        log_x = log_d + 2 * jnp.log(jnp.abs(jnp.where(z == 0, 1, finite)))
        w = lambert_w((jnp.where(log_x > LARGE, 0, finite) * root) ** 2, log_x)
        w = jnp.where(jnp.isinf(z) & (root > 0), jnp.inf, w)
        light = w < 1
        heavy = jnp.sign(z) * jnp.sqrt(jnp.where(light, 1, w)) / jnp.where(light, 1, root)
        u = jnp.where(light, z * jnp.exp(-jnp.where(light, w, 0) / 2), heavy)
        return (u * scale + shift).astype(y.dtype), -(w / 2 + log1p(w))

    def _single(self, x: jax.Array) -> list[jax.Array]:
        """x, shift, scale and log d in 32 bits or more."""
        return [at_least_single(a) for a in (x, self.shift, self.scale, self.raw_tailweight)]


def _finite(u: jax.Array) -> jax.Array:
    """u, or the largest number for infinity, which times a tailweight of 0 is 0."""
    return jnp.where(jnp.isinf(u), jnp.sign(u) * jnp.finfo(u.dtype).max, u)
