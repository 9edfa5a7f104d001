"""NormalCDF: the distribution function of the standard normal."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri
from numpyro.distributions import constraints

from .base import Bijector


class NormalCDF(Bijector):
    """y = Phi(x), the standard normal distribution function, element by element.

    inverse  x = Phi^-1(y);    log |dy/dx| = -x^2 / 2 - log(2 pi) / 2;    domain: real;    codomain: (0, 1), open.

    The value is that of a point within one rounding of x; far out, where Phi changes by the factor exp(-x dx), that
    makes its relative error about x^2 roundings. The log-determinant has no such loss in either tail.

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.open_interval(0.0, 1.0)

    def _forward(self, x):
        return ndtr(_at_least_single(x)).astype(x.dtype)

    def _inverse(self, y):
        return ndtri(_at_least_single(y)).astype(y.dtype)

    def _forward_log_det_jacobian(self, x):
        return -(x / 2) * x - np.log(2 * np.pi).astype(x.dtype) / 2


def _at_least_single(x: jax.Array) -> jax.Array:
    """JAX has these functions in 32 and 64 bits only."""
    return x if jnp.finfo(x.dtype).bits >= 32 else x.astype(jnp.float32)
