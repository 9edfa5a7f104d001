"""What NumPyro's constraints say of the values of a bijector: its domain and codomain."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints


def satisfies(constraint: Any, value: Any, event_ndims: Any) -> Any:
    """Whether each event of rank `event_ndims` lies in `constraint` (NaN counts as inside); True if it always does.

    Of an event that is a pytree: whether all of its parts do.
    """
    if not isinstance(event_ndims, int):
        sets = by_part(constraint, event_ndims)
        found = jax.tree.map(lambda n, one, part: satisfies(one, part, n), event_ndims, sets, value)
        known = [inside for inside in jax.tree.leaves(found) if inside is not True]
        result = known[0] if known else True
        for inside in known[1:]:
            result = result & inside
        return result
    if is_real(constraint):
        return True
    if value.size == 0:
        # NumPyro's constraints of matrices reshape to -1, which has no answer for an empty batch.
        return jnp.ones(value.shape[: value.ndim - event_ndims], bool)
    inside = constraint(value)
    nan = jnp.isnan(value)
    if constraint.event_dim:
        nan = jnp.any(nan, axis=tuple(range(-constraint.event_dim, 0)))
    inside = inside | nan
    rest = event_ndims - constraint.event_dim
    return jnp.all(inside, axis=tuple(range(-rest, 0))) if rest > 0 else inside


def by_part(constraint: Any, event_ndims: Any) -> Any:
    """A constraint for each part of an event, from a pytree of constraints that may be shallower."""
    return _below(lambda one, part: jax.tree.map(lambda _: one, part), constraint, event_ndims)


def feasible_like(constraint: Any, value: Any) -> Any:
    """A point of the constraint for each event of `value`, an array or a pytree of them."""

    def point(one: Any, part: jax.Array) -> jax.Array:
        # NumPyro's points have no more axes than their prototype, and bounds may have.
        shape = jnp.broadcast_shapes(jnp.shape(part), *map(jnp.shape, constraint_bounds(one)))
        return one.feasible_like(jnp.broadcast_to(part, shape))

    return _below(lambda one, part: jax.tree.map(lambda a: point(one, a), part), constraint, value)


def _below(fn: Any, constraint: Any, event: Any) -> Any:
    """`fn(constraint, part of the event)` for each constraint of a pytree, which may be shallower than the event."""
    # NumPyro's constraints are pytrees themselves, and leaves here.
    return jax.tree.map(fn, constraint, event, is_leaf=lambda node: isinstance(node, constraints.Constraint))


def is_real(constraint: Any) -> bool:
    """Whether a constraint is `real` or independent copies of it."""
    while isinstance(constraint, constraints.independent):
        constraint = constraint.base_constraint
    return type(constraint) is type(constraints.real)


def constraint_bounds(constraint: Any) -> tuple[Any, Any]:
    """(lower, upper) of a NumPyro constraint on a scalar; infinite where open."""
    while isinstance(constraint, constraints.independent):
        constraint = constraint.base_constraint
    return getattr(constraint, "lower_bound", -jnp.inf), getattr(constraint, "upper_bound", jnp.inf)
