"""Student's t: its distribution function, quantile and log-density, for any positive degrees of freedom.

JAX's incomplete beta function has no derivative by its first argument and stops after 200 terms, which is early for
many degrees of freedom. Here a continued fraction of a fixed length is enough for all of them, and is differentiated.

With r = t / sqrt(v), x = 1 / (1 + r^2), y = 1 - x, for t > 0:

    P(T > t) = I_x(v/2, 1/2) / 2,    P(0 < T < t) = I_y(1/2, v/2) / 2,

both of which are t p(t) K / 2 with p the density and K the continued fraction of DiDonato and Morris, "Algorithm 708",
1992, eq. 9: the first converges for large t, the second for small.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import ndtri

from . import two_parts


def log_density(t: jax.Array, df: jax.Array) -> jax.Array:
    """log p(t)."""
    infinite = jnp.isinf(t)
    log_1p = _log_1p_square(jnp.where(infinite, 0, jnp.abs(t)), df).total
    return jnp.where(infinite, -jnp.inf, jnp.log(_constant(df)) - jnp.log(df) / 2 - (df + 1) / 2 * log_1p)


@jax.custom_jvp
def cdf(t: jax.Array, df: jax.Array) -> jax.Array:
    """P(T < t), relative to its size in the lower tail too."""
    return _cdf(t, df)


@cdf.defjvp
def _cdf_jvp(primals, tangents):
    t, df = primals
    return cdf(t, df), jnp.exp(log_density(t, df)) * tangents[0] + _cdf_by_df(t, df) * tangents[1]


@jax.custom_jvp
def quantile_and_log_density(p: jax.Array, df: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The t with P(T < t) = p, relative to its size near its zero at 1/2 too, and log p(t), also where t overflows.

    Newton's method for the logarithm of a tail as a function of log(t), which is concave, so that it converges from
    everywhere; from a start that is near.
    """
    lower = jnp.where(p < 0.5, p, 1 - p)
    size, log_density_of_size = _upper_quantile(lower, jnp.abs(p - 0.5), df)
    size = jnp.where((p < 0) | (p > 1) | jnp.isnan(p), jnp.nan, size)
    return jnp.where(p < 0.5, -size, size), log_density_of_size


@quantile_and_log_density.defjvp
def _quantile_jvp(primals, tangents):
    p, df = primals
    t, log_density_of_t = quantile_and_log_density(p, df)
    held = jnp.clip(t, -jnp.finfo(t.dtype).max, jnp.finfo(t.dtype).max)
    size = jnp.maximum(jnp.abs(held), 1)
    # Where t overflows, t p(t) is v P(T > t).
    log_size = jnp.where(held == t, jnp.log(size), jnp.log(df) + jnp.log(jnp.minimum(p, 1 - p)) - log_density_of_t)
    # dt / size, which is a number also where dt overflows.
    share = jnp.exp(-log_density_of_t - log_size) * (tangents[0] - _cdf_by_df(held, df) * tangents[1])
    by_df = jax.jvp(lambda df: log_density(held, df), (df,), (jnp.ones_like(df),))[1]
    by_t = (df + 1) * jnp.sign(held) / (df / size / size + (held / size) ** 2) * (jnp.abs(held) / size)
    return (t, log_density_of_t), (share * size, by_df * tangents[1] - by_t * share)


# ------------------------------------------------------------------------------ parts


class _Tail(NamedTuple):
    """What is computed for t >= 0."""

    outer: jax.Array  # whether `value` is P(T > t), and not P(0 < T < t)
    value: jax.Array
    share: jax.Array  # value / (t p(t)) = K / 2
    scaled: jax.Array  # t p(t)

    @property
    def beyond(self) -> jax.Array:
        """P(T > t)."""
        return jnp.where(self.outer, self.value, 0.5 - self.value)

    @property
    def before(self) -> jax.Array:
        """P(0 < T < t)."""
        return jnp.where(self.outer, 0.5 - self.value, self.value)


def _tail(t: jax.Array, df: jax.Array) -> _Tail:
    t = jnp.minimum(t, jnp.finfo(t.dtype).max)
    r = t / jnp.sqrt(df)
    inside = r < 1
    small = jnp.where(inside, r, 1 / jnp.where(inside, 1, r))
    larger = 1 / (1 + small * small)
    smaller = small * small * larger
    x, y = jnp.where(inside, larger, smaller), jnp.where(inside, smaller, larger)
    outer = (df + 2) * y > 1
    half, shift = df / 2, (df + 1) / 2 * y - 0.5
    share = (
        _continued_fraction(
            jnp.where(outer, half, 0.5),
            jnp.where(outer, 0.5, half),
            jnp.where(outer, x, y),
            jnp.where(outer, y, x),
            jnp.where(outer, shift, -shift),
        )
        / 2
    )
    power = two_parts.add(two_parts.split(df), jnp.ones_like(df))
    exponent = two_parts.multiply(_log_1p_square(t, df), two_parts.Parts(-power.high / 2, -power.low / 2))
    scaled = two_parts.exp(exponent, _constant(df) / jnp.sqrt(df) * t)
    return _Tail(outer, scaled * share, share, scaled)


def _continued_fraction(a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array, shift: jax.Array) -> jax.Array:
    """K of I_x(a, b) = x^a y^b K / B(a, b), with shift = a - (a + b) x.

    Its length is what the slowest case takes, many degrees of freedom and t = 1, where the choice of the tail changes.
    """
    terms = 48 if x.dtype == np.float32 else 205

    def common(n: Any) -> jax.Array:
        """The part of alpha_(n+1) and beta_(n+1) that is n (b - n) x / (a + 2 n - 1)."""
        return n * ((b - n) * x) / (a + 2 * n - 1)

    def alpha(n: Any) -> jax.Array:
        return (a + n - 1) / (a + 2 * n - 1) * ((a + b + n - 1) * x) * common(n)

    def beta(n: Any) -> jax.Array:
        return n + common(n) + (a + n) / (a + 2 * n + 1) * (shift + 1 + n * (1 + y))

    def step(k: jax.Array, f: jax.Array) -> jax.Array:
        n = (terms - k).astype(x.dtype)
        return beta(n - 1) + alpha(n) / f

    # alpha_(n+1) and beta_(n+1) of the paper are alpha(n) and beta(n) here, for n > 0.
    f = lax.fori_loop(0, terms - 1, step, beta(jnp.asarray(terms, x.dtype)))
    return 1 / (a / (a + 1) * (shift + 1) + alpha(1) / f)


def _constant(df: jax.Array) -> jax.Array:
    """Gamma((v + 1) / 2) / (Gamma(v / 2) sqrt(pi)): sqrt(v) times the density at 0.

    The logarithm of the ratio has an expansion in odd powers of 1 / a, a = v / 2, good to all digits from a = 16 on;
    Gamma(a + 1/2) / Gamma(a) = a / (a + 1/2) Gamma(a + 3/2) / Gamma(a + 1) leads there.
    """
    a = df / 2
    factor = jnp.ones_like(a)
    for k in range(16):
        factor = factor * ((a + k) / (a + (k + 0.5)))
    inverse = 1 / (a + 16)
    coefficients = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432, 691 / 180224)
    series = sum(c * inverse ** (2 * k + 1) for k, c in enumerate(coefficients))
    return factor * jnp.sqrt((a + 16) * (1 / np.pi)) * jnp.exp(series)


def _log_1p_square(t: jax.Array, df: jax.Array) -> two_parts.Parts:
    """log(1 + t^2 / v) for t >= 0."""
    r = t / jnp.sqrt(df)
    # Where the square would overflow, 1 is nothing beside it, and it is divided by a power of two.
    most = int(jnp.finfo(t.dtype).maxexp)
    far, farther = r > 2.0 ** (most // 2 - 2), r > 2.0 ** (most * 47 // 64)
    doublings = jnp.where(farther, most * 17 // 16, jnp.where(far, most // 2, 0))
    scale = jnp.where(farther, 2.0 ** -(most * 17 // 32), jnp.where(far, 2.0 ** -(most // 4), 1))
    held = two_parts.split(t * scale)
    square = two_parts.multiply(two_parts.divide(held, two_parts.split(df)), held)
    return two_parts.log1p(*two_parts.rounded(square), doublings)


def _cdf(t: jax.Array, df: jax.Array) -> jax.Array:
    tail = _tail(jnp.where(t < 0, -t, t), df)
    beyond = jnp.where(jnp.isinf(t), 0, tail.beyond)
    return jnp.where(t < 0, beyond, jnp.where(tail.outer, 1 - beyond, 0.5 + tail.before))


def _cdf_by_df(t: jax.Array, df: jax.Array) -> jax.Array:
    """The derivative of P(T < t) by the degrees of freedom."""
    return jax.jvp(lambda df: _cdf(t, df), (df,), (jnp.ones_like(df),))[1]


def _upper_quantile(beyond: jax.Array, before: jax.Array, df: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The t > 0 with P(T > t) = beyond, P(0 < T < t) = before, both given; and log p(t)."""
    info = jnp.finfo(beyond.dtype)
    in_tail, centre = beyond < 0.25, before == 0
    safe, before = jnp.maximum(beyond, info.tiny), jnp.where(centre, 0.25, before)
    # P(T > t) < c v^(v / 2 - 1) t^-v, c the constant below, and equal to it far out.
    log_bound = jnp.log(df) / 2 + (jnp.log(_constant(df)) - jnp.log(df) - jnp.log(safe)) / df
    # Wallace's normal approximation.
    z = jnp.where(in_tail, -ndtri(jnp.where(in_tail, safe, 0.25)), before * np.sqrt(2 * np.pi).astype(before.dtype))
    z = z * (8 * df + 3) / (8 * df + 1)
    normal = jnp.sqrt(df * jnp.expm1(z * z / df))
    start = jnp.minimum(jnp.minimum(normal, jnp.exp(log_bound)), info.max)
    t = _fixed_point(lambda t: _newton(t, safe, before, df), start)
    far = (t >= info.max) | (beyond == 0)
    t = jnp.where(centre, 0, t)
    far_log_density = jnp.log(df) + jnp.log(beyond) - log_bound
    return jnp.where(far, jnp.inf, t), jnp.where(far, far_log_density, log_density(t, df))


def _newton(t: jax.Array, beyond: jax.Array, before: jax.Array, df: jax.Array) -> jax.Array:
    """The step for log(t): by the equation for whichever of the probabilities is computed at t, not by difference."""
    tail = _tail(t, df)
    # In this order, for the value itself may be a subnormal number.
    ratio = (tail.scaled / jnp.where(tail.outer, beyond, before)) * tail.share
    return jnp.where(tail.outer, 1, -1) * jnp.log(ratio) * tail.share


def _fixed_point(step: Callable[[jax.Array], jax.Array], start: jax.Array) -> jax.Array:
    """Multiply by exp(step) until all steps are so small that the square of the next is nothing."""
    info = jnp.finfo(start.dtype)
    small = float(info.eps) ** 0.5 / 8

    def again(state):
        _, last, count = state
        return jnp.any(jnp.abs(last) > small) & (count < 60)

    def move(state):
        t, _, count = state
        last = jnp.clip(step(t), -2, 2)
        last = jnp.where((t >= info.max) & (last > 0), 0, last)
        return jnp.minimum(t * jnp.exp(last), info.max), last, count + 1

    return lax.while_loop(again, move, (start, jnp.full_like(start, jnp.inf), 0))[0]
