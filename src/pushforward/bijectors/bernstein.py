"""The Bernstein polynomial (Ramasinghe, Fernando, Khan & Barnes 2021)."""

import dataclasses
from math import comb
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core.kept import kept
from ..solvers import invert_monotone
from .bins import of_rank
from .from_transformer import FromTransformer, counted
from .spline_kernel import softplus_slope


@dataclasses.dataclass(frozen=True)
class BernsteinTransformer:
    """y = shift + span B(t) - bound,   B(t) = sum_k c_k C(n, k) t^k (1 - t)^(n - k),   t = (x + bound) / span.

    span = 2 bound, and the coefficients 0 = c_0 < c_1 < ... < c_n increase by s_k / n, so that

        y' = sum_k s_k C(n - 1, k - 1) t^(k - 1) (1 - t)^(n - k),   k = 1..n,

    is positive. Outside the box y goes on linearly, with slopes s_1 and s_n, so that it is smooth and onto the line.
    inverse: numerical in the box, with implicit derivatives;    log-det  log y'. (Ramasinghe et al. 2021, whose box is
    that of the data and has no outside.) Both sums are of positive terms. Parameters of a coordinate: shift, then the n
    slopes s_k, through a softplus. Zeros give the identity.

    Args:
        degree: n, at most 100.
        bound: the box is [-bound, bound].
        min_slope: least s_k.
    """

    degree: int = 16
    bound: float = 5.0
    min_slope: float = 1e-3

    def __post_init__(self) -> None:
        if not 1 <= self.degree <= 100 or int(self.degree) != self.degree:
            raise ValueError(
                f"BernsteinTransformer: expected an integer degree from 1 to 100, and got {self.degree}; beyond, the "
                "binomial coefficients overflow in float32"
            )
        if not self.bound > 0:
            raise ValueError(
                f"BernsteinTransformer: expected bound > 0, and got {self.bound}; the polynomial acts on "
                "[-bound, bound] and goes on linearly outside"
            )
        if not 0 < self.min_slope < 1:
            raise ValueError(
                f"BernsteinTransformer: expected 0 < min_slope < 1, and got {self.min_slope}; zero parameters give "
                "slopes of 1"
            )

    unrolled_layers = 0

    @property
    def params_per_dim(self) -> int:
        """degree + 1."""
        return self.degree + 1

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(y, log dy/dx)."""
        shift, slopes = self._split(params, x)
        t = (x + self.bound) / (2 * self.bound)
        below, above = t < 0, t > 1
        inside = jnp.where(below | above, 0.5, t)
        value, slope = _value(slopes, inside), _polynomial(slopes, inside)
        slope = jnp.where(below, slopes[0], jnp.where(above, slopes[-1], slope))
        y = 2 * self.bound * value - self.bound
        left, right = slopes[0] * (x + self.bound) - self.bound, slopes[-1] * (x - self.bound) + self._end(slopes)
        return shift + jnp.where(below, left, jnp.where(above, right, y)), jnp.log(slope)

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(x, log dx/dy)."""
        shift, slopes = self._split(params, y)
        y, end = y - shift, self._end(slopes)
        below, above = y < -self.bound, y > end
        target = jnp.where(below | above, (end - self.bound) / 2, y)
        t = invert_monotone(
            lambda t: _value(slopes, t),
            (target + self.bound) / (2 * self.bound),
            lower=0.0,
            upper=1.0,
            slope=lambda t: _polynomial(slopes, t),
        )
        slope = jnp.where(below, slopes[0], jnp.where(above, slopes[-1], _polynomial(slopes, t)))
        x = 2 * self.bound * t - self.bound
        left, right = (y + self.bound) / slopes[0] - self.bound, (y - end) / slopes[-1] + self.bound
        return jnp.where(below, left, jnp.where(above, right, x)), -jnp.log(slope)

    def _split(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        params = of_rank(params, max(x.ndim, params.ndim - 1))
        slopes = softplus_slope(params[1:], self.min_slope)
        return params[0], kept(slopes, slopes)

    def _end(self, slopes: jax.Array) -> jax.Array:
        """The value at the right end of the box."""
        return 2 * self.bound * jnp.mean(slopes, 0) - self.bound


@jax.custom_jvp
def _polynomial(coefficients: jax.Array, t: jax.Array) -> jax.Array:
    """sum_k c_k C(n, k) t^k (1 - t)^(n - k) for n + 1 coefficients along the first axis."""
    n = len(coefficients) - 1
    k = np.arange(n + 1).reshape(-1, *(1,) * max(t.ndim, coefficients.ndim - 1))
    binomials = np.array([comb(n, int(i)) for i in k.ravel()], float).reshape(k.shape).astype(t.dtype)
    basis = jnp.asarray(binomials) * _powers(t, k) * _powers(1 - t, n - k)
    return jnp.sum(coefficients * kept(basis, basis), 0)


@_polynomial.defjvp
def _polynomial_jvp(primals: Any, tangents: Any) -> Any:
    (c, t), (d_c, d_t) = primals, tangents
    by_t = (len(c) - 1) * _polynomial(c[1:] - c[:-1], t) if len(c) > 1 else jnp.zeros_like(t)
    return _polynomial(c, t), _polynomial(d_c, t) + by_t * d_t


@jax.custom_jvp
def _value(slopes: jax.Array, t: jax.Array) -> jax.Array:
    """B(t): coefficients are the partial sums of the slopes over n."""
    n = len(slopes)
    partial_sums = np.tril(np.ones((n + 1, n)), -1).astype(slopes.dtype)
    return _polynomial(jnp.tensordot(partial_sums, slopes, 1, precision=lax.Precision.HIGHEST) / n, t)


@_value.defjvp
def _value_jvp(primals: Any, tangents: Any) -> Any:
    (slopes, t), (d_slopes, d_t) = primals, tangents
    return _value(slopes, t), _value(d_slopes, t) + _polynomial(slopes, t) * d_t


def _powers(t: jax.Array, exponents: np.ndarray) -> jax.Array:
    """t^k for each of the exponents, by repeated squaring."""
    powers = jnp.ones(np.broadcast_shapes(exponents.shape, t.shape), t.dtype)
    for bit in range(int(exponents.max()).bit_length()):
        powers = jnp.where(exponents >> bit & 1, powers * t, powers)
        t = t * t
    return powers


class BernsteinPolynomial(FromTransformer):
    """y = a Bernstein polynomial of x with increasing coefficients on a box, linear outside, element by element.

    inverse: numerical in the box, with implicit derivatives;    log-det: closed form, see `BernsteinTransformer`
    (Ramasinghe et al. 2021);    domain and codomain: real.

    Args:
        params: unconstrained, shape [..., n + 1]: the shift, then the n slopes of which the coefficients are sums.
            Leading axes are axes of x, or broadcast against them. Zeros give the identity.
        bound: the box is [-bound, bound].
        min_slope: least slope.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: for another number of params, or options out of range.
    """

    def __init__(self, params: Any, *, bound: float = 5.0, min_slope: float = 1e-3, validate_args: bool = False):
        params, degree = counted(params, 1, 1, "BernsteinPolynomial", "degree")
        super().__init__(params, BernsteinTransformer(degree, bound, min_slope), validate_args)
