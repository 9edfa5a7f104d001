"""The logistic function, softplus (its integral) and their inverses, each with its log-slope, in one pass.

Value and slope share an exponential or a logarithm, where written apart they take two or three. All are right to a few
units in the last place, relative to their size, as far out as numbers go.
"""

import jax
import jax.numpy as jnp
import numpy as np

from .elementary import log1p_of, log_ratio, sinhc_of_small

_LOG_2 = 0.6931471805599453  # the nearest float64, and what it lacks
_LOG_2_REST = 2.3190468138462996e-17


def logistic_tail(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(s(-|x|), log s'(x)) of s(x) = 1 / (1 + exp(-x)).

    The first is how far s(x) is from the nearer of its limits, 0 for x < 0 and 1 else; log s'(x) = -|x| - 2 log(1 +
    exp(-|x|)).
    """
    size = _size(x)
    t = jnp.exp(-size)
    whole = 1 + t
    return t / whole, -size - 2 * log1p_of(t, whole)


def logit_and_log_slope(p: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(log(p / (1 - p)), its log-slope -log(p (1 - p))) for 0 < p < 1; 2 p - 1 is exact near the zero, 1/2."""
    return log_ratio(p, 1 - p, 2 * p - 1), -jnp.log(p * (1 - p))


def softplus_and_log_slope(x: jax.Array, softness: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
    """(c log(1 + exp(x / c)), its log-slope -log(1 + exp(-x / c))); c is 1 if left out. x / c may overflow."""
    size, negative = _size(x), x < 0
    t = jnp.exp(-size if softness is None else -size / softness)
    rest = log1p_of(t, 1 + t)
    below = jnp.where(negative, x if softness is None else x / softness, 0)
    return jnp.where(negative, 0, x) + (rest if softness is None else softness * rest), below - rest


@jax.custom_jvp
def softplus_inverse_and_log_slope(y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(x = log(exp(y) - 1), its log-slope -log(1 - exp(-y))) for y > 0.

    Below the zero at log 2, x = y + log(1 - exp(-y)) from expm1; above, the same from exp. Within 1/4 of the zero it is
    log(1 + 2 expm1(y - log 2)), with log 2 in two parts, high + rest, of which the second enters as exp(-rest) =
    1 - rest (two subtractions would be merged by the compiler); the log-slope is y - x everywhere, and here that does
    not cancel.
    """
    high = np.float64(_LOG_2).astype(y.dtype)
    rest = (_LOG_2 - high.astype(np.float64) + _LOG_2_REST).astype(y.dtype)
    close, above = jnp.abs(y - high) < 0.25, y - high >= 0.25
    z = jnp.where(close, y - high, jnp.where(above, 0, -y))
    ratio = sinhc_of_small(z / 2)
    s = z / 2 * ratio
    change = z * ratio * (s + jnp.sqrt(1 + s * s))  # expm1(z)
    u = jnp.where(close, 2 * (change - rest * (1 + change)), -jnp.exp(-jnp.where(above, y, 1)))
    whole = jnp.where(close | above, 1 + u, -change)
    logarithm = log1p_of(jnp.where(close | above, u, whole - 1), whole)
    x = jnp.where(close, logarithm, y + logarithm)
    return x, jnp.where(close, y - x, -logarithm)


@softplus_inverse_and_log_slope.defjvp
def _softplus_inverse_jvp(primals, tangents):
    x, log_slope = softplus_inverse_and_log_slope(*primals)
    return (x, log_slope), (jnp.exp(log_slope) * tangents[0], -jnp.expm1(log_slope) * tangents[0])


def softplus_inverse(y: jax.Array) -> jax.Array:
    """log(exp(y) - 1), the x with log(1 + exp(x)) = y, for y > 0."""
    return softplus_inverse_and_log_slope(y)[0]


def _size(x: jax.Array) -> jax.Array:
    """|x|, with a derivative at 0."""
    return jnp.where(x < 0, -x, x)
