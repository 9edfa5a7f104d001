"""Softplus: y = log(1 + exp(x)), a smooth maximum of x and 0."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import softplus_inverse
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

    def _forward(self, x):
        if (softness := self.hinge_softness) is None:
            y = jax.nn.softplus(x)
        else:
            # x / c may overflow where y does not; |x| has no derivative at 0.
            size = jnp.where(x < 0, -x, x)
            y = jnp.where(x < 0, 0, x) + softness * jnp.log1p(jnp.exp(-size / softness))
        return y if self.low is None else y + self.low

    def _inverse(self, y):
        above = y if self.low is None else y - self.low
        if (softness := self.hinge_softness) is None:
            return softplus_inverse(above)
        # Beyond 40 c the two are equal, and (y - low) / c may overflow.
        far = above > 40 * softness
        return jnp.where(far, above, softness * softplus_inverse(jnp.where(far, 1, above / softness)))

    def _forward_log_det_jacobian(self, x):
        softness = self.hinge_softness
        return -jax.nn.softplus(-x if softness is None else -x / softness)
