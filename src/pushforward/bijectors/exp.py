"""Exp: y = exp(x)."""

import jax.numpy as jnp
from numpyro.distributions import constraints

from .base import Bijector


class Exp(Bijector):
    """y = exp(x), element by element.

    inverse  x = log(y);    log |dy/dx| = x;    domain: real;    codomain: positive.

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.positive

    def _forward_and_log_det(self, x):
        return jnp.exp(x), x

    def _inverse_and_log_det(self, y):
        x = jnp.log(y)
        return x, -x
