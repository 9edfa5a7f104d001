"""What NumPyro's constraints say of the values of a bijector: its domain and codomain."""

from typing import Any

import jax.numpy as jnp
from numpyro.distributions import constraints


def satisfies(constraint: Any, value: Any, event_ndims: Any) -> Any:
    """Whether each event of rank `event_ndims` lies in `constraint` (NaN counts as inside); True if it always does."""
    if is_real(constraint) or not isinstance(event_ndims, int):
        return True
    inside = constraint(value)
    nan = jnp.isnan(value)
    if constraint.event_dim:
        nan = jnp.any(nan, axis=tuple(range(-constraint.event_dim, 0)))
    inside = inside | nan
    rest = event_ndims - constraint.event_dim
    return jnp.all(inside, axis=tuple(range(-rest, 0))) if rest > 0 else inside


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
