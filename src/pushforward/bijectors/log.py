"""Log: y = log(x)."""

import jax.numpy as jnp
from numpyro.distributions import constraints

from .base import Bijector


class Log(Bijector):
    """y = log(x), element by element; the inverse of `Exp`.

    inverse  x = exp(y);    log |dy/dx| = -log(x);    domain: positive;    codomain: real.

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True
    domain = constraints.positive

    def _forward_and_log_det(self, x):
        y = jnp.log(x)
        return y, -y

    def _inverse_and_log_det(self, y):
        return jnp.exp(y), y
