"""Elementary functions in forms without cancellation, right to a few units in the last place.

Each is a selection between two forms. The one that is not taken is evaluated at a harmless point, so that its
derivative is finite and its zero share of the gradient is not NaN.
"""

import jax
import jax.numpy as jnp
import numpy as np

_LOG_2 = 0.6931471805599453  # the nearest float64, and what it lacks
_LOG_2_REST = 2.3190468138462996e-17


def log_ratio(a: jax.Array, b: jax.Array, difference: jax.Array | None = None) -> jax.Array:
    """log(a / b) of positive numbers.

    Near a = b it is log1p((a - b) / b), where a - b is exact by Sterbenz's lemma, so that the result keeps its
    relative precision through zero; elsewhere the quotient is formed first, because log a - log b cancels.

    Args:
        a, b: positive.
        difference: a - b, where a and b have been rounded and it is known better.
    """
    difference = a - b if difference is None else difference
    close = jnp.abs(difference) < b / 2
    near, near_b = jnp.where(close, difference, 0), jnp.where(close, b, 1)
    far_a, far_b = jnp.where(close, 1, a), jnp.where(close, 1, b)
    return jnp.where(close, jnp.log1p(near / near_b), jnp.log(far_a / far_b))


def logit(p: jax.Array) -> jax.Array:
    """log(p / (1 - p)) for 0 < p < 1. Near 1/2, its zero, 2 p - 1 is exact and 1 - p is not."""
    return log_ratio(p, 1 - p, 2 * p - 1)


def softplus_inverse(y: jax.Array) -> jax.Array:
    """log(exp(y) - 1), the x with log(1 + exp(x)) = y, for y > 0.

    Near its zero at log 2 it is log1p(2 expm1(y - log 2)), with log 2 in two parts, high + rest, of which the second
    enters as exp(-rest) = 1 - rest (two subtractions would be merged by the compiler). Elsewhere it is
    y + log(1 - exp(-y)), which neither overflows nor loses small y.
    """
    high = np.float64(_LOG_2).astype(y.dtype)
    rest = (_LOG_2 - high.astype(np.float64) + _LOG_2_REST).astype(y.dtype)
    close = jnp.abs(y - high) < 0.25
    near, far = jnp.where(close, y, high), jnp.where(close, 1, y)
    near = jnp.expm1(near - high)
    return jnp.where(close, jnp.log1p(2 * (near - rest * (1 + near))), far + jnp.log(-jnp.expm1(-far)))


def two_sum(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(a + b rounded, what the rounding left out): their sum is exact (Knuth 1969)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
