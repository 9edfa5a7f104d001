"""Logit: the inverse of the logistic function."""

import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.logistic import logistic_tail, logit_and_log_slope
from .base import Bijector


class Logit(Bijector):
    """y = log(x / (1 - x)), element by element; the inverse of `Sigmoid()`.

    inverse  x = 1 / (1 + exp(-y));    log |dy/dx| = softplus(-y) + softplus(y) = -log(x) - log(1 - x);
    domain: (0, 1), open;    codomain: real.

    Near x = 1/2, where y has its zero, the value keeps its relative precision.

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True
    domain = constraints.open_interval(0.0, 1.0)

    def _forward_and_log_det(self, x):
        return logit_and_log_slope(x)

    def _inverse_and_log_det(self, y):
        tail, log_det = logistic_tail(y)
        return jnp.where(y < 0, tail, 1 - tail), log_det
