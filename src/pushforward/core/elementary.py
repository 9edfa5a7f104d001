"""Elementary functions in forms without cancellation, right to a few units in the last place.

Each is a selection between two forms. The one that is not taken is evaluated at a harmless point, so that its
derivative is finite and its zero share of the gradient is not NaN.
"""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

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


def scaled_log1p(x: jax.Array, c: jax.Array) -> jax.Array:
    """log(1 + c x) / c for finite x with c x > -1, which at c = 0 is x; the inverse of `scaled_expm1` in x.

    For |c x| < 1/8 it is x 2 artanh(s) / (c x), s = c x / (2 + c x), by its series: as a quotient, its derivatives
    would cancel.
    """
    u, c = c * x, jnp.broadcast_to(c, jnp.broadcast_shapes(jnp.shape(c), x.shape))
    small = jnp.abs(u) < 0.125
    near, far, far_c = jnp.where(small, u, 0), jnp.where(small, 1, u), jnp.where(small, 1, c)
    series = _polynomial((near / (2 + near)) ** 2, [1 / (2 * n + 1) for n in range(8)])
    return jnp.where(small, jnp.where(small, x, 0) * (2 / (2 + near)) * series, jnp.log1p(far) / far_c)


def scaled_expm1(x: jax.Array, c: jax.Array) -> jax.Array:
    """(exp(c x) - 1) / c for finite x, which at c = 0 is x; by its series for |c x| < 1/8, as `scaled_log1p`."""
    u, c = c * x, jnp.broadcast_to(c, jnp.broadcast_shapes(jnp.shape(c), x.shape))
    small = jnp.abs(u) < 0.125
    near, far, far_c = jnp.where(small, u, 0), jnp.where(small, 1, u), jnp.where(small, 1, c)
    series = _polynomial(near, [1 / math.factorial(n + 1) for n in range(11)])
    return jnp.where(small, jnp.where(small, x, 0) * series, jnp.expm1(far) / far_c)


def _polynomial(x: jax.Array, coefficients: Sequence[float]) -> jax.Array:
    """sum_n coefficients[n] x^n."""
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


@jax.custom_jvp
def power(x: jax.Array, exponent: jax.Array) -> jax.Array:
    """x^k for x >= 0, right to some units in the last place however large or small it is.

    exp(k log x) loses |k log x| roundings, and on a CPU the compiler's own power takes three times as long as this.
    With x = 2^e f, 1/2 <= f^2 < 2, and the integer n nearest to k log2(x),

        x^k = 2^n exp((k e - n) log 2 + k log f),

    where k e - n is exact, from k in two parts. Negative and subnormal x are taken for zero. The derivative is taken
    for zero where the power overflows, and where it is infinite, at x = 0.
    """
    if jnp.finfo(x.dtype).bits < 32:
        return power(x.astype(jnp.float32), exponent.astype(jnp.float32)).astype(x.dtype)
    info = jnp.finfo(x.dtype)
    integer = jnp.int32 if info.bits == 32 else jnp.int64
    ordinary = (x >= info.tiny) & (x <= info.max)
    bits = lax.bitcast_convert_type(jnp.where(ordinary, x, 1), integer)
    root_half = np.sqrt(0.5).astype(x.dtype).view(np.dtype(integer))
    e = (bits - root_half) >> info.nmant
    log_f = jnp.log(lax.bitcast_convert_type(bits - (e << info.nmant), x.dtype))
    e = e.astype(x.dtype)
    high = lax.reduce_precision(exponent, info.nexp, info.nmant - info.nexp)
    n = jnp.round(exponent * (e + log_f * (1 / _LOG_2)))
    log_2 = np.asarray(_LOG_2, x.dtype)
    rest = jnp.exp(((high * e - n) + (exponent - high) * e) * log_2 + exponent * log_f)
    # 2^n in two factors: it may not be a normal number where the result is one.
    reach = 2 * info.maxexp - 4
    n = jnp.clip(n, -reach, reach).astype(integer)
    half = n >> 1
    value = rest * _power_of_two(half, x.dtype) * _power_of_two(n - half, x.dtype)
    at_end = jnp.where(x < info.tiny, 0, x)
    at_end = jnp.where(exponent > 0, at_end, jnp.where(exponent < 0, 1 / at_end, 1))
    return jnp.where(ordinary, value, at_end)


@power.defjvp
def _power_jvp(primals, tangents):
    (x, exponent), (x_dot, exponent_dot) = primals, tangents
    value = power(x, exponent)
    ordinary = (x >= jnp.finfo(x.dtype).tiny) & (x <= jnp.finfo(x.dtype).max) & (value < jnp.inf)
    held, safe = jnp.where(ordinary, value, 0), jnp.where(ordinary, x, 1)
    slope = jnp.where(ordinary, held / safe * exponent, jnp.where((x == 0) & (exponent == 1), 1, 0))
    return value, slope * x_dot + held * jnp.log(safe) * exponent_dot


def _power_of_two(n: jax.Array, dtype: Any) -> jax.Array:
    """2^n, where that is a normal number."""
    info = jnp.finfo(dtype)
    return lax.bitcast_convert_type((n + (info.maxexp - 1)) << info.nmant, dtype)


def times_log(factor: jax.Array, x: jax.Array) -> jax.Array:
    """k log x for x >= 0, with its limits at 0 (where 0 log 0 = 0) and finite derivatives there.

    Negative and subnormal x are taken for zero, and infinity for the largest number: beside a term that outgrows the
    logarithm, infinity would make a NaN.
    """
    info = jnp.finfo(x.dtype)
    zero = x < info.tiny
    limit = jnp.where(factor > 0, -jnp.inf, jnp.where(factor < 0, jnp.inf, 0))
    return jnp.where(zero, limit.astype(x.dtype), factor * jnp.log(jnp.where(zero, 1, jnp.minimum(x, info.max))))


def largest_exponent(dtype: Any) -> np.ndarray:
    """The largest number, to a rounding, whose exponential is finite."""
    info = jnp.finfo(dtype)
    return np.asarray(np.log(float(info.max)) * (1 - float(info.eps)), dtype)
