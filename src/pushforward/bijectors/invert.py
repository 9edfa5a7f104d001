"""Invert: a bijector with its directions swapped."""

from typing import Any

from ..core import replace
from .base import Bijector

_OPPOSITE = {"forward": "inverse", "inverse": "forward"}


class Invert(Bijector):
    """y = bijector^-1(x): forward and inverse, domain and codomain, log-dets all change places.

    Args:
        bijector: the bijector to swap.

    Raises:
        TypeError: if that is something else.
        ValueError: if it is not injective: a point with several inverses is no image.
    """

    bijector: Bijector

    def __check_init__(self):
        if not isinstance(self.bijector, Bijector):
            raise TypeError(
                f"Invert expects a bijector, and got {type(self.bijector).__name__}; wrap plain functions in Inline"
            )
        if not self.bijector.is_injective:
            raise ValueError(
                f"Invert expects an injective map, and got {type(self.bijector).__name__}, which takes several points "
                "to one: its inverse gives all of them and is no map. Call its `inverse` for the branches."
            )

    @property
    def forward_min_event_ndims(self) -> Any:
        """That of the inverse of the inner bijector."""
        return self.bijector.inverse_min_event_ndims

    @property
    def inverse_min_event_ndims(self) -> Any:
        """That of the forward of the inner bijector."""
        return self.bijector.forward_min_event_ndims

    @property
    def is_constant_jacobian(self) -> bool:
        """As the inner bijector."""
        return self.bijector.is_constant_jacobian

    @property
    def parts_interact(self) -> bool:
        """As the inner bijector."""
        return self.bijector.parts_interact

    @property
    def permutes(self) -> bool:
        """As the inner bijector."""
        return self.bijector.permutes

    @property
    def is_increasing(self) -> Any:
        """As the inner bijector: the inverse of an increasing map increases."""
        return self.bijector.is_increasing

    @property
    def domain(self) -> Any:
        """The codomain of the inner bijector."""
        return self.bijector.codomain

    @property
    def codomain(self) -> Any:
        """The domain of the inner bijector."""
        return self.bijector.domain

    def _at_ranks(self, x, event_ndims, direction):
        return self.bijector._run_at(x, event_ndims, _OPPOSITE[direction])

    def _event_ndims(self, event_ndims, direction):
        return self.bijector._event_ndims(event_ndims, _OPPOSITE[direction])

    def _forward_and_log_det(self, x):
        return self.bijector.inverse_and_log_det(x)

    def _inverse_and_log_det(self, y):
        return self.bijector.forward_and_log_det(y)

    def _forward(self, x):
        return self.bijector.inverse(x)

    def _inverse(self, y):
        return self.bijector.forward(y)

    def _forward_event_shape(self, shape):
        return self.bijector.inverse_event_shape(shape)

    def _inverse_event_shape(self, shape):
        return self.bijector.forward_event_shape(shape)

    def batch_shape(self, event_shape):
        """That of the inner bijector."""
        return self.bijector.batch_shape(self.bijector.inverse_event_shape(event_shape))

    def _is_sequential(self, direction):
        return self.bijector._is_sequential(_OPPOSITE[direction])

    @property
    def _unrolled_layers(self):
        return self.bijector._unrolled_layers

    def condition(self, c):
        """Invert the inner bijector with `c` bound."""
        return replace(self, bijector=self.bijector.condition(c))
