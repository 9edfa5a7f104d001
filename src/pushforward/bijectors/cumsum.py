"""Cumsum: sums of the first entries."""

from numbers import Integral

import jax.numpy as jnp

from ..core import static_field
from .base import Bijector


class Cumsum(Bijector):
    """y_k = x_1 + ... + x_k along one axis of the event.

    inverse  x_1 = y_1, x_k = y_k - y_{k-1};    log |det dy/dx| = 0;    domain and codomain: real.

    Args:
        axis: the axis of the event, negative, counted from the end; an event has at least `-axis` axes.
        validate_args: check values, also under `jit`.

    Raises:
        TypeError: if axis is not an integer.
        ValueError: if it is not negative.
    """

    axis: int = static_field()

    is_constant_jacobian = True

    def __init__(self, axis: int = -1, *, validate_args: bool = False):
        if not isinstance(axis, Integral) or isinstance(axis, bool):
            raise TypeError(
                f"Cumsum: expected an integer as axis, and got {axis!r}; it is the place of one axis. Give -1 for "
                "the last."
            )
        if axis >= 0:
            raise ValueError(
                f"Cumsum counts its axis from the end of the event, and got axis={axis}: counted from the front, its "
                "place would change with the number of batch axes. Give a negative axis."
            )
        self.axis = int(axis)
        self.validate_args = validate_args

    @property
    def forward_min_event_ndims(self) -> int:
        """The axes from the summed one to the last."""
        return -self.axis

    def _forward_and_log_det(self, x):
        return jnp.cumsum(x, axis=self.axis), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return jnp.diff(y, axis=self.axis, prepend=0), jnp.zeros((), y.dtype)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def batch_shape(self, event_shape):
        """There are no parameters."""
        return ()
