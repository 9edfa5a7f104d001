"""InvertibleConv1x1: one matrix for the channels of every pixel."""

import jax

from .base import Bijector
from .events import check_event
from .linear_algebra import multiply
from .lu_linear import LULinear


class InvertibleConv1x1(Bijector):
    """y[h, w] = W x[h, w]: the channels of every pixel mixed by the same matrix.

    inverse  x[h, w] = W^-1 y[h, w], by substitution;    log |det dy/dx| = H W log |det W|;
    domain and codomain: real images, shape [height, width, channels].

    W = P L U starts as a random rotation; all entries of its factors train, the permutation does not (Kingma and
    Dhariwal 2018, section 3.2). It generalises a permutation of the channels.

    Args:
        channels: number of channels, the last axis.
        key: draws the rotation.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if channels is not positive, or an input has another number of channels.

    Attributes:
        linear: the `LULinear` of one pixel, without bias.
        matrix: W.
    """

    linear: LULinear

    forward_min_event_ndims = 3
    is_constant_jacobian = True

    def __init__(self, channels: int, *, key: jax.Array, validate_args: bool = False):
        if channels < 1:
            raise ValueError(
                f"InvertibleConv1x1: expected a positive number of channels, and got {channels}; an image without any "
                "has nothing to mix. Give the size of the last axis of an image, [height, width, channels]."
            )
        self.linear = LULinear(channels, key=key, use_bias=False, validate_args=validate_args)
        self.validate_args = validate_args

    @property
    def matrix(self) -> jax.Array:
        """W, shape (channels, channels)."""
        return self.linear.matrix

    def _forward_and_log_det(self, x):
        check_event(x, (self.linear.raw_factors.shape[-1],), "InvertibleConv1x1")
        # One product a pixel in place of two with the factors.
        return multiply(self.linear.matrix, x), self._log_det(x)

    def _inverse_and_log_det(self, y):
        check_event(y, (self.linear.raw_factors.shape[-1],), "InvertibleConv1x1")
        return self.linear.inverse(y), -self._log_det(y)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _log_det(self, x: jax.Array) -> jax.Array:
        return x.shape[-3] * x.shape[-2] * self.linear._log_det()
