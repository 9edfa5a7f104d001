"""Invert: a bijector with its directions swapped."""

from typing import Any

from .base import Bijector


class Invert(Bijector):
    """y = bijector^-1(x): forward and inverse, domain and codomain, log-dets all change places.

    Args:
        bijector: the bijector to swap.
    """

    bijector: Bijector

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
        return self.bijector._is_sequential("inverse" if direction == "forward" else "forward")

    def condition(self, c):
        """Invert the inner bijector with `c` bound."""
        return Invert(self.bijector.condition(c), validate_args=self.validate_args, frozen=self.frozen)
