"""GumbelCDF: the distribution function of Gumbel's law."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import largest_exponent
from ..core.parameters import as_parameter, check_broadcast, positive_parameter
from .base import Bijector


class GumbelCDF(Bijector):
    """y = exp(-exp(-z)), z = (x - loc) / scale, element by element.

    inverse  x = loc - scale log(-log y);    log |dy/dx| = -z - exp(-z) - log(scale);
    domain: real;    codomain: (0, 1), open.

    In the lower tail one rounding of z is exp(-z) roundings of y; the log-determinant has no such loss.

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
        check_broadcast("GumbelCDF", loc=loc, scale=scale)
        self.loc = as_parameter(loc, "GumbelCDF: loc")
        self.raw_scale = jnp.log(positive_parameter(scale, "GumbelCDF: scale", validate=validate_args))
        self.validate_args = validate_args

    @property
    def scale(self) -> jax.Array:
        """The unit of x - loc."""
        return jnp.exp(self.raw_scale)

    def _forward_and_log_det(self, x):
        z, most = (x - self.loc) / self.scale, largest_exponent(x.dtype)
        beyond = -z > most  # t overflows: y is 0 long before
        t = jnp.exp(jnp.where(beyond, most, -z))
        return jnp.exp(-t), jnp.where(beyond, -jnp.inf, -z - t - self.raw_scale)

    def _inverse_and_log_det(self, y):
        t = -jnp.log(y)
        log_t = jnp.log(t)
        # t outgrows its logarithm at y = 0.
        return self.loc - self.scale * log_t, t - jnp.minimum(log_t, largest_exponent(y.dtype)) + self.raw_scale
