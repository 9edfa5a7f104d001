"""Distribution and quantile functions of scalar bases, from either tail.

A decreasing map turns the lower tail of the base into the upper one of the result, where 1 - cdf has lost its digits;
for the common bases both tails have forms of their own (`closed_tails`). A quantile function that NumPyro lacks, or
takes from a package that need not be installed, is the numerical inverse of the nearer tail.
"""

from typing import Any

import jax
import jax.numpy as jnp

from ..solvers import invert_monotone
from .closed_tails import CLOSED, Tails
from .foreign import unwrapped
from .support import bounds


def cumulative(base: Any, x: jax.Array) -> jax.Array:
    """P(X <= x)."""
    dist = unwrapped(base)
    if closed := _closed(dist):
        return closed.cdf(dist, x)
    try:
        return dist.cdf(x)
    except NotImplementedError:
        raise NotImplementedError(
            f"expected a base with a distribution function, and {type(dist).__name__} has none in NumPyro. Estimate it "
            "from flow.sample(key, (n,))."
        ) from None


def survival(base: Any, x: jax.Array) -> jax.Array:
    """P(X > x)."""
    dist = unwrapped(base)
    if hasattr(dist, "_survival"):
        return dist._survival(x)
    closed = _closed(dist)
    return closed.survival(dist, x) if closed else 1 - cumulative(dist, x)


def quantile(base: Any, q: jax.Array) -> jax.Array:
    """The x with P(X <= x) = q."""
    dist = unwrapped(base)
    closed = _closed(dist)
    if closed and closed.quantile:
        return closed.quantile(dist, q)
    if not closed:
        try:
            return dist.icdf(q)
        except (NotImplementedError, ImportError):
            pass
    return solved_quantile(dist, q, upper=False)


def survival_quantile(base: Any, q: jax.Array) -> jax.Array:
    """The x with P(X > x) = q."""
    dist = unwrapped(base)
    if hasattr(dist, "_survival_quantile"):
        return dist._survival_quantile(q)
    closed = _closed(dist)
    if closed and closed.survival_quantile:
        return closed.survival_quantile(dist, q)
    return solved_quantile(dist, q, upper=True)


def _closed(dist: Any) -> Tails | None:
    """The exact forms of the class or, where it only renames another (Chi2 is a Gamma), of that one."""
    return next((CLOSED[cls] for cls in type(dist).__mro__ if cls in CLOSED), None)


def solved_quantile(dist: Any, q: jax.Array, upper: bool) -> jax.Array:
    """The x with P(X > x) = q if `upper`, else with P(X <= x) = q, by bracketing within the support.

    Each element solves for the smaller of its two tails, since the other, near 1, is flat to the last digit.
    """
    lower_end, upper_end = bounds(dist.support)
    ends = (-jnp.inf if lower_end is None else lower_end), (jnp.inf if upper_end is None else upper_end)
    from_above = (q < 0.5) if upper else (q > 0.5)
    near = jnp.minimum(q, 1 - q)

    def nearer_tail(x: jax.Array) -> jax.Array:
        return jnp.where(from_above, -survival(dist, x), cumulative(dist, x))

    return invert_monotone(nearer_tail, jnp.where(from_above, -near, near), lower=ends[0], upper=ends[1])
