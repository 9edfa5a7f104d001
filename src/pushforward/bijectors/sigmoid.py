"""Sigmoid: the logistic function, onto any interval."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import log_ratio, two_sum
from ..core.logistic import logistic_tail, logit_and_log_slope
from ..core.parameters import as_parameter, known_values
from .base import Bijector


class Sigmoid(Bijector):
    """y = low + (high - low) / (1 + exp(-x)), element by element.

    inverse  x = log((y - low) / (high - y));
    log |dy/dx| = log(high - low) - softplus(-x) - softplus(x);    domain: real;    codomain: (low, high), open.

    For x > 0 the value is taken from the upper end, high - (high - low) / (1 + exp(x)), so that it never exceeds it.

    Args:
        low, high: ends of the interval, low < high, any shapes that broadcast against x. Give both, or neither for
            (0, 1).
        validate_args: check values (low < high included), also under `jit`.

    Raises:
        ValueError: if only one end is given, or some low is not below its high.
    """

    low: Any
    high: Any

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(self, low: Any = None, high: Any = None, *, validate_args: bool = False):
        if (low is None) != (high is None):
            raise ValueError(
                f"Sigmoid takes both ends of its interval or neither, and got low={low}, high={high}; one end alone "
                "does not say how wide it is. Give the other, or use Softplus for a half-line."
            )
        known_low, known_high = known_values(low), known_values(high)
        if low is not None and known_low is not None and known_high is not None and not (known_low < known_high).all():
            raise ValueError(
                f"Sigmoid expects low < high, and got low={known_low.tolist()}, high={known_high.tolist()}: the "
                "interval between them is empty. Swap or correct them."
            )
        self.low = None if low is None else as_parameter(low, "Sigmoid: low")
        self.high = None if high is None else as_parameter(high, "Sigmoid: high")
        self.validate_args = validate_args

    @property
    def codomain(self) -> Any:
        """The open interval (low, high)."""
        low, high = (0.0, 1.0) if self.low is None else (self.low, self.high)
        return constraints.open_interval(low, high)

    def _forward_and_log_det(self, x):
        tail, log_det = logistic_tail(x)
        if self.low is None or self.high is None:
            return jnp.where(x < 0, tail, 1 - tail), log_det
        low, high = self._checked(self.low, self.high)
        share = (high - low) * tail
        return jnp.where(x < 0, low + share, high - share), log_det + jnp.log(high - low)

    def _inverse_and_log_det(self, y):
        if self.low is None or self.high is None:
            return logit_and_log_slope(y)
        low, high = self._checked(self.low, self.high)
        below, above, width = y - low, high - y, high - low
        middle, rest = two_sum(low, high)
        return log_ratio(below, above, (2 * y - middle) - rest), -jnp.log((below / width) * above)

    def _checked(self, low: jax.Array, high: jax.Array) -> tuple[jax.Array, jax.Array]:
        if not self.validate_args:
            return low, high
        ordered = jnp.all(low < high)
        return eqx.error_if((low, high), ~ordered, "Sigmoid: expected low < high, and got an empty interval")
