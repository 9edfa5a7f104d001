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
from .checks import check_value
from .foreign import model_dtype, prepared, refreshed
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
    rank = flow.event_dim
    events, extra = tuple(range(-rank, 0)), tuple(range(flow.bijector.inverse_min_event_ndims - rank, 0))
    x, log_det, inside = _invert(flow, value)
    log_det, inside = jnp.sum(log_det, axis=extra), jnp.all(inside, axis=extra)
    inside = inside & ~jnp.any(jnp.isinf(value), axis=events)

    x = x.astype(accumulation_dtype(x.dtype))
    base = lifted(flow, prepared(flow.base, x.dtype))
    x, base_inside = _within(base.support, x, base.event_dim)
    log_prob = base.log_prob(x) + log_det.astype(x.dtype)
    log_prob = jnp.where(inside & base_inside, log_prob, -jnp.inf)
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
    """f(x) and log p(f(x)) from one forward pass."""
    x, base, intermediates = _noise(flow, key, sample_shape)
    y, log_det = flow.bijector.forward_and_log_det(x, base.event_dim)
    x = x.astype(accumulation_dtype(x.dtype))
    log_prob = base.log_prob(x, intermediates) if intermediates else base.log_prob(x)
    return y, log_prob.astype(log_det.dtype) - log_det


@seldom_collected()
@eqx.filter_jit
def cdf(flow: Any, value: jax.Array) -> jax.Array:
    """P(Y <= value) of a monotone scalar map."""
    return tail(flow, value, upper=False)


@seldom_collected()
@eqx.filter_jit
def survival_function(flow: Any, value: jax.Array) -> jax.Array:
    """P(Y > value) of a monotone scalar map."""
    return tail(flow, value, upper=True)


@seldom_collected()
@eqx.filter_jit
def icdf(flow: Any, q: jax.Array) -> jax.Array:
    """The y with P(Y <= y) = q of a monotone scalar map."""
    return from_tail(flow, q, upper=False)


def _invert(flow: Any, value: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """x = f^-1(value), its log-det, and whether value is in the codomain; finite for infinite values too."""
    bijector = spread(cast_floating(flow.bijector, value.dtype))
    return bijector._inverse_within(jnp.where(jnp.isinf(value), 0, value))


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
    x, _, inside = _invert(flow, value)
    base = lifted(flow, prepared(flow.base, x.dtype))
    safe, base_inside = _within(base.support, x, 0)

    def of_base(upper: bool) -> jax.Array:
        return jnp.where(base_inside, (survival if upper else cumulative)(base, safe), _beyond(base.support, x, upper))

    result = _by_direction(flow, of_base, upper)
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


def _by_direction(flow: Any, of_base: Any, upper: bool) -> jax.Array:
    """`of_base(upper)` where the map increases, the other tail of the base where it decreases."""
    increasing = flow.bijector.is_increasing
    if isinstance(increasing, bool):
        return of_base(upper == increasing)
    return jnp.where(increasing, of_base(upper), of_base(not upper))
