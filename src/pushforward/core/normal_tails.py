"""The tail of the standard normal and its inverse by logarithms, so that no tail is too far out.

With Q(t) = P(X > t), phi the density and h = phi / Q the hazard,

    h(t) = t + c(t),    c(t) = 1 / (t + 2 / (t + 3 / (t + ...)))        (Laplace's continued fraction),
    log Q(t) = -t^2 / 2 - log sqrt(2 pi) - log h(t).

Near the centre Q is from `erfc`; further out c is the fraction cut off, as one quotient of polynomials in 1 / t^2 with
positive coefficients. (JAX's `erfcx`, of which h could be made, has no digits left beyond t = 13 in float32.)
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

LOG_ROOT_2_PI = 0.9189385332046727
# Where the fraction begins and after how many terms it ends: the rest is below a rounding.
_FRACTION = {32: (5.0, 10), 64: (5.0, 28)}


@jax.custom_jvp
def normal_tail(t: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """(log Q, log h, c) at t > -1, in 32 or 64 bits; the hazard h is t + c, and c does not cancel far out."""
    start, terms = _FRACTION[jnp.finfo(t.dtype).bits]
    near = t < start
    inner, outer = jnp.where(near, t, 0), jnp.where(near, start, t)
    tail = lax.erfc(inner * np.sqrt(0.5).astype(t.dtype)) / 2
    above, below = (_polynomial(p, 1 / (outer * outer)) for p in _quotient(terms))
    c = jnp.where(near, jnp.exp(_log_density(inner)) / tail - inner, above / (below * outer))
    log_hazard = jnp.log(t + c)
    return _log_density(t) - log_hazard, log_hazard, c


@normal_tail.defjvp
def _normal_tail_jvp(primals: Any, tangents: Any) -> Any:
    (t,), (t_dot,) = primals, tangents
    log_tail, log_hazard, c = normal_tail(t)
    hazard = t + c
    return (log_tail, log_hazard, c), (-hazard * t_dot, c * t_dot, (hazard * c - 1) * t_dot)


@jax.custom_jvp
def normal_tail_inverse(log_tail: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """(t, log h, c) of the t with log Q(t) = log_tail, for log_tail below log(3/4), say, and not -inf.

    A start to 5e-4 (Abramowitz and Stegun 1964, 26.2.23), then steps of Halley's, each of which triples the digits.
    """
    r = jnp.sqrt(-2 * log_tail)
    t = r - ((0.010328 * r + 0.802853) * r + 2.515517) / (((0.001308 * r + 0.189269) * r + 1.432788) * r + 1)
    for _ in range(1 if jnp.finfo(t.dtype).bits <= 32 else 2):
        found, _, c = normal_tail(t)
        step = (found - log_tail) / (t + c)
        t = t + step / (1 + step * c / 2)
    return t, *normal_tail(t)[1:]


@normal_tail_inverse.defjvp
def _normal_tail_inverse_jvp(primals: Any, tangents: Any) -> Any:
    t, log_hazard, c = normal_tail_inverse(*primals)
    hazard = t + c
    t_dot = -tangents[0] / hazard
    return (t, log_hazard, c), (t_dot, c * t_dot, (hazard * c - 1) * t_dot)


def _log_density(t: jax.Array) -> jax.Array:
    return -(t * t) / 2 - LOG_ROOT_2_PI


def _quotient(terms: int) -> tuple[list[float], list[float]]:
    """Coefficients of P and Q, lowest first, with 1 / (1 + 2 w / (1 + 3 w / (... + terms w))) = P(w) / Q(w)."""
    above, below = [1], [1]
    for k in range(terms, 1, -1):
        longer = [0, *(k * b for b in below)]
        above, below = [a + b for a, b in zip(above + [0] * (len(longer) - len(above)), longer, strict=True)], above
    return [float(b) for b in below], [float(a) for a in above]


def _polynomial(coefficients: list[float], w: jax.Array) -> jax.Array:
    total = jnp.full_like(w, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * w + coefficient
    return total
