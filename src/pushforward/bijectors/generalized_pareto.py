"""GeneralizedPareto: all numbers to the support of the generalised Pareto law."""

from typing import Any

import jax
import jax.numpy as jnp

from ..core.parameters import as_parameter, check_broadcast, positive_parameter
from .base import Bijector
from .between import between
from .sigmoid import Sigmoid
from .softplus import Softplus


class GeneralizedPareto(Bijector):
    """y = loc + log(1 + exp(x)) for c >= 0, y = loc + (scale / |c|) / (1 + exp(-x)) for c < 0; c is the concentration.

    It is no distribution function: it takes all numbers, element by element, to the numbers that a generalised Pareto
    law can give, y > loc, for c < 0 also y < loc + scale / |c|.

    inverse  x = log(exp(y - loc) - 1), and the logit of (y - loc) |c| / scale;
    log |dy/dx| = -log(1 + exp(-x)), and log(scale / |c|) - log(1 + exp(-x)) - log(1 + exp(x));
    domain: real;    codomain: the open set above.

    Where c < 0 is so small that scale / |c| overflows, it is taken for 0, as there is no upper end.

    Args:
        loc: lower end, any shape that broadcasts against x.
        scale: positive, likewise. The parameter that trains is its logarithm, `raw_scale`. For c >= 0 nothing depends
            on it.
        concentration: c of any sign, likewise.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale is not positive, or the shapes do not broadcast.
    """

    loc: jax.Array
    raw_scale: jax.Array
    concentration: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, *, validate_args: bool = False):
        check_broadcast("GeneralizedPareto", loc=loc, scale=scale, concentration=concentration)
        self.loc = as_parameter(loc, "GeneralizedPareto: loc")
        self.raw_scale = jnp.log(positive_parameter(scale, "GeneralizedPareto: scale", validate=validate_args))
        self.concentration = as_parameter(concentration, "GeneralizedPareto: concentration")
        self.validate_args = validate_args

    @property
    def scale(self) -> jax.Array:
        """The unit of y - loc."""
        return jnp.exp(self.raw_scale)

    @property
    def codomain(self) -> Any:
        """Above loc, and below loc + scale / |c| for c < 0."""
        bounded, width = self._width()
        return between(self.loc, jnp.where(bounded, self.loc + width, jnp.inf), closed=False)

    def _forward_and_log_det(self, x):
        bounded, width = self._width()
        within = Sigmoid(self.loc, self.loc + width).forward_and_log_det(x)
        above = Softplus(low=self.loc).forward_and_log_det(x)
        return jax.tree.map(lambda a, b: jnp.where(bounded, a, b), within, above)

    def _inverse_and_log_det(self, y):
        bounded, width = self._width()
        # Each formula gets a point of its own image.
        within = Sigmoid(self.loc, self.loc + width).inverse_and_log_det(jnp.where(bounded, y, self.loc + width / 2))
        above = Softplus(low=self.loc).inverse_and_log_det(jnp.where(bounded, self.loc + 1, y))
        return jax.tree.map(lambda a, b: jnp.where(bounded, a, b), within, above)

    def _width(self) -> tuple[jax.Array, jax.Array]:
        """(whether there is an upper end, its distance from loc; 1 where there is none)."""
        c = self.concentration
        width = self.scale / jnp.abs(jnp.where(c < 0, c, 1))
        bounded = (c < 0) & jnp.isfinite(width)
        return bounded, jnp.where(bounded, width, 1)
