"""BatchNormalization: data standardised by their own mean and variance."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core import constant_field, numeric_inputs, replace, static_field
from .base import Bijector
from .events import as_event_shape, batch_moments, batch_size, check_event


class BatchNormalization(Bijector):
    """y = mean + sqrt(variance + epsilon) (x - beta) / gamma; the inverse normalises data (Ioffe and Szegedy 2015).

    inverse  x = beta + gamma (y - mean) / sqrt(variance + epsilon);
    log |det dy/dx| = sum_i log(variance_i + epsilon) / 2 - log(gamma_i);    domain and codomain: real.

    `forward` always uses the running statistics. `inverse`, with which densities are evaluated, uses those of the batch
    it is given (over all axes before the event) while `inference` is False, and the running ones when it is True. So
    in training the two directions are not inverses of each other, the log-determinant is that at fixed statistics, and
    a density depends on the whole batch, as in TFP; in inference, and when frozen, it is an ordinary bijector.

    Calling it changes nothing: `update_statistics(x)` returns the layer whose running statistics have seen `x`, and
    `initialize(x)` the one whose running statistics are those of `x`. For images give the number of channels.

    Args:
        event_shape: shape of an event, or an integer for vectors.
        momentum: share of the old running statistics that an update keeps.
        epsilon: added to variances.
        inference: use the running statistics in both directions.
        validate_args: check values, also under `jit`.

    Attributes:
        raw_gamma, beta: the parameters, log(gamma) and the mean of normalised data; shape event_shape, zero at first.
        gamma: exp(raw_gamma), the standard deviation of normalised data.
        moving_mean, moving_variance: the running statistics, which do not train.
        initialized: whether `initialize` has been called; then, or when frozen, it changes nothing.

    Raises:
        ValueError: if momentum or epsilon are out of range, an input has events of another shape, or the inverse in
            training is given a single event, which has no variance.
    """

    raw_gamma: jax.Array
    beta: jax.Array
    moving_mean: jax.Array = constant_field()
    moving_variance: jax.Array = constant_field()
    event_shape: tuple[int, ...] = static_field()
    momentum: float = static_field()
    epsilon: float = static_field()
    inference: bool = static_field()
    initialized: bool = static_field()

    def __init__(
        self,
        event_shape: int | Sequence[int],
        *,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        inference: bool = False,
        validate_args: bool = False,
    ):
        if not (0 <= momentum < 1 and epsilon >= 0):
            raise ValueError(
                f"BatchNormalization expects 0 <= momentum < 1 and epsilon >= 0, and got momentum={momentum}, "
                f"epsilon={epsilon}: statistics that never move, or a negative variance, normalise nothing"
            )
        self.event_shape = as_event_shape(event_shape)
        self.raw_gamma = jnp.zeros(self.event_shape)
        self.beta = jnp.zeros(self.event_shape)
        self.moving_mean = jnp.zeros(self.event_shape)
        self.moving_variance = jnp.ones(self.event_shape)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.inference = inference
        self.initialized = False
        self.validate_args = validate_args

    @property
    def forward_min_event_ndims(self) -> int:
        """The rank of `event_shape`."""
        return len(self.event_shape)

    @property
    def is_constant_jacobian(self) -> bool:
        """In inference or frozen, when statistics do not depend on the input."""
        return self.inference or self.frozen

    @property
    def gamma(self) -> jax.Array:
        """The standard deviation of normalised data."""
        return jnp.exp(self.raw_gamma)

    def initialize(self, x: Any) -> "BatchNormalization":
        """The layer whose running statistics are those of the batch `x` of data."""
        if self.initialized or self.frozen:
            return self
        return replace(self._remember(x, 0.0), initialized=True)

    def update_statistics(self, x: Any) -> "BatchNormalization":
        """The layer whose running statistics have moved towards those of the batch `x` by the share 1 - momentum.

        In inference, or when frozen, they stay.
        """
        return self if self.inference or self.frozen else self._remember(x, self.momentum)

    def _forward_and_log_det(self, x):
        check_event(x, self.event_shape, "BatchNormalization")
        deviation, log_det = self._deviation(self.moving_variance)
        return self.moving_mean + deviation * (x - self.beta) / self.gamma, log_det

    def _inverse_and_log_det(self, y):
        check_event(y, self.event_shape, "BatchNormalization")
        mean, variance = self.moving_mean, self.moving_variance
        if not (self.inference or self.frozen):
            if batch_size(y, self.event_shape) == 1:
                raise ValueError(
                    "BatchNormalization: in training the inverse normalises by the variance of its batch, and got one "
                    "event, which has none. Give a batch (vmap over single events hides it), or set inference=True."
                )
            mean, variance = (m.astype(y.dtype) for m in batch_moments(y, self.event_shape))
        deviation, log_det = self._deviation(variance)
        return self.beta + self.gamma * (y - mean) / deviation, -log_det

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _deviation(self, variance: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The standard deviation, and the log-determinant of the forward direction that follows from it."""
        regularised = variance + self.epsilon
        return jnp.sqrt(regularised), jnp.sum(jnp.log(regularised) / 2 - self.raw_gamma)

    def _remember(self, x: Any, keep: float) -> "BatchNormalization":
        x = numeric_inputs(x, self)
        check_event(x, self.event_shape, "BatchNormalization")
        if batch_size(x, self.event_shape) == 0:
            return self
        mean, variance = (m.astype(self.moving_mean.dtype) for m in batch_moments(x, self.event_shape))
        return replace(
            self,
            moving_mean=keep * self.moving_mean + (1 - keep) * mean,
            moving_variance=keep * self.moving_variance + (1 - keep) * variance,
        )
