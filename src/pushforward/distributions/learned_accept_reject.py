"""LearnedAcceptReject: a base from which a network rejects draws (LARS)."""

import operator
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from numpyro.distributions import Distribution

from .._garbage import seldom_collected
from ..core import as_callable, numeric_inputs
from ..core.shapes import accumulation_dtype, cast_floating
from .base import PytreeDistribution
from .checks import as_shape, checked_key
from .foreign import describe, with_array_leaves
from .own import own


class LearnedAcceptReject(PytreeDistribution):
    """Draws of `base`, each kept with probability a(x) = 1 / (1 + exp(-acceptance(x))), the T-th in any case.

    log p(x) = log base(x) + log((1 - α) a(x) / Z + α),    Z = E_base[a(x)],    α = (1 - Z)^(T - 1).

    a(x) carves modes and holes out of a simple base, so that a flow on it need not tear. Z is the mean of a over
    `num_samples` draws of the base with a fixed key: log p is a deterministic function, and its integral is 1 up to
    `normalizer_error()`, about std(a) / (Z sqrt(num_samples)). The acceptance trains, and the base does if it is of
    this package, by themselves or as the base of a flow with `train_base=True`. A draw takes at most T rounds; how
    often to expect a rejection is 1 - Z.

    Args:
        base: a distribution with batch shape () whose log-density is known.
        acceptance: x of shape [... | event] to one number, shape [...] or [..., 1]: the logit of a(x). A network
            (`pushforward.nets.MLP(D, 1, key=key)`), or any function.
        truncation: T >= 2.
        num_samples: draws for Z, at each evaluation of a density. `with_num_samples` changes it after training.
        key: of these draws; default: a fixed one.

    Raises:
        TypeError: if `base` is no distribution.
        ValueError: if it is discrete or has batch axes, T < 2, or num_samples < 1.

    Reference: Bauer and Mnih 2019, "Resampled priors for variational autoencoders", eqs. 5 to 8; as bases of flows:
        Stimper, Schölkopf and Hernández-Lobato 2022.
    """

    pytree_data_fields = ("base", "acceptance", "key")
    pytree_aux_fields = ("truncation", "num_samples", "frozen")

    def __init__(
        self,
        base: Distribution,
        acceptance: Callable[[jax.Array], jax.Array],
        truncation: int = 100,
        *,
        num_samples: int = 1024,
        key: jax.Array | None = None,
    ):
        if not isinstance(base, Distribution):
            raise TypeError(
                f"LearnedAcceptReject expects a distribution first, and got {type(base).__name__}; the arguments are "
                "(base, acceptance, truncation)."
            )
        if base.support.is_discrete or base.batch_shape:
            raise ValueError(
                "LearnedAcceptReject expects a base with a density and without batch axes, and got "
                f"{type(base).__name__} with batch shape {base.batch_shape}: Z is one number. Make the batch part of "
                "the event with .to_event(...)."
            )
        self.truncation, self.num_samples = operator.index(truncation), operator.index(num_samples)
        if self.truncation < 2 or self.num_samples < 1:
            raise ValueError(
                f"LearnedAcceptReject expects truncation >= 2 and num_samples >= 1, and got {truncation} and "
                f"{num_samples}: with one round every draw is kept, and Z is a mean over draws. Give a larger number."
            )
        self.base = base
        self.acceptance = as_callable(acceptance)
        self.key = jax.random.key(0) if key is None else checked_key(key)
        self.frozen = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """That of the base."""
        return tuple(self.base.event_shape)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Always ()."""
        return ()

    @property
    def support(self) -> Any:
        """That of the base."""
        return self.base.support

    @property
    def has_rsample(self) -> bool:
        """False: whether a draw is kept has no derivative."""
        return False

    def with_num_samples(self, num_samples: int, key: jax.Array | None = None) -> "LearnedAcceptReject":
        """A copy whose Z is a mean over so many draws, by another key if given: after training, more of them."""
        new = LearnedAcceptReject(
            self.base, self.acceptance, self.truncation, num_samples=num_samples, key=self.key if key is None else key
        )
        return new._with_frozen(self.frozen)

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape [sample_shape | event_shape]. All are proposed anew until the last is kept."""
        return _sample(with_array_leaves(self), checked_key(key), as_shape(sample_shape))

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log p(value) of shape [sample axes]; -inf outside the support, NaN for NaN."""
        held = with_array_leaves(self)
        return _log_prob(held, numeric_inputs(value, held))

    def log_normalizer(self) -> jax.Array:
        """log Z, the logarithm of the share of draws of the base that are kept, from `num_samples` of them."""
        return _log_normaliser(with_array_leaves(self), jnp.result_type(float))[0]

    def normalizer_error(self) -> jax.Array:
        """The relative standard error of Z, and so of the integral of the density."""
        return _normaliser_error(with_array_leaves(self))

    def _trainable(self, trainable: Any, all_false: Any) -> Any:
        children, static = self.tree_flatten()
        return self.tree_unflatten(static, [(all_false if self.frozen else trainable)(child) for child in children])

    def __repr__(self) -> str:
        held = f"truncation={self.truncation}, num_samples={self.num_samples}{', frozen=True' * self.frozen}"
        base, *more_base = describe(self.base).splitlines()
        first, *more = repr(self.acceptance).splitlines()
        lines = [f"LearnedAcceptReject({held})", f"├─ base: {base}", *("│  " + line for line in more_base)]
        return "\n".join([*lines, f"└─ acceptance: {first}", *("   " + line for line in more)])


def _logit(dist: LearnedAcceptReject, x: jax.Array) -> jax.Array:
    """acceptance(x), of shape [sample axes]."""
    logit = cast_floating(dist.acceptance, x.dtype)(x)
    shape = x.shape[: x.ndim - len(dist.event_shape)]
    if logit.shape not in (shape, (*shape, 1)):
        raise ValueError(
            f"acceptance: expected one number for each event, shape {shape}, and got {logit.shape} for x of shape "
            f"{x.shape}: it is the logit of the probability to keep x. Let the network have one output."
        )
    return jnp.reshape(logit, shape)


def _log_normaliser(dist: LearnedAcceptReject, dtype: Any) -> tuple[jax.Array, jax.Array, jax.Array]:
    """(log Z, log(1 - Z), the draws' a(x))."""
    draws = own(dist.base).sample(dist.key, (dist.num_samples,)).astype(dtype)
    logit = _logit(dist, draws)
    log_n = jnp.log(jnp.asarray(dist.num_samples, logit.dtype))
    kept = jax.nn.logsumexp(jax.nn.log_sigmoid(logit)) - log_n
    return kept, jax.nn.logsumexp(jax.nn.log_sigmoid(-logit)) - log_n, jax.nn.sigmoid(logit)


@seldom_collected()
@eqx.filter_jit
def _normaliser_error(dist: LearnedAcceptReject) -> jax.Array:
    log_z, _, accepted = _log_normaliser(dist, jnp.result_type(float))
    return jnp.std(accepted) * jnp.exp(-log_z) / dist.num_samples**0.5


@seldom_collected()
@eqx.filter_jit
def _log_prob(dist: LearnedAcceptReject, value: jax.Array) -> jax.Array:
    log_base = own(dist.base).log_prob(value)
    inside = log_base > -jnp.inf
    dtype = accumulation_dtype(value.dtype)
    events = tuple(range(value.ndim - len(dist.event_shape), value.ndim))
    usable = inside & jnp.all(jnp.isfinite(value), axis=events)
    logit = _logit(dist, jnp.where(jnp.expand_dims(usable, events), value, 0).astype(dtype))
    log_z, log_rest, _ = _log_normaliser(dist, dtype)
    log_alpha = (dist.truncation - 1) * log_rest
    log_share = jnp.log(-jnp.expm1(log_alpha)) + jax.nn.log_sigmoid(logit) - log_z
    return log_base + jnp.where(usable, jnp.logaddexp(log_share, log_alpha), 0).astype(log_base.dtype)


@seldom_collected()
@eqx.filter_jit
def _sample(dist: LearnedAcceptReject, key: jax.Array, sample_shape: tuple[int, ...]) -> jax.Array:
    base, rank = own(dist.base), len(dist.event_shape)

    def propose(round_: jax.Array) -> tuple[jax.Array, jax.Array]:
        key_x, key_u = jax.random.split(jax.random.fold_in(key, round_))
        x = base.sample(key_x, sample_shape)
        u = jax.random.uniform(key_u, sample_shape, x.dtype)
        return x, (u < jax.nn.sigmoid(_logit(dist, x))) | (round_ == dist.truncation - 1)

    def again(state: Any) -> Any:
        round_, x, done = state
        new, kept = propose(round_)
        take = jnp.reshape(kept & ~done, sample_shape + (1,) * rank)
        return round_ + 1, jnp.where(take, new, x), done | kept

    first, kept = propose(jnp.asarray(0))
    _, x, _ = lax.while_loop(lambda s: ~jnp.all(s[2]) & (s[0] < dist.truncation), again, (jnp.asarray(1), first, kept))
    return x
