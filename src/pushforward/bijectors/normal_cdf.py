"""NormalCDF: the distribution function of the standard normal."""

import numpy as np
from jax.scipy.special import ndtri
from numpyro.distributions import constraints

from ..core.elementary import at_least_single
from ..core.normal import normal_cdf
from .base import Bijector


class NormalCDF(Bijector):
    """y = Phi(x), the standard normal distribution function, element by element.

    inverse  x = Phi^-1(y);    log |dy/dx| = -x^2 / 2 - log(2 pi) / 2;    domain: real;    codomain: (0, 1), open.

    Value and log-determinant are right relative to their size in both tails, as far out as they are normal numbers.
    (The usual formula, by erfc, loses x^2 roundings of the value in the lower one.)

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.open_interval(0.0, 1.0)

    def _forward(self, x):
        return normal_cdf(at_least_single(x)).astype(x.dtype)

    def _inverse(self, y):
        return ndtri(at_least_single(y)).astype(y.dtype)

    def _forward_log_det_jacobian(self, x):
        return -(x / 2) * x - np.log(2 * np.pi).astype(x.dtype) / 2
