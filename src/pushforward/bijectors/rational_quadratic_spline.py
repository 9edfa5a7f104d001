"""RationalQuadraticSpline: a smooth increasing curve through given knots."""

from functools import reduce
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core import constant_field
from ..core.parameters import as_parameter, known_values
from .base import Bijector
from .spline_kernel import softplus_slope, spline
from .transformers import SplineTransformer


class RationalQuadraticSpline(Bijector):
    """y = the monotone rational-quadratic spline through the knots (x_k, y_k), and y = x outside of the box.

    x_k = range_min + the first k bin_widths, y_k = range_min + the first k bin_heights; the slope at both ends is 1.
    inverse: the root of a quadratic;    log-det: closed form (the formulae are in `spline_kernel`);    domain: real.
    (Durkan, Bekasov, Murray & Papamakarios 2019, eqs. 4-8.)

    Args:
        bin_widths: positive, shape [..., K]. Leading axes are axes of x, or broadcast against them.
        bin_heights: positive, shape [..., K], with the same sum as bin_widths.
        knot_slopes: positive slopes at the K - 1 interior knots, shape [..., K - 1], or [..., 1] or a number for all.
        range_min: lower end of the box, a number or shape [...].
        validate_args: check values, also under `jit`.

    What trains is unconstrained: the logarithms of the widths and heights, up to a constant, and of the slopes. The box
    does not train.

    Raises:
        ValueError: for shapes that do not fit and, where the values are known, for numbers that are not positive or
            sums that differ.
    """

    raw_bin_widths: jax.Array
    raw_bin_heights: jax.Array
    raw_knot_slopes: jax.Array
    range_min: jax.Array = constant_field()
    span: jax.Array = constant_field()

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(
        self,
        bin_widths: Any,
        bin_heights: Any,
        knot_slopes: Any,
        range_min: Any = -1,
        validate_args: bool = False,
    ):
        named = {"bin_widths": bin_widths, "bin_heights": bin_heights, "knot_slopes": knot_slopes}
        arrays = [as_parameter(value, name) for name, value in named.items()]
        dtype = reduce(jnp.promote_types, [a.dtype for a in arrays])
        widths, heights, slopes = _matched(*(jnp.atleast_1d(a).astype(dtype) for a in arrays))
        if validate_args:
            widths = _checked(widths, heights, slopes)
        _check_known(widths, heights, slopes)
        self.raw_bin_widths, self.raw_bin_heights, self.raw_knot_slopes = (
            jnp.log(a) for a in (widths, heights, slopes)
        )
        self.range_min = as_parameter(range_min, "range_min").astype(dtype)
        self.span = jnp.sum(widths, -1)
        self.validate_args = validate_args

    @classmethod
    def from_unconstrained(
        cls,
        params: Any,
        *,
        bound: float = 5.0,
        min_bin_width: float = 1e-3,
        min_bin_height: float = 1e-3,
        min_slope: float = 1e-3,
        validate_args: bool = False,
    ) -> "RationalQuadraticSpline":
        """The spline of `SplineTransformer`, as networks supply it: zeros give the identity.

        Args:
            params: shape [..., 3 K - 1]: K widths, K heights, K - 1 interior slopes.
            bound: the box is [-bound, bound].
            min_bin_width, min_bin_height: least sizes of a bin, as shares of the side of the box.
            min_slope: least slope at a knot.
        """
        params = as_parameter(params, "params")
        if params.ndim < 1 or params.shape[-1] % 3 != 2:
            raise ValueError(
                f"from_unconstrained: expected params of shape [..., 3 K - 1], and got {params.shape}; they are K "
                "widths, K heights and K - 1 slopes"
            )
        bins = (params.shape[-1] + 1) // 3
        SplineTransformer(bins, bound, min_bin_width, min_bin_height, min_slope)  # checks the options
        raw_widths, raw_heights, raw_slopes = jnp.split(params, [bins, 2 * bins], -1)
        widths, heights = (
            2 * bound * (least + (1 - bins * least) * jax.nn.softmax(raw, -1))
            for raw, least in ((raw_widths, min_bin_width), (raw_heights, min_bin_height))
        )
        return cls(widths, heights, softplus_slope(raw_slopes, min_slope), -bound, validate_args)

    @property
    def bin_widths(self) -> jax.Array:
        """Widths of the bins, shape [..., K]."""
        return self.span[..., None] * jax.nn.softmax(self.raw_bin_widths, -1)

    @property
    def bin_heights(self) -> jax.Array:
        """Heights of the bins, shape [..., K]."""
        return self.span[..., None] * jax.nn.softmax(self.raw_bin_heights, -1)

    @property
    def knot_slopes(self) -> jax.Array:
        """Slopes at the interior knots, shape [..., K - 1]."""
        return jnp.exp(self.raw_knot_slopes)

    def _forward_and_log_det(self, x):
        return self._run_spline("forward", x)

    def _inverse_and_log_det(self, y):
        return self._run_spline("inverse", y)

    def _run_spline(self, direction: str, at: jax.Array) -> tuple[jax.Array, jax.Array]:
        raw = (self.raw_bin_widths, self.raw_bin_heights, self.raw_knot_slopes)
        leading = (jnp.moveaxis(a, -1, 0) for a in raw)
        return spline(direction, at, *leading, start=self.range_min, span=self.span)


def _matched(widths: jax.Array, heights: jax.Array, slopes: jax.Array) -> list[jax.Array]:
    """The three with K, K and K - 1 entries along the last axis."""
    sizes = {widths.shape[-1], heights.shape[-1]} - {1} or {1}
    bins = max(sizes)
    if len(sizes) > 1 or slopes.shape[-1] not in (1, bins - 1):
        raise ValueError(
            "RationalQuadraticSpline: expected K bin_widths, K bin_heights and K - 1 (or 1) knot_slopes along the last "
            f"axis, and got shapes {widths.shape}, {heights.shape} and {slopes.shape}; the slopes are those of the "
            "knots between bins"
        )
    try:
        jnp.broadcast_shapes(*(a.shape[:-1] for a in (widths, heights, slopes)))
    except ValueError:
        raise ValueError(
            f"RationalQuadraticSpline: the leading axes of bin_widths, bin_heights and knot_slopes, of shapes "
            f"{widths.shape}, {heights.shape} and {slopes.shape}, do not broadcast; they are axes of x"
        ) from None
    lengths = (bins, bins, bins - 1)
    return [
        jnp.broadcast_to(a if n else a[..., :0], (*a.shape[:-1], n))
        for a, n in zip((widths, heights, slopes), lengths, strict=True)
    ]


def _checked(widths: jax.Array, heights: jax.Array, slopes: jax.Array) -> jax.Array:
    """`widths`, with an error at run time where the values do not make a spline."""
    for name, a in (("bin_widths", widths), ("bin_heights", heights), ("knot_slopes", slopes)):
        widths = eqx.error_if(widths, ~jnp.all(a > 0), f"RationalQuadraticSpline: expected positive {name}")
    message = "RationalQuadraticSpline: expected bin_widths and bin_heights with equal sums"
    return eqx.error_if(widths, jnp.any(_relative_difference(jnp, widths, heights) > 1e-4), message)


def _check_known(widths: jax.Array, heights: jax.Array, slopes: jax.Array) -> None:
    for name, a in (("bin_widths", widths), ("bin_heights", heights), ("knot_slopes", slopes)):
        known = known_values(a)
        if known is not None and np.any(known <= 0):
            raise ValueError(
                f"RationalQuadraticSpline: expected positive {name}, and got {known.tolist()}; the curve must increase."
                " For unconstrained numbers use RationalQuadraticSpline.from_unconstrained."
            )
    values = known_values(widths), known_values(heights)
    if values[0] is not None and values[1] is not None and np.any(_relative_difference(np, *values) > 1e-4):
        raise ValueError(
            f"RationalQuadraticSpline: expected bin_widths and bin_heights with equal sums, and got sums "
            f"{values[0].sum(-1).tolist()} and {values[1].sum(-1).tolist()}; the box is a square, so that the curve "
            "meets the identity at both ends"
        )


def _relative_difference(xp: Any, a: Any, b: Any) -> Any:
    a, b = xp.sum(a, -1), xp.sum(b, -1)
    return xp.abs(a - b) / xp.abs(a)
