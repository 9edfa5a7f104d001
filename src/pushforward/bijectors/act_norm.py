"""ActNorm: a scale and a shift, set from the first data that arrive."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core import numeric_inputs, replace, static_field
from .base import Bijector
from .events import as_event_shape, batch_moments, batch_size, check_event


class ActNorm(Bijector):
    """y = scale * x + loc, entry by entry; `initialize(data)` sets scale and loc so that inverse(data) is standardised.

    inverse  x = (y - loc) / scale;    log |det dy/dx| = sum_i log scale_i;    domain and codomain: real.

    The identity until it is initialised; from then on scale and loc are ordinary parameters (Kingma and Dhariwal 2018,
    section 3.1). For images give the number of channels: the other axes then count as batch, for the statistics and in
    shapes, and the log-determinant is summed over them by `event_ndims`.

    Args:
        event_shape: shape of an event, or an integer for vectors.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if an input has events of another shape.

    Attributes:
        loc, log_scale: the parameters, of shape event_shape.
        scale: exp(log_scale).
        initialized: whether `initialize` has been called; then, or when frozen, it changes nothing, so that a
            trained layer stays as it is when training goes on.
    """

    loc: jax.Array
    log_scale: jax.Array
    event_shape: tuple[int, ...] = static_field()
    initialized: bool = static_field()

    is_constant_jacobian = True

    def __init__(self, event_shape: int | Sequence[int], *, validate_args: bool = False):
        self.event_shape = as_event_shape(event_shape)
        self.loc = jnp.zeros(self.event_shape)
        self.log_scale = jnp.zeros(self.event_shape)
        self.initialized = False
        self.validate_args = validate_args

    @property
    def forward_min_event_ndims(self) -> int:
        """The rank of `event_shape`."""
        return len(self.event_shape)

    @property
    def scale(self) -> jax.Array:
        """The positive factor."""
        return jnp.exp(self.log_scale)

    def initialize(self, x: Any) -> "ActNorm":
        """Set loc and scale to mean and standard deviation of a batch `x` of data, over all axes before the event.

        Where an entry does not vary beyond rounding (or there is one event only), its scale stays 1.
        """
        if self.initialized or self.frozen:
            return self
        x = numeric_inputs(x, self)
        check_event(x, self.event_shape, "ActNorm.initialize")
        if batch_size(x, self.event_shape) == 0:
            return self
        mean, variance = batch_moments(x, self.event_shape)
        deviation = jnp.sqrt(variance)
        largest = jnp.max(jnp.abs(x), axis=tuple(range(x.ndim - len(self.event_shape)))).astype(deviation.dtype)
        varies = deviation > 8 * jnp.finfo(x.dtype).eps * largest
        log_scale = jnp.where(varies, jnp.log(jnp.where(varies, deviation, 1)), 0)
        return replace(
            self, loc=mean.astype(self.loc.dtype), log_scale=log_scale.astype(self.log_scale.dtype), initialized=True
        )

    def _forward_and_log_det(self, x):
        check_event(x, self.event_shape, "ActNorm")
        return x * self.scale + self.loc, self._log_det()

    def _inverse_and_log_det(self, y):
        check_event(y, self.event_shape, "ActNorm")
        return (y - self.loc) / self.scale, -self._log_det()

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _log_det(self) -> jax.Array:
        return jnp.sum(self.log_scale)
