"""Arrays that the compiler computes once rather than again for each use."""

import jax
import jax.numpy as jnp


def kept(a: jax.Array, number: jax.Array) -> jax.Array:
    """`a`, as a quotient by ones, which XLA takes for worth keeping; `number` is any array that broadcasts against it.

    Cheap operations it would fuse into each of their uses and repeat there: all that a cotangent is made of, for each
    row over which it is spread, or a sum of two slices, for each entry of a softmax, in loops that are not vectorised.
    The divisor is 1 wherever `number` is not NaN, but the compiler does not know.
    """
    return a / jnp.where(jnp.isnan(number), 2, 1).astype(a.dtype)
