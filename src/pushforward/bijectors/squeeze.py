"""Squeeze: the pixels of small squares as channels."""

from numbers import Integral

import jax.numpy as jnp

from ..core import static_field
from .base import Bijector


class Squeeze(Bijector):
    """y[h, w, (c f + i) f + j] = x[f h + i, f w + j, c]: each square of f x f pixels as one pixel.

    inverse  the channels of a pixel spread out to a square;    log |det dy/dx| = 0;    domain and codomain: real.

    Events have the shape [height, width, channels] and become [height / f, width / f, channels f^2] (Dinh,
    Sohl-Dickstein and Bengio 2017, section 3.6). `Invert(Squeeze(f))` goes the other way, as generating an image does.

    Args:
        factor: f, a positive integer.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if factor is not a positive integer, or does not divide height and width (its square, the channels).
    """

    factor: int = static_field()

    forward_min_event_ndims = 3
    is_constant_jacobian = True
    permutes = True  # the entries of y are entries of x, so bounds on all of them carry over

    def __init__(self, factor: int = 2, *, validate_args: bool = False):
        if not isinstance(factor, Integral) or factor < 1:
            raise ValueError(
                f"Squeeze: expected a positive integer as factor, and got {factor!r}; it is the side of a square of "
                "pixels. Give 2 for squares of four."
            )
        self.factor = int(factor)
        self.validate_args = validate_args

    def _forward_and_log_det(self, x):
        *batch, height, width, channels = self._forward_event_shape(x.shape)
        n, f = len(batch), self.factor
        squares = x.reshape(*batch, height, f, width, f, channels // f**2)
        # From [h, i, w, j, c] to [h, w, c, i, j].
        moved = squares.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3)
        return moved.reshape(*batch, height, width, channels), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        *batch, height, width, channels = self._inverse_event_shape(y.shape)
        n, f = len(batch), self.factor
        squares = y.reshape(*batch, height // f, width // f, channels, f, f)
        moved = squares.transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2)
        return moved.reshape(*batch, height, width, channels), jnp.zeros((), y.dtype)

    def _forward_event_shape(self, shape):
        *batch, height, width, channels = shape
        if height % self.factor or width % self.factor:
            raise ValueError(
                f"Squeeze: expected a height and width that {self.factor} divides, and got events of shape "
                f"{shape[-3:]}, [height, width, channels]; otherwise squares would be cut. Pad or crop the image."
            )
        return (*batch, height // self.factor, width // self.factor, channels * self.factor**2)

    def _inverse_event_shape(self, shape):
        *batch, height, width, channels = shape
        if channels % self.factor**2:
            raise ValueError(
                f"Squeeze.inverse: expected a number of channels that {self.factor**2} divides, and got events of "
                f"shape {shape[-3:]}, [height, width, channels]; each pixel becomes a square. Use another factor."
            )
        return (*batch, height * self.factor, width * self.factor, channels // self.factor**2)

    def batch_shape(self, event_shape):
        """There are no parameters."""
        return ()
