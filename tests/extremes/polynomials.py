"""Monotone polynomials."""

import mpmath as mp

from pushforward.bijectors import BernsteinPolynomial, SumOfSquaresPolynomial

from .base import ScalarMap

LEAST = mp.mpf("0.001")


def solved(fn, slope, y, low, high):
    """The x between low and high with fn(x) = y: halving, then Newton's steps."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if fn(middle) < y else (low, middle)
    for _ in range(4):
        low -= (fn(low) - y) / slope(low)
    return low


# ----------------------------------------------------------------------------------------------- sum of squares

SQUARES = [0.5, 0.25, -0.75, 0.5, -0.5, 0.375, 1.25]  # shift, then two polynomials of degree 2


def slope(u):
    parts = ((1 + a) + b * u + c * u**2 for a, b, c in (SQUARES[1:4], SQUARES[4:7]))
    return LEAST + (1 - LEAST) / 2 * mp.fsum(p**2 for p in parts)


def integral(x):
    coefficients = [LEAST, 0, 0, 0, 0]
    for a, b, c in (SQUARES[1:4], SQUARES[4:7]):
        part = [mp.mpf(1 + a), mp.mpf(b), mp.mpf(c)]
        for i in range(3):
            for j in range(3):
                coefficients[i + j] += (1 - LEAST) / 2 * part[i] * part[j]
    return SQUARES[0] + mp.fsum(c * x ** (k + 1) / (k + 1) for k, c in enumerate(coefficients))


def squares_inverse(y):
    """Scaled, so that halving finds roots of any size."""
    size = 2 * (1 + abs(y)) ** mp.mpf("0.2") + 10
    return solved(integral, slope, y, -size, size)


# --------------------------------------------------------------------------------------------------- Bernstein

BOUND = 2
RAW = [0.375, 0.5, -1.25, 0.25, 1.5]  # shift, then four slopes
N = len(RAW) - 1
S = [LEAST + mp.log1p(mp.exp(v + mp.log(mp.expm1(1 - LEAST)))) for v in RAW[1:]]
C = [mp.fsum(S[:k]) / N for k in range(N + 1)]
LOW, HIGH = RAW[0] - BOUND, RAW[0] - BOUND + 2 * BOUND * C[-1]


def basis(n, k, t):
    return mp.binomial(n, k) * t**k * (1 - t) ** (n - k)


def bernstein(x):
    if abs(x) > BOUND:
        return LOW + S[0] * (x + BOUND) if x < 0 else HIGH + S[-1] * (x - BOUND)
    t = (x + BOUND) / (2 * BOUND)
    return LOW + 2 * BOUND * mp.fsum(c * basis(N, k, t) for k, c in enumerate(C))


def bernstein_slope(x):
    t = min(max((x + BOUND) / mp.mpf(2 * BOUND), mp.mpf(0)), mp.mpf(1))
    return mp.fsum(s * basis(N - 1, k, t) for k, s in enumerate(S))


def bernstein_inverse(y):
    if y < LOW:
        return (y - LOW) / S[0] - BOUND
    if y > HIGH:
        return (y - HIGH) / S[-1] + BOUND
    return solved(bernstein, bernstein_slope, y, mp.mpf(-BOUND), mp.mpf(BOUND))


MAPS = [
    ScalarMap(
        "SumOfSquaresPolynomial",
        lambda: SumOfSquaresPolynomial(SQUARES, degree=2),
        integral,
        lambda x: mp.log(slope(x)),
        squares_inverse,
        # Beyond, y overflows, and the log-det is infinite as well.
        domain=(-1e7, 1e7),
        ulps={"inverse_log_det": 32},
        sizes={"forward_log_det": 1, "inverse_log_det": 1},
        reason="slopes about 1; a rounding of y - shift moves x, and the log-slope there changes several times as much",
    ),
    ScalarMap(
        "BernsteinPolynomial",
        lambda: BernsteinPolynomial(RAW, bound=float(BOUND)),
        bernstein,
        lambda x: mp.log(bernstein_slope(x)),
        bernstein_inverse,
        sizes={"forward": 4, "inverse": 4, "forward_log_det": 1, "inverse_log_det": 1},
        reason="sums of terms of the size of the box, and slopes about 1",
    ),
]
