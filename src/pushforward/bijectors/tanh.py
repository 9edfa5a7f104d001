"""Tanh: y = tanh(x)."""

import jax.numpy as jnp
import numpy as np
from numpyro.distributions import constraints

from ..core.elementary import log1p_of, log_ratio
from .base import Bijector


class Tanh(Bijector):
    """y = tanh(x), element by element.

    inverse  x = artanh(y);    log |dy/dx| = log(1 - tanh(x)^2) = -2 log cosh(x);
    domain: real;    codomain: (-1, 1), open.

    The log-determinant has two forms. For |x| < 1 it is log1p(-tanh(x)^2), precise relative to its size, which is x^2;
    beyond, 2 (log 2 - |x| - log1p(exp(-2|x|))), where tanh would have rounded to 1. The same holds for |y| < 1/2 in the
    inverse direction, where 1 - y is exact beyond.

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.open_interval(-1.0, 1.0)

    def _forward_and_log_det(self, x):
        y, size = jnp.tanh(x), jnp.where(x < 0, -x, x)
        small = size < 1
        u = jnp.where(small, -(y * y), jnp.exp(-2 * size))
        logarithm = log1p_of(u, 1 + u)
        return y, jnp.where(small, logarithm, 2 * (np.log(2).astype(x.dtype) - size - logarithm))

    def _inverse_and_log_det(self, y):
        below, above = 1 + y, 1 - y
        whole = below * above
        log_det = jnp.where(jnp.abs(y) < 0.5, log1p_of(-(y * y), whole), jnp.log(whole))
        return log_ratio(below, above, 2 * y) / 2, -log_det
