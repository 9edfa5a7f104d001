"""RayleighCDF: the distribution function of Rayleigh's law."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import one_minus_exp, times_log
from ..core.parameters import positive_parameter
from .base import Bijector


class RayleighCDF(Bijector):
    """y = 1 - exp(-t), t = (x / scale)^2 / 2, element by element.

    inverse  x = scale sqrt(-2 log(1 - y));    log |dy/dx| = log(x / scale^2) - t;
    domain: x >= 0;    codomain: (0, 1), open.

    It is `WeibullCDF(sqrt(2) scale, 2)`. Below 0, y is 0 and the log-determinant -infinity.

    Args:
        scale: positive, any shape that broadcasts against x. The parameter that trains is its logarithm, `raw_scale`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale is not positive.
    """

    raw_scale: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True
    domain = constraints.nonnegative
    codomain = constraints.open_interval(0.0, 1.0)

    def __init__(self, scale: Any = 1.0, *, validate_args: bool = False):
        self.raw_scale = jnp.log(positive_parameter(scale, "RayleighCDF: scale", validate=validate_args))
        self.validate_args = validate_args

    @property
    def scale(self) -> jax.Array:
        """The x of greatest slope."""
        return jnp.exp(self.raw_scale)

    def _forward_and_log_det(self, x):
        z = jnp.where(x < 0, 0, x / self.scale)
        t = (z / 2) * z
        return one_minus_exp(t), times_log(1.0, x) - 2 * self.raw_scale - t

    def _inverse_and_log_det(self, y):
        t = -jnp.log1p(-y)
        return self.scale * jnp.sqrt(2 * t), t - times_log(0.5, 2 * t) + self.raw_scale
