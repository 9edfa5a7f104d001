"""The monotone cubic spline (Durkan, Bekasov, Murray & Papamakarios 2019, "Cubic-spline flows")."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..solvers import as_root
from .bins import Shares, rows_of, shares
from .boxed import BoxedTransformer
from .from_transformer import FromTransformer, counted

_STEPS = 9  # of `_solve`: five do for slopes up to 2, the last ones for bins that are flat inside or at an end


@dataclasses.dataclass(frozen=True)
class CubicSplineTransformer(BoxedTransformer):
    """y = monotone cubic of x in each of K bins, with a continuous slope in the box, the identity outside.

    In a bin of width w and height h, with t and r the shares of them before the point, and e_0, e_1 in [0, 3] the
    slopes at its ends as multiples of h / w:

        r = e_0 t (1 - t)^2 + (3 - e_1) t^2 (1 - t) + t^3;    log-det  log(h r' / w)
        r' = e_0 (1 - t)^2 + 2 (3 - e_0 - e_1) t (1 - t) + e_1 t^2

    Slopes at the knots are those of Steffen (1990), from the widths and heights of the two bins that meet there:
    2 min(s, s', p / 2) with s, s' their mean slopes and p that of the parabola through the three knots. Parameters of a
    coordinate: K widths and K heights, through a softmax, and the slopes at the two ends of the box, through a sigmoid
    onto (0, 3) times the mean slope of the bin. Zeros give the identity. The slope jumps at the ends of the box, unless
    it is 1 there.

    The inverse does not use the trigonometric roots of the paper, which lose up to half of the digits where two roots
    are close: see `_solve`.

    Args:
        bins: number of bins K.
        bound: the box is [-bound, bound]; None for the unit interval, as in the paper.
        min_bin_width, min_bin_height: least width and height of a bin, as fractions of the side of the box.
        min_slope: least slope at the ends of the box, as a multiple of the mean slope of the bin.
    """

    min_bin_width: float = 1e-3
    min_bin_height: float = 1e-3
    min_slope: float = 1e-3

    @property
    def params_per_dim(self) -> int:
        """2 K + 2."""
        return 2 * self.bins + 2

    def _forward(self, params, position):
        widths, heights, ends = self._shape(params)
        index = widths.find(position)
        (left, width), (low, height) = widths.at(index), heights.at(index)
        e0, e1 = self._ends(index, widths, heights, ends)
        t = (position - left) / width
        return low + height * _value(t, e0, e1), jnp.log(height / width * _slope(t, e0, e1))

    def _inverse(self, params, position):
        widths, heights, ends = self._shape(params)
        index = heights.find(position)
        (left, width), (low, height) = widths.at(index), heights.at(index)
        e0, e1 = self._ends(index, widths, heights, ends)
        r = (position - low) / height
        # From the nearer end, so that a short way to it keeps its digits.
        first = r < 0.5
        r, e0, e1 = (jnp.where(first, here, there) for here, there in ((r, 1 - r), (e0, e1), (e1, e0)))
        t = _solve(jnp.where(r < 0, 0, r), e0, e1)
        return left + width * jnp.where(first, t, 1 - t), -jnp.log(height / width * _slope(t, e0, e1))

    def _shape(self, params: jax.Array) -> tuple[Shares, Shares, jax.Array]:
        widths, heights, ends = lax.split(params, (self.bins, self.bins, 2))
        return shares(widths, self.min_bin_width), shares(heights, self.min_bin_height), ends

    def _ends(self, index: jax.Array, widths: Shares, heights: Shares, ends: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(e_0, e_1) of the bin."""
        before, here, after = ((widths.size(index, k), heights.size(index, k)) for k in (-1, 0, 1))
        least = self.min_slope
        offset = float(np.log((1 - least) / (2 - least)))
        first, last = rows_of(least + (3 - 2 * least) * jax.nn.sigmoid(ends + offset))
        return (
            jnp.where(index < 0.5, first, _steffen(here, before)),
            jnp.where(index > self.bins - 1.5, last, _steffen(here, after)),
        )


def _steffen(here: tuple[jax.Array, jax.Array], there: tuple[jax.Array, jax.Array]) -> jax.Array:
    """Slope at the knot between two bins (width, height), as a multiple of the mean slope of the first."""
    (w, h), (w_there, h_there) = here, there
    ratio = h_there * w / (w_there * h)
    return jnp.minimum(2 * jnp.minimum(ratio, 1), (w_there + ratio * w) / (w + w_there))


def _value(t: jax.Array, e0: jax.Array, e1: jax.Array) -> jax.Array:
    """r: for slopes up to 3 a sum of positive terms."""
    rest = 1 - t
    return t * (rest * (e0 * rest + (3 - e1) * t) + t * t)


def _slope(t: jax.Array, e0: jax.Array, e1: jax.Array) -> jax.Array:
    rest = 1 - t
    return e0 * rest * rest + 2 * (3 - e0 - e1) * t * rest + e1 * t * t


@jax.custom_jvp
def _solve(r: jax.Array, e0: jax.Array, e1: jax.Array) -> jax.Array:
    """The t in [0, 1] with value r <= 1/2, starting from t = 0.

    Each step goes to the root of the parabola that osculates the curve, t - 2 f / (f' + sqrt(f'^2 - 2 f f'')), which
    converges cubically and passes slopes near zero, where Newton's steps halve the distance. It takes no transcendental
    function, and the residual f, of positive terms but for r, leaves t right to a few roundings.
    """
    t = _search(*lax.stop_gradient((r, e0, e1)))
    # Where JAX drops the rule below, in second derivatives through a loop, the derivatives of this are taken.
    return as_root(t, _value(t, e0, e1) - r, _slope(t, e0, e1))


def _search(r: jax.Array, e0: jax.Array, e1: jax.Array) -> jax.Array:
    t = 2 * r / (e0 + jnp.sqrt(jnp.maximum(e0 * e0 + 4 * r * (3 - 2 * e0 - e1), 0)) + jnp.finfo(r.dtype).tiny)
    t = jnp.clip(t, 0, 1)
    for _ in range(_STEPS - 1):
        f, slope = _value(t, e0, e1) - r, _slope(t, e0, e1)
        bend = 2 * (3 - 2 * e0 - e1) + 6 * (e0 + e1 - 2) * t
        root = jnp.sqrt(jnp.maximum(slope * slope - 2 * f * bend, 0))
        t = jnp.clip(t - 2 * f / (slope + root + jnp.finfo(r.dtype).tiny), 0, 1)
    return t


@_solve.defjvp
def _solve_jvp(primals: Any, tangents: Any) -> Any:
    _, e0, e1 = primals
    d_r, d_e0, d_e1 = tangents
    t = _solve(*primals)
    rest = 1 - t
    return t, (d_r - t * rest * (rest * d_e0 - t * d_e1)) / _slope(t, e0, e1)


class CubicSpline(FromTransformer):
    """y = monotone cubic of x in each bin of a box, y = x outside, element by element.

    inverse: the root of a cubic, to the last digits;    log-det: closed form; see `CubicSplineTransformer` (Durkan et
    al. 2019, "Cubic-spline flows");    domain and codomain: real, or the unit interval.

    Args:
        params: unconstrained, shape [..., 2 K + 2]: K widths, K heights, the slopes at both ends of the box. Leading
            axes are axes of x, or broadcast against them. Zeros give the identity.
        bound: the box is [-bound, bound]; None for the unit interval.
        min_bin_width, min_bin_height: least width and height of a bin, as fractions of the side of the box.
        min_slope: least slope at the ends of the box, as a multiple of the mean slope of the bin.
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
        params, bins = counted(params, 2, 2, "CubicSpline", "number of bins")
        transformer = CubicSplineTransformer(bins, bound, min_bin_width, min_bin_height, min_slope)
        super().__init__(params, transformer, validate_args)
