"""Draws that are as fine in their tails as the floating-point numbers there."""

from typing import Any

import jax
import jax.numpy as jnp


def standard_exponential(key: jax.Array, shape: tuple[int, ...], dtype: Any = None) -> jax.Array:
    """Draws of the exponential distribution, never 0 and never infinite.

    A uniform number from JAX is a multiple of eps: -log of it has a largest value of 16 in float32 and one draw in
    eight million is log 0 or stands in for it, which far out a logarithm or a power of it would show. Here the
    distance from the nearer end of (0, 1) is filled up with bits of a second draw below eps.
    """
    dtype = jnp.result_type(float) if dtype is None else dtype
    eps = jnp.finfo(dtype).eps
    key, key_below = jax.random.split(key)
    u = jax.random.uniform(key, shape, dtype)
    below = jax.random.uniform(key_below, shape, dtype, minval=eps) * eps
    lower = u < 0.5
    distance = jnp.where(lower, u, (1 - u) - eps) + below
    return jnp.where(lower, -jnp.log(distance), -jnp.log1p(-distance))


def standard_gumbel(key: jax.Array, shape: tuple[int, ...], dtype: Any = None) -> jax.Array:
    """Draws of the Gumbel distribution: -log of the exponential."""
    return -jnp.log(standard_exponential(key, shape, dtype))
