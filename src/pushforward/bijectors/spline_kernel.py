"""The monotone rational-quadratic spline, element by element (Durkan, Bekasov, Murray & Papamakarios 2019).

The curve goes through the knots (x_k, y_k), k = 0..K, with slopes d_k > 0. In bin k, of width w, height h and mean
slope s = h / w, with xi = (x - x_k) / w in [0, 1]:

    y    = y_k + h rho,   rho = (s xi^2 + d_k xi (1 - xi)) / q,   q = s + (d_{k+1} + d_k - 2 s) xi (1 - xi)   (eq. 4)
    y'   = (s / q)^2 t,   t = d_{k+1} xi^2 + 2 s xi (1 - xi) + d_k (1 - xi)^2                                 (eq. 5)
    xi   = the root in [0, 1] of a xi^2 + b xi + c = 0 for given rho = (y - y_k) / h, where                   (eqs. 6-8)
           a = s - d_k + rho (d_{k+1} + d_k - 2 s),   b = d_k - rho (d_{k+1} + d_k - 2 s),   c = -s rho
           (the paper's coefficients divided by h).

Outside of the box the map is the identity, and d_0 = d_K = 1 joins the two smoothly.

How it is made fast: see `bins`. Derivatives of the curve are written by hand too, as forward-mode rules: automatic ones
have twice the divisions. `benchmarks/spline_kernel.py` compares with the usual ways.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .bins import of_rank, pick, shares

Array = jax.Array

LARGEST_SLOPE = 80.0  # its exponential is finite in float32


def spline(
    direction: str,
    at: Array,
    widths: Array,
    heights: Array,
    slopes: Array,
    *,
    start: Any,
    span: Any,
    min_width: float = 0.0,
    min_height: float = 0.0,
    slope_of: Callable[[Array], Array] = jnp.exp,
    end_slope: Array | None = None,
) -> tuple[Array, Array]:
    """The spline on the box [start, start + span]^2 from unconstrained parameters.

        width_k = span (min_width + (1 - K min_width) softmax(widths)_k), heights alike;  slope_k = slope_of(slopes_k)

    Args:
        direction: "forward" or "inverse".
        at: where to evaluate, shape (...).
        widths, heights, slopes: shapes (K, ...), (K, ...), (K - 1, ...); trailing axes broadcast against those of `at`.
        start, span: lower end and side of the box.
        min_width, min_height: least shares of the span.
        slope_of: a function onto the positive numbers with slope_of(0) = 1.
        end_slope: unconstrained, shape (...), for the slope at both ends; the box is then all there is. None for 1, and
            the identity outside.

    Returns:
        The value and the log-derivative, of the broadcast shape.
    """
    shapes = [p.shape[1:] for p in (widths, heights, slopes)]
    at = jnp.broadcast_to(at, jnp.broadcast_shapes(at.shape, jnp.shape(start), jnp.shape(span), *shapes))
    widths, heights, slopes = (of_rank(p, at.ndim) for p in (widths, heights, slopes))
    bins = widths.shape[0]
    sides = shares(widths, min_width), shares(heights, min_height)

    outside = (at <= start) | (at >= start + span)
    at_inside = jnp.clip(at, start, start + span)
    searched = sides[0 if direction == "forward" else 1]
    index = searched.find(jnp.broadcast_to((at_inside - start) / span, at.shape))
    (left, width), (low, height) = (side.at(index) for side in sides)
    d0, d1 = (pick(index, slopes, shift, 0.0, bins) for shift in (-1, 0))
    if end_slope is not None:
        d0, d1 = jnp.where(index < 0.5, end_slope, d0), jnp.where(index > bins - 1.5, end_slope, d1)
    value, log_slope = evaluate(
        direction,
        at_inside,
        start + span * left,
        start + span * low,
        span * width,
        span * height,
        slope_of(d0),
        slope_of(d1),
    )
    if end_slope is not None:
        return value, log_slope
    return jnp.where(outside, at, value), jnp.where(outside, 0, log_slope)


def softplus_slope(raw: Array, least: float) -> Array:
    """least + softplus(min(raw + offset, 80)), with the offset that takes 0 to 1."""
    offset = float(np.log(np.expm1(1 - least)))
    largest = min(LARGEST_SLOPE, 0.9 * float(np.log(float(jnp.finfo(raw.dtype).max))))
    return least + jnp.log1p(jnp.exp(jnp.minimum(raw + offset, largest)))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def evaluate(
    direction: str, at: Array, left: Array, low: Array, width: Array, height: Array, slope: Array, next_slope: Array
) -> tuple[Array, Array]:
    """Value and log-derivative at a point of the bin with these lower ends, sizes and slopes."""
    xi, s = _place(direction, at, left, low, width, height, slope, next_slope)
    rho, t, over_q, _ = _curve(xi, s, slope, next_slope)
    log_slope = jnp.log((s * over_q) * (s * over_q) * t)
    return (low + height * rho, log_slope) if direction == "forward" else (left + width * xi, -log_slope)


@evaluate.defjvp
def _evaluate_jvp(direction: str, primals: Any, tangents: Any) -> Any:
    _, _, _, width, height, d0, d1 = primals
    d_at, d_left, d_low, d_width, d_height, d_d0, d_d1 = tangents
    xi, s = _place(direction, *primals)
    rho, t, over_q, mixed = _curve(xi, s, d0, d1)
    over_w, over_t, rest, uneven = 1 / width, 1 / t, 1 - xi, 1 - 2 * mixed
    slope = (s * over_q) * (s * over_q) * t
    d_s = (d_height - s * d_width) * over_w
    # With x = left + w xi, y = low + h rho: dx at fixed xi, dy at fixed xi; then y' dx = dy for what xi moves.
    d_x, d_y = d_left + xi * d_width, d_low + rho * d_height
    d_y = d_y + height * over_q * ((xi * xi - rho * uneven) * d_s + mixed * ((1 - rho) * d_d0 - rho * d_d1))
    if direction == "forward":
        moved = d_at - d_x
        d_value = d_y + slope * moved
    else:
        moved = (d_at - d_y) / slope
        d_value = d_x + moved
    by_x = 2 * over_w * (over_t * (d1 * xi + s * (rest - xi) - d0 * rest) - over_q * (d0 + d1 - 2 * s) * (rest - xi))
    by_slopes = -2 * mixed * over_q
    d_log_slope = (
        by_x * moved
        + 2 * (1 / s - uneven * over_q + mixed * over_t) * d_s
        + (by_slopes + rest * rest * over_t) * d_d0
        + (by_slopes + xi * xi * over_t) * d_d1
    )
    return evaluate(direction, *primals), (d_value, d_log_slope if direction == "forward" else -d_log_slope)


def _place(
    direction: str, at: Array, left: Array, low: Array, width: Array, height: Array, d0: Array, d1: Array
) -> tuple[Array, Array]:
    """(xi, s)."""
    s = height / width
    xi = (at - left) / width if direction == "forward" else _solve((at - low) / height, s, d0, d1)
    # Rounding may leave the bin by a few units, where under steep slopes t would be negative.
    return jnp.clip(xi, 0, 1), s


def _curve(xi: Array, s: Array, d0: Array, d1: Array) -> tuple[Array, Array, Array, Array]:
    """(rho, t, 1 / q, xi (1 - xi)); t and q are sums of positive terms, up to rounding."""
    rest = 1 - xi
    mixed = xi * rest
    over_q = 1 / (s + (d0 + d1 - 2 * s) * mixed)
    t = d1 * xi * xi + 2 * s * mixed + d0 * rest * rest
    return (s * xi * xi + d0 * mixed) * over_q, t, over_q, mixed


@jax.custom_jvp
def _solve(rho: Array, s: Array, d0: Array, d1: Array) -> Array:
    """The xi with rho(xi) = rho. Neither sum cancels: b has the sign of the root in the one that is taken."""
    bend = rho * (d0 + d1 - 2 * s)
    a, b, c = s - d0 + bend, d0 - bend, -s * rho
    root = jnp.sqrt(jnp.maximum(b * b - 4 * a * c, 0))
    return jnp.where(b < 0, root - b, -2 * c) / jnp.where(b < 0, 2 * a, b + root)


@_solve.defjvp
def _solve_jvp(primals: Any, tangents: Any) -> Any:
    # Implicit: the divisor rho'(xi) = s t / q^2 has no cancellation, where that of the formula for the root has.
    _, s, d0, d1 = primals
    d_rho, d_s, d_d0, d_d1 = tangents
    xi = _solve(*primals)
    rho, t, over_q, mixed = _curve(xi, s, d0, d1)
    at_fixed_xi = over_q * ((xi * xi - rho * (1 - 2 * mixed)) * d_s + mixed * ((1 - rho) * d_d0 - rho * d_d1))
    return xi, (d_rho - at_fixed_xi) / (s * over_q * over_q * t)
