"""One step t -> t + outer tanh(inner t + offset) with outer * inner > -1: what planar and Sylvester layers are made of.

The step increases because its slope is 1 + outer * inner * sech^2, and sech^2 <= 1. Products that may be anything go
above -1 through

    m(x) = x for x >= 0,   x / (1 - x) for x < 0

which increases, is smooth to first order, has m(0) = 0 and a range of (-1, infinity). What Rezende & Mohamed (2015)
take, -1 + log(1 + exp(x)), has the same range; m leaves x >= 0 as it is, in particular the identity at 0, and takes no
exponential, so that 1 + m does not round to 0.
"""

import jax
import jax.numpy as jnp

from ..solvers import invert_monotone


def above_minus_one(x: jax.Array) -> jax.Array:
    """m(x)."""
    return x / shrinkage(x)


def from_above_minus_one(m: jax.Array) -> jax.Array:
    """The x with m(x) = m > -1."""
    return m / (1 + jnp.minimum(m, 0))


def one_plus(x: jax.Array) -> jax.Array:
    """1 + m(x), without cancellation."""
    return (1 + jnp.maximum(x, 0)) / shrinkage(x)


def shrinkage(x: jax.Array) -> jax.Array:
    """x / m(x)."""
    return 1 + jnp.maximum(-x, 0)


def log_slope(a: jax.Array, x: jax.Array) -> jax.Array:
    """log(1 + m(x) sech(a)^2), the log-slope of a step where the tanh is taken of a.

    With e = exp(-2 |a|), sech^2 = 4 e / (1 + e)^2. Where the sum cancels it is tanh^2 + (1 + m) sech^2.
    """
    e, t = jnp.exp(-2 * jnp.abs(a)), -jnp.expm1(-2 * jnp.abs(a))
    over = 1 / ((1 + e) * (1 + e))
    added = above_minus_one(x) * 4 * e * over
    plain = added > -0.5
    whole = jnp.where(plain, 1, (t * t + 4 * e * one_plus(x)) * over)
    return jnp.where(plain, jnp.log1p(jnp.where(plain, added, 0)), jnp.log(whole))


def solve_step(target: jax.Array, outer: jax.Array, inner: jax.Array, offset: jax.Array) -> jax.Array:
    """The t with t + outer tanh(inner t + offset) = target, within |outer| of it; derivatives are implicit."""
    reach = jnp.abs(outer)

    def slope(t: jax.Array) -> jax.Array:
        value = jnp.tanh(inner * t + offset)
        return 1 + outer * inner * (1 - value * value)

    return invert_monotone(
        lambda t: t + outer * jnp.tanh(inner * t + offset),
        target,
        lower=target - reach,
        upper=target + reach,
        slope=slope,
    )
