"""Numbers in two parts, for logarithms whose multiples go into an exponential.

exp(p log x) multiplies the error of its exponent by the exponent, up to 88 in float32, so the exponent has to carry
more digits than a float does. A number here is a pair, high + low, in which `high` has half the bits of a float and
`low` holds the rest: products of high parts are exact, and so are the differences taken below. No sum is relied on for
how it was rounded, so that the compiler may fuse and reassociate, which undoes the usual compensated sums.

The high part is a constant to automatic differentiation: derivatives of any order go by the low part. Single and
double precision only.

The splitting is T. J. Dekker's, "A floating-point technique for extending the available precision", 1971.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .elementary import _polynomial

_LOG_2 = (0.6931471805599453, 2.3190468138462996e-17)  # the nearest float64, and what it lacks


class Parts(NamedTuple):
    """high + low."""

    high: jax.Array
    low: jax.Array

    @property
    def total(self) -> jax.Array:
        """The number, rounded to a float."""
        return self.high + self.low


def split(a: jax.Array) -> Parts:
    """`a`, exactly."""
    high = _short(a)
    return Parts(high, _if_finite(high, a - high))


def add(a: Parts, b: jax.Array) -> Parts:
    """a + b."""
    high = _short(a.high + b)
    first = jnp.abs(a.high) > jnp.abs(b)
    larger, smaller = jnp.where(first, a.high, b), jnp.where(first, b, a.high)
    return Parts(high, _if_finite(high, (larger - high) + smaller) + a.low)


def multiply(a: Parts, b: Parts) -> Parts:
    """a b."""
    exact = a.high * b.high
    high = _short(exact)
    return Parts(high, _if_finite(high, exact - high) + (a.high * b.low + a.low * b.total))


def rounded(a: Parts) -> tuple[jax.Array, jax.Array]:
    """`a` as a float and what it lacks."""
    nearest = lax.stop_gradient(_without(a.total, 1))
    return nearest, _if_finite(nearest, (a.high - nearest) + a.low)


def divide(a: Parts, b: Parts) -> Parts:
    """a / b."""
    high = _short(a.high / b.high)
    rest = (a.high - high * b.high) - high * b.low
    return Parts(high, _if_finite(high, rest + a.low) / b.total)


def exp(a: Parts, factor: Any = 1) -> jax.Array:
    """The product of `factor` and the exponential of a, which overflows only where the result does."""
    root = jnp.exp(a.high / 2)
    return (exp_of_small(a.low) * (factor * root)) * root


@jax.custom_jvp
def log(x: jax.Array) -> Parts:
    """The logarithm of a normal number x > 0, relative to its own size near x = 1 too; inf and NaN give themselves."""
    exponent, mantissa = _exponent_and_mantissa(x)
    return _log_of(exponent, mantissa - 1, jnp.where(x < jnp.inf, 0, x))


@log.defjvp
def _log_jvp(primals, tangents):
    return log(*primals), Parts(jnp.zeros_like(primals[0]), tangents[0] / primals[0])


def log1p(v: jax.Array, rest: Any = 0, doublings: Any = 0) -> Parts:
    """log(2^doublings (1 + v + rest)), precise relative to its size near its zero too (if `doublings` is 0).

    Args:
        v: not negative.
        rest: what v + rest has more than the float v has.
        doublings: a whole number, any shape; for where 1 + v would overflow.
    """
    return _log1p(v, jnp.broadcast_to(rest, v.shape).astype(v.dtype), jnp.asarray(doublings, np.int32))


@jax.custom_jvp
def _log1p(v, rest, doublings):
    # One bit less than a float has, for the compiler takes (v + 1) - 1 for v.
    u = _without((1 + v) + rest, 1)
    lost = jnp.where(v > 1, (v - u) + 1, (1 - u) + v)
    exponent, mantissa = _exponent_and_mantissa(u)
    near = exponent == 0
    fraction = jnp.where(near, v, mantissa - 1)
    finite = u < jnp.inf
    low = jnp.where(finite, (jnp.where(near, 0, lost) + rest) / u, u)
    return _log_of(exponent + doublings, fraction, low)


@_log1p.defjvp
def _log1p_jvp(primals, tangents):
    value = _log1p(*primals)
    slope = (tangents[0] + tangents[1]) / ((1 + primals[0]) + primals[1])
    return value, Parts(jnp.zeros_like(value.high), jnp.broadcast_to(slope, value.low.shape))


def _short(a: jax.Array) -> jax.Array:
    """`a` without the last half of its bits, as a constant."""
    return lax.stop_gradient(_without(a, (jnp.finfo(a.dtype).nmant + 2) // 2))


def _without(a: jax.Array, bits: int) -> jax.Array:
    """`a` with its last `bits` bits set to zero."""
    whole = np.int32 if a.dtype == np.float32 else np.int64
    return lax.bitcast_convert_type(lax.bitcast_convert_type(a, whole) & whole(-1 << bits), a.dtype)


def _if_finite(high: jax.Array, low: jax.Array) -> jax.Array:
    return jnp.where(jnp.isfinite(high), low, 0)


def _exponent_and_mantissa(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """x = 2^exponent mantissa, with 1/sqrt(2) <= mantissa < sqrt(2), for a normal number x > 0."""
    bits = np.int32 if x.dtype == np.float32 else np.int64
    shift = bits(jnp.finfo(x.dtype).nmant)
    whole = lax.bitcast_convert_type(x, bits)
    exponent = (whole - np.sqrt(0.5).astype(x.dtype).view(bits)) >> shift
    return exponent.astype(np.int32), lax.bitcast_convert_type(whole - (exponent << shift), x.dtype)


def _log_of(exponent: jax.Array, f: jax.Array, low: jax.Array) -> Parts:
    """exponent log 2 + log(1 + f) + low, for |f| < 0.42.

    log(1 + f) = 2 artanh(s / 2) = s + s^3 / 12 + s^5 / 80 + ..., with s = f / (1 + f / 2).
    """
    info = jnp.finfo(f.dtype)
    inverse = 1 / (1 + f / 2)
    high, parts = _short(f * inverse), split(f)
    # s - high, from the remainder of the division.
    rest = (((f - high) - high * (parts.high / 2)) - high * (parts.low / 2)) * inverse
    s = high + rest
    squared = s * s
    # Where s^2 < 0.12 these many terms give all the digits that matter in a term that is small beside s.
    terms = 6 if info.bits == 32 else 13
    series = _polynomial(squared, [1 / ((2 * k + 1) * 4**k) for k in range(1, terms + 1)])
    rest = rest + s * squared * series
    # The first part of log 2 leaves eleven bits for the exponent.
    first = np.float64(np.round(_LOG_2[0] * 2 ** (info.nmant - 11)) / 2 ** (info.nmant - 11))
    second = ((_LOG_2[0] - first) + _LOG_2[1]).astype(f.dtype)
    k = exponent.astype(f.dtype)
    multiple = k * first.astype(f.dtype)
    total = _short(multiple + (high + rest))
    return Parts(total, ((multiple - total) + high) + (k * second + rest + low))


def exp_of_small(a: jax.Array) -> jax.Array:
    """exp(a) for |a| < 0.05, by its series; `exp` meets more only where its argument is beyond all range."""
    return _polynomial(jnp.clip(a, -0.5, 0.5), [1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120])
