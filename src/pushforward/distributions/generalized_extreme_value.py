"""GeneralizedExtremeValue: the limit of the largest of many, whatever their tails."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln

from ..bijectors import Bijector, Chain, Scale, Shift
from ..bijectors.between import between
from ..core.elementary import scaled_expm1, scaled_log1p
from .gumbel import _EULER, StandardGumbel
from .parametric import ParametricDistribution, exponential


class GeneralizedExtremeValue(ParametricDistribution):
    """y = loc + scale (exp(c g) - 1) / c, g = -log e, e ~ Exponential(1); c is the concentration.

    P(y <= v) = exp(-(1 + c z)^(-1/c)), z = (v - loc) / scale;    log p(v) = -(1 + c) g - exp(-g) - log scale with
    g = log(1 + c z) / c;    support: 1 + c z > 0. At c = 0 it is `Gumbel`; for c > 0 Fréchet's law, heavy-tailed; for
    c < 0 a mirrored Weibull's with an upper end.

    mean  loc + scale (Γ(1 - c) - 1) / c for c < 1;    variance  scale^2 (Γ(1 - 2c) - Γ(1 - c)^2) / c^2 for c < 1/2;
    infinite otherwise. Nothing cancels near c = 0, and both tails keep their digits.

    Args:
        loc: any shape; shapes broadcast to the batch shape.
        scale: positive. The parameter that trains is its logarithm, `raw_scale`.
        concentration: c, of any sign. (SciPy's has the opposite sign.)
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale is not positive, or the shapes do not broadcast.

    Reference: Jenkinson 1955, "The frequency distribution of the annual maximum (or minimum) values of meteorological
        elements".
    """

    pytree_data_fields = ("loc", "raw_scale", "concentration")
    scale = exponential("raw_scale", "The unit of y - loc.")

    def __init__(self, loc: Any, scale: Any, concentration: Any, *, validate_args: bool = False):
        self._hold({"loc": loc, "concentration": concentration}, {"scale": scale}, validate_args=validate_args)

    @property
    def base(self) -> Any:
        """The standard Gumbel distribution."""
        return StandardGumbel()

    @property
    def bijector(self) -> Any:
        """g to loc + scale (exp(c g) - 1) / c."""
        return Chain([Shift(self.loc), Scale(self.scale), _ScaledExpm1(self.concentration)])

    @property
    def support(self) -> Any:
        """From loc - scale / c up for c > 0, up to there for c < 0, everything for c = 0."""
        own = self._in_one_dtype()
        c = own.concentration
        end = own.loc - own.scale / jnp.where(c == 0, 1, c)
        return between(jnp.where(c > 0, end, -jnp.inf), jnp.where(c < 0, end, jnp.inf), closed=False)

    @property
    def mean(self) -> jax.Array:
        """loc + scale (Γ(1 - c) - 1) / c, infinite for c >= 1."""
        own = self._in_one_dtype()
        c = own.concentration
        finite = c < 1
        mean = scaled_expm1(_log_gamma_ratio(jnp.where(finite, c, 0)), jnp.where(finite, c, 0))
        return jnp.broadcast_to(jnp.where(finite, own.loc + own.scale * mean, jnp.inf), self.batch_shape)

    @property
    def variance(self) -> jax.Array:
        """scale^2 (Γ(1 - 2c) - Γ(1 - c)^2) / c^2, infinite for c >= 1/2."""
        own = self._in_one_dtype()
        c = jnp.where(own.concentration < 0.5, own.concentration, 0)
        # Γ(1 - 2c) - Γ(1 - c)^2 = Γ(1 - c)^2 (exp(c^2 h) - 1), h = (log Γ(1 - 2c) - 2 log Γ(1 - c)) / c^2.
        growth = scaled_expm1(_log_gamma_curvature(c), c**2) * jnp.exp(2 * c * _log_gamma_ratio(c))
        variance = jnp.where(own.concentration < 0.5, own.scale**2 * growth, jnp.inf)
        return jnp.broadcast_to(variance, self.batch_shape)

    def entropy(self) -> jax.Array:
        """log scale + γ (1 + c) + 1, in nats; γ is Euler's constant."""
        own = self._in_one_dtype()
        return jnp.broadcast_to(own.raw_scale + _EULER * (1 + own.concentration) + 1, self.batch_shape)


class _ScaledExpm1(Bijector):
    """y = (exp(c x) - 1) / c; at c = 0 the identity. log |dy/dx| = c x; codomain: 1 + c y > 0."""

    c: Any

    forward_min_event_ndims = 0
    is_increasing = True

    @property
    def codomain(self) -> Any:
        """Above -1 / c for c > 0, below for c < 0."""
        c = self.c
        end = -1 / jnp.where(c == 0, 1, c)
        return between(jnp.where(c > 0, end, -jnp.inf), jnp.where(c < 0, end, jnp.inf), closed=False)

    def _forward_and_log_det(self, x):
        finite = jnp.where(jnp.isinf(x), 0, x)
        end = jnp.where(self.c * jnp.sign(x) < 0, -1 / jnp.where(self.c == 0, 1, self.c), x)
        return jnp.where(jnp.isinf(x), end, scaled_expm1(finite, self.c)), self.c * x

    def _inverse_and_log_det(self, y):
        x = scaled_log1p(y, self.c)
        return x, -self.c * x


def _log_gamma_ratio(c: jax.Array) -> jax.Array:
    """log Γ(1 - c) / c = γ + sum_{k >= 2} zeta(k) c^(k - 1) / k, for c < 1."""
    series = [_EULER, *(zeta / k for k, zeta in _ZETA.items())]
    return _series_or(c, series, lambda c: gammaln(1 - c) / c)


def _log_gamma_curvature(c: jax.Array) -> jax.Array:
    """(log Γ(1 - 2c) - 2 log Γ(1 - c)) / c^2 = sum_{k >= 2} zeta(k) (2^k - 2) c^(k - 2) / k, for c < 1/2."""
    series = [zeta * (2**k - 2) / k for k, zeta in _ZETA.items()]
    return _series_or(c, series, lambda c: (gammaln(1 - 2 * c) - 2 * gammaln(1 - c)) / c**2)


def _series_or(c: jax.Array, series: list[float], formula: Any) -> jax.Array:
    """The power series for |c| < 1/10, elsewhere the formula, which cancels near 0."""
    near = jnp.abs(c) < 0.1
    small = jnp.where(near, c, 0)
    value = jnp.zeros_like(small)
    for coefficient in reversed(series):
        value = value * small + coefficient
    return jnp.where(near, value, formula(jnp.where(near, 0.1, c)))


def _riemann_zeta(k: int) -> float:
    """Euler-Maclaurin from the 60th term."""
    n = 60.0
    rest = n ** (1 - k) / (k - 1) + n**-k / 2 + k * n ** (-k - 1) / 12 - k * (k + 1) * (k + 2) * n ** (-k - 3) / 720
    return sum(j**-k for j in range(1, 60)) + rest


_ZETA = {k: _riemann_zeta(k) for k in range(2, 26)}
