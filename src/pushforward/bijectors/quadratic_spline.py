"""The quadratic spline: a piecewise linear density (Müller, McWilliams, Rousselle, Gross & Novák 2019)."""

import dataclasses
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from .bins import Shares, exponentials, find, pick, shares, sum_before, sum_leading
from .boxed import BoxedTransformer
from .from_transformer import FromTransformer, counted


@dataclasses.dataclass(frozen=True)
class QuadraticSplineTransformer(BoxedTransformer):
    """y = piecewise quadratic function of x with a continuous slope, the identity outside the box.

    In units of the box, with bin k of width w_k from x_k to x_k+1, slopes d_k at the knots, t = (x - x_k) / w_k and the
    areas a_k = w_k (d_k + d_k+1) / 2, which sum to 1 and of which y_k is the sum of those before:

        y = y_k + w_k (d_k t (1 - t / 2) + d_k+1 t^2 / 2);    log-det  log d,   d = d_k (1 - t) + d_k+1 t
        inverse  t = u (d_k + d_k+1) / (d_k + d),   d^2 = d_k^2 (1 - u) + d_k+1^2 u,   u = (y - y_k) / a_k

    (Müller et al. 2019, section 4; their root, written so that nothing cancels.) Parameters of a coordinate: K
    widths, through a softmax, and logarithms of the slopes, up to a constant that makes the areas sum to 1. On the line
    these are the K - 1 interior slopes: those at the ends are 1, to meet the identity outside. On the unit interval
    they are all K + 1. Zeros give the identity.

    Args:
        bins: number of bins K, on the line at least 3.
        bound: the box is [-bound, bound]; None for the unit interval, as in the paper.
        min_bin_width: least width of a bin, as a fraction of the side of the box.
        min_slope: least slope at a knot.
    """

    min_bin_width: float = 1e-3
    min_slope: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bound is not None and self.bins < 3:
            raise ValueError(
                f"QuadraticSplineTransformer: expected at least 3 bins on the line, and got bins={self.bins}; with "
                "slopes of 1 at both ends, fewer leave the identity only"
            )

    @property
    def params_per_dim(self) -> int:
        """2 K - 1 on the line, 2 K + 1 on the unit interval."""
        return 2 * self.bins + (1 if self.bound is None else -1)

    def _forward(self, params, position):
        curve = self._curve(params)
        index = curve.widths.find(position)
        left, width, low, d0, d1 = curve.at(index)
        half = (position - left) / width / 2
        value = low + (position - left) * (d0 * (1 - half) + d1 * half)
        return value, jnp.log(d0 * (1 - 2 * half) + d1 * (2 * half))

    def _inverse(self, params, position):
        curve = self._curve(params)
        index = find(position, curve.areas())
        left, width, low, d0, d1 = curve.at(index)
        u = 2 * (position - low) / (width * (d0 + d1))
        u = jnp.where(u < 0, 0, jnp.where(u > 1, 1, u))  # rounding at the knots
        slope = jnp.sqrt(d0 * d0 * (1 - u) + d1 * d1 * u)
        return left + width * u * (d0 + d1) / (d0 + slope), -jnp.log(slope)

    def _curve(self, params: jax.Array) -> "_Curve":
        k, least = self.bins, self.min_slope
        of_widths, of_slopes = lax.split(params, (k, params.shape[0] - k))
        widths, parts = shares(of_widths, self.min_bin_width), exponentials(of_slopes)
        first = jnp.zeros_like(widths.total)
        w_first, w_last = widths.size(first), widths.size(first + (k - 1))
        ends: Any = None
        if self.bound is None:
            part_first, parts, part_last = lax.split(parts, (1, k - 1, 1))
            ends = part_first[0], part_last[0]
        # The weight of an interior knot is the mean width of the bins beside it: least + share mean part.
        weighted = parts * _pair_means(widths.parts)
        total = widths.least * sum_leading(parts) + widths.share * sum_leading(weighted)
        if ends is None:
            # The ends have slope 1, so that the weighted mean of the others is 1 too.
            scale = (1 - least) * (1 - (w_first + w_last) / 2) / total
        else:
            scale = (1 - least) / (total + (w_first * ends[0] + w_last * ends[1]) / 2)
        return _Curve(widths, parts, weighted, scale, least, ends)


def _pair_means(a: jax.Array) -> jax.Array:
    """(a[:-1] + a[1:]) / 2, in rows: the derivative of a slice is padding, which makes loops slow."""
    rows = lax.split(a, (1,) * a.shape[0])
    return jnp.concatenate([(before + after) / 2 for before, after in pairwise(rows)]) if len(rows) > 1 else a[:0]


class _Curve(NamedTuple):
    """Widths, and slopes at the knots: least + scale part, or 1 at the ends where these are None.

    weighted: the interior parts, each times the mean of the parts of the widths beside the knot.
    """

    widths: Shares
    parts: jax.Array
    weighted: jax.Array
    scale: jax.Array
    least: float
    ends: tuple[jax.Array, jax.Array] | None

    def at(self, index: jax.Array) -> tuple[jax.Array, ...]:
        """(x_k, w_k, y_k, d_k, d_k+1) of the bin."""
        bins = self.widths.parts.shape[0]
        (first, last), (left, width) = self._end_slopes(), self.widths.at(index)
        d0, d1 = (self.least + self.scale * pick(index, self.parts, shift, 0.0, bins) for shift in (-1, 0))
        d0, d1 = jnp.where(index < 0.5, first, d0), jnp.where(index > bins - 1.5, last, d1)
        # The trapezoidal rule over the bins before: whole weights for the knots between, half for the outer two.
        w_first, w_before = self.widths.size(jnp.zeros_like(index)), self.widths.size(index, -1)
        between = self.widths.least * sum_before(index - 1, self.parts)
        between = between + self.widths.share * sum_before(index - 1, self.weighted)
        low = self.scale * between + self.least * (left - (w_first + w_before) / 2)
        return left, width, jnp.where(index < 0.5, 0, low + (w_first * first + w_before * d0) / 2), d0, d1

    def areas(self) -> jax.Array:
        """The heights of the bins, for searches."""
        first, last = (jnp.broadcast_to(d, (1, *self.parts.shape[1:])) for d in self._end_slopes())
        slopes = jnp.concatenate([first, self.least + self.scale * self.parts, last])
        return lax.stop_gradient(self.widths.sizes() * (slopes[:-1] + slopes[1:]) / 2)

    def _end_slopes(self) -> tuple[Any, Any]:
        if self.ends is None:
            return jnp.ones_like(self.scale), jnp.ones_like(self.scale)
        return self.least + self.scale * self.ends[0], self.least + self.scale * self.ends[1]


class QuadraticSpline(FromTransformer):
    """y = piecewise quadratic function of x with a continuous slope in a box, y = x outside, element by element.

    inverse and log-det: closed forms, see `QuadraticSplineTransformer` (Müller et al. 2019);    domain and codomain:
    real, or the unit interval.

    Args:
        params: unconstrained, shape [..., 2 K - 1] (on the unit interval [..., 2 K + 1]): K widths, then the slopes at
            the knots. Leading axes are axes of x, or broadcast against them. Zeros give the identity.
        bound: the box is [-bound, bound]; None for the unit interval.
        min_bin_width: least width of a bin, as a fraction of the side of the box.
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
        min_slope: float = 1e-3,
        validate_args: bool = False,
    ):
        on_line = bound is not None
        params, bins = counted(
            params, 2, -1 if on_line else 1, "QuadraticSpline", "number of bins", 3 if on_line else 1
        )
        super().__init__(params, QuadraticSplineTransformer(bins, bound, min_bin_width, min_slope), validate_args)
