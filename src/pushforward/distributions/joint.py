"""Marginals and conditionals of some coordinates of a joint density, by importance sampling.

    flow.marginal([0, 2])                 p(x_0, x_2): samples are exact, densities estimated
    flow.conditional({1: 0.5})            p(x_0, x_2 | x_1 = 0.5)

A flow gives p(x) of whole rows. With A the coordinates that are given and B the others,

    p(x_A) = ∫ p(x_A, x_B) dx_B,        p(x_B | x_A) = p(x_A, x_B) / p(x_A),

and the integral is found by `adaptive`: draws of the flow near x_A, moved onto it, say where in x_B the mass lies; a
mixture around them is adapted to the joint density and its last draws are weighted. Every number that rests on these
draws comes with its standard error, and `effective_sample_size` says how many of them count. Errors are told from the
draws themselves, so where these miss a part of the mass, as they may with more than about ten columns to integrate
over, errors are too small. The draws are made once, with a key, so that an object answers every question from the same
draws.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpyro.distributions import constraints

from ..core import numeric_inputs
from ..core.compiling import RUNS_ONCE, compiled
from .adaptive import Weighted, effective_size, log_proposal, propose, weighted_draws
from .base import PytreeDistribution
from .checks import as_shape, checked_key
from .estimate import Estimate, log_mean_weight, weighted_mean
from .foreign import with_array_leaves
from .support import event_constraint

_PILOT = 8192
_NEIGHBOURS = 256
_REFRESHING_STEPS = 8


class Marginal(PytreeDistribution):
    """p(x_A) = ∫ p(x_A, x_B) dx_B: some coordinates of a joint distribution, in the order asked for.

    Args:
        joint: a distribution with event shape (D,) and batch shape ().
        columns: the coordinates A, different integers; negative ones count from the end.
        key: of the draws behind `log_prob`.
        num_samples: weighted draws for each point where a density is asked for.

    Raises:
        ValueError: for another shape, or columns that do not exist or come twice.
    """

    pytree_data_fields = ("joint", "key")
    pytree_aux_fields = ("columns", "num_samples", "frozen")

    def __init__(self, joint: Any, columns: Sequence[int], *, key: jax.Array | None = None, num_samples: int = 1024):
        _check_joint(joint, "marginal")
        self.joint = joint
        self.columns = _columns(columns, joint.event_shape[0], "marginal")
        self.key = jax.random.key(0) if key is None else checked_key(key)
        self.num_samples = _at_least(num_samples, 2, "num_samples")
        self.frozen = True

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The number of coordinates kept."""
        return (len(self.columns),)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Always ()."""
        return ()

    @property
    def support(self) -> Any:
        """Real vectors; where the density vanishes, `log_prob` says."""
        return event_constraint(constraints.real, 1)

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Exact draws: the coordinates of draws of the joint distribution."""
        return self.joint.sample(key, as_shape(sample_shape))[..., np.asarray(self.columns)]

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """The estimate of log p(x_A), in nats, shape [sample axes]; its error: `estimate_log_prob`."""
        return self.estimate_log_prob(value).value

    def estimate_log_prob(self, value: Any) -> Estimate:
        """log p(x_A) with its standard error, both of shape [sample axes].

        Args:
            value: x_A of shape [sample axes | number of columns].
        """
        joint = with_array_leaves(self.joint)
        value = numeric_inputs(value, joint)
        if value.shape[-1:] != self.event_shape:
            raise ValueError(
                f"marginal: expected values of shape [..., {len(self.columns)}], one number for each of the columns "
                f"{self.columns}, and got {value.shape}"
            )
        if len(self.columns) == joint.event_shape[0]:
            whole = joint.log_prob(value[..., np.argsort(self.columns)])
            return Estimate(whole, jnp.zeros_like(whole))
        rows = value.reshape(-1, value.shape[-1])
        found = _marginal_log_prob(joint, self.key, rows, self.columns, self.num_samples)
        return Estimate(*(part.reshape(value.shape[:-1]) for part in found))

    def __repr__(self) -> str:
        return f"Marginal of columns {self.columns} of\n{self.joint!r}"


class Conditional(PytreeDistribution):
    """p(x_B | x_A = a) = p(a, x_B) / p(a): the other coordinates of a joint distribution, in their order.

    Args:
        joint: a distribution with event shape (D,) and batch shape ().
        given: column -> its value; negative columns count from the end.
        key: of the draws.
        num_samples: weighted draws behind everything that this object tells.

    Attributes:
        log_normalizer: log p(a), an `Estimate`: the marginal density of what is given, and the error of `log_prob`.
        effective_sample_size: how many of the draws count; below a hundred, distrust what rests on them.

    Raises:
        ValueError: for another shape, columns that do not exist, nothing or everything given, values that are not
            finite numbers, or a joint density that no draw finds positive at what is given.
    """

    pytree_data_fields = ("joint", "values", "draws")
    pytree_aux_fields = ("columns", "frozen")

    def __init__(self, joint: Any, given: Mapping[int, Any], *, key: jax.Array | None = None, num_samples: int = 8192):
        _check_joint(joint, "conditional")
        size = joint.event_shape[0]
        if not isinstance(given, Mapping):
            raise TypeError(
                f"conditional: expected a mapping from columns to values, such as {{0: 1.5}}, and got {given!r}"
            )
        self.columns = _columns(list(given), size, "conditional")
        if len(self.columns) == size:
            raise ValueError("conditional: every column is given, and none is left to have a distribution")
        values = np.asarray([float(v) for v in given.values()])
        if not np.all(np.isfinite(values)):
            raise ValueError(f"conditional: expected finite numbers, and got {dict(given)}; leave unknown columns out")
        joint = with_array_leaves(joint)
        self.joint = joint
        self.values = numeric_inputs(values.astype(np.float32), joint)
        key = jax.random.key(0) if key is None else checked_key(key)
        num_samples = _at_least(num_samples, 64, "num_samples")
        self.draws = _conditional_draws(joint, key, self.values, self.columns, num_samples)
        self.frozen = True
        if not bool(jnp.any(jnp.isfinite(self.draws.log_weights))):
            raise ValueError(
                f"conditional: the joint density is zero at every draw with {dict(given)}; such rows do not occur. "
                "Look at the support of the distribution"
            )

    @property
    def free(self) -> tuple[int, ...]:
        """The columns that are left, in order."""
        return _rest(self.columns, self.joint.event_shape[0])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The number of columns left."""
        return (len(self.free),)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Always ()."""
        return ()

    @property
    def support(self) -> Any:
        """Real vectors; where the density vanishes, `log_prob` says."""
        return event_constraint(constraints.real, 1)

    @property
    def log_normalizer(self) -> Estimate:
        """log p(x_A = a) in nats."""
        return log_mean_weight(self.draws.log_weights)

    @property
    def effective_sample_size(self) -> float:
        """(sum w)^2 / sum w^2 of the weights of the draws."""
        return float(effective_size(self.draws.log_weights))

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log p(x_B | a) in nats, shape [sample axes]; its error is that of `log_normalizer`, the same everywhere."""
        value = numeric_inputs(value, self.joint)
        if value.shape[-1:] != self.event_shape:
            raise ValueError(
                f"conditional: expected values of shape [..., {len(self.free)}], one number for each of the columns "
                f"{self.free}, and got {value.shape}"
            )
        whole = _assembled(value, self.values, self.columns)
        return self.joint.log_prob(whole) - self.log_normalizer.value

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of x_B, shape [sample_shape | columns left].

        Weighted draws are picked by their weights and moved by a few Metropolis steps with the proposal they came from
        (Gilks and Berzuini 2001), so that few come twice; exact as the number of weighted draws grows.
        """
        shape = as_shape(sample_shape)
        count = int(np.prod(shape, dtype=int))
        drawn = _resample_move(self.joint, checked_key(key), self.values, self.draws, self.columns, count)
        return drawn.reshape(*shape, -1)

    def expectation(self, fn: Callable[[jax.Array], jax.Array]) -> Estimate:
        """E[fn(x_B) | a] with its standard error; `fn` takes the draws, (N, columns left), and gives (N, ...)."""
        return weighted_mean(fn(self.draws.points), self.draws.log_weights)

    @property
    def mean(self) -> jax.Array:
        """E[x_B | a]; with its error: `expectation(lambda x: x)`."""
        return self.expectation(lambda x: x).value

    @property
    def variance(self) -> jax.Array:
        """The variance of each column left."""
        middle = self.mean
        return self.expectation(lambda x: (x - middle) ** 2).value

    def quantile(self, q: Any) -> Estimate:
        """Of each column left, the number below which a share q lies, with its error, shape [q axes | columns left].

        The error is half the distance of the quantiles at q ± the standard error of the share.
        """
        q = jnp.asarray(q, self.values.dtype)
        if not bool(jnp.all((q >= 0) & (q <= 1))):
            raise ValueError(f"conditional: expected shares q in [0, 1], and got {q}")
        size = effective_size(self.draws.log_weights)
        error = jnp.sqrt(q * (1 - q) / size)
        low, value, high = (_weighted_quantile(self.draws, jnp.clip(q + sign * error, 0, 1)) for sign in (-1, 0, 1))
        return Estimate(value, (high - low) / 2)

    def __repr__(self) -> str:
        given = ", ".join(f"{c}: {float(v):.6g}" for c, v in zip(self.columns, self.values, strict=True))
        return f"Conditional of columns {self.free} given {{{given}}} of\n{self.joint!r}"


# ------------------------------------------------------------------------------------------- computations


@compiled(RUNS_ONCE, static_argnames=("columns", "count"))
def _conditional_draws(joint: Any, key: jax.Array, values: jax.Array, columns: tuple[int, ...], count: int) -> Weighted:
    pilot_key, key = jax.random.split(key)
    pilot = joint.sample(pilot_key, (_PILOT,))
    return _draws_given(joint, key, pilot, values, columns, count)


@compiled(RUNS_ONCE, static_argnames=("columns", "count"))
def _marginal_log_prob(joint: Any, key: jax.Array, rows: jax.Array, columns: tuple[int, ...], count: int) -> Estimate:
    pilot_key, key = jax.random.split(key)
    pilot = joint.sample(pilot_key, (_PILOT,))

    def one(row: tuple[jax.Array, jax.Array]) -> Estimate:
        number, values = row
        known = jnp.where(jnp.isfinite(values), values, 0)
        draws = _draws_given(joint, jax.random.fold_in(key, number), pilot, known, columns, count, rounds=2, kernels=64)
        found = log_mean_weight(draws.log_weights)
        nan, infinite = jnp.any(jnp.isnan(values)), jnp.any(jnp.isinf(values))
        value = jnp.where(nan, jnp.nan, jnp.where(infinite, -jnp.inf, found.value))
        return Estimate(value, jnp.where(nan, jnp.nan, jnp.where(infinite, 0, found.standard_error)))

    return jax.lax.map(one, (jnp.arange(len(rows)), rows), batch_size=8)


def _draws_given(
    joint: Any,
    key: jax.Array,
    pilot: jax.Array,
    values: jax.Array,
    columns: tuple[int, ...],
    count: int,
    **options: int,
) -> Weighted:
    """Weighted draws of x_B for x_A = values, from a start among draws of the joint distribution."""
    at, free = np.asarray(columns), np.asarray(_rest(columns, pilot.shape[1]))
    scale = jnp.std(pilot[:, at], 0) + 1e-12
    offset = (pilot[:, at] - values) / scale
    distance = jnp.sum(offset**2, 1)
    distance = jnp.where(jnp.isfinite(distance), distance, jnp.inf)
    near = jax.lax.top_k(-distance, _NEIGHBOURS)[1]
    offset, others = offset[near], pilot[near][:, free]
    weights = 1 - 0.99 * distance[near] / distance[near[-1]]
    start = others - _slope(offset, others, weights, offset)

    def log_density(x: jax.Array) -> jax.Array:
        return joint.log_prob(_assembled(x, values, columns))

    return weighted_draws(key, log_density, start, weights, draws=count, **options)


def _slope(offset: jax.Array, others: jax.Array, weights: jax.Array, at: jax.Array) -> jax.Array:
    """What a weighted ridge regression of x_B on the distance from x_A says of `at` (Beaumont et al. 2002)."""
    w = weights[:, None] / jnp.sum(weights)
    a, b = offset - jnp.sum(w * offset, 0), others - jnp.sum(w * others, 0)
    gram, moment = (jnp.matmul((w * a).T, c, precision=lax.Precision.HIGHEST) for c in (a, b))
    ridge = 1e-3 * jnp.trace(gram) / len(gram) + 1e-12
    slope = jnp.linalg.solve(gram + ridge * jnp.eye(len(gram), dtype=gram.dtype), moment)
    return jnp.matmul(at, slope, precision=lax.Precision.HIGHEST)


@compiled(RUNS_ONCE, static_argnames=("columns", "count"))
def _resample_move(
    joint: Any, key: jax.Array, values: jax.Array, draws: Weighted, columns: tuple[int, ...], count: int
) -> jax.Array:
    pick_key, key = jax.random.split(key)
    picked = jax.random.categorical(pick_key, draws.log_weights, shape=(count,))

    def move(state: tuple[jax.Array, jax.Array], key: jax.Array) -> tuple[Any, None]:
        x, log_weight = state
        propose_key, accept_key = jax.random.split(key)
        new = propose(propose_key, draws.proposal, count)
        log_p = joint.log_prob(_assembled(new, values, columns))
        new_weight = jnp.where(jnp.isnan(log_p), -jnp.inf, log_p) - log_proposal(draws.proposal, new)
        accept = jnp.log(jax.random.uniform(accept_key, (count,), x.dtype)) < new_weight - log_weight
        return (jnp.where(accept[:, None], new, x), jnp.where(accept, new_weight, log_weight)), None

    start = draws.points[picked], draws.log_weights[picked]
    return jax.lax.scan(move, start, jax.random.split(key, _REFRESHING_STEPS))[0][0]


@jax.jit
def _weighted_quantile(draws: Weighted, q: jax.Array) -> jax.Array:
    share = jax.nn.softmax(draws.log_weights)

    def of_column(x: jax.Array) -> jax.Array:
        order = jnp.argsort(x)
        below = jnp.cumsum(share[order]) - share[order] / 2
        return jnp.interp(q, below, x[order])

    return jax.vmap(of_column, in_axes=1, out_axes=-1)(draws.points)


def _assembled(free: jax.Array, values: jax.Array, columns: tuple[int, ...]) -> jax.Array:
    """Rows with x_B = free (..., |B|) and x_A = values (|A|,)."""
    size = free.shape[-1] + len(columns)
    order = np.argsort([*_rest(columns, size), *columns])
    given = jnp.broadcast_to(values.astype(free.dtype), (*free.shape[:-1], len(columns)))
    return jnp.concatenate([free, given], axis=-1)[..., order]


# -------------------------------------------------------------------------------------------------- checks


def _rest(columns: Sequence[int], size: int) -> tuple[int, ...]:
    return tuple(k for k in range(size) if k not in columns)


def _check_joint(joint: Any, who: str) -> None:
    if len(joint.event_shape) != 1 or tuple(joint.batch_shape) != ():
        raise ValueError(
            f"{who}: expected one distribution on vectors, and got event_shape={tuple(joint.event_shape)}, "
            f"batch_shape={tuple(joint.batch_shape)}; of a conditional flow, bind one condition first: flow(c)"
        )
    if getattr(joint.support, "is_discrete", False):
        raise ValueError(f"{who}: expected a density, and got a {type(joint).__name__}, whose values are whole numbers")


def _columns(columns: Sequence[int], size: int, who: str) -> tuple[int, ...]:
    try:
        given = [operator.index(c) for c in columns]
    except TypeError:
        raise TypeError(f"{who}: expected columns as integers, and got {columns!r}; they are places in a row") from None
    places = tuple(c + size if c < 0 else c for c in given)
    if not places or len(set(places)) < len(places) or not all(0 <= c < size for c in places):
        raise ValueError(
            f"{who}: expected at least one column, each once, out of 0 to {size - 1}, and got {given}; rows have "
            f"{size} numbers"
        )
    return places


def _at_least(number: int, least: int, name: str) -> int:
    if operator.index(number) < least:
        raise ValueError(f"{name}: expected at least {least}, and got {number}; errors are told from that many draws")
    return int(number)
