"""PowerTransform: y = (1 + c x)^(1/c), the inverse of Box and Cox's transformation."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpyro.distributions import constraints

from ..core import constant_field
from ..core.elementary import expm1, scaled_log1p, with_slope
from ..core.parameters import as_parameter, known_values
from .base import Bijector


class PowerTransform(Bijector):
    """y = (1 + c x)^(1/c), element by element, and y = exp(x) for c = 0; c is the power.

    inverse  x = (y^c - 1) / c, or log(y);    log |dy/dx| = (1 / c - 1) log(1 + c x) = (1 - c) log(y);
    domain: x >= -1 / c;    codomain: y >= 0 (c = 0: real and positive).

    As in TFP, the power is data and does not train. Through the exponential, one rounding of log(y) is |log(y)|
    roundings of y; and y is infinite where c x is.

    Args:
        power: c >= 0, any shape that broadcasts against x.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known power is negative or not finite.

    Source: Box and Cox, "An analysis of transformations", 1964, eq. 1 (its inverse).
    """

    power: jax.Array = constant_field()

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(self, power: Any = 0.0, *, validate_args: bool = False):
        known = known_values(power)
        power = as_parameter(power, "PowerTransform: power")
        if known is not None and not np.all((known >= 0) & np.isfinite(known)):
            raise ValueError(
                f"PowerTransform: expected powers that are not negative, and got {known.tolist()}: the image of a "
                "negative one ends at a finite value. Give 0 for the exponential, or a positive number."
            )
        if known is None and validate_args:
            fine = jnp.all((power >= 0) & jnp.isfinite(power))
            power = eqx.error_if(power, ~fine, "PowerTransform: expected powers >= 0, and got a negative one")
        self.power = power
        self.validate_args = validate_args

    @property
    def domain(self) -> Any:
        """From -1 / c."""
        if self._is_exp:
            return constraints.real
        known = known_values(self.power)
        power = self.power if known is None else known
        bound = jnp.where(power == 0, -jnp.inf, -1 / jnp.where(power == 0, 1, power))
        return constraints.greater_than_eq(bound if known is None or known.ndim else float(bound))

    @property
    def codomain(self) -> Any:
        """From 0."""
        return constraints.positive if self._is_exp else constraints.nonnegative

    def _forward_and_log_det(self, x):
        if self._is_exp:
            return jnp.exp(x), x
        c = self.power
        # At the end of the domain, 1 + c x may be less than 0 by a rounding.
        log_y = jnp.where((c > 0) & (x == -1 / jnp.where(c > 0, c, 1)), -jnp.inf, scaled_log1p(x, c))
        log_slope = _times(1 - c, log_y)
        return with_slope(jnp.exp(lax.stop_gradient(log_y)), x, log_slope), log_slope

    def _inverse_and_log_det(self, y):
        log_y = jnp.log(y)
        if self._is_exp:
            return log_y, -log_y
        c = self.power
        # Where c log(y) is no normal number, x is log(y).
        tiny = (c == 0) | (jnp.abs(c * log_y) < jnp.finfo(y.dtype).tiny)
        change = expm1(jnp.where(tiny, 0, c * log_y))
        return jnp.where(tiny, log_y, change / jnp.where(tiny, 1, c)), _times(c - 1, log_y)

    @property
    def _is_exp(self) -> bool:
        """Whether the power is known to be 0."""
        known = known_values(self.power)
        return known is not None and not known.any()


def _times(factor: jax.Array, log_y: jax.Array) -> jax.Array:
    """factor log(y), where 0 times infinity is 0."""
    return jnp.where(factor == 0, 0, factor * log_y)
