"""Powers, hyperbolic functions, smooth bounds and steps, and heavier tails."""

import math

import mpmath as mp

from pushforward.bijectors import (
    Expm1,
    LambertWTail,
    Log1p,
    Power,
    PowerTransform,
    Reciprocal,
    Sinh,
    SinhArcsinh,
    SoftClip,
    Softfloor,
    Softsign,
    Square,
    StudentTCDF,
)

from .base import INF, ScalarMap, exp, single
from .basic import log_complement, softplus, softplus_inverse


def sign(x):
    return -1 if x < 0 else 1


# ------------------------------------------------------------------------- powers


def power(p, side=1):
    """All of x^p, for x > 0, or for x < 0 if `side` is -1."""
    half = (0, INF) if side > 0 else (-INF, 0)
    return {
        "forward": lambda x: side * abs(x) ** p,
        "log_derivative": lambda x: mp.log(abs(p)) + (p - 1) * mp.log(abs(x)),
        "inverse": lambda y: side * abs(y) ** (1 / p),
        "inverse_log_derivative": lambda y: -mp.log(abs(p)) - (1 - 1 / p) * mp.log(abs(y)),
        "domain": half,
        "codomain": half,
    }


def power_transform(c):
    return {
        "forward": lambda x: (1 + c * x) ** (1 / c),
        "log_derivative": lambda x: (1 / c - 1) * mp.log(1 + c * x),
        "inverse": lambda y: (y**c - 1) / c,
        "inverse_log_derivative": lambda y: (c - 1) * mp.log(y),
        "domain": (-1 / c, INF),
        "codomain": (0, INF),
    }


# ------------------------------------------------------------- hyperbolic functions


def log_cosh(x):
    """log cosh(x)."""
    return abs(x) + mp.log1p(mp.exp(-2 * abs(x))) - mp.log(2) if abs(x) > 1 else mp.log(mp.cosh(x))


def expm1(x):
    """exp(x) - 1; beyond 10^6 it is exp(x) to all digits."""
    return mp.expm1(x) if x < 10**6 else exp(x)


def sinh(x):
    """sinh(x); beyond 10^12 no larger than there."""
    return mp.sinh(max(min(x, mp.mpf(10) ** 12), -(mp.mpf(10) ** 12)))


def sinh_arcsinh(s, t):
    m = 2 / mp.sinh(mp.asinh(2) * t)
    return {
        "forward": lambda x: m * sinh((mp.asinh(x) + s) * t),
        "log_derivative": lambda x: mp.log(m * t) + log_cosh((mp.asinh(x) + s) * t) - log_cosh(mp.asinh(x)),
        "inverse": lambda y: sinh(mp.asinh(y / m) / t - s),
    }


# ------------------------------------------------------------------------- clipping


def soft_clip(low, high, c):
    """Both bounds, in the form that keeps digits at either end (the first one of the docstring is its definition)."""
    w = high - low
    k = w / (c * softplus(w / c))

    def forward(x):
        z = (x - low) / c
        if z < w / (2 * c):
            return low - k * c * mp.log1p(-1 / ((1 + mp.exp(-w / c)) * (1 + exp(-z))))
        return high - k * c * softplus(w / c - softplus(z))

    def log_derivative(x):
        z = (x - low) / c
        return mp.log(k) - softplus(-z) - softplus(softplus(z) - w / c)

    def inverse(y):
        a, b = (y - low) / (k * c), (high - y) / (k * c)
        return low + c * (a + log_complement(a) - log_complement(b))

    def inverse_log_derivative(y):
        a, b = (y - low) / (k * c), (high - y) / (k * c)
        return -mp.log(k) - log_complement(a) - log_complement(b) - mp.log1p(mp.exp(-w / c))

    return {
        "forward": forward,
        "log_derivative": log_derivative,
        "inverse": inverse,
        "inverse_log_derivative": inverse_log_derivative,
        "codomain": (float(low), float(high)),
    }


# ---------------------------------------------------------------------------- steps


def softfloor(t):
    height, s = mp.tanh(1 / (4 * t)), 1 / (1 + mp.exp(1 / (2 * t)))

    def place(x):
        n = mp.floor(x + mp.mpf(1) / 2)
        return n, x - n

    def forward(x):
        n, r = place(x)
        return n - height / 2 + mp.tanh(r / (2 * t)) / (2 * height)

    def step(y):
        """The step, and the place on it by the formula for the inverse."""
        n, f = mp.floor(y), y - mp.floor(y) - s
        n, f = (n + 1, f) if f > 0 else (n, f + 1)
        return n, t * mp.log((s + height * f) / (s + height * (1 - f)))

    def log_slope(r):
        return -mp.log(4 * t * height) - 2 * log_cosh(r / (2 * t))

    return {
        "forward": forward,
        "log_derivative": lambda x: log_slope(place(x)[1]),
        "inverse": lambda y: sum(step(y)),
        "inverse_log_derivative": lambda y: -log_slope(step(y)[1]),
        # Beyond 2^23 there is no number between two integers.
        "domain": (-1e6 - 0.25, 1e6 + 0.25),
        "codomain": (-1e6 - 0.25, 1e6 + 0.25),
    }


# ----------------------------------------------------------------------- heavy tails


def lambert_w_tail(d):
    def inverse(y):
        return y * mp.exp(-mp.lambertw(d * y * y).real / 2)

    return {
        "forward": lambda x: x * exp(d * x * x / 2),
        "log_derivative": lambda x: d * x * x / 2 + mp.log1p(d * x * x),
        "inverse": inverse,
    }


# ------------------------------------------------------------------- Student's t


def student_t(df):
    constant = mp.gamma((df + 1) / 2) / mp.gamma(df / 2) / mp.sqrt(df * mp.pi)

    def log_density(x):
        return mp.log(constant) - (df + 1) / 2 * mp.log1p(x * x / df)

    def tail(x):
        """P(T > x) for x > 0."""
        return mp.betainc(df / 2, mp.mpf(0.5), 0, df / (df + x * x), regularized=True) / 2

    def quantile(p):
        """By Newton's method for the logarithm of the tail, as a function of log(x)."""
        if p == 0.5:
            return mp.mpf(0)
        if p > 0.5:
            return -quantile(1 - p)
        x = min((constant * df ** ((df - 1) / 2) / p) ** (1 / df), (0.5 - p) / constant if p > 0.25 else mp.inf)
        for _ in range(100):
            q = tail(x)
            step = mp.log(q / p) * q / (x * mp.exp(log_density(x)))
            x *= mp.exp(step)
            if abs(step) < mp.mpf(10) ** -30:
                break
        return -x

    return {
        "forward": lambda x: tail(-x) if x < 0 else 1 - tail(x),
        "log_derivative": log_density,
        "inverse": quantile,
        "codomain": (0, 1),
    }


def near_zero(*quantities, size=1.0, reason="a log-det near its zero has the absolute precision of its terms"):
    """Arguments for quantities that cross zero as a sum of terms of this size."""
    return {"sizes": dict.fromkeys(quantities, size), "reason": reason}


LOG_DETS = ("forward_log_det", "inverse_log_det")
VALUES = ("forward", "inverse")

MAPS = [
    ScalarMap("Expm1", Expm1, expm1, lambda x: x, mp.log1p, codomain=(-1, INF)),
    ScalarMap(
        "Log1p",
        Log1p,
        mp.log1p,
        lambda x: -mp.log1p(x),
        expm1,
        inverse_log_derivative=lambda y: y,
        domain=(-1, INF),
    ),
    ScalarMap("Power 3", lambda: Power(3.0), **power(mp.mpf(3)), **near_zero(*LOG_DETS)),
    ScalarMap("Power 5 of negative numbers", lambda: Power(5.0), **power(mp.mpf(5), side=-1)),
    ScalarMap("Power -1.5", lambda: Power(-1.5), **power(mp.mpf(-1.5)), **near_zero(*LOG_DETS, size=2.0**-8)),
    ScalarMap("Power 0.3", lambda: Power(0.3), **power(single(0.3)), **near_zero(*LOG_DETS, size=2.0**-8)),
    ScalarMap("Power 40", lambda: Power(40.0), **power(mp.mpf(40)), **near_zero(*LOG_DETS, size=2.0**-8)),
    ScalarMap("PowerTransform", PowerTransform, exp, lambda x: x, mp.log, codomain=(0, INF)),
    *(
        ScalarMap(
            f"PowerTransform {c}",
            lambda c=c: PowerTransform(c),
            **power_transform(mp.mpf(c)),
            ulps={
                "forward": lambda x, c=c: 8 + 2 * abs(math.log(max(1 + c * x, 1e-300)) / c),
                "inverse": lambda y, c=c: 8 + abs(c * math.log(max(y, 1e-300))),
            },
            reason="one rounding of log(y) is |log(y)| of y; one of c log(y) is as many of a large x",
        )
        for c in (0.5, 0.125)
    ),
    # From 10^-30, for at -0 the test wants the limit at 0, and 1 / -0 is -infinity.
    ScalarMap("Reciprocal", Reciprocal, **{**power(mp.mpf(-1)), "domain": (1e-30, 1e30), "codomain": (1e-30, 1e30)}),
    ScalarMap(
        "Reciprocal of negative numbers",
        Reciprocal,
        **{**power(mp.mpf(-1), side=-1), "domain": (-1e30, -1e-30), "codomain": (-1e30, -1e-30)},
    ),
    ScalarMap("Sinh", Sinh, sinh, log_cosh, mp.asinh, points=(1.0, -1.0)),
    ScalarMap("SinhArcsinh", SinhArcsinh, **sinh_arcsinh(mp.mpf(0), mp.mpf(1)), **near_zero(*LOG_DETS)),
    *(
        ScalarMap(
            f"SinhArcsinh {s} {t}",
            lambda s=s, t=t: SinhArcsinh(s, t),
            **sinh_arcsinh(mp.mpf(s), mp.mpf(t)),
            sizes={"forward": 0.125, "inverse": 0.125, "forward_log_det": 1.0, "inverse_log_det": 1.0},
            reason="a log-det near its zero has the absolute precision of its terms, and so has a value near its own, "
            "where the skewness cancels arsinh(x)",
        )
        for s, t in ((0.75, 1.0), (-0.5, 2.0), (1.5, 0.25))
    ),
    ScalarMap("SoftClip", SoftClip, lambda x: x, lambda x: mp.mpf(0), lambda y: y),
    ScalarMap(
        "SoftClip from 1.5",
        lambda: SoftClip(low=1.5),
        lambda x: 1.5 + softplus(x - 1.5),
        lambda x: -softplus(1.5 - x),
        lambda y: 1.5 + softplus_inverse(y - 1.5),
        codomain=(1.5, INF),
        points=(1.5,),
        **near_zero(*VALUES, size=1.5, reason="a value near 0 has the absolute precision of the bound"),
    ),
    ScalarMap(
        "SoftClip to -2",
        lambda: SoftClip(high=-2.0, hinge_softness=0.25),
        lambda x: -2 - softplus(4 * (-2 - x)) / 4,
        lambda x: -softplus(4 * (2 + x)),
        lambda y: -2 - softplus_inverse(4 * (-2 - y)) / 4,
        codomain=(-INF, -2),
        points=(-2.0,),
        **near_zero(*VALUES, size=2.0, reason="a value near 0 has the absolute precision of the bound"),
    ),
    ScalarMap(
        "SoftClip from 0 to 1",
        lambda: SoftClip(0.0, 1.0),
        **soft_clip(mp.mpf(0), mp.mpf(1), mp.mpf(1)),
        points=(0.0, 1.0),
        **near_zero("inverse", reason="x near the lower bound, 0, is a sum of terms near the softness, 1"),
    ),
    ScalarMap(
        "SoftClip from -5 to 3",
        lambda: SoftClip(-5.0, 3.0, 0.125),
        **soft_clip(mp.mpf(-5), mp.mpf(3), mp.mpf(0.125)),
        points=(-5.0, 3.0),
        ulps=dict.fromkeys(LOG_DETS, lambda x: 8 + min(abs(x + 5), abs(x - 3)) / 0.125),
        **near_zero(
            *VALUES,
            size=5.0,
            reason="a value near 0 has the absolute precision of the bounds; a rounding of "
            "the distance to one, in units of the softness, counts as often as there are such units",
        ),
    ),
    ScalarMap(
        "Softfloor",
        lambda: Softfloor(0.25),
        **softfloor(mp.mpf(0.25)),
        **near_zero(*VALUES, *LOG_DETS, reason="values and log-dets near 0 have the absolute precision of a step, 1"),
    ),
    ScalarMap(
        "Softfloor, hot",
        lambda: Softfloor(64.0),
        **softfloor(mp.mpf(64)),
        **near_zero(*VALUES, *LOG_DETS, reason="values and log-dets near 0 have the absolute precision of a step, 1"),
    ),
    ScalarMap(
        "Softfloor, cold",
        lambda: Softfloor(2.0**-7),
        **softfloor(mp.mpf(2) ** -7),
        **near_zero(*VALUES, *LOG_DETS, reason="values and log-dets near 0 have the absolute precision of a step, 1"),
    ),
    ScalarMap(
        "Softsign",
        Softsign,
        lambda x: x / (1 + abs(x)),
        lambda x: -2 * mp.log1p(abs(x)),
        lambda y: y / (1 - abs(y)),
        inverse_log_derivative=lambda y: -2 * mp.log1p(-abs(y)),
        codomain=(-1, 1),
    ),
    ScalarMap("Square", Square, lambda x: x * x, lambda x: mp.log(2 * x), mp.sqrt, domain=(0, INF), codomain=(0, INF)),
    ScalarMap(
        "LambertWTail",
        lambda: LambertWTail(0.0, 1.0, 1.0),
        **lambert_w_tail(mp.mpf(1)),
        **near_zero(*LOG_DETS, size=1e-31, reason="x^2 is subnormal where 3 x^2 / 2, the log-det, is not"),
    ),
    ScalarMap(
        "LambertWTail of tailweight 0",
        lambda: LambertWTail(0.0, 1.0, 0.0),
        lambda x: x,
        lambda x: mp.mpf(0),
        lambda y: y,
    ),
    ScalarMap(
        "StudentTCDF 1",
        lambda: StudentTCDF(1.0),
        lambda x: mp.acot(-x) / mp.pi if x < 0 else 1 - mp.acot(x) / mp.pi,
        lambda x: -mp.log(mp.pi) - mp.log1p(x * x),
        lambda y: -mp.cot(mp.pi * y),
        inverse_log_derivative=lambda y: mp.log(mp.pi) - 2 * mp.log(mp.sin(mp.pi * y)),
        codomain=(0, 1),
        ulps={"inverse": 14},
        reason="near 1/4 a rounding of F, which has some five, is two of x",
    ),
    ScalarMap("StudentTCDF 32", lambda: StudentTCDF(32.0), **student_t(mp.mpf(32))),
]
