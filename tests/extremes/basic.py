"""The maps of exponentials, rectifiers, shifts and scales."""

import mpmath as mp

from pushforward.bijectors import (
    Exp,
    Identity,
    LeakyReLU,
    Log,
    Logit,
    NormalCDF,
    PReLU,
    Scale,
    Shift,
    Sigmoid,
    Softplus,
    Tanh,
)

from .base import INF, ScalarMap, exp, single


def softplus(x):
    """log(1 + e^x)."""
    return x + mp.log1p(exp(-x)) if x > 0 else mp.log1p(exp(x))


def softplus_inverse(y):
    """log(e^y - 1)."""
    return y + log_complement(y)


def log_complement(y):
    """log(1 - e^-y)."""
    return mp.log(-mp.expm1(-y)) if y < 1 else mp.log1p(-exp(-y))


def logistic(x):
    """1 / (1 + e^-x)."""
    return 1 / (1 + exp(-x))


def logistic_log_density(x):
    """log of the derivative of `logistic`."""
    return -softplus(x) - softplus(-x)


def normal_log_density(x):
    """log of the standard normal density."""
    return -x * x / 2 - mp.log(2 * mp.pi) / 2


def normal_cdf(x):
    """Phi(x)."""
    return mp.ncdf(max(min(x, mp.mpf(10) ** 6), -(mp.mpf(10) ** 6)))


def normal_quantile(p):
    """Phi^-1(p), by Newton's method on log Phi, which is concave, from the lower tail's expansion."""
    if p > 0.5:
        return -normal_quantile(1 - p)
    if p == 0.5:
        return mp.mpf(0)
    target = mp.log(p)
    x = -mp.sqrt(-2 * target) if p < 0.1 else (p - 0.5) * 2.5
    for _ in range(60):
        phi = mp.ncdf(x)
        step = (mp.log(phi) - target) * phi / mp.npdf(x)
        x -= step
        if abs(step) < mp.eps * 1000 * abs(x):
            break
    return x


def leaky(slope):
    """forward, log-derivative and inverse of the rectifier with this slope."""
    return {
        "forward": lambda x: x if x >= 0 else slope * x,
        "log_derivative": lambda x: mp.mpf(0) if x >= 0 else mp.log(slope),
        "inverse": lambda y: y if y >= 0 else y / slope,
    }


LOW, HIGH, SOFT = mp.mpf(-2), mp.mpf(0.75), mp.mpf(0.25)

MAPS = [
    ScalarMap("Exp", Exp, exp, lambda x: x, mp.log, codomain=(0, INF)),
    ScalarMap("Log", Log, mp.log, lambda x: -mp.log(x), exp, inverse_log_derivative=lambda y: y, domain=(0, INF)),
    ScalarMap(
        "Sigmoid",
        Sigmoid,
        logistic,
        logistic_log_density,
        lambda y: mp.log(y) - mp.log1p(-y),
        codomain=(0, 1),
    ),
    ScalarMap(
        "Sigmoid of an interval",
        lambda: Sigmoid(-2.0, 0.75),
        lambda x: LOW + (HIGH - LOW) * logistic(x),
        lambda x: mp.log(HIGH - LOW) + logistic_log_density(x),
        lambda y: mp.log((y - LOW) / (HIGH - y)),
        codomain=(-2, 0.75),
        sizes={"forward": 2, "forward_log_det": 1, "inverse_log_det": 1},
        reason="a value near 0 has the absolute precision of low, a log-det near 0 that of log(high - low)",
    ),
    ScalarMap(
        "Logit",
        Logit,
        lambda x: mp.log(x) - mp.log1p(-x),
        lambda x: -mp.log(x) - mp.log1p(-x),
        logistic,
        inverse_log_derivative=logistic_log_density,
        domain=(0, 1),
    ),
    ScalarMap(
        "Tanh",
        Tanh,
        mp.tanh,
        lambda x: mp.log(4) - 2 * softplus(2 * abs(x)) + 2 * abs(x),
        mp.atanh,
        codomain=(-1, 1),
        points=(1.0, -1.0),
    ),
    ScalarMap("Softplus", Softplus, softplus, lambda x: -softplus(-x), softplus_inverse, codomain=(0, INF)),
    ScalarMap(
        "Softplus with softness and low",
        lambda: Softplus(0.25, -2.0),
        lambda x: LOW + SOFT * softplus(x / SOFT),
        lambda x: -softplus(-x / SOFT),
        lambda y: SOFT * softplus_inverse((y - LOW) / SOFT),
        codomain=(-2, INF),
        ulps={"inverse_log_det": lambda y: 8 + 2 * (y + 2) / 0.25},
        sizes={"forward": 2},
        reason="a value near 0 has the absolute precision of low; softness is known to one rounding, exp(log c), which "
        "in exp(-(y - low) / c) counts (y - low) / c times",
    ),
    ScalarMap(
        "NormalCDF",
        NormalCDF,
        normal_cdf,
        normal_log_density,
        normal_quantile,
        codomain=(0, 1),
    ),
    ScalarMap("LeakyReLU", LeakyReLU, **leaky(single(0.01))),
    ScalarMap("PReLU", PReLU, **leaky(mp.mpf(0.25))),
    ScalarMap("Shift", lambda: Shift(-1.5), lambda x: x - 1.5, lambda x: mp.mpf(0), lambda y: y + 1.5),
    ScalarMap("Scale", lambda: Scale(-3.0), lambda x: -3 * x, lambda x: mp.log(3), lambda y: -y / 3),
    ScalarMap(
        "Scale of log_scale",
        lambda: Scale(log_scale=1.5),
        lambda x: x * mp.exp(1.5),
        lambda x: mp.mpf(1.5),
        lambda y: y * mp.exp(-1.5),
    ),
    ScalarMap("Identity", Identity, lambda x: x, lambda x: mp.mpf(0), lambda y: y),
]
