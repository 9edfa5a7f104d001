"""MaskEnsemble: one masked network under many masks, averaged."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from .._garbage import seldom_collected
from ..core import numeric_inputs
from ..core.shapes import accumulation_dtype
from ..nets import Masks
from .base import PytreeDistribution
from .checks import as_shape, checked_key
from .foreign import describe


class MaskEnsemble(PytreeDistribution):
    """p(x) = (1 / M) sum_m p(x; mask m), of a model with one masked network whose weights all masks share.

    Each mask is another order of the coordinates, or other connections. Train the model over them with
    `loss=pushforward.training.order_agnostic(masks)` and put the result in here: the average scores better than its
    members do on average, for M times the time (Germain et al. 2015, section 4; Uria, Murray & Larochelle 2014).

    A draw is one of a member drawn at random: all members draw, and one is taken.

    Args:
        model: what `flows.made` returns, or another distribution of this package that holds a single
            `AutoregressiveNetwork`; a conditional one with its condition bound.
        masks: `nets.draw_masks(key, model, M)`.

    Raises:
        TypeError: for something else than a distribution of this package, and masks.
        ValueError: if the masks were drawn for another network.
    """

    pytree_data_fields = ("model", "masks")
    has_rsample = False

    def __init__(self, model: Any, masks: Masks):
        if not isinstance(model, PytreeDistribution) or not isinstance(masks, Masks):
            raise TypeError(
                f"MaskEnsemble expects a distribution of this package and masks, and got ({type(model).__name__}, "
                f"{type(masks).__name__}). A conditional model becomes a distribution when called with its condition; "
                "nets.draw_masks(key, model, count) draws masks."
            )
        masks.of(model, 0)  # for its checks
        self.model = model
        self.masks = masks
        self.frozen = False

    def __getitem__(self, index: int) -> Any:
        """The member under mask `index`."""
        if not -len(self.masks) <= index < len(self.masks):
            raise IndexError(f"mask {index} of {len(self.masks)}")
        return self.masks.of(self.model, index % len(self.masks))

    @property
    def event_shape(self) -> tuple[int, ...]:
        """That of the model."""
        return tuple(self.model.event_shape)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """That of the model."""
        return tuple(self.model.batch_shape)

    @property
    def event_dim(self) -> int:
        """That of the model."""
        return len(self.event_shape)

    @property
    def support(self) -> Any:
        """That of the model."""
        return self.model.support

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape [sample_shape | batch_shape | event_shape]."""
        return _sample(self, checked_key(key), as_shape(sample_shape))

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log of the mean of the members' densities, of shape [sample axes | batch_shape]."""
        return _log_prob(self, numeric_inputs(value, self.model))

    def sample_and_log_prob(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> tuple[jax.Array, jax.Array]:
        """Draws and their log-densities under the whole ensemble."""
        x = self.sample(key, sample_shape)
        return x, self.log_prob(x)

    def _trainable(self, trainable: Any, all_false: Any) -> Any:
        model = (all_false if self.frozen else trainable)(self.model)
        return self.tree_unflatten(self.tree_flatten()[1], [model, all_false(self.masks)])

    def __repr__(self) -> str:
        first, *more = describe(self.model).splitlines()
        own = ", frozen=True" if self.frozen else ""
        lines = [f"{type(self).__name__}({len(self.masks)} masks{own})", f"└─ of: {first}"]
        return "\n".join([*lines, *("   " + line for line in more)])


@seldom_collected()
@eqx.filter_jit
def _log_prob(ensemble: MaskEnsemble, value: jax.Array) -> jax.Array:
    count = len(ensemble.masks)
    terms = lax.map(lambda m: ensemble.masks.of(ensemble.model, m).log_prob(value), _numbers(count))
    terms = terms.astype(accumulation_dtype(terms.dtype))
    # Where no member has the value, log-sum-exp would have the derivative 0/0.
    nowhere = jnp.max(terms, axis=0) == -jnp.inf
    return jnp.where(nowhere, -jnp.inf, jax.nn.logsumexp(jnp.where(nowhere, 0, terms), axis=0) - jnp.log(count))


@seldom_collected()
@eqx.filter_jit
def _sample(ensemble: MaskEnsemble, key: jax.Array, sample_shape: tuple[int, ...]) -> jax.Array:
    count, rank = len(ensemble.masks), ensemble.event_dim
    key_which, key = jax.random.split(key)
    which = jax.random.randint(key_which, sample_shape + ensemble.batch_shape, 0, count, jnp.int32)
    which = which.reshape(which.shape + (1,) * rank)

    def draw(m: jax.Array) -> jax.Array:
        return ensemble.masks.of(ensemble.model, m).sample(jax.random.fold_in(key, m), sample_shape)

    def take(taken: jax.Array, m: jax.Array) -> tuple[jax.Array, None]:
        return jnp.where(which == m, draw(m), taken), None

    shape = jax.eval_shape(draw, jnp.zeros((), jnp.int32))
    return lax.scan(take, jnp.zeros(shape.shape, shape.dtype), _numbers(count))[0]


def _numbers(count: int) -> jax.Array:
    return jnp.arange(count, dtype=jnp.int32)
