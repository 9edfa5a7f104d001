"""The planar flow: a shift along one direction, by a step across a plane."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.parameters import as_parameter, check_broadcast
from .base import Bijector
from .events import check_event
from .linear_algebra import dot
from .residual_step import above_minus_one, log_slope, solve_step


class Planar(Bijector):
    """y = x + u tanh(w^T x + b), vectors u and w, a number b (Rezende & Mohamed 2015, eq. 10).

    inverse  x = y - u tanh(t + b), where t = w^T x solves t + w^T u tanh(t + b) = w^T y: one scalar equation, solved
    numerically in a bracket, with implicit derivatives;    log |det dy/dx| = log(1 + w^T u sech^2(w^T x + b)), by the
    determinant lemma (eq. 12);    domain and codomain: real vectors.

    It is invertible if and only if w^T u > -1 (appendix A.1). So the parameter `direction` is any vector, and u is it,
    plus the multiple of w that takes w^T u to m(w^T direction), m increasing onto (-1, infinity). Where w^T direction
    >= 0, u is the direction itself; for a direction of zeros the map is the identity. (The paper's m is another one,
    see `residual_step`.)

    Args:
        weight: w, shape [..., D]. Leading axes are batch axes, so that every row may have a flow of its own.
        direction: shape [..., D].
        bias: b, a number or shape [...].
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if weight and direction are not vectors of one size, or an input has another size.
    """

    weight: jax.Array
    direction: jax.Array
    bias: jax.Array

    forward_min_event_ndims = 1

    def __init__(self, weight: Any, direction: Any, bias: Any = 0.0, *, validate_args: bool = False):
        self.weight = as_parameter(weight, "Planar: weight")
        self.direction = as_parameter(direction, "Planar: direction")
        self.bias = as_parameter(bias, "Planar: bias")
        shapes = self.weight.shape, self.direction.shape
        if not all(shapes) or shapes[0][-1] != shapes[1][-1]:
            raise ValueError(
                f"Planar: expected weight and direction of shape [..., D], and got {shapes[0]} and {shapes[1]}; both "
                "are vectors of the size of an event. Give them the same last axis."
            )
        leading = {"weight": shapes[0][:-1], "direction": shapes[1][:-1], "bias": self.bias.shape}
        check_broadcast("Planar (leading axes)", **{name: np.empty(shape) for name, shape in leading.items()})
        self.validate_args = validate_args

    @property
    def constrained_direction(self) -> jax.Array:
        """u, with w^T u > -1."""
        return self._constrained()[0]

    def _forward_and_log_det(self, x):
        check_event(x, self.weight.shape[-1:], "Planar")
        u, product = self._constrained()
        a = dot(self.weight, x) + self.bias
        return x + u * jnp.tanh(a)[..., None], log_slope(a, product)

    def _inverse_and_log_det(self, y):
        check_event(y, self.weight.shape[-1:], "Planar")
        u, product = self._constrained()
        m = above_minus_one(product)
        a = solve_step(dot(self.weight, y), m, jnp.ones_like(m), self.bias) + self.bias
        return y - u * jnp.tanh(a)[..., None], -log_slope(a, product)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _constrained(self) -> tuple[jax.Array, jax.Array]:
        """(u, w^T direction)."""
        w, product = self.weight, jnp.sum(self.weight * self.direction, -1)
        square = jnp.sum(w * w, -1)
        negative, along = product < 0, w / jnp.where(square > 0, square, 1)[..., None]
        # What is across w, twice because the first time leaves the rounding of the direction.
        across = self.direction - product[..., None] * along
        across = across - jnp.sum(w * across, -1, keepdims=True) * along
        shortened = across + above_minus_one(jnp.where(negative, product, 0))[..., None] * along
        return jnp.where(negative[..., None], shortened, self.direction), product
