"""The Bernstein polynomial (Ramasinghe, Fernando, Khan & Barnes 2021)."""

import dataclasses
from itertools import accumulate
from math import comb
from typing import Any

import jax
import jax.numpy as jnp

from ..solvers import invert_monotone
from .bins import of_rank, rows_of
from .from_transformer import FromTransformer, counted
from .spline_kernel import softplus_slope


@dataclasses.dataclass(frozen=True)
class BernsteinTransformer:
    """y = shift + span B(t) - bound,   B(t) = sum_k c_k C(n, k) t^k (1 - t)^(n - k),   t = (x + bound) / span.

    span = 2 bound, and the coefficients 0 = c_0 < c_1 < ... < c_n increase by s_k / n, so that

        y' = sum_k s_k C(n - 1, k - 1) t^(k - 1) (1 - t)^(n - k),   k = 1..n,

    is positive. Outside the box y goes on linearly, with slopes s_1 and s_n, so that it is smooth and onto the line.
    inverse: numerical in the box, with implicit derivatives;    log-det  log y'. (Ramasinghe et al. 2021, whose box is
    that of the data and has no outside.) Both sums are of positive terms, multiplied out in the nested way of Farin
    (2002). Parameters of a coordinate: shift, then the n slopes s_k, through a softplus. Zeros give the identity.

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
        value, slope = _value(slopes, inside), _slope(slopes, inside)
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
            slope=lambda t: _slope(slopes, t),
        )
        slope = jnp.where(below, slopes[0], jnp.where(above, slopes[-1], _slope(slopes, t)))
        x = 2 * self.bound * t - self.bound
        left, right = (y + self.bound) / slopes[0] - self.bound, (y - end) / slopes[-1] + self.bound
        return jnp.where(below, left, jnp.where(above, right, x)), -jnp.log(slope)

    def _split(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
        params = of_rank(params, max(x.ndim, params.ndim - 1))
        return params[0], rows_of(softplus_slope(params[1:], self.min_slope))

    def _end(self, slopes: list[jax.Array]) -> jax.Array:
        """The value at the right end of the box."""
        return 2 * self.bound * (sum(slopes[1:], slopes[0]) / len(slopes)) - self.bound


def _slope(slopes: list[jax.Array], t: jax.Array) -> jax.Array:
    """sum_k s_k C(n - 1, k) t^k (1 - t)^(n - 1 - k), k = 0..n - 1."""
    n = len(slopes)
    total, power = slopes[0] + jnp.zeros_like(t), jnp.ones_like(t)
    for k in range(1, n):
        power = power * t
        total = total * (1 - t) + comb(n - 1, k) * power * slopes[k]
    return total


def _sum(slopes: list[jax.Array], t: jax.Array) -> jax.Array:
    """B(t), linear in the slopes: the same sum over their partial sums."""
    sums = accumulate(slopes, initial=jnp.zeros_like(slopes[0]))
    return _slope(list(sums), t) / len(slopes)


_value = jax.custom_jvp(_sum)


@_value.defjvp
def _value_jvp(primals: Any, tangents: Any) -> Any:
    (slopes, t), (d_slopes, d_t) = primals, tangents
    return _sum(slopes, t), _sum(d_slopes, t) + _slope(slopes, t) * d_t


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
