"""WeibullCDF: the distribution function of Weibull's law."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import largest_exponent, one_minus_exp, power, power_and_log, times_log, times_log_zero
from ..core.parameters import check_broadcast, positive_parameter
from .base import Bijector


class WeibullCDF(Bijector):
    """y = 1 - exp(-t), t = (x / scale)^k, element by element; k is the concentration.

    inverse  x = scale (-log(1 - y))^(1/k);    log |dy/dx| = log(k / scale) + (k - 1) log(x / scale) - t;
    domain: x >= 0;    codomain: (0, 1), open.

    At x = 0 the log-determinant is its limit: infinity for k < 1, -log(scale) for k = 1, -infinity for k > 1. Below,
    y is 0 and the log-determinant -infinity.

    Args:
        scale: positive, any shape that broadcasts against x. The parameter that trains is its logarithm, `raw_scale`.
        concentration: k > 0, likewise; `raw_concentration`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known parameter is not positive, or the shapes do not broadcast.
    """

    raw_scale: jax.Array
    raw_concentration: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True
    domain = constraints.nonnegative
    codomain = constraints.open_interval(0.0, 1.0)

    def __init__(self, scale: Any = 1.0, concentration: Any = 1.0, *, validate_args: bool = False):
        check_broadcast("WeibullCDF", scale=scale, concentration=concentration)
        scale = positive_parameter(scale, "WeibullCDF: scale", validate=validate_args)
        concentration = positive_parameter(concentration, "WeibullCDF: concentration", validate=validate_args)
        self.raw_scale, self.raw_concentration = jnp.log(scale), jnp.log(concentration)
        self.validate_args = validate_args

    @property
    def scale(self) -> jax.Array:
        """The unit of x."""
        return jnp.exp(self.raw_scale)

    @property
    def concentration(self) -> jax.Array:
        """k, the power of x."""
        return jnp.exp(self.raw_concentration)

    def _forward_and_log_det(self, x):
        k = self.concentration
        z = x / self.scale
        t, log_z = power_and_log(z, k)
        # t outgrows its logarithm at infinity.
        log_det = self.raw_concentration - self.raw_scale + (k - 1) * jnp.minimum(log_z, largest_exponent(x.dtype)) - t
        at_zero = jnp.where(x < 0, -jnp.inf, self.raw_concentration - self.raw_scale + times_log_zero(k - 1))
        return one_minus_exp(t), jnp.where(z < jnp.finfo(x.dtype).tiny, at_zero.astype(x.dtype), log_det)

    def _inverse_and_log_det(self, y):
        share, t = 1 / self.concentration, -jnp.log1p(-y)
        return self.scale * power(t, share), t + times_log(share - 1, t) + self.raw_scale - self.raw_concentration
