"""StandardizedCondition: a conditional bijector whose condition is given in its own units."""

from typing import Any

import jax
import jax.numpy as jnp

from ..core import constant_field, numeric_inputs, replace
from ..core.parameters import as_parameter, positive_parameter
from ..core.shapes import cast_floating
from .base import Bijector


class StandardizedCondition(Bijector):
    """y = f(x; (c - loc) / scale), where f(x; c) is `bijector`.

    inverse, log |det dy/dx|, domain and codomain: those of f under the standardised condition. Put it around the part
    that takes the condition, so that a model trained on standardised conditions takes them as they were measured.

    Args:
        bijector: a map that takes a condition.
        loc: [condition size], subtracted from the condition.
        scale: [condition size], positive; divides it. Neither trains.
        validate_args: check values, also under `jit`.

    Raises:
        TypeError: if `bijector` is no bijector.
        ValueError: if loc and scale are not vectors of one size, or some scale is not positive; when a condition is
            bound, if it is not of that size.
    """

    bijector: Bijector
    loc: jax.Array = constant_field()
    scale: jax.Array = constant_field()

    def __init__(self, bijector: Bijector, loc: Any, scale: Any, *, validate_args: bool = False):
        if not isinstance(bijector, Bijector):
            raise TypeError(
                f"StandardizedCondition expects a bijector that takes a condition, and got {type(bijector).__name__}"
            )
        self.bijector = bijector
        self.loc = as_parameter(loc, "StandardizedCondition: loc")
        self.scale = positive_parameter(scale, "StandardizedCondition: scale")
        if self.loc.shape != self.scale.shape or self.loc.ndim != 1:
            raise ValueError(
                "StandardizedCondition: expected loc and scale of one shape, a number for each entry of the condition, "
                f"and got shapes {self.loc.shape} and {self.scale.shape}"
            )
        self.validate_args = validate_args

    @property
    def forward_min_event_ndims(self) -> Any:
        """That of the inner bijector."""
        return self.bijector.forward_min_event_ndims

    @property
    def inverse_min_event_ndims(self) -> Any:
        """That of the inner bijector."""
        return self.bijector.inverse_min_event_ndims

    @property
    def is_constant_jacobian(self) -> bool:
        """As the inner bijector."""
        return self.bijector.is_constant_jacobian

    @property
    def is_injective(self) -> bool:
        """As the inner bijector."""
        return self.bijector.is_injective

    @property
    def parts_interact(self) -> bool:
        """As in the inner bijector."""
        return self.bijector.parts_interact

    @property
    def is_increasing(self) -> Any:
        """As the inner bijector."""
        return self.bijector.is_increasing

    @property
    def domain(self) -> Any:
        """That of the inner bijector."""
        return self.bijector.domain

    @property
    def codomain(self) -> Any:
        """That of the inner bijector."""
        return self.bijector.codomain

    def condition(self, c):
        """The map with `c`, of shape [batch axes | condition size], standardised and bound."""
        c = numeric_inputs(c, self)
        if jnp.shape(c)[-1:] != self.loc.shape:
            raise ValueError(
                f"StandardizedCondition: expected a condition of shape [batch axes | {self.loc.shape[0]}], one entry "
                f"for each of loc, and got {jnp.shape(c)}"
            )
        loc, scale = cast_floating((self.loc, self.scale), c.dtype)
        return replace(self, bijector=self.bijector.condition((c - loc) / scale))

    def initialize(self, x):
        """Initialise the inner bijector; nothing when frozen."""
        return self if self.frozen else replace(self, bijector=self.bijector.initialize(x))

    def update_statistics(self, x):
        """Update the inner bijector; nothing when frozen."""
        return self if self.frozen else replace(self, bijector=self.bijector.update_statistics(x))

    def batch_shape(self, event_shape):
        """That of the inner bijector."""
        return self.bijector.batch_shape(event_shape)

    def _event_ndims(self, event_ndims, direction):
        return self.bijector._event_ndims(event_ndims, direction)

    def _at_ranks(self, x, event_ndims, direction):
        return self.bijector._run_at(x, event_ndims, direction)

    def _preimages(self, y, event_ndims):
        return self.bijector._preimages(y, event_ndims)

    def _forward_and_log_det(self, x):
        return self.bijector.forward_and_log_det(x)

    def _inverse_and_log_det(self, y):
        return self.bijector.inverse_and_log_det(y)

    def _forward(self, x):
        return self.bijector.forward(x)

    def _inverse(self, y):
        return self.bijector.inverse(y)

    def _inverse_within(self, y):
        return self.bijector._inverse_within(y)

    def _forward_event_shape(self, shape):
        return self.bijector.forward_event_shape(shape)

    def _inverse_event_shape(self, shape):
        return self.bijector.inverse_event_shape(shape)

    def _is_sequential(self, direction):
        return self.bijector._is_sequential(direction)
