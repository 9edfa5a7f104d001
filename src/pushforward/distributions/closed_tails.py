"""Distribution functions of NumPyro's scalar distributions in forms that keep their digits in both tails.

NumPyro has the lower tail only, some of it as a difference from 1/2 or 1 that has lost its digits far out (`Cauchy` and
`Laplace` at 1e-12 keep four). Here an upper tail is a formula of its own: 1 - cdf would keep none.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as npd
from jax.lax import erf_inv
from jax.scipy.special import betainc, erf, erfc, gammainc, gammaincc, ndtri

from ..core import student_t
from ..core.elementary import log_ratio, logit
from ..core.normal import normal_cdf

Function = Callable[[Any, jax.Array], jax.Array]


class Tails(NamedTuple):
    """The functions of one class, each of (distribution, value). None: to be solved for numerically."""

    cdf: Function
    survival: Function
    quantile: Function | None = None
    survival_quantile: Function | None = None


def _symmetric(cdf: Function, quantile: Function) -> Tails:
    """Of a distribution with a location and a scale; `cdf` and `quantile` are of z = (x - loc) / scale, symmetric."""

    def scaled(z: jax.Array, d: Any) -> jax.Array:
        return d.loc + d.scale * z

    return Tails(
        lambda d, x: cdf(d, _standard(d, x)),
        lambda d, x: cdf(d, -_standard(d, x)),
        lambda d, q: scaled(quantile(d, q), d),
        lambda d, q: scaled(-quantile(d, q), d),
    )


def _standard(d: Any, x: jax.Array) -> jax.Array:
    return (x - d.loc) / d.scale


def _cauchy(d: Any, z: jax.Array) -> jax.Array:
    return jnp.arctan2(jnp.ones_like(z), -z) / jnp.pi


def _cauchy_quantile(d: Any, q: jax.Array) -> jax.Array:
    # -cot(pi q); of the nearer end, whose distance from q is exact.
    return jnp.where(q < 0.5, -1, 1) / jnp.tan(jnp.pi * jnp.minimum(q, 1 - q))


def _laplace(d: Any, z: jax.Array) -> jax.Array:
    tail = 0.5 * jnp.exp(-jnp.abs(z))
    return jnp.where(z < 0, tail, 1 - tail)


def _laplace_quantile(d: Any, q: jax.Array) -> jax.Array:
    distance = -jnp.log(2 * jnp.minimum(q, 1 - q))
    return jnp.where(q < 0.5, -distance, distance)


def _student_t(d: Any, z: jax.Array) -> jax.Array:
    return student_t.cdf(*jnp.broadcast_arrays(z, d.df))


def _student_t_quantile(d: Any, q: jax.Array) -> jax.Array:
    return student_t.quantile_and_log_density(*jnp.broadcast_arrays(q, d.df))[0]


def _half_cauchy(d: Any, q: jax.Array) -> jax.Array:
    # tan and 1 / tan, each where its argument is exact.
    lower, upper = jnp.minimum(q, 0.5), jnp.minimum(1 - q, 0.5)
    return d.scale * jnp.where(q < 0.5, jnp.tan(0.5 * jnp.pi * lower), 1 / jnp.tan(0.5 * jnp.pi * upper))


def _beta_survival(d: Any, x: jax.Array) -> jax.Array:
    # Where x is tiny, 1 - x is not.
    lower = betainc(d.concentration1, d.concentration0, x)
    return jnp.where(lower < 0.5, 1 - lower, betainc(d.concentration0, d.concentration1, 1 - x))


_ROOT_HALF = 0.5**0.5

CLOSED: Mapping[type, Tails] = {
    npd.Normal: _symmetric(lambda d, z: normal_cdf(z), lambda d, q: ndtri(q)),
    npd.Logistic: _symmetric(lambda d, z: jax.nn.sigmoid(z), lambda d, q: logit(q)),
    npd.Cauchy: _symmetric(_cauchy, _cauchy_quantile),
    npd.Laplace: _symmetric(_laplace, _laplace_quantile),
    npd.StudentT: _symmetric(_student_t, _student_t_quantile),
    npd.Exponential: Tails(
        lambda d, x: -jnp.expm1(-d.rate * x),
        lambda d, x: jnp.exp(-d.rate * x),
        lambda d, q: -jnp.log1p(-q) / d.rate,
        lambda d, q: -jnp.log(q) / d.rate,
    ),
    npd.Uniform: Tails(
        lambda d, x: jnp.clip((x - d.low) / (d.high - d.low), 0, 1),
        lambda d, x: jnp.clip((d.high - x) / (d.high - d.low), 0, 1),
        lambda d, q: d.low + q * (d.high - d.low),
        lambda d, q: d.high - q * (d.high - d.low),
    ),
    npd.Gumbel: Tails(
        lambda d, x: jnp.exp(-jnp.exp(-_standard(d, x))),
        lambda d, x: -jnp.expm1(-jnp.exp(-_standard(d, x))),
        lambda d, q: d.loc - d.scale * jnp.log(-jnp.log(q)),
        lambda d, q: d.loc - d.scale * jnp.log(-jnp.log1p(-q)),
    ),
    npd.LogNormal: Tails(
        lambda d, x: normal_cdf((jnp.log(x) - d.loc) / d.scale),
        lambda d, x: normal_cdf((d.loc - jnp.log(x)) / d.scale),
        lambda d, q: jnp.exp(d.loc + d.scale * ndtri(q)),
        lambda d, q: jnp.exp(d.loc - d.scale * ndtri(q)),
    ),
    npd.HalfNormal: Tails(
        lambda d, x: erf(_ROOT_HALF * x / d.scale),
        lambda d, x: erfc(_ROOT_HALF * x / d.scale),
        lambda d, q: d.scale * jnp.where(q < 0.5, erf_inv(jnp.minimum(q, 0.5)) / _ROOT_HALF, -ndtri((1 - q) / 2)),
        lambda d, q: -d.scale * ndtri(q / 2),
    ),
    npd.HalfCauchy: Tails(
        lambda d, x: 2 / jnp.pi * jnp.arctan(x / d.scale),
        lambda d, x: 2 / jnp.pi * jnp.arctan2(jnp.broadcast_to(d.scale, x.shape), x),
        _half_cauchy,
        lambda d, q: d.scale**2 / _half_cauchy(d, q),
    ),
    npd.Weibull: Tails(
        lambda d, x: -jnp.expm1(-((x / d.scale) ** d.concentration)),
        lambda d, x: jnp.exp(-((x / d.scale) ** d.concentration)),
        lambda d, q: d.scale * (-jnp.log1p(-q)) ** (1 / d.concentration),
        lambda d, q: d.scale * (-jnp.log(q)) ** (1 / d.concentration),
    ),
    npd.Pareto: Tails(
        lambda d, x: -jnp.expm1(d.alpha * log_ratio(jnp.broadcast_to(d.scale, x.shape), x)),
        lambda d, x: jnp.exp(d.alpha * log_ratio(jnp.broadcast_to(d.scale, x.shape), x)),
        lambda d, q: d.scale * jnp.exp(-jnp.log1p(-q) / d.alpha),
        lambda d, q: d.scale * jnp.exp(-jnp.log(q) / d.alpha),
    ),
    npd.Gamma: Tails(
        lambda d, x: gammainc(d.concentration, d.rate * x), lambda d, x: gammaincc(d.concentration, d.rate * x)
    ),
    npd.InverseGamma: Tails(
        lambda d, x: gammaincc(d.concentration, d.rate / x), lambda d, x: gammainc(d.concentration, d.rate / x)
    ),
    npd.Beta: Tails(
        lambda d, x: betainc(d.concentration1, d.concentration0, x),
        _beta_survival,
    ),
}
