"""The rational-quadratic spline, at its knots above all."""

import mpmath as mp
import numpy as np

from pushforward.bijectors import RationalQuadraticSpline

from .base import ScalarMap

WIDTHS, HEIGHTS, SLOPES = [0.5, 1.0, 0.25, 0.25], [0.25, 0.5, 1.0, 0.25], [0.5, 4.0, 0.125]
START = -1.0
X, Y = ([mp.mpf(v) for v in np.cumsum([START, *sizes])] for sizes in (WIDTHS, HEIGHTS))
D = [mp.mpf(v) for v in (1, *SLOPES, 1)]


def _bin(knots, at):
    """The number of the bin, and its parts in the paper's letters."""
    k = max(k for k in range(len(knots) - 1) if at >= knots[k])
    w, h = X[k + 1] - X[k], Y[k + 1] - Y[k]
    return k, w, h, h / w, D[k], D[k + 1]


def forward(x):
    """Eq. 4."""
    if not X[0] <= x < X[-1]:
        return x
    k, w, h, s, d0, d1 = _bin(X, x)
    xi = (x - X[k]) / w
    return Y[k] + h * (s * xi**2 + d0 * xi * (1 - xi)) / (s + (d1 + d0 - 2 * s) * xi * (1 - xi))


def log_derivative(x):
    """Eq. 5."""
    if not X[0] <= x < X[-1]:
        return mp.mpf(0)
    k, w, _, s, d0, d1 = _bin(X, x)
    xi = (x - X[k]) / w
    top = s**2 * (d1 * xi**2 + 2 * s * xi * (1 - xi) + d0 * (1 - xi) ** 2)
    return mp.log(top / (s + (d1 + d0 - 2 * s) * xi * (1 - xi)) ** 2)


def inverse(y):
    """Eqs. 6 to 8."""
    if not Y[0] <= y < Y[-1]:
        return y
    k, w, h, s, d0, d1 = _bin(Y, y)
    rho = (y - Y[k]) / h
    a = s - d0 + rho * (d1 + d0 - 2 * s)
    b = d0 - rho * (d1 + d0 - 2 * s)
    c = -s * rho
    return X[k] + w * 2 * c / (-b - mp.sqrt(b * b - 4 * a * c))


MAPS = [
    ScalarMap(
        "RationalQuadraticSpline",
        lambda: RationalQuadraticSpline(WIDTHS, HEIGHTS, SLOPES, START),
        forward,
        log_derivative,
        inverse,
        sizes={"forward_log_det": 64, "inverse_log_det": 512},
        reason="knots are sums of softmax shares, right to one rounding of the span, 2; log-slopes change by up to 256 "
        "(forward) and 2046 (inverse) times as much",
        points=[float(v) for v in X],
    ),
]
