"""AnglesAndNormals: uniform angles beside standard normals."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import constraints

from ..core import numeric_inputs
from .base import PytreeDistribution
from .support import event_constraint

_LOG_2PI = math.log(2 * math.pi)


class AnglesAndNormals(PytreeDistribution):
    """p(x) = prod_(i angle) 1 / (2 pi) on [-pi, pi] times prod_(i other) phi(x_i): independent; nothing in it trains.

    Args:
        angles: for each coordinate, whether it is an angle.

    Raises:
        ValueError: for no coordinates.
    """

    pytree_aux_fields = ("angles", "frozen")
    independent_coordinates = True

    def __init__(self, angles: Sequence[bool]):
        self.angles = tuple(bool(a) for a in angles)
        if not self.angles:
            raise ValueError("AnglesAndNormals: expected a boolean for each coordinate, and got none")
        self.frozen = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The number of coordinates."""
        return (len(self.angles),)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Always ()."""
        return ()

    @property
    def support(self) -> Any:
        """Angles if all are; else real vectors, where `log_prob` is -inf for angles outside."""
        return event_constraint(constraints.circular if all(self.angles) else constraints.real, 1)

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape [sample_shape | D] in JAX's default float."""
        key_angle, key_normal = jax.random.split(key)
        shape = (*sample_shape, len(self.angles))
        angle = jax.random.uniform(key_angle, shape, minval=-math.pi, maxval=math.pi)
        return jnp.where(np.asarray(self.angles), angle, jax.random.normal(key_normal, shape))

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log p(value) of shape [sample axes]."""
        x = numeric_inputs(value)
        # The largest float32 in the circle lies beyond pi.
        inside = jnp.abs(x) <= np.float32(math.pi)
        angle = jnp.where(inside | jnp.isnan(x), jnp.asarray(-_LOG_2PI, x.dtype) + 0 * x, -jnp.inf)
        normal = -0.5 * x**2 - jnp.asarray(0.5 * _LOG_2PI, x.dtype)
        return jnp.sum(jnp.where(np.asarray(self.angles), angle, normal), axis=-1)

    def __repr__(self) -> str:
        return f"AnglesAndNormals({self.angles})"
