"""Sample: independent copies of a distribution as one event."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import Distribution

from ..core import numeric_inputs
from .base import PytreeDistribution
from .checks import as_shape
from .foreign import describe
from .own import own
from .support import event_constraint


class Sample(PytreeDistribution):
    """An event of `sample_shape` independent draws of one distribution: log p(y) = sum over the copies of log p(y_i).

    Axes: batch_shape is that of `distribution`, event_shape is sample_shape followed by its event shape. (NumPyro's
    `expand` puts the copies left of the batch, and `Independent` makes events of the batch.)

    Args:
        distribution: what is drawn. One of this package's trains, NumPyro's do not.
        sample_shape: an integer or a shape; () for a single draw without an axis.

    Raises:
        TypeError: if `distribution` is something else.
    """

    pytree_data_fields = ("distribution",)
    pytree_aux_fields = ("sample_shape", "frozen")

    def __init__(self, distribution: Distribution, sample_shape: int | tuple[int, ...] = ()):
        if not isinstance(distribution, Distribution):
            raise TypeError(
                f"Sample expects a distribution first, and got {type(distribution).__name__}; the arguments are "
                "(distribution, sample_shape)."
            )
        self.distribution = distribution
        self.sample_shape = as_shape(sample_shape)
        self.frozen = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """[sample_shape | event shape of a copy]."""
        return self.sample_shape + tuple(own(self.distribution).event_shape)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """That of a copy."""
        return tuple(own(self.distribution).batch_shape)

    @property
    def support(self) -> Any:
        """That of a copy, for each."""
        return event_constraint(self.distribution.support, len(self.event_shape))

    @property
    def has_rsample(self) -> bool:
        """Whether a copy's draws have derivatives."""
        return bool(self.distribution.has_rsample)

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape [sample_shape | batch_shape | event_shape]."""
        copy = own(self.distribution)
        y = copy.sample(key, (*sample_shape, *self.sample_shape))
        return self._moved(y, len(sample_shape), len(sample_shape) + len(copy.batch_shape))

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log p(value) of shape [sample axes | batch_shape]."""
        copy, value = own(self.distribution), numeric_inputs(value, self)
        batch, rank = len(copy.batch_shape), len(self.event_shape)
        if value.ndim < rank or value.shape[value.ndim - rank :] != self.event_shape:
            raise ValueError(
                f"Sample.log_prob expects a value of shape [sample and batch axes | {self.event_shape}], and got "
                f"{value.shape}: the last axes are {self.sample_shape} copies and one event of each. Reshape the value."
            )
        value = jnp.reshape(value, (1,) * (rank + batch - value.ndim) + value.shape)
        outer = value.ndim - rank - batch
        log_prob = copy.log_prob(self._moved(value, outer + batch, outer))
        return jnp.sum(log_prob, axis=tuple(range(outer, outer + len(self.sample_shape))))

    @property
    def mean(self) -> jax.Array:
        """That of a copy, for each."""
        return self._for_each(own(self.distribution).mean)

    @property
    def variance(self) -> jax.Array:
        """That of a copy, for each."""
        return self._for_each(own(self.distribution).variance)

    def entropy(self) -> jax.Array:
        """The number of copies times the entropy of one."""
        return math.prod(self.sample_shape) * own(self.distribution).entropy()

    def _moved(self, y: jax.Array, source: int, target: int) -> jax.Array:
        """The axes of the copies moved from place `source` to `target`."""
        copies = range(len(self.sample_shape))
        return jnp.moveaxis(y, [source + k for k in copies], [target + k for k in copies])

    def _for_each(self, moment: jax.Array) -> jax.Array:
        batch = len(self.batch_shape)
        shaped = jnp.reshape(moment, moment.shape[:batch] + (1,) * len(self.sample_shape) + moment.shape[batch:])
        return jnp.broadcast_to(shaped, self.shape())

    def _trainable(self, trainable: Any, all_false: Any) -> Any:
        part = (all_false if self.frozen else trainable)(self.distribution)
        return self.tree_unflatten(self.tree_flatten()[1], (part,))

    def __repr__(self) -> str:
        return f"Sample({describe(self.distribution)}, {self.sample_shape}{', frozen=True' * self.frozen})"
