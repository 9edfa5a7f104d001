"""Log1p: y = log(1 + x)."""

import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import expm1
from .base import Bijector


class Log1p(Bijector):
    """y = log(1 + x), element by element; the inverse of `Expm1`.

    inverse  x = exp(y) - 1;    log |dy/dx| = -log(1 + x);    domain: (-1, infinity), open;    codomain: real.

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True
    domain = constraints.greater_than(-1.0)

    def _forward_and_log_det(self, x):
        y = jnp.log1p(x)
        return y, -y

    def _inverse_and_log_det(self, y):
        return expm1(y), y
