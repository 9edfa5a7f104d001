"""Tanh: y = tanh(x)."""

import jax.numpy as jnp
import numpy as np
from numpyro.distributions import constraints

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

    def _forward(self, x):
        return jnp.tanh(x)

    def _inverse(self, y):
        return jnp.arctanh(y)

    def _forward_log_det_jacobian(self, x):
        small = jnp.abs(x) < 1
        near, far = jnp.where(small, x, 0), jnp.abs(jnp.where(small, 1, x))
        tail = 2 * (np.log(2).astype(x.dtype) - far - jnp.log1p(jnp.exp(-2 * far)))
        return jnp.where(small, jnp.log1p(-(jnp.tanh(near) ** 2)), tail)

    def _inverse_log_det_jacobian(self, y):
        small = jnp.abs(y) < 0.5
        near, far = jnp.where(small, y, 0), jnp.where(small, 0.5, y)
        return -jnp.where(small, jnp.log1p(-(near**2)), jnp.log((1 - far) * (1 + far)))
