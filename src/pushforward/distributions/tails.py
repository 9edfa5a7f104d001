"""Distribution and quantile functions of scalar bases, from either tail.

A decreasing map turns the lower tail of the base into the upper one of the result, where 1 - cdf has lost its digits;
for the common bases the upper tail has a form of its own. A quantile function that NumPyro lacks (of a mixture) or
takes from a package that need not be installed is the numerical inverse of the distribution function.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from numpyro import distributions as numpyro_distributions

from ..solvers import invert_monotone
from .foreign import unwrapped
from .support import bounds

_SYMMETRIC = tuple(
    getattr(numpyro_distributions, name) for name in ("Normal", "Logistic", "Cauchy", "Laplace", "StudentT")
)
_EXPONENTIAL, _UNIFORM = numpyro_distributions.Exponential, numpyro_distributions.Uniform
# Their icdf imports TensorFlow Probability.
_SOLVED = (numpyro_distributions.Beta, numpyro_distributions.Gamma, numpyro_distributions.StudentT)


def cumulative(base: Any, x: jax.Array) -> jax.Array:
    """P(X <= x)."""
    dist = unwrapped(base)
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
    if type(dist) in _SYMMETRIC:
        return dist.cdf(2 * dist.loc - x)
    if type(dist) is _EXPONENTIAL:
        return jnp.exp(-dist.rate * x)
    if type(dist) is _UNIFORM:
        return jnp.clip((dist.high - x) / (dist.high - dist.low), 0, 1)
    return 1 - cumulative(dist, x)


def quantile(base: Any, q: jax.Array) -> jax.Array:
    """The x with P(X <= x) = q."""
    dist = unwrapped(base)
    if not isinstance(dist, _SOLVED):
        try:
            return dist.icdf(q)
        except (NotImplementedError, ImportError):
            pass
    return _solve(dist, lambda x: cumulative(dist, x), q, increasing=True)


def survival_quantile(base: Any, q: jax.Array) -> jax.Array:
    """The x with P(X > x) = q."""
    dist = unwrapped(base)
    if hasattr(dist, "_survival_quantile"):
        return dist._survival_quantile(q)
    if type(dist) in _SYMMETRIC:
        return 2 * dist.loc - quantile(dist, q)
    if type(dist) is _EXPONENTIAL:
        return -jnp.log(q) / dist.rate
    if type(dist) is _UNIFORM:
        return dist.high - q * (dist.high - dist.low)
    return _solve(dist, lambda x: survival(dist, x), q, increasing=False)


def _solve(dist: Any, fn: Callable[[jax.Array], jax.Array], q: jax.Array, increasing: bool) -> jax.Array:
    lower, upper = bounds(dist.support)
    ends = (-jnp.inf if lower is None else lower), (jnp.inf if upper is None else upper)
    return invert_monotone(fn, q, lower=ends[0], upper=ends[1], increasing=increasing)
