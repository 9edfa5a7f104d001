"""What mixtures have in common: weights that train, densities by log-sum-exp, draws, tails and moments."""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from numpyro.distributions import Distribution, constraints

from .._garbage import seldom_collected
from ..bijectors.between import between
from ..core import numeric_inputs
from ..core.module import _describe
from ..core.parameters import as_parameter
from .base import PytreeDistribution
from .checks import as_shape, checked_key
from .foreign import with_array_leaves
from .own import own
from .support import bounds, event_constraint
from .tails import cumulative, solved_quantile, survival


class BaseMixture(PytreeDistribution):
    """p(y) = sum_k w_k p_k(y), w = softmax(logits); not for use by itself.

    A subclass holds its components as a list, a batch or a stack, and applies a function to each by `_each`.
    """

    pytree_data_fields: tuple[str, ...] = ("logits", "components")
    logits: jax.Array

    @abstractmethod
    def _each(self, function: Any, rank: int, *, value: Any = None, keys: Any = None) -> jax.Array:
        """The results of function(component), function(component, value) or function(component, key of its own).

        Stacked over the components in a leading axis; the last `rank` axes of each are an event.
        """

    @abstractmethod
    def _shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(batch shape, event shape) of a component."""

    @abstractmethod
    def _supports(self) -> list[Any]:
        """The support of each component."""

    @abstractmethod
    def parts(self) -> list[Any]:
        """The distributions that hold the components: a list of them, or one that is a batch or a stack."""

    @abstractmethod
    def with_parts(self, change: Any) -> Any:
        """A copy with `change` applied to each component that is a distribution by itself."""

    # ----------------------------------------------------------------- shapes
    @property
    def mixture_size(self) -> int:
        """The number of components."""
        return int(self.logits.shape[-1])

    @property
    def probs(self) -> jax.Array:
        """The weights, of shape [batch axes | K]."""
        return jax.nn.softmax(self.logits, axis=-1)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """That of the components, broadcast against that of the weights."""
        return jnp.broadcast_shapes(self._shapes()[0], self.logits.shape[:-1])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """That of a component."""
        return tuple(self._shapes()[1])

    @property
    def support(self) -> Any:
        """That of the components where they agree, else the smallest interval, or space, that holds them."""
        return _hull(self._supports(), len(self.event_shape))

    @property
    def has_rsample(self) -> bool:
        """False: which component is drawn has no derivative."""
        return False

    # ----------------------------------------------------------------- public
    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape [sample_shape | batch_shape | event_shape]. Each component draws as many; one is taken."""
        return _sample(with_array_leaves(self), checked_key(key), as_shape(sample_shape))

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log p(value) of shape [sample axes | batch_shape]; -inf outside all supports, NaN for NaN."""
        mixture = with_array_leaves(self)
        return _log_prob(mixture, numeric_inputs(value, mixture))

    def sample_and_log_prob(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> tuple[jax.Array, jax.Array]:
        """Draws and their log-densities; components other than the drawn one are inverted."""
        y = self.sample(key, sample_shape)
        return y, self.log_prob(y)

    def cdf(self, value: Any) -> jax.Array:
        """P(Y <= value), of components that have one."""
        mixture = self._scalar("cdf")
        return _tail(mixture, numeric_inputs(value, mixture), upper=False)

    def survival_function(self, value: Any) -> jax.Array:
        """P(Y > value), of components that have one."""
        mixture = self._scalar("survival function")
        return _tail(mixture, numeric_inputs(value, mixture), upper=True)

    def icdf(self, q: Any) -> jax.Array:
        """The y with P(Y <= y) = q, by bracketing."""
        mixture = self._scalar("quantile")
        return _quantile(mixture, numeric_inputs(q, mixture), upper=False)

    def quantile(self, q: Any) -> jax.Array:
        """The same as `icdf`."""
        return self.icdf(q)

    @property
    def mean(self) -> jax.Array:
        """sum_k w_k mean_k."""
        weights, mean = self._moments("mean")
        return jnp.broadcast_to(jnp.sum(weights * mean, axis=0), self.shape())

    @property
    def variance(self) -> jax.Array:
        """sum_k w_k (variance_k + (mean_k - mean)^2)."""
        weights, mean = self._moments("mean")
        _, variance = self._moments("variance")
        away = mean - jnp.sum(weights * mean, axis=0)
        return jnp.broadcast_to(jnp.sum(weights * (variance + away**2), axis=0), self.shape())

    # -------------------------------------------------------------- machinery
    def _batch_of_draws(self) -> tuple[int, ...]:
        """The batch shape for which a component draws."""
        return self.batch_shape

    def _log_weights(self, axes: int) -> jax.Array:
        """log w of shape [K | batch axes], with axes of size 1 in front of the batch up to `axes` in all."""
        log_weights = jnp.moveaxis(jax.nn.log_softmax(self.logits, axis=-1), -1, 0)
        short = axes - (log_weights.ndim - 1)
        return jnp.reshape(log_weights, (self.mixture_size,) + (1,) * short + log_weights.shape[1:])

    def _moments(self, what: str) -> tuple[jax.Array, jax.Array]:
        """(weights, a moment of each component), of shape [K | batch axes | event axes]."""
        rank = len(self.event_shape)
        moment = self._each(lambda component: getattr(own(component), what), rank)
        weights = jnp.exp(self._log_weights(moment.ndim - 1 - rank)).astype(moment.dtype)
        return jnp.reshape(weights, weights.shape + (1,) * rank), moment

    def _scalar(self, what: str) -> Any:
        if self.event_shape:
            raise NotImplementedError(
                f"the {what} needs a scalar variable, and the events of this mixture have shape {self.event_shape}. "
                "Estimate what you need from mixture.sample(key, (n,))."
            )
        return with_array_leaves(self)

    def _survival(self, value: jax.Array) -> jax.Array:
        return _tail(self, value, upper=True)

    def _survival_quantile(self, q: jax.Array) -> jax.Array:
        return _quantile(self, q, upper=True)

    def _trainable(self, trainable: Any, all_false: Any) -> Any:
        children, static = self.tree_flatten()
        return self.tree_unflatten(static, [(all_false if self.frozen else trainable)(child) for child in children])


@seldom_collected()
@eqx.filter_jit
def _log_prob(mixture: BaseMixture, value: jax.Array) -> jax.Array:
    terms = mixture._each(lambda component, y: own(component).log_prob(y), 0, value=value)
    terms = terms + mixture._log_weights(terms.ndim - 1).astype(terms.dtype)
    # Where no component has the value, log-sum-exp would have the derivative 0/0.
    nowhere = jnp.max(terms, axis=0) == -jnp.inf
    return jnp.where(nowhere, -jnp.inf, jax.nn.logsumexp(jnp.where(nowhere, 0, terms), axis=0))


@seldom_collected()
@eqx.filter_jit
def _sample(mixture: BaseMixture, key: jax.Array, sample_shape: tuple[int, ...]) -> jax.Array:
    size, batch, rank = mixture.mixture_size, mixture.batch_shape, len(mixture.event_shape)
    key_which, key = jax.random.split(key)
    which = jax.random.categorical(key_which, mixture.logits, shape=sample_shape + batch)

    def draw(component: Any, key: jax.Array) -> jax.Array:
        component = own(component)
        return component.expand(mixture._batch_of_draws()).sample(key, sample_shape)

    draws = mixture._each(draw, rank, keys=jax.random.split(key, size))
    return jnp.take_along_axis(draws, jnp.reshape(which, (1, *which.shape) + (1,) * rank), axis=0)[0]


@seldom_collected()
@eqx.filter_jit
def _tail(mixture: BaseMixture, value: jax.Array, upper: bool) -> jax.Array:
    def of(component: Any, y: jax.Array) -> jax.Array:
        component = own(component)
        return survival(component, y) if upper else cumulative(component, y)

    tails = mixture._each(of, 0, value=value)
    return jnp.sum(jnp.exp(mixture._log_weights(tails.ndim - 1)).astype(tails.dtype) * tails, axis=0)


@seldom_collected()
@eqx.filter_jit
def _quantile(mixture: BaseMixture, q: jax.Array, upper: bool) -> jax.Array:
    q = jnp.broadcast_to(q, jnp.broadcast_shapes(q.shape, mixture.batch_shape))
    valid = (q >= 0) & (q <= 1)
    y = solved_quantile(mixture, jnp.where(valid, q, 0.5), upper)
    return jnp.where(valid, y, jnp.nan)


def weights_of(given: Any, size: int) -> jax.Array:
    """The logits of a `Categorical`, an array of them, or for None zeros; `ValueError` unless there are `size`."""
    if given is None:
        return jnp.zeros(size, jnp.result_type(float))
    logits = as_parameter(given.logits if isinstance(given, Distribution) else given, "the weights of the mixture")
    if logits.ndim < 1 or logits.shape[-1] != size:
        raise ValueError(
            f"a mixture of {size} components expects as many weights, and got logits of shape {logits.shape}, whose "
            "last axis counts them. Give one for each component."
        )
    return logits


def check_component(component: Any, name: str) -> None:
    """A distribution with a density; else `TypeError` or `ValueError`."""
    if not isinstance(component, Distribution):
        raise TypeError(
            f"a mixture expects distributions as components, and {name} is a {type(component).__name__}. Give NumPyro "
            "distributions or flows; a conditional flow becomes one when called with its condition."
        )
    if component.support.is_discrete:
        raise ValueError(
            f"a mixture expects components with a density, and {name}, a {type(component).__name__}, is discrete. Use "
            "NumPyro's MixtureGeneral for discrete variables."
        )


def check_batch(logits: jax.Array, batches: list[tuple[int, ...]]) -> None:
    """Batch shapes that broadcast; else `ValueError`."""
    try:
        jnp.broadcast_shapes(logits.shape[:-1], *batches)
    except ValueError:
        raise ValueError(
            f"the batch shapes of a mixture's parts must broadcast, and are {logits.shape[:-1]} of the weights and "
            f"{batches} of the components: member i of the batch is a mixture of members i. Insert axes of size 1."
        ) from None


def _hull(supports: list[Any], rank: int) -> Any:
    first = supports[0]
    ends = [bounds(s) for s in supports]
    if any(isinstance(end, jax.core.Tracer) for pair in ends for end in pair):
        return first if len(supports) == 1 else event_constraint(constraints.real, rank)
    if all(type(s) is type(first) and s == first for s in supports[1:]):
        return first
    lower = None if any(low is None for low, _ in ends) else min(float(jnp.min(low)) for low, _ in ends)
    upper = None if any(high is None for _, high in ends) else max(float(jnp.max(high)) for _, high in ends)
    if lower is None and upper is None:
        return event_constraint(constraints.real, rank)
    low, high = (-jnp.inf if lower is None else lower), (jnp.inf if upper is None else upper)
    return event_constraint(between(low, high, closed=True), rank)


def tree_of(mixture: BaseMixture, parts: list[str]) -> str:
    """The mixture as a tree of its parts."""
    held = [f"logits={_describe(mixture.logits)}"] + ["frozen=True"] * mixture.frozen
    lines = [f"{type(mixture).__name__}({', '.join(held)})"]
    for k, part in enumerate(parts):
        last = k == len(parts) - 1
        first, *more = part.splitlines()
        lines += [f"{'└─' if last else '├─'} {first}", *(("   " if last else "│  ") + line for line in more)]
    return "\n".join(lines)
