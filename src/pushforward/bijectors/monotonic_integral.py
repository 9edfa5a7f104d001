"""The integral of a positive network, of unconstrained monotonic networks (Wehenkel & Louppe 2019)."""

import dataclasses
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..solvers import invert_monotone
from .bins import of_rank
from .spline_kernel import softplus_slope


@dataclasses.dataclass(frozen=True)
class MonotonicIntegralTransformer:
    """y = shift + int_0^x g(t) dt,   g(t) = e + softplus(v + sum_m c_m tanh(s_m (t - t_m))) > e,   m = 1..M units.

    inverse: numerical, with implicit derivatives;    log-det  log g(x).

    The integral is a sum over the nodes of Clenshaw and Curtis, on [0, x] inside the box [-bound, bound]; outside of it
    y goes on linearly, with the slopes g(-bound) and g(bound), so that the map is onto the line. Its derivatives by the
    parameters are those of the sum, its derivative by x is g(x). Features of g sharper than the nodes are apart would
    make the two disagree, and so the slopes s_m are held between 1 / 4 and 4 of one over the distance of the units. The
    paper's ELU + 1 has a kink in its slope, which costs the sum most of its digits; hence softplus.

    **Where the weights are.** The paper's g is one network for all coordinates, which sees t and an embedding of y_<i.
    Here the autoregressive network puts out all weights of g for each coordinate, a network of one hidden layer: the
    transformer stays a description without arrays, which coupling layers take too, and that runs inside the incremental
    inversion. What is lost is depth of g; what is won is that g differs between coordinates in all its weights.

    Parameters of a coordinate: shift, v, then for each unit c_m, the logarithm of s_m and the offset of t_m from its
    place, in widths of a unit; the places are spread evenly over the box. Zeros give the identity.

    Choose it for smooth densities, or for an integrand that is the quantity of interest; `SplineTransformer` is as
    flexible for a fraction of the `nodes` * M hyperbolic tangents that a coordinate takes.

    Args:
        units: M.
        bound: the box is [-bound, bound]; data should be standardised.
        nodes: of the quadrature, at least 2. Its error falls exponentially with them.
        min_slope: e.
    """

    units: int = 8
    bound: float = 5.0
    nodes: int = 32
    min_slope: float = 1e-3

    def __post_init__(self) -> None:
        who = "MonotonicIntegralTransformer"
        for name, least in (("units", 1), ("nodes", 2)):
            value = getattr(self, name)
            if value < least or int(value) != value:
                raise ValueError(
                    f"{who}: expected an integer {name} >= {least}, and got {value}; it is a number of "
                    f"{'units of the integrand' if name == 'units' else 'points of the quadrature, ends included'}. "
                    "Leave it out for the default."
                )
        if not self.bound > 0:
            raise ValueError(
                f"{who}: expected bound > 0, and got {self.bound}; the integrand acts on [-bound, bound] and is "
                "constant outside. Give the size of the data, 5 if standardised."
            )
        if not 0 < self.min_slope < 1:
            raise ValueError(
                f"{who}: expected 0 < min_slope < 1, and got {self.min_slope}; zero parameters give a slope of 1. "
                "Leave it out for 0.001."
            )

    @property
    def params_per_dim(self) -> int:
        """2 + 3 units."""
        return 2 + 3 * self.units

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(y, log dy/dx)."""
        shift, g = self._split(params, x)
        inside = jnp.clip(x, -self.bound, self.bound)
        slope = _integrand(self, g, inside)
        return shift + _integral(self, g, inside) + slope * (x - inside), jnp.log(slope)

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(x, log dx/dy)."""
        shift, g = self._split(params, y)
        target = y - shift
        ends = [jnp.full_like(target, end) for end in (-self.bound, self.bound)]
        low, high = (_integral(self, g, end) for end in ends)
        below, above = target < low, target > high
        inside = invert_monotone(
            lambda x: _integral(self, g, x),
            jnp.where(below | above, 0, target),
            lower=-self.bound,
            upper=self.bound,
            slope=lambda x: _integrand(self, g, x),
        )
        at = jnp.where(below, ends[0], jnp.where(above, ends[1], inside))
        slope = _integrand(self, g, at)
        outside = at + (target - jnp.where(below, low, high)) / slope
        return jnp.where(below | above, outside, inside), -jnp.log(slope)

    def _split(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        """The shift, and (v, c, s, s t) of the integrand, c, s and s t of shape (M, ...)."""
        params = of_rank(params, max(x.ndim, params.ndim - 1))
        m = self.units
        shift, v, c, log_s, offset = lax.split(params, (1, 1, m, m, m))
        width = 2 * self.bound / m
        places = of_rank(jnp.asarray(np.linspace(-1, 1, 2 * m + 1)[1::2], params.dtype), params.ndim - 1)
        # log 4 tanh(raw / log 4) keeps small values as they are, and s within a factor of 4.
        s = jnp.exp(np.log(4).astype(params.dtype) * jnp.tanh(log_s / np.log(4).astype(params.dtype))) / width
        return shift[0], (v[0], c, s, s * (self.bound * places + width * offset))


Weights = tuple[jax.Array, ...]


def _integrand(transformer: MonotonicIntegralTransformer, g: Weights, t: jax.Array) -> jax.Array:
    """g(t)."""
    v, c, s, s_places = g
    return softplus_slope(v + jnp.sum(c * jnp.tanh(s * t - s_places), axis=0), transformer.min_slope)


def _sum(transformer: MonotonicIntegralTransformer, g: Weights, x: jax.Array) -> jax.Array:
    """The integral from 0 to x by the quadrature; nodes are a loop, so that nothing of their number is kept."""
    nodes, weights = (jnp.asarray(a, x.dtype) for a in clenshaw_curtis(transformer.nodes))

    def add(total: jax.Array, at: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        node, weight = at
        return total + weight * _integrand(transformer, g, node * x), None

    shape = jnp.broadcast_shapes(x.shape, g[0].shape)
    return x * lax.scan(add, jnp.zeros(shape, x.dtype), (nodes, weights))[0]


_integral = jax.custom_jvp(_sum, nondiff_argnums=(0,))


@_integral.defjvp
def _integral_jvp(transformer: MonotonicIntegralTransformer, primals: Any, tangents: Any) -> Any:
    (g, x), (d_g, d_x) = primals, tangents
    y, d_y = jax.jvp(lambda g: _sum(transformer, g, x), (g,), (d_g,))
    return y, d_y + _integrand(transformer, g, x) * d_x


@lru_cache
def clenshaw_curtis(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(nodes, weights) of the rule of Clenshaw and Curtis (1960) on [0, 1], whose nodes are the extrema of a Chebyshev
    polynomial, ends included; the weights are positive, and those that integrate all polynomials below degree `count`.
    """
    n = count - 1
    angle = np.pi * np.arange(count) / n
    k = np.arange(1, n // 2 + 1)
    factors = np.where(2 * k == n, 1.0, 2.0) / (4 * k**2 - 1)
    weights = (1 - np.cos(2 * np.outer(angle, k)) @ factors) / n
    weights[[0, -1]] /= 2
    return (1 - np.cos(angle)) / 2, weights
