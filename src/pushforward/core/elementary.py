"""Elementary functions in forms without cancellation, right to a few units in the last place.

Each is a selection between two forms. The one that is not taken is evaluated at a harmless point, so that its
derivative is finite and its zero share of the gradient is not NaN.
"""

import jax
import jax.numpy as jnp
import numpy as np

_LOG_2 = 0.6931471805599453  # the nearest float64, and what it lacks
_LOG_2_REST = 2.3190468138462996e-17


def log_ratio(a: jax.Array, b: jax.Array) -> jax.Array:
    """log(a / b) of positive numbers.

    Near a = b it is log1p((a - b) / b), where a - b is exact by Sterbenz's lemma, so that the result keeps its
    relative precision through zero; elsewhere the quotient is formed first, because log a - log b cancels.
    """
    close = jnp.abs(a - b) < b / 2
    near_a, near_b = jnp.where(close, a, 1), jnp.where(close, b, 1)
    far_a, far_b = jnp.where(close, 1, a), jnp.where(close, 1, b)
    return jnp.where(close, jnp.log1p((near_a - near_b) / near_b), jnp.log(far_a / far_b))


def softplus_inverse(y: jax.Array) -> jax.Array:
    """log(exp(y) - 1), the x with log(1 + exp(x)) = y, for y > 0.

    Near its zero at log 2 it is log1p(2 expm1(y - log 2)), with log 2 in two parts; elsewhere y + log(1 - exp(-y)),
    which neither overflows nor loses small y.
    """
    high = np.float64(_LOG_2).astype(y.dtype)
    low = (_LOG_2 - high.astype(np.float64) + _LOG_2_REST).astype(y.dtype)
    close = jnp.abs(y - high) < 0.25
    near, far = jnp.where(close, y, high), jnp.where(close, 1, y)
    return jnp.where(close, jnp.log1p(2 * jnp.expm1((near - high) - low)), far + jnp.log(-jnp.expm1(-far)))
