"""MoyalCDF: the distribution function of Moyal's law."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erfc, ndtri
from numpyro.distributions import constraints

from ..core.elementary import at_least_single, largest_exponent
from ..core.parameters import as_parameter, check_broadcast, positive_parameter
from .base import Bijector

_HALF_LOG_2_PI = float(np.log(2 * np.pi) / 2)


class MoyalCDF(Bijector):
    """y = erfc(s / sqrt(2)), s = exp(-z / 2), z = (x - loc) / scale, element by element.

    inverse  x = loc - 2 scale log(s), s = sqrt(2) erfc^-1(y);
    log |dy/dx| = -(s^2 + z + log(2 pi)) / 2 - log(scale);    domain: real;    codomain: (0, 1), open.

    In the lower tail one rounding of z is s^2 roundings of y; the log-determinant has no such loss. s is found as
    -Phi^-1(y / 2), which is precise in both tails.

    Args:
        loc: any shape that broadcasts against x.
        scale: positive, likewise. The parameter that trains is its logarithm, `raw_scale`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale is not positive, or the shapes do not broadcast.
    """

    loc: jax.Array
    raw_scale: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.open_interval(0.0, 1.0)

    def __init__(self, loc: Any = 0.0, scale: Any = 1.0, *, validate_args: bool = False):
        check_broadcast("MoyalCDF", loc=loc, scale=scale)
        self.loc = as_parameter(loc, "MoyalCDF: loc")
        self.raw_scale = jnp.log(positive_parameter(scale, "MoyalCDF: scale", validate=validate_args))
        self.validate_args = validate_args

    @property
    def scale(self) -> jax.Array:
        """The unit of x - loc."""
        return jnp.exp(self.raw_scale)

    def _forward_and_log_det(self, x):
        z, most = (x - self.loc) / self.scale, largest_exponent(x.dtype)
        beyond = -z > most  # s^2 overflows: y is 0 long before
        s = jnp.exp(jnp.where(beyond, most, -z) / 2)
        wide = at_least_single(s)
        y = erfc(wide * np.sqrt(0.5).astype(wide.dtype)).astype(x.dtype)
        log_det = -(s / 2) * s - z / 2 - (self.raw_scale + _HALF_LOG_2_PI)
        return y, jnp.where(beyond, -jnp.inf, log_det)

    def _inverse_and_log_det(self, y):
        # s^2 comes from log s, so that the compiler computes the quantile once, not for each use.
        log_s = jnp.log(_root(at_least_single(y)).astype(y.dtype))
        x = self.loc - 2 * self.scale * log_s
        # s^2 outgrows the logarithm at y = 0.
        log_det = jnp.exp(2 * log_s) / 2 - jnp.minimum(log_s, largest_exponent(y.dtype))
        return x, log_det + (self.raw_scale + _HALF_LOG_2_PI)


def _root(y: jax.Array) -> jax.Array:
    """s = -Phi^-1(y / 2). Where y / 2 is not a normal number, by three terms of its series in log y from there."""
    least = y < 4 * jnp.finfo(y.dtype).tiny
    s = -ndtri(jnp.where(least, y, y / 2))
    large = jnp.where(least & jnp.isfinite(s), s, 10)
    hazard = large + 1 / large - 2 / large**3  # that of the normal law, phi / (1 - Phi), for large s
    step = np.log(2).astype(y.dtype) / hazard
    return jnp.where(least, s + step - step**2 * (hazard - large) / 2, s)
