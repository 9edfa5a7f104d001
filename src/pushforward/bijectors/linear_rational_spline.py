"""The linear-rational spline: two hyperbolas a bin (Dolatabadi, Erfani & Leckie 2020)."""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .bins import pick, shares
from .boxed import BoxedTransformer
from .from_transformer import FromTransformer, counted
from .spline_kernel import softplus_slope


@dataclasses.dataclass(frozen=True)
class LinearRationalSplineTransformer(BoxedTransformer):
    """y = increasing function of x with a continuous slope, two ratios of linear functions a bin; the identity outside.

    In a bin of width w and height h, mean slope s = h / w and slopes a^2 and b^2 at its ends, with t and r the shares
    of w and h before the point, the two meet at t = l, r = l a / m, where m = l a + (1 - l) b. For t <= l

        r = a^2 l t / q,   q = s (l - t) + a m t;    log-det  2 log(s a l / q)
        inverse  t = s l r / p,   p = a (a l - m r) + s r,   s a l / q = p / (a l)

    and beyond l the same holds from the other end: t -> 1 - t, r -> 1 - r, l -> 1 - l, a <-> b. (Dolatabadi et al.
    2020, section 3, with their weights put in.) All sums are of positive terms, and both directions cost the same.
    Parameters of a coordinate: K widths and K heights, through a softmax; K - 1 interior slopes, through a softplus (1
    at the ends of the box); K numbers l, through a sigmoid onto (0.025, 0.975). Zeros give the identity.

    Args:
        bins: number of bins K.
        bound: the box is [-bound, bound]; None for the unit interval.
        min_bin_width, min_bin_height: least width and height of a bin, as fractions of the side of the box.
        min_slope: least slope at a knot.
    """

    min_bin_width: float = 1e-3
    min_bin_height: float = 1e-3
    min_slope: float = 1e-3

    @property
    def params_per_dim(self) -> int:
        """4 K - 1."""
        return 4 * self.bins - 1

    def _forward(self, params, position):
        widths, heights, rest = self._shape(params)
        index = widths.find(position)
        left, width, low, height, s, a, b, l = self._bin(index, widths, heights, rest)
        t = (position - left) / width
        m = l * a + (1 - l) * b
        first = t <= l
        t, l, a = (jnp.where(first, here, there) for here, there in ((t, 1 - t), (l, 1 - l), (a, b)))
        over_q = 1 / (s * (l - t) + a * m * t)
        r = a * a * l * t * over_q
        return low + height * jnp.where(first, r, 1 - r), 2 * jnp.log(s * a * l * over_q)

    def _inverse(self, params, position):
        widths, heights, rest = self._shape(params)
        index = heights.find(position)
        left, width, low, height, s, a, b, l = self._bin(index, widths, heights, rest)
        r = (position - low) / height
        m = l * a + (1 - l) * b
        first = r * m <= l * a
        r, l, a = (jnp.where(first, here, there) for here, there in ((r, 1 - r), (l, 1 - l), (a, b)))
        p = a * (a * l - m * r) + s * r
        t = s * l * r / p
        return left + width * jnp.where(first, t, 1 - t), -2 * jnp.log(p / (a * l))

    def _shape(self, params: jax.Array) -> Any:
        k = self.bins
        widths, heights, slopes, middles = lax.split(params, (k, k, k - 1, k))
        return shares(widths, self.min_bin_width), shares(heights, self.min_bin_height), (slopes, middles)

    def _bin(self, index: jax.Array, widths: Any, heights: Any, rest: Any) -> tuple[jax.Array, ...]:
        (left, width), (low, height), (slopes, middles) = widths.at(index), heights.at(index), rest
        root = partial(self._root_of_slope, index, slopes)
        l = 0.025 + 0.95 * jax.nn.sigmoid(pick(index, middles))
        return left, width, low, height, height / width, root(-1), root(0), l

    def _root_of_slope(self, index: jax.Array, slopes: jax.Array, shift: int) -> jax.Array:
        return jnp.sqrt(softplus_slope(pick(index, slopes, shift, 0.0, self.bins), self.min_slope))


class LinearRationalSpline(FromTransformer):
    """y = two ratios of linear functions of x in each bin of a box, y = x outside, element by element.

    inverse and log-det: closed forms of the same cost, see `LinearRationalSplineTransformer` (Dolatabadi et al. 2020);
    domain and codomain: real, or the unit interval.

    Args:
        params: unconstrained, shape [..., 4 K - 1]: K widths, K heights, K - 1 interior slopes, K places where the two
            pieces of a bin meet. Leading axes are axes of x, or broadcast against them. Zeros give the identity.
        bound: the box is [-bound, bound]; None for the unit interval.
        min_bin_width, min_bin_height: least width and height of a bin, as fractions of the side of the box.
        min_slope: least slope at a knot.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: for another number of params, or options out of range.
    """

    def __init__(
        self,
        params: Any,
        *,
        bound: float | None = 5.0,
        min_bin_width: float = 1e-3,
        min_bin_height: float = 1e-3,
        min_slope: float = 1e-3,
        validate_args: bool = False,
    ):
        params, bins = counted(params, 4, -1, "LinearRationalSpline", "number of bins")
        transformer = LinearRationalSplineTransformer(bins, bound, min_bin_width, min_bin_height, min_slope)
        super().__init__(params, transformer, validate_args)
