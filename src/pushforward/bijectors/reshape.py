"""Reshape: the event in another shape."""

import math
from collections.abc import Sequence
from numbers import Integral

import jax.numpy as jnp

from ..core import static_field
from .base import Bijector


class Reshape(Bijector):
    """y = x with its event axes in another shape, in row-major order.

    inverse  the shapes change places;    log |det dy/dx| = 0;    domain and codomain: real.

    Args:
        event_shape_out: shape of an event of y.
        event_shape_in: shape of an event of x. In either shape one entry may be -1: it is found from the input.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if a shape has an entry below -1 or two entries -1, if the shapes hold different numbers of entries,
            or an input does not fit.

    Example:
        Reshape((2, 3)).forward(jnp.zeros((10, 6)))    # shape (10, 2, 3)
    """

    event_shape_out: tuple[int, ...] = static_field()
    event_shape_in: tuple[int, ...] = static_field()

    is_constant_jacobian = True
    permutes = True  # the entries of y are entries of x, so bounds on all of them carry over

    def __init__(
        self, event_shape_out: Sequence[int], event_shape_in: Sequence[int] = (-1,), *, validate_args: bool = False
    ):
        self.event_shape_out = _checked_shape(event_shape_out, "event_shape_out")
        self.event_shape_in = _checked_shape(event_shape_in, "event_shape_in")
        shapes = self.event_shape_in, self.event_shape_out
        if not any(-1 in shape for shape in shapes) and math.prod(shapes[0]) != math.prod(shapes[1]):
            raise ValueError(
                f"Reshape: events of shape {shapes[0]} have {math.prod(shapes[0])} entries and those of shape "
                f"{shapes[1]} have {math.prod(shapes[1])}, and the same numbers must fit both. One size of a shape may "
                "be -1, to be found."
            )
        self.validate_args = validate_args

    @property
    def forward_min_event_ndims(self) -> int:
        """The length of `event_shape_in`."""
        return len(self.event_shape_in)

    @property
    def inverse_min_event_ndims(self) -> int:
        """The length of `event_shape_out`."""
        return len(self.event_shape_out)

    def _forward_and_log_det(self, x):
        return x.reshape(self._forward_event_shape(x.shape)), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return y.reshape(self._inverse_event_shape(y.shape)), jnp.zeros((), y.dtype)

    def _forward_event_shape(self, shape):
        return _reshaped(shape, self.event_shape_in, self.event_shape_out)

    def _inverse_event_shape(self, shape):
        return _reshaped(shape, self.event_shape_out, self.event_shape_in)

    def batch_shape(self, event_shape):
        """There are no parameters."""
        return ()


def _checked_shape(shape: Sequence[int], name: str) -> tuple[int, ...]:
    sizes = (int(shape),) if isinstance(shape, Integral) else tuple(int(n) for n in shape)
    if any(n < -1 for n in sizes) or sizes.count(-1) > 1:
        raise ValueError(
            f"Reshape: {name} expects sizes, of which one may be -1 (to be found from the input), and got {sizes}"
        )
    return sizes


def _reshaped(shape: tuple[int, ...], source: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` with its last axes, which must match `source`, replaced by `target`."""
    batch, event = shape[: len(shape) - len(source)], shape[len(shape) - len(source) :]
    entries, known = math.prod(event), math.prod(n for n in target if n != -1)
    fits = all(want in (-1, n) for want, n in zip(source, event, strict=True))
    whole = (known > 0 and entries % known == 0) if -1 in target else entries == known
    if not (fits and whole):
        raise ValueError(
            f"Reshape: expected events of shape {source}, to become {target} (-1 stands for any size), and got "
            f"{event}, the last {len(source)} axes of {shape}"
        )
    return batch + tuple(entries // known if n == -1 else n for n in target)
