"""Square: y = x^2 of a number that is not negative."""

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import constraints

from .base import Bijector


class Square(Bijector):
    """y = x^2 for x >= 0, element by element.

    inverse  x = sqrt(y);    log |dy/dx| = log(2 x);    domain and codomain: [0, infinity), closed.

    At 0 the log-determinant is -infinity. A negative x is outside the domain: it has a square and no log-determinant.

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True
    domain = constraints.nonnegative
    codomain = constraints.nonnegative

    def _forward_and_log_det(self, x):
        return x * x, _log_of_multiple(2, x)

    def _inverse_and_log_det(self, y):
        # -log(2 sqrt(y)) = -log(4 y) / 2
        return jnp.sqrt(y), -_log_of_multiple(4, y) / 2


def _log_of_multiple(factor: int, x: jax.Array) -> jax.Array:
    """log(factor x) for a power of two, precise near its zero, without overflow."""
    small = x < 1
    return jnp.log(jnp.where(small, factor * x, x)) + jnp.where(small, 0, np.log(factor).astype(x.dtype))
