"""Softplus: y = log(1 + exp(x)), a smooth maximum of x and 0."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.logistic import softplus_and_log_slope, softplus_inverse_and_log_slope
from ..core.parameters import as_parameter, positive_parameter
from .base import Bijector


class Softplus(Bijector):
    """y = low + c log(1 + exp(x / c)), element by element; c is the softness of the hinge.

    inverse  x = c log(exp((y - low) / c) - 1);    log |dy/dx| = -log(1 + exp(-x / c));
    domain: real;    codomain: (low, infinity), open.

    Args:
        hinge_softness: c > 0, any shape that broadcasts against x; None is 1. The parameter that trains is its
            logarithm, `raw_hinge_softness`. (TFP also takes a negative one, which mirrors the map; write that as
            `Chain([Scale(-1.0), Softplus(c), Scale(-1.0)])`.)
        low: lower end of the output, any shape that broadcasts against x; None is 0.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known hinge_softness is not positive.
    """

    raw_hinge_softness: jax.Array | None
    low: jax.Array | None

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(self, hinge_softness: Any = None, low: Any = None, *, validate_args: bool = False):
        softness = None if hinge_softness is None else positive_parameter(hinge_softness, "Softplus: hinge_softness")
        self.raw_hinge_softness = None if softness is None else jnp.log(softness)
        self.low = None if low is None else as_parameter(low, "Softplus: low")
        self.validate_args = validate_args

    @property
    def hinge_softness(self) -> jax.Array | None:
        """c, or None for 1."""
        return None if self.raw_hinge_softness is None else jnp.exp(self.raw_hinge_softness)

    @property
    def codomain(self) -> Any:
        """The open half-line above `low`."""
        return constraints.positive if self.low is None else constraints.greater_than(self.low)

    def _forward_and_log_det(self, x):
        y, log_det = softplus_and_log_slope(x, self.hinge_softness)
        return (y if self.low is None else y + self.low), log_det

    def _inverse_and_log_det(self, y):
        above = y if self.low is None else y - self.low
        if (softness := self.hinge_softness) is None:
            return softplus_inverse_and_log_slope(above)
        # Far out x is y - low, and (y - low) / c may overflow.
        x, log_det = softplus_inverse_and_log_slope(jnp.minimum(above, 1000 * softness) / softness)
        return jnp.where(above > 40 * softness, above, softness * x), log_det
