"""The monotone rational-quadratic spline, element by element (Durkan, Bekasov, Murray & Papamakarios 2019).

On [-B, B] the curve goes through the knots (x_k, y_k), k = 0..K, with slopes d_k > 0; d_0 = d_K = 1, and outside it is
the identity, so it is once continuously differentiable everywhere. In bin k, of width w, height h and mean slope
s = h / w, with xi = (x - x_k) / w in [0, 1]:

    y    = y_k + h (s xi^2 + d_k xi (1 - xi)) / q,       q = s + (d_{k+1} + d_k - 2 s) xi (1 - xi)            (eq. 4)
    y'   = s^2 (d_{k+1} xi^2 + 2 s xi (1 - xi) + d_k (1 - xi)^2) / q^2                                        (eq. 5)
    xi   = the root in [0, 1] of a xi^2 + b xi + c = 0, with rho = (y - y_k) / h and                          (eqs. 6-8)
           a = s - d_k + rho (d_{k+1} + d_k - 2 s),   b = d_k - rho (d_{k+1} + d_k - 2 s),   c = -s rho
           (the paper's coefficients divided by h).

Layout: parameters lead. `raw` has shape (3K - 1, ...) and x the shape (...), so that every operation runs over elements
and nothing is gathered, sorted or accumulated along the last axis.
"""

import jax
import jax.numpy as jnp

Array = jax.Array


def spline_forward_and_log_det(
    raw: Array, x: Array, *, bound: float, min_width: float, min_height: float, min_slope: float
) -> tuple[Array, Array]:
    """(y, log dy/dx) from unconstrained parameters: K widths, K heights, K - 1 interior slopes along the first axis."""
    bins = (raw.shape[0] + 1) // 3
    outside = jnp.abs(x) >= bound
    inside_x = jnp.clip(x, -bound, bound)
    left, width, low, height, slope, next_slope = _bin(raw, inside_x, 0, bins, bound, min_width, min_height, min_slope)
    mean_slope = height / width
    xi = (inside_x - left) / width
    y = low + height * _fraction(xi, mean_slope, slope, next_slope)
    return jnp.where(outside, x, y), jnp.where(outside, 0, _log_slope(xi, mean_slope, slope, next_slope))


def spline_inverse_and_log_det(
    raw: Array, y: Array, *, bound: float, min_width: float, min_height: float, min_slope: float
) -> tuple[Array, Array]:
    """(x, log dx/dy); arguments as in `spline_forward_and_log_det`."""
    bins = (raw.shape[0] + 1) // 3
    outside = jnp.abs(y) >= bound
    inside_y = jnp.clip(y, -bound, bound)
    left, width, low, height, slope, next_slope = _bin(raw, inside_y, 1, bins, bound, min_width, min_height, min_slope)
    mean_slope = height / width
    rho = (inside_y - low) / height
    xi = _root(rho, mean_slope, slope, next_slope)
    x = left + width * xi
    return jnp.where(outside, y, x), jnp.where(outside, 0, -_log_slope(xi, mean_slope, slope, next_slope))


def _bin(raw, at, axis, bins, bound, min_width, min_height, min_slope):
    widths, heights, slopes = raw[:bins], raw[bins : 2 * bins], raw[2 * bins :]
    sizes = [
        2 * bound * (minimum + (1 - bins * minimum) * jax.nn.softmax(part, axis=0))
        for part, minimum in ((widths, min_width), (heights, min_height))
    ]
    offset = jnp.log(jnp.expm1(jnp.asarray(1 - min_slope, raw.dtype)))
    zero = jnp.zeros_like(at)
    edges = [[jnp.full_like(at, -bound)], [jnp.full_like(at, -bound)]]
    for k in range(bins - 1):
        for j in (0, 1):
            edges[j].append(edges[j][-1] + sizes[j][k])
    picked = [edges[0][0], sizes[0][0], edges[1][0], sizes[1][0], zero, slopes[0] if bins > 1 else zero]
    for k in range(1, bins):
        beyond = at >= edges[axis][k]
        after = slopes[k] if k < bins - 1 else zero
        here = (edges[0][k], sizes[0][k], edges[1][k], sizes[1][k], slopes[k - 1], after)
        picked = [jnp.where(beyond, new, old) for new, old in zip(here, picked, strict=True)]
    left, width, low, height, slope, next_slope = picked
    return left, width, low, height, *(min_slope + jax.nn.softplus(v + offset) for v in (slope, next_slope))


def _fraction(xi, s, slope, next_slope):
    mixed = xi * (1 - xi)
    return (s * xi * xi + slope * mixed) / (s + (slope + next_slope - 2 * s) * mixed)


def _log_slope(xi, s, slope, next_slope):
    rest = 1 - xi
    mixed = xi * rest
    top = next_slope * xi * xi + 2 * s * mixed + slope * rest * rest
    return jnp.log(top) + 2 * jnp.log(s / (s + (slope + next_slope - 2 * s) * mixed))


def _root(rho, s, slope, next_slope):
    bend = rho * (slope + next_slope - 2 * s)
    a, b, c = s - slope + bend, slope - bend, -s * rho
    return 2 * c / (-b - jnp.sqrt(jnp.maximum(b * b - 4 * a * c, 0)))
