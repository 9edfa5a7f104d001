"""`between`: a NumPyro constraint to an interval whose ends may be infinite, some or all, known or traced."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from numpyro.distributions import constraints

from ..core.parameters import known_values


def between(lower: Any, upper: Any, *, closed: bool) -> Any:
    """lower <= x <= upper, or lower < x < upper if not `closed`; ends are infinite where there is none.

    Where it is known which ends are infinite, and they are so in all elements alike, it is the constraint that NumPyro
    has for such a set, so that NumPyro also knows how to sample in it.
    """
    low, high = known_values(lower), known_values(upper)
    no_low = None if low is None else np.isinf(low)
    no_high = None if high is None else np.isinf(high)
    if no_low is None or no_high is None or no_low.any() != no_low.all() or no_high.any() != no_high.all():
        return (_Between if closed else _OpenBetween)(lower, upper)
    if no_low.all() and no_high.all():
        return constraints.real
    if no_high.all():
        return (constraints.greater_than_eq if closed else constraints.greater_than)(lower)
    if no_low.all():
        return (constraints.less_than_eq if closed else constraints.less_than)(upper)
    return (constraints.interval if closed else constraints.open_interval)(lower, upper)


class _Feasible:
    """A point of the set that is finite whichever ends are not."""

    lower_bound: Any
    upper_bound: Any

    def feasible_like(self, prototype: Any) -> Any:
        lower, upper = self.lower_bound, self.upper_bound
        below, above = jnp.isfinite(lower), jnp.isfinite(upper)
        low, high = jnp.where(below, lower, 0), jnp.where(above, upper, 0)
        one_sided = jnp.where(below, low + 1, jnp.where(above, high - 1, 0))
        point = jnp.where(below & above, (low + high) / 2, one_sided)
        return jnp.broadcast_to(point, jnp.broadcast_shapes(point.shape, jnp.shape(prototype)))


class _Between(_Feasible, constraints.interval):
    pass


class _OpenBetween(_Feasible, constraints.open_interval):
    pass
