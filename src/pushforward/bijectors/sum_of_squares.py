"""The sum-of-squares polynomial (Jaini, Selby & Yu 2019)."""

import dataclasses
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..solvers import invert_monotone
from .bins import of_rank, rows_of
from .from_transformer import FromTransformer, counted

# Of a bounded polynomial: its largest coefficient, and what of its parameter a coefficient is. All coefficients add up
# in the slope at the bound, so an optimiser's steps in full size threw training off (a bent density in two dimensions,
# five layers, defaults of `fit`: 0.007 nats above the entropy with this share, and far rows lost without).
_LARGEST, _SHARE = 5.0, 0.3


@dataclasses.dataclass(frozen=True)
class SumOfSquaresTransformer:
    """y = shift + int_0^x D(u) du,   D(u) = e + (1 - e) / K sum_k (1 + sum_l a_kl u^l)^2,   k = 1..K, l = 0..degree.

    A polynomial of degree 2 degree + 1 with slope D >= e, so that it increases, onto the line. inverse: numerical, with
    implicit derivatives;    log-det  log D(x). (Jaini, Selby & Yu 2019, where 1 + a_k0 is a_k0, and e is 0.)

    The integral is taken by the quadrature of Gauss and Legendre with degree + 1 nodes, which is exact for these
    polynomials, and a sum of positive terms, where the antiderivative cancels digits. Parameters of a coordinate:
    shift, then K times a_k0, ..., a_k,degree. Zeros give the identity. Outside of the data the map grows like a power
    of x, so that a few layers overflow there. With a bound b the polynomial is one of u / b, with coefficients 5
    tanh(0.3 a_kl / 5), and y goes on linearly outside [-b, b].

    Args:
        polynomials: number K of squares; one alone can vanish somewhere but for e.
        degree: of the polynomials that are squared.
        min_slope: e.
        bound: b; None for the polynomial of u everywhere.
    """

    polynomials: int = 3
    degree: int = 4
    min_slope: float = 1e-3
    bound: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("polynomials", 1), ("degree", 0)):
            value = getattr(self, name)
            if value < least or int(value) != value:
                raise ValueError(
                    f"SumOfSquaresTransformer: expected an integer {name} >= {least}, and got {value}; the slope is a "
                    "mean of squares of `polynomials` polynomials of degree `degree`"
                )
        if not 0 < self.min_slope < 1:
            raise ValueError(
                f"SumOfSquaresTransformer: expected 0 < min_slope < 1, and got {self.min_slope}; zero parameters give "
                "a slope of 1"
            )
        if self.bound is not None and not self.bound > 0:
            raise ValueError(
                f"SumOfSquaresTransformer: expected bound > 0 or None, and got {self.bound}; the polynomial acts on "
                "[-bound, bound] and goes on linearly outside"
            )

    unrolled_layers = 0

    @property
    def params_per_dim(self) -> int:
        """1 + polynomials * (degree + 1)."""
        return 1 + self.polynomials * (self.degree + 1)

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(y, log dy/dx)."""
        shift, coefficients = self._split(params, x)
        if self.bound is not None:
            t = jnp.clip(x / self.bound, -1, 1)
            slope = _slope(self.min_slope, coefficients, t)
            rise = _integral(self.min_slope, self.degree, coefficients, t)
            outside = jnp.abs(x) > self.bound
            beyond = jnp.where(outside, x - self.bound * t, 0)
            return shift + self.bound * rise + slope * beyond, jnp.log(slope)
        y = shift + _integral(self.min_slope, self.degree, coefficients, x)
        # Where y overflows, so does the slope, and its logarithm would have NaN for a derivative.
        overflows = jnp.isinf(y) | jnp.isinf(x)
        log_slope = jnp.log(_slope(self.min_slope, coefficients, jnp.where(overflows, 0, x)))
        return jnp.where(jnp.isinf(x), x, y), jnp.where(overflows, jnp.inf, log_slope)

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(x, log dx/dy)."""
        shift, coefficients = self._split(params, y)
        if self.bound is not None:
            x, log_slope = self._inverse_in_box(coefficients, (y - shift) / self.bound)
            return self.bound * x, log_slope
        infinite = jnp.isinf(y)
        x = invert_monotone(
            lambda x: _integral(self.min_slope, self.degree, coefficients, x),
            jnp.where(infinite, 0, y - shift),
            slope=lambda x: _slope(self.min_slope, coefficients, x),
        )
        x = jnp.where(infinite, y, x)
        return x, -jnp.log(_slope(self.min_slope, coefficients, x))

    def _inverse_in_box(self, coefficients: list[list[jax.Array]], rise: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(x, log dx/dy) where the integral is `rise`, x and it in units of the bound."""

        def integral(t: jax.Array) -> jax.Array:
            return _integral(self.min_slope, self.degree, coefficients, t)

        low, high = integral(-jnp.ones_like(rise)), integral(jnp.ones_like(rise))
        below, above = rise < low, rise > high
        inside = invert_monotone(
            integral,
            jnp.where(below | above, 0, rise),
            lower=-1.0,
            upper=1.0,
            slope=lambda t: _slope(self.min_slope, coefficients, t),
        )
        t = jnp.where(below, -1, jnp.where(above, 1, inside))
        slope = _slope(self.min_slope, coefficients, t)
        beyond = jnp.where(below, rise - low, jnp.where(above, rise - high, 0)) / slope
        return t + beyond, -jnp.log(slope)

    def _split(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, list[list[jax.Array]]]:
        shift, *rest = rows_of(of_rank(params, max(x.ndim, params.ndim - 1)))
        size = self.degree + 1
        if self.bound is not None:
            rest = [_LARGEST * jnp.tanh(_SHARE * a / _LARGEST) for a in rest]
        groups = [rest[k : k + size] for k in range(0, len(rest), size)]
        return shift, [[1 + first, *others] for first, *others in groups]


def _slope(least: float, coefficients: list[list[jax.Array]], u: jax.Array) -> jax.Array:
    """D(u)."""
    values = [reduce(lambda value, a: value * u + a, reversed(group)) for group in coefficients]
    return least + (1 - least) / len(values) * reduce(jnp.add, [value * value for value in values])


def _quadrature(least: float, degree: int, coefficients: list[list[jax.Array]], x: jax.Array) -> jax.Array:
    """The integral of D from 0 to x."""
    nodes, weights = np.polynomial.legendre.leggauss(degree + 1)
    pairs = zip((nodes + 1) / 2, weights / 2, strict=True)
    return x * reduce(jnp.add, [float(w) * _slope(least, coefficients, float(u) * x) for u, w in pairs])


_integral = jax.custom_jvp(_quadrature, nondiff_argnums=(0, 1))


@_integral.defjvp
def _integral_jvp(least: float, degree: int, primals: Any, tangents: Any) -> Any:
    (coefficients, x), (d_coefficients, d_x) = primals, tangents
    y, d_y = jax.jvp(lambda a: _quadrature(least, degree, a, x), (coefficients,), (d_coefficients,))
    return y, d_y + _slope(least, coefficients, x) * d_x


class SumOfSquaresPolynomial(FromTransformer):
    """y = shift + int_0^x D(u) du, element by element, the slope D a mean of squares of polynomials, and at least e.

    inverse: numerical, with implicit derivatives;    log |dy/dx| = log D(x);    domain and codomain: real. The formulae
    are those of `SumOfSquaresTransformer` (Jaini, Selby & Yu 2019).

    Args:
        params: unconstrained, shape [..., 1 + K (degree + 1)]: the shift, then the coefficients of K polynomials, from
            the constant up, where 1 is added to the constant. Leading axes are axes of x, or broadcast against them.
            Zeros give the identity.
        degree: of the polynomials that are squared; y has degree 2 degree + 1.
        min_slope: e.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: for another number of params, or options out of range.
    """

    def __init__(self, params: Any, *, degree: int = 4, min_slope: float = 1e-3, validate_args: bool = False):
        params, polynomials = counted(params, degree + 1, 1, "SumOfSquaresPolynomial", "number of polynomials")
        super().__init__(params, SumOfSquaresTransformer(polynomials, degree, min_slope), validate_args)
