"""GompertzCDF: the distribution function of Gompertz's law."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import largest_exponent, one_minus_exp
from ..core.parameters import check_broadcast, positive_parameter
from .base import Bijector


class GompertzCDF(Bijector):
    """y = 1 - exp(-t), t = c (exp(rate x) - 1), element by element; c is the concentration.

    inverse  x = log(1 - log(1 - y) / c) / rate;    log |dy/dx| = log(c rate) + rate x - t;
    domain: x >= 0;    codomain: (0, 1), open.

    Below 0, y is 0 and the log-determinant -infinity.

    Args:
        concentration: c > 0, any shape that broadcasts against x. The parameter that trains is its logarithm,
            `raw_concentration`.
        rate: positive, likewise; `raw_rate`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known parameter is not positive, or the shapes do not broadcast.
    """

    raw_concentration: jax.Array
    raw_rate: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True
    domain = constraints.nonnegative
    codomain = constraints.open_interval(0.0, 1.0)

    def __init__(self, concentration: Any, rate: Any, *, validate_args: bool = False):
        check_broadcast("GompertzCDF", concentration=concentration, rate=rate)
        concentration = positive_parameter(concentration, "GompertzCDF: concentration", validate=validate_args)
        rate = positive_parameter(rate, "GompertzCDF: rate", validate=validate_args)
        self.raw_concentration, self.raw_rate = jnp.log(concentration), jnp.log(rate)
        self.validate_args = validate_args

    @property
    def concentration(self) -> jax.Array:
        """c: the hazard at 0 in units of the rate."""
        return jnp.exp(self.raw_concentration)

    @property
    def rate(self) -> jax.Array:
        """The rate at which the hazard grows."""
        return jnp.exp(self.raw_rate)

    def _forward_and_log_det(self, x):
        z = jnp.where(x < 0, 0, self.rate * x)
        # Beyond, t overflows: y is 1 long before.
        most = largest_exponent(x.dtype) - jnp.maximum(self.raw_concentration, 0)
        t = self.concentration * jnp.expm1(jnp.minimum(z, most))
        log_det = self.raw_concentration + self.raw_rate + z - t
        return one_minus_exp(t), jnp.where((x < 0) | (z > most), -jnp.inf, log_det)

    def _inverse_and_log_det(self, y):
        t = -jnp.log1p(-y)
        z = jnp.log1p(t / self.concentration)
        # t outgrows its logarithm at y = 1.
        log_det = t - jnp.minimum(z, jnp.finfo(y.dtype).max) - (self.raw_concentration + self.raw_rate)
        return z / self.rate, log_det
