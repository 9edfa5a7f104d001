"""FrechetCDF: the distribution function of Fréchet's law."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import power, power_and_log, times_log
from ..core.parameters import as_parameter, check_broadcast, positive_parameter
from .base import Bijector


class FrechetCDF(Bijector):
    """y = exp(-t), t = ((x - loc) / scale)^-k, element by element; k is the concentration.

    inverse  x = loc + scale (-log y)^(-1/k);    log |dy/dx| = log(k / scale) - (1 + k) log((x - loc) / scale) - t;
    domain: x >= loc;    codomain: (0, 1), open.

    At loc and below, y is 0 and the log-determinant -infinity.

    Args:
        loc: lower end of the domain, any shape that broadcasts against x.
        scale: positive, likewise. The parameter that trains is its logarithm, `raw_scale`.
        concentration: k > 0, likewise; `raw_concentration`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale or concentration is not positive, or the shapes do not broadcast.
    """

    loc: jax.Array
    raw_scale: jax.Array
    raw_concentration: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.open_interval(0.0, 1.0)

    def __init__(self, loc: Any = 0.0, scale: Any = 1.0, concentration: Any = 1.0, *, validate_args: bool = False):
        check_broadcast("FrechetCDF", loc=loc, scale=scale, concentration=concentration)
        scale = positive_parameter(scale, "FrechetCDF: scale", validate=validate_args)
        concentration = positive_parameter(concentration, "FrechetCDF: concentration", validate=validate_args)
        self.loc = as_parameter(loc, "FrechetCDF: loc")
        self.raw_scale, self.raw_concentration = jnp.log(scale), jnp.log(concentration)
        self.validate_args = validate_args

    @property
    def scale(self) -> jax.Array:
        """The unit of x - loc."""
        return jnp.exp(self.raw_scale)

    @property
    def concentration(self) -> jax.Array:
        """k: the upper tail falls as x^-k."""
        return jnp.exp(self.raw_concentration)

    @property
    def domain(self) -> Any:
        """The half-line from loc."""
        return constraints.greater_than_eq(self.loc)

    def _forward_and_log_det(self, x):
        k = self.concentration
        # At loc t is infinite and log z, of the smallest normal number, is not.
        t, log_z = power_and_log((x - self.loc) / self.scale, -k)
        return jnp.exp(-t), self.raw_concentration - self.raw_scale - (1 + k) * log_z - t

    def _inverse_and_log_det(self, y):
        share, t = 1 / self.concentration, -jnp.log(y)
        x = self.loc + self.scale * power(t, -share)
        return x, t + times_log(-1 - share, t) + self.raw_scale - self.raw_concentration
