"""Expm1: y = exp(x) - 1."""

import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import expm1
from .base import Bijector


class Expm1(Bijector):
    """y = exp(x) - 1, element by element, precise also where x is small.

    inverse  x = log(1 + y);    log |dy/dx| = x;    domain: real;    codomain: (-1, infinity), open.

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.greater_than(-1.0)

    def _forward_and_log_det(self, x):
        return expm1(x), x

    def _inverse_and_log_det(self, y):
        x = jnp.log1p(y)
        return x, -x
