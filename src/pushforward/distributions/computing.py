"""The computations of a transformed distribution, each one compiled program for a structure and shapes.

Functions of the whole distribution, which is a pytree: called outside `jit` they compile once and are found again;
inside they are inlined.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .._garbage import seldom_collected
from ..bijectors.domains import satisfies
from ..core.shapes import accumulation_dtype, cast_floating
from .checks import check_value, require_monotone
from .foreign import log_prob_of, model_dtype, prepared, refreshed
from .support import bounds, spread
from .tails import cumulative, quantile, survival, survival_quantile


def lifted(flow: Any, base: Any = None) -> Any:
    """The base with the overrides applied and its events of the rank that the bijector needs."""
    base = refreshed(flow.base) if base is None else base
    batch, event = flow.batch_shape_override, flow.event_shape_override
    if event is not None:
        base = base.expand((batch or ()) + event).to_event(len(event))
    elif batch is not None:
        base = base.expand(batch)
    short = flow.bijector.forward_min_event_ndims - base.event_dim
    return base.to_event(short) if short > 0 else base


def shapes(flow: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(batch_shape, event_shape)."""
    base, found = lifted(flow), []

    def trace(bijector: Any) -> None:
        batch = jnp.broadcast_shapes(base.batch_shape, bijector.batch_shape(base.event_shape))
        found.append((batch, tuple(bijector.forward_event_shape(base.event_shape))))

    # Abstractly: finding a shape computes nothing, also where the bijector slices its own arrays on the way.
    eqx.filter_eval_shape(trace, flow.bijector)
    return found[0]


@seldom_collected()
@eqx.filter_jit
def log_prob(flow: Any, value: jax.Array) -> jax.Array:
    """log p(value), -inf outside the support, NaN for NaN."""
    check_value(flow, value.shape)
    events = tuple(range(-flow.event_dim, 0))
    finite = ~jnp.any(jnp.isinf(value), axis=events)
    dtype = accumulation_dtype(value.dtype)
    base = lifted(flow, prepared(flow.base, dtype))

    def of_branch(x: jax.Array, log_det: jax.Array, inside: jax.Array) -> tuple[jax.Array, jax.Array]:
        """What the density has from the points x, and where they are."""
        x, base_inside = _within(base.support, x.astype(dtype), base.event_dim)
        return log_prob_of(base, x) + log_det.astype(dtype), inside & finite & base_inside

    log_prob, inside = _sum_of_branches([of_branch(*branch) for branch in _invert(flow, value)])
    log_prob = jnp.where(inside, log_prob, -jnp.inf)
    return jnp.where(jnp.any(jnp.isnan(value), axis=events), jnp.nan, log_prob)


@seldom_collected()
@eqx.filter_jit
def sample(flow: Any, key: jax.Array, sample_shape: tuple[int, ...]) -> jax.Array:
    """f(x) for draws x of the base."""
    x, _, _ = _noise(flow, key, sample_shape)
    return flow.bijector.forward(x)


@seldom_collected()
@eqx.filter_jit
def sample_and_log_prob(flow: Any, key: jax.Array, sample_shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """f(x) and log p(f(x)) from one forward pass; of a map that is not injective, by way of its branches."""
    if not flow.bijector.is_injective:
        y = sample(flow, key, sample_shape)
        return y, log_prob(flow, y)
    x, base, intermediates = _noise(flow, key, sample_shape)
    y, log_det = flow.bijector.forward_and_log_det(x, base.event_dim)
    x = x.astype(accumulation_dtype(x.dtype))
    of_base = base.log_prob(x, intermediates) if intermediates else log_prob_of(base, x)
    return y, of_base.astype(log_det.dtype) - log_det


@seldom_collected()
@eqx.filter_jit
def cdf(flow: Any, value: jax.Array) -> jax.Array:
    """P(Y <= value) of a monotone scalar map."""
    require_monotone(flow, "cdf")
    return tail(flow, value, upper=False)


@seldom_collected()
@eqx.filter_jit
def survival_function(flow: Any, value: jax.Array) -> jax.Array:
    """P(Y > value) of a monotone scalar map."""
    require_monotone(flow, "survival function")
    return tail(flow, value, upper=True)


@seldom_collected()
@eqx.filter_jit
def icdf(flow: Any, q: jax.Array) -> jax.Array:
    """The y with P(Y <= y) = q of a monotone scalar map."""
    require_monotone(flow, "quantile")
    return from_tail(flow, q, upper=False)


def _invert(flow: Any, value: jax.Array) -> list[tuple[jax.Array, jax.Array, jax.Array]]:
    """(x, log-det of the inverse, whether x is there) of every x with f(x) = value; finite for infinite values too."""
    bijector = spread(cast_floating(flow.bijector, value.dtype))
    return bijector._preimages(jnp.where(jnp.isinf(value), 0, value), flow.event_dim)


def _sum_of_branches(branches: list[tuple[jax.Array, jax.Array]]) -> tuple[jax.Array, jax.Array]:
    """log of the sum of exp(value) over the branches (value, whether it counts), and whether any counts."""
    total, found = branches[0]
    for value, inside in branches[1:]:
        # A value that does not count may be any number, so it is left out before the formula.
        both = found & inside & (jnp.maximum(total, value) > -jnp.inf)
        gap = jnp.where(both, -jnp.abs(total - value), -jnp.inf)
        larger = jnp.where(found & inside, jnp.maximum(total, value), jnp.where(found, total, value))
        total, found = larger + jnp.log1p(jnp.exp(gap)), found | inside
    return total, found


def _within(support: Any, x: jax.Array, rank: int) -> tuple[jax.Array, jax.Array]:
    """x with events outside `support`, or infinite, replaced by a point inside, and which ones were inside."""
    events = tuple(range(-rank, 0))
    inside = satisfies(support, x, rank) & ~jnp.any(jnp.isinf(x), axis=events)
    try:
        feasible = jnp.asarray(support.feasible_like(x), x.dtype)
    except NotImplementedError:  # a constraint that names no point: the base's formula has to bear what comes
        return x, inside
    return jnp.where(jnp.expand_dims(inside, events), x, feasible), inside


def _noise(flow: Any, key: jax.Array, sample_shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Draws of the base for the full batch shape, the base they came from, and what spares it an inversion."""
    # NumPyro draws in the default dtype, so the parameters go there first; the draws go to the dtype of the model.
    base = lifted(flow, prepared(flow.base, jnp.result_type(float))).expand(flow.batch_shape)
    x, intermediates = base.sample_with_intermediates(key, sample_shape)
    dtype = model_dtype(flow)
    return jnp.asarray(x, dtype), cast_floating(base, accumulation_dtype(dtype)), intermediates


def tail(flow: Any, value: jax.Array, upper: bool) -> jax.Array:
    """P(Y > value) if `upper`, else P(Y <= value)."""
    branches = _invert(flow, value)
    inside = branches[0][2]
    base = lifted(flow, prepared(flow.base, value.dtype))

    def of_base(x: jax.Array, upper: bool) -> jax.Array:
        safe, base_inside = _within(base.support, x, 0)
        return jnp.where(base_inside, (survival if upper else cumulative)(base, safe), _beyond(base.support, x, upper))

    if flow.bijector.is_injective:
        result = _by_direction(flow, lambda upper: of_base(branches[0][0], upper), upper)
    else:
        (left, _, _), (right, _, _) = branches
        result = _between(left, right, of_base, upper)
    inside = inside & ~jnp.isinf(value)
    result = jnp.where(inside, result, _beyond(spread(flow.bijector).codomain, value, upper))
    return jnp.where(jnp.isnan(value), jnp.nan, result)


def from_tail(flow: Any, q: jax.Array, upper: bool) -> jax.Array:
    """The y with P(Y > y) = q if `upper`, else with P(Y <= y) = q."""
    base = lifted(flow, prepared(flow.base, q.dtype))

    def of_base(upper: bool) -> jax.Array:
        return (survival_quantile if upper else quantile)(base, q)

    x = _by_direction(flow, of_base, upper)
    x = jnp.broadcast_to(x, jnp.broadcast_shapes(x.shape, q.shape, base.batch_shape))
    return jnp.where((q >= 0) & (q <= 1), flow.bijector.forward(x), jnp.nan)


def _beyond(constraint: Any, value: jax.Array, upper: bool) -> jax.Array:
    """The tail probability at a value outside an interval: 0 or 1, by the side on which it lies."""
    lower, _ = bounds(constraint)
    below = (value == -jnp.inf) if lower is None else value <= lower
    return (below == upper).astype(value.dtype)


def _between(left: jax.Array, right: jax.Array, of_base: Any, upper: bool) -> jax.Array:
    """P(Y > value) if `upper`, else P(Y <= value), of a map that decreases to `left` and increases from `right`.

    The upper tail is the sum of two tails of the base and keeps their digits; the lower one is a difference.
    """
    return of_base(left, False) + of_base(right, True) if upper else of_base(right, False) - of_base(left, False)


def _by_direction(flow: Any, of_base: Any, upper: bool) -> jax.Array:
    """`of_base(upper)` where the map increases, the other tail of the base where it decreases."""
    increasing = flow.bijector.is_increasing
    if isinstance(increasing, bool):
        return of_base(upper == increasing)
    return jnp.where(increasing, of_base(upper), of_base(not upper))
