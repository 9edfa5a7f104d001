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


@jax.custom_jvp
def log1p_of(u: jax.Array, whole: jax.Array) -> jax.Array:
    """log(1 + u) for finite u, where whole is 1 + u, rounded or otherwise near it (Kahan's way).

    log(whole) u / (whole - 1): the quotient mends what whole has lost. It is one logarithm and one division, and what
    is beside it in a compiled loop stays fast: with `jnp.log1p`, XLA on CPUs takes some twenty times as long for an
    odd number of elements.
    """
    one = whole == 1
    # Without the selection, the compiler would make 1 + u - 1 to u.
    return jnp.where(one, u, jnp.log(whole) * (u / (jnp.where(one, 2, whole) - 1)))


@log1p_of.defjvp
def _log1p_of_jvp(primals, tangents):
    return log1p_of(*primals), tangents[0] / primals[1]


def log_ratio(a: jax.Array, b: jax.Array, difference: jax.Array | None = None) -> jax.Array:
    """log(a / b) of positive numbers.

    Near a = b it is log(1 + (a - b) / b), where a - b is exact by Sterbenz's lemma, so that the result keeps its
    relative precision through zero; elsewhere the logarithm of the quotient, because log a - log b cancels.

    Args:
        a, b: positive.
        difference: a - b, where a and b have been rounded and it is known better.
    """
    return _log_ratio(a, b, a - b if difference is None else difference)


@jax.custom_jvp
def _log_ratio(a: jax.Array, b: jax.Array, difference: jax.Array) -> jax.Array:
    ratio = a / b
    return jnp.where(jnp.abs(difference) < b / 2, log1p_of(difference / b, ratio), jnp.log(ratio))


@_log_ratio.defjvp
def _log_ratio_jvp(primals, tangents):
    a, b, _ = primals
    return _log_ratio(*primals), tangents[0] / a - tangents[1] / b


def logit(p: jax.Array) -> jax.Array:
    """log(p / (1 - p)) for 0 < p < 1. Near 1/2, its zero, 2 p - 1 is exact and 1 - p is not."""
    return log_ratio(p, 1 - p, 2 * p - 1)


def two_sum(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(a + b rounded, what the rounding left out): their sum is exact (Knuth 1969)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@jax.custom_jvp
def scaled_log1p(x: jax.Array, c: jax.Array) -> jax.Array:
    """log(1 + c x) / c for c x > -1, which at c = 0 is x; the inverse of `scaled_expm1` in x.

    Where |c x| < 1/8 its derivative in c is a series, since the closed form cancels.
    """
    u = c * x
    return jnp.where((c == 0) | (u == 0), x, jnp.log1p(u) / jnp.where(c == 0, 1, c))


@scaled_log1p.defjvp
def _scaled_log1p_jvp(primals, tangents):
    (x, c), (x_dot, c_dot) = primals, tangents
    value, u = scaled_log1p(x, c), c * x
    slope, small = 1 / (1 + u), jnp.abs(u) < 0.125
    terms = 10 if jnp.finfo(u.dtype).bits <= 32 else 19
    series = _polynomial(jnp.where(small, u, 0), [(-1) ** (n + 1) * (n + 1) / (n + 2) for n in range(terms)])
    closed = (x * slope - value) / jnp.where(small, 1, c)
    return value, slope * x_dot + jnp.where(small, x * (x * series), closed) * c_dot


@jax.custom_jvp
def scaled_expm1(x: jax.Array, c: jax.Array) -> jax.Array:
    """(exp(c x) - 1) / c, which at c = 0 is x; its derivative in c by a series as that of `scaled_log1p`."""
    u = c * x
    return jnp.where((c == 0) | (u == 0), x, jnp.expm1(u) / jnp.where(c == 0, 1, c))


@scaled_expm1.defjvp
def _scaled_expm1_jvp(primals, tangents):
    (x, c), (x_dot, c_dot) = primals, tangents
    value, u = scaled_expm1(x, c), c * x
    slope, small = jnp.exp(u), jnp.abs(u) < 0.125
    series = _polynomial(jnp.where(small, u, 0), [(n + 1) / math.factorial(n + 2) for n in range(12)])
    closed = (x * slope - value) / jnp.where(small, 1, c)
    return value, slope * x_dot + jnp.where(small, x * (x * series), closed) * c_dot


def _polynomial(x: jax.Array, coefficients: Sequence[float]) -> jax.Array:
    """sum_n coefficients[n] x^n."""
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def power(x: jax.Array, exponent: jax.Array) -> jax.Array:
    """x^k for x >= 0; see `power_and_log`."""
    return power_and_log(x, exponent)[0]


@jax.custom_jvp
def power_and_log(x: jax.Array, exponent: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(x^k, log x) for x >= 0, the power right to some units in the last place however large or small it is.

    exp(k log x) loses |k log x| roundings, and on a CPU the compiler's own power takes twice as long as this. With
    x = 2^e f, 1/2 <= f^2 < 2, and the integer n nearest to k log2(x),

        x^k = 2^n exp((k e - n) log 2 + k log f),

    where k e - n is exact, from k in two parts. Negative and subnormal x are taken for zero in the power, and in the
    logarithm for the smallest normal number. A derivative beyond the largest number is that number, so that a factor of
    zero before it stays zero.
    """
    if jnp.finfo(x.dtype).bits < 32:
        wide = power_and_log(x.astype(jnp.float32), exponent.astype(jnp.float32))
        return wide[0].astype(x.dtype), wide[1].astype(x.dtype)
    info = jnp.finfo(x.dtype)
    integer = jnp.int32 if info.bits == 32 else jnp.int64
    ordinary = (x >= info.tiny) & (x <= info.max)
    bits = lax.bitcast_convert_type(jnp.where(ordinary, x, 1), integer)
    root_half = np.sqrt(0.5).astype(x.dtype).view(np.dtype(integer))
    e = (bits - root_half) >> info.nmant
    log_f = jnp.log(lax.bitcast_convert_type(bits - (e << info.nmant), x.dtype))
    e, log_2 = e.astype(x.dtype), np.log(2).astype(x.dtype)
    high = lax.reduce_precision(exponent, info.nexp, info.nmant - info.nexp)
    n = jnp.round(exponent * (e + log_f * (1 / np.log(2)).astype(x.dtype)))
    rest = jnp.exp(((high * e - n) + (exponent - high) * e) * log_2 + exponent * log_f)
    # 2^n in two factors: it may not be a normal number where the result is one.
    reach = 2 * info.maxexp - 4
    n = jnp.clip(n, -reach, reach).astype(integer)
    half = n >> 1
    value = rest * _power_of_two(half, x.dtype) * _power_of_two(n - half, x.dtype)
    at_end = jnp.where(x < info.tiny, 0, x)
    at_end = jnp.where(exponent > 0, at_end, jnp.where(exponent < 0, 1 / at_end, 1))
    log_end = jnp.where(x < info.tiny, np.log(float(info.tiny)).astype(x.dtype), x)
    return jnp.where(ordinary, value, at_end), jnp.where(ordinary, e * log_2 + log_f, log_end)


@power_and_log.defjvp
def _power_and_log_jvp(primals, tangents):
    (x, exponent), (x_dot, exponent_dot) = primals, tangents
    (value, log_x), info = power_and_log(x, exponent), jnp.finfo(x.dtype)
    slope = jnp.where(x < 0, 0, jnp.clip(exponent * power(x, exponent - 1), info.min, info.max))
    inside = (x >= info.tiny) & (x <= info.max)
    by_exponent = jnp.where(inside & (value < jnp.inf), value * log_x, 0)
    log_dot = jnp.where(inside, 1 / jnp.where(inside, x, 1), 0) * x_dot
    return (value, log_x), (slope * x_dot + by_exponent * exponent_dot, log_dot)


def _power_of_two(n: jax.Array, dtype: Any) -> jax.Array:
    """2^n, where that is a normal number."""
    info = jnp.finfo(dtype)
    return lax.bitcast_convert_type((n + (info.maxexp - 1)) << info.nmant, dtype)


def times_log(factor: Any, x: jax.Array) -> jax.Array:
    """k log x for x >= 0, with its limits at 0 (where 0 log 0 = 0) and finite derivatives there.

    Negative and subnormal x are taken for zero, and infinity for the largest number: beside a term that outgrows the
    logarithm, infinity would make a NaN.
    """
    info = jnp.finfo(x.dtype)
    zero = x < info.tiny
    logarithm = factor * jnp.log(jnp.where(zero, 1, jnp.minimum(x, info.max)))
    return jnp.where(zero, times_log_zero(factor).astype(x.dtype), logarithm)


def times_log_zero(factor: Any) -> jax.Array:
    """The limit of k log x at x = 0: -infinity, 0 or infinity by the sign of k."""
    return jnp.where(factor > 0, -jnp.inf, jnp.where(factor < 0, jnp.inf, 0))


@jax.custom_jvp
def log_one_minus(p: jax.Array, log_p: jax.Array) -> jax.Array:
    """log(1 - p) for 0 <= p < 1, where log_p is log(p): near p = 1, 1 - p is taken from there, as p is rounded.

    Elsewhere by Kahan's way, as in `log1p_of`. The derivative is that by log_p.
    """
    left, near = _one_minus(p, log_p)
    one = left == 1
    return jnp.where(one, -p, jnp.log(left) * jnp.where(near, 1, p / jnp.where(one, 1, 1 - left)))


@log_one_minus.defjvp
def _log_one_minus_jvp(primals, tangents):
    p, log_p = primals
    return log_one_minus(p, log_p), -(jnp.exp(log_p) / _one_minus(p, log_p)[0]) * tangents[1]


@jax.custom_jvp
def one_minus_exp(t: jax.Array) -> jax.Array:
    """1 - exp(-t) for t >= 0, whose derivative is exp(-t) also where the value has rounded to 1.

    On a CPU it takes half the time of `-jnp.expm1(-t)`, whose last bits it also mends.
    """
    return _one_minus(jnp.exp(-t), -t)[0]


@one_minus_exp.defjvp
def _one_minus_exp_jvp(primals, tangents):
    return one_minus_exp(primals[0]), jnp.exp(-primals[0]) * tangents[0]


def _one_minus(p: jax.Array, log_p: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(1 - p, whether it is the series of 1 - exp(log_p))."""
    near = log_p > -0.35
    small = jnp.where(near, log_p, 0)
    terms = 8 if jnp.finfo(p.dtype).bits <= 32 else 14
    return jnp.where(near, -small * _polynomial(small, [1 / math.factorial(n + 1) for n in range(terms)]), 1 - p), near


def largest_exponent(dtype: Any) -> np.ndarray:
    """The largest number, to a rounding, whose exponential is finite."""
    info = jnp.finfo(dtype)
    return np.asarray(np.log(float(info.max)) * (1 - float(info.eps)), dtype)


def at_least_single(x: jax.Array) -> jax.Array:
    """x in float32 if it is narrower: JAX has its special functions in 32 and 64 bits only."""
    return x if jnp.finfo(x.dtype).bits >= 32 else x.astype(jnp.float32)


def sinhc_of_small(x: jax.Array) -> jax.Array:
    """sinh(x) / x for |x| < 1, by its series."""
    terms = 10 if jnp.finfo(x.dtype).bits == 64 else 6
    return _polynomial(x * x, [1 / math.factorial(2 * n + 1) for n in range(terms)])


def sinh_and_log_cosh(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(sinh(x), log cosh(x)).

    For |x| < 1 the second is log1p(sinh(x)^2) / 2, which keeps x^2 / 2; beyond, |x| - log 2 + log1p(exp(-2 |x|)). The
    exponential is taken of |x| / 2, so that the first does not overflow before its time.
    """
    small = jnp.abs(x) < 1
    near = jnp.where(small, x, 0)
    near = near * sinhc_of_small(near)
    # Beyond this point sinh is infinite, and the root must not be.
    limit = 1.9 * math.log(float(jnp.finfo(x.dtype).max))
    root = jnp.exp(jnp.minimum(jnp.where(small, 1, jnp.abs(x)), limit) / 2)
    inverse = 1 / root
    far = jnp.sign(x) * ((root / 2) * root - (inverse / 2) * inverse)
    squared = inverse * inverse
    share = jnp.where(small, near * near, squared * squared)
    log_1p = log1p_of(share, 1 + share)
    log_cosh = jnp.where(small, log_1p / 2, (jnp.abs(x) - np.log(2).astype(x.dtype)) + log_1p)
    return jnp.where(small, near, far), log_cosh


def expm1(x: jax.Array) -> jax.Array:
    """exp(x) - 1, by its series for |x| < 1/2; XLA's takes longer and is five units in the last place off near 0."""
    small = jnp.abs(x) < 0.5
    near = jnp.where(small, x, 0)
    terms = 9 if jnp.finfo(x.dtype).bits <= 32 else 15
    series = near * _polynomial(near, [1 / math.factorial(n + 1) for n in range(terms)])
    return jnp.where(small, series, jnp.exp(jnp.where(small, 1, x)) - 1)


def log1p(x: jax.Array) -> jax.Array:
    """log(1 + x) for x >= -1, infinity included, by `log1p_of`."""
    infinite = x == jnp.inf
    finite = jnp.where(infinite, 0, x)
    return jnp.where(infinite, x, log1p_of(finite, 1 + finite))


def arsinh_and_log_cosh(y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(x = arsinh(y), log cosh(x) = log(1 + y^2) / 2), relative to their sizes and without overflow."""
    size = jnp.where(y < 0, -y, y)
    small, large = size < 1, size > 2**30
    held = jnp.where(large, 1, size)
    square = held * held
    cosh = jnp.sqrt(1 + square)
    # |x| = log(1 + |y| + (cosh(x) - 1)); beyond 2^30, cosh(x) is |y| to all digits.
    change = jnp.where(large, jnp.where(jnp.isinf(size), 1, size), held + square / (1 + cosh))
    log_2 = jnp.where(large, np.log(2).astype(y.dtype), 0)
    x = log1p_of(change, 1 + change) + log_2
    share = jnp.where(small, square, jnp.where(large, change, cosh) - 1)
    log_1p = log1p_of(share, 1 + share)
    infinite = jnp.isinf(y)
    x, log_cosh = jnp.where(y < 0, -x, x), jnp.where(small, log_1p / 2, log_1p)
    return jnp.where(infinite, y, x), jnp.where(infinite, jnp.inf, log_cosh)


def log_sinhc(x: jax.Array) -> jax.Array:
    """log(sinh(x) / x) for |x| < 1, which is near x^2 / 6."""
    squared = x * x
    return log1p(squared * _polynomial(squared, [1 / math.factorial(2 * n + 3) for n in range(9)]))


@jax.custom_jvp
def with_slope(y: jax.Array, x: jax.Array, log_slope: jax.Array, sign: Any = 1) -> jax.Array:
    """y, with sign exp(log_slope) as its derivative by x.

    For a map whose log-determinant is known better than the derivative of its formula, and is finite also where y
    overflows. Compute y from `lax.stop_gradient(x)`: what it has of other derivatives, by parameters, it keeps. A slope
    that is infinite at a point (its logarithm is) is taken for zero.
    """
    return y


@with_slope.defjvp
def _with_slope_jvp(primals, tangents):
    _, _, log_slope, sign = primals
    slope = jnp.where(log_slope == jnp.inf, 0, sign * jnp.exp(log_slope))
    return with_slope(*primals), tangents[0] + slope * tangents[1]
