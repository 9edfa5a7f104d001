"""Splines made of transformers, on the box [-2, 2], and the circle."""

from itertools import pairwise

import mpmath as mp

from pushforward.bijectors import CircularSpline, CubicSpline, LinearRationalSpline, LinearSpline, QuadraticSpline

from .base import ScalarMap

BOUND, LEAST = 2, mp.mpf("0.001")
# Three bins, so that no knot is at a power of two, and numbers that float32 has.
RAW = [0.5, -0.75, 0.25, -0.5, 0.125, 0.75, 0.875, -0.25, 0.625, -1.0, 0.375]


def sums(sizes):
    return [mp.fsum(sizes[:k]) for k in range(len(sizes) + 1)]


def knots(raw):
    parts = [mp.exp(v) for v in raw]
    return sums([LEAST + (1 - len(raw) * LEAST) * p / mp.fsum(parts) for p in parts])


def softplus_slope(raw):
    return LEAST + mp.log1p(mp.exp(raw + mp.log(mp.expm1(1 - LEAST))))


def sigmoid(raw):
    return 1 / (1 + mp.exp(-raw))


def place(ends, at):
    """(the number of the bin, the share of it before `at`, its size)."""
    k = max(k for k in range(len(ends) - 1) if at >= ends[k])
    return k, (at - ends[k]) / (ends[k + 1] - ends[k]), ends[k + 1] - ends[k]


# Each curve is (t -> (value, slope), value -> t) on the unit interval.


def linear():
    y = knots(RAW[:3])

    def forward(t):
        k = min(int(3 * t), 2)
        return y[k] + (3 * t - k) * (y[k + 1] - y[k]), 3 * (y[k + 1] - y[k])

    def inverse(v):
        k, share, _ = place(y, v)
        return (k + share) / 3

    return forward, inverse


def quadratic():
    x = knots(RAW[:3])
    w = [b - a for a, b in pairwise(x)]
    weights, parts = [(w[0] + w[1]) / 2, (w[1] + w[2]) / 2], [mp.exp(v) for v in RAW[3:5]]
    mean = mp.fsum(a * b for a, b in zip(weights, parts, strict=True)) / mp.fsum(weights)
    d = [1, *(LEAST + (1 - LEAST) * p / mean for p in parts), 1]
    y = sums([w[k] * (d[k] + d[k + 1]) / 2 for k in range(3)])

    def forward(t):
        k, u, _ = place(x, t)
        return y[k] + w[k] * (d[k] * u + (d[k + 1] - d[k]) * u**2 / 2), d[k] + (d[k + 1] - d[k]) * u

    def inverse(v):
        k = place(y, v)[0]
        c, bend = (v - y[k]) / w[k], d[k + 1] - d[k]
        return x[k] + w[k] * 2 * c / (d[k] + mp.sqrt(d[k] ** 2 + 2 * bend * c))

    return forward, inverse


def cubic():
    x, y = knots(RAW[:3]), knots(RAW[3:6])
    w, h = ([b - a for a, b in pairwise(e)] for e in (x, y))
    s = [b / a for a, b in zip(w, h, strict=True)]
    inner = [2 * min(s[k], s[k + 1], (s[k] * w[k + 1] + s[k + 1] * w[k]) / (w[k] + w[k + 1]) / 2) for k in range(2)]
    first, last = (LEAST + (3 - 2 * LEAST) * sigmoid(v + mp.log((1 - LEAST) / (2 - LEAST))) for v in RAW[6:8])
    d = [first * s[0], *inner, last * s[2]]

    def piece(k, u):
        a, b = d[k] / s[k], d[k + 1] / s[k]
        slope = a * (1 - u) ** 2 + 2 * (3 - a - b) * u * (1 - u) + b * u**2
        return a * u * (1 - u) ** 2 + (3 - b) * u**2 * (1 - u) + u**3, slope

    def forward(t):
        k, u, _ = place(x, t)
        value, slope = piece(k, u)
        return y[k] + h[k] * value, s[k] * slope

    def inverse(v):
        k, share, _ = place(y, v)
        low, high = mp.mpf(0), mp.mpf(1)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if piece(k, middle)[0] < share else (low, middle)
        for _ in range(4):
            value, slope = piece(k, low)
            low -= (value - share) / slope
        return x[k] + w[k] * low

    return forward, inverse


def linear_rational():
    x, y = knots(RAW[:3]), knots(RAW[3:6])
    d = [1, *(softplus_slope(v) for v in RAW[6:8]), 1]
    middle = [mp.mpf("0.025") + mp.mpf("0.95") * sigmoid(v) for v in RAW[8:11]]

    def shape(k):
        """Weights and value where the pieces meet, as in the paper."""
        l, b = middle[k], mp.sqrt(mp.mpf(d[k]) / d[k + 1])
        c = (l * d[k] + (1 - l) * b * d[k + 1]) * (x[k + 1] - x[k]) / (y[k + 1] - y[k])
        return l, b, c, ((1 - l) * y[k] + l * b * y[k + 1]) / ((1 - l) + l * b)

    def forward(t):
        k, u, width = place(x, t)
        l, b, c, y_c = shape(k)
        if u <= l:
            q = (l - u) + c * u
            return (y[k] * (l - u) + c * y_c * u) / q, l * c * (y_c - y[k]) / q**2 / width
        q = c * (1 - u) + b * (u - l)
        value = (c * y_c * (1 - u) + b * y[k + 1] * (u - l)) / q
        return value, (1 - l) * b * c * (y[k + 1] - y_c) / q**2 / width

    def inverse(v):
        k = place(y, v)[0]
        l, b, c, y_c = shape(k)
        if v <= y_c:
            u = l * (y[k] - v) / ((y[k] - v) + c * (v - y_c))
        else:
            u = (c * (y_c - v) + l * b * (v - y[k + 1])) / (c * (y_c - v) + b * (v - y[k + 1]))
        return x[k] + (x[k + 1] - x[k]) * u

    return forward, inverse


def circular():
    x, y = knots(RAW[:3]), knots(RAW[3:6])
    d = [softplus_slope(v) for v in (RAW[8], RAW[6], RAW[7], RAW[8])]

    def forward(t):
        k, u, w = place(x, t)
        h = y[k + 1] - y[k]
        s = h / w
        q = s + (d[k + 1] + d[k] - 2 * s) * u * (1 - u)
        top = s**2 * (d[k + 1] * u**2 + 2 * s * u * (1 - u) + d[k] * (1 - u) ** 2)
        return y[k] + h * (s * u**2 + d[k] * u * (1 - u)) / q, top / q**2

    def inverse(v):
        k, r, h = place(y, v)
        w = x[k + 1] - x[k]
        s = h / w
        bend = r * (d[k + 1] + d[k] - 2 * s)
        a, b, c = s - d[k] + bend, d[k] - bend, -s * r
        return x[k] + w * 2 * c / (-b - mp.sqrt(b * b - 4 * a * c))

    return forward, inverse


def boxed(cls, count, curve, **tolerances):
    """The map of a curve, the identity outside the box."""

    def unit(v):
        return (v + BOUND) / (2 * BOUND)

    def outside(v):
        return abs(v) > BOUND

    def forward(x):
        return x if outside(x) else 2 * BOUND * curve()[0](unit(x))[0] - BOUND

    def log_derivative(x):
        return mp.mpf(0) if outside(x) else mp.log(curve()[0](unit(x))[1])

    def inverse(y):
        return y if outside(y) else 2 * BOUND * curve()[1](unit(y)) - BOUND

    return ScalarMap(
        cls.__name__, lambda: cls(RAW[:count], bound=float(BOUND)), forward, log_derivative, inverse, **tolerances
    )


def turned(angle):
    """Modulo a turn, into [-pi, pi]."""
    return angle - 2 * mp.pi * mp.floor((angle + mp.pi) / (2 * mp.pi))


ROTATION = mp.mpf(RAW[9])
KNOTS = (
    "knots are sums of softmax shares, right to a rounding of the side of the box, and log-slopes change by their "
    "slope in x as much"
)

MAPS = [
    boxed(LinearSpline, 3, linear, sizes={"forward": 4, "inverse": 4}, reason=KNOTS),
    boxed(
        QuadraticSpline, 5, quadratic,
        sizes={"forward": 4, "inverse": 4, "forward_log_det": 4, "inverse_log_det": 4}, reason=KNOTS,
    ),
    boxed(
        CubicSpline, 8, cubic,
        sizes={"forward": 4, "inverse": 4, "forward_log_det": 4, "inverse_log_det": 4}, reason=KNOTS,
    ),
    boxed(
        LinearRationalSpline, 11, linear_rational,
        sizes={"forward": 4, "inverse": 4, "forward_log_det": 4, "inverse_log_det": 4}, reason=KNOTS,
    ),
    ScalarMap(
        "CircularSpline",
        lambda: CircularSpline(RAW[:10]),
        lambda x: turned(2 * mp.pi * circular()[0]((x + mp.pi) / (2 * mp.pi))[0] - mp.pi + ROTATION),
        lambda x: mp.log(circular()[0]((x + mp.pi) / (2 * mp.pi))[1]),
        lambda y: 2 * mp.pi * circular()[1]((turned(y - ROTATION) + mp.pi) / (2 * mp.pi)) - mp.pi,
        # The ends are one point, which is left out because a rounding there is a whole turn.
        domain=(-3, 3),
        codomain=(-3, 3),
        sizes={"forward": 8, "inverse": 8, "forward_log_det": 8, "inverse_log_det": 8},
        reason=KNOTS,
    ),
]  # fmt: skip
