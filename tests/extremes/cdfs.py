"""Distribution functions: values, quantiles and log-densities into both tails."""

import functools

import mpmath as mp
from numpyro.distributions import Logistic

from pushforward.bijectors import (
    CDF,
    FrechetCDF,
    GeneralizedExtremeValueCDF,
    GeneralizedPareto,
    GompertzCDF,
    GumbelCDF,
    KumaraswamyCDF,
    MixtureOfLogisticsCDF,
    MoyalCDF,
    RayleighCDF,
    ShiftedGompertzCDF,
    WeibullCDF,
)

from .base import INF, ScalarMap, exp
from .basic import logistic, normal_quantile, softplus, softplus_inverse

# The log-density has a zero, near which it keeps the absolute precision of its terms.
LOG_DENSITY = {"forward_log_det": 1, "inverse_log_det": 1}
ZERO = "a log-det near 0 has the absolute precision of its terms"
TAIL = "one rounding of t is t roundings of exp(-t)"


def complement(t):
    """1 - e^-t."""
    return -mp.expm1(-min(t, mp.mpf(10) ** 12))


def bounded(log_density):
    """`log_density`, not below -10^45: mpmath never comes back from the exponential of -exp(10^12)."""
    return lambda x: max(log_density(x), -(mp.mpf(10) ** 45))


def weibull(scale, k):
    """What a `ScalarMap` of Weibull's law needs."""
    scale, k = mp.mpf(scale), mp.mpf(k)
    return {
        "forward": lambda x: complement((x / scale) ** k),
        "log_derivative": lambda x: mp.log(k / scale) + (k - 1) * mp.log(x / scale) - (x / scale) ** k,
        "inverse": lambda y: scale * (-mp.log1p(-y)) ** (1 / k),
        "domain": (0, INF),
        "codomain": (0, 1),
        "sizes": LOG_DENSITY,
        "reason": ZERO,
    }


def frechet(loc, scale, k):
    """The same of Fréchet's law. The inverse falls to loc so slowly that its limit is not seen at 10^-600."""
    loc, scale, k = mp.mpf(loc), mp.mpf(scale), mp.mpf(k)

    def t(x):
        return ((x - loc) / scale) ** -k

    return {
        "forward": lambda x: exp(-t(x)),
        "log_derivative": lambda x: mp.log(k / scale) + (1 + 1 / k) * mp.log(t(x)) - t(x),
        "inverse": lambda y: loc + (scale * (-mp.log(y)) ** (-1 / k) if y > mp.mpf(10) ** -290 else 0),
        "inverse_log_derivative": lambda y: mp.log(scale / k) - (1 + 1 / k) * mp.log(-mp.log(y)) - mp.log(y),
        "domain": (float(loc), INF),
        "codomain": (0, 1),
        "ulps": {"forward": lambda x: 8 + 2 * min(float(t(mp.mpf(x))), 100) if x > loc else 8},
        "sizes": {**LOG_DENSITY, "inverse": abs(loc)},
        "reason": f"{TAIL}; {ZERO}; x = loc + ... has the absolute precision of loc",
    }


def extreme_value(loc, scale, c, start=-INF):
    """The same of the generalised extreme value law, from `start` on."""
    loc, scale, c = mp.mpf(loc), mp.mpf(scale), mp.mpf(c)

    def g(x):
        z = (x - loc) / scale
        return mp.log1p(c * z) / c if c else z

    end = float(loc - scale / c) if c else INF

    def inverse(y):
        # As of Fréchet's law, the limit is reached too slowly to be seen.
        if (c > 0 and y < mp.mpf(10) ** -290) or (c < 0 and 1 - y < mp.mpf(10) ** -25):
            return mp.mpf(end)
        g = -mp.log(-mp.log(y))
        return loc + scale * (mp.expm1(c * g) / c if c else g)

    def inverse_log_derivative(y):
        t = -mp.log(y)
        return mp.log(scale) - (1 + c) * mp.log(t) + t

    domain = (end if c > 0 else start, end if c < 0 else INF)

    def minus_g(x):
        return min(max(-float(g(mp.mpf(x))), 0), 100) if domain[0] <= x <= domain[1] and x != end else 0

    return {
        "forward": lambda x: exp(-exp(-g(x))),
        "log_derivative": bounded(lambda x: -(1 + c) * g(x) - exp(-g(x)) - mp.log(scale)),
        "inverse": inverse,
        "inverse_log_derivative": inverse_log_derivative,
        "domain": domain,
        "codomain": (0, 1),
        "ulps": {
            "forward": lambda x: 8 + 4 * float(exp(min(minus_g(x), 5))),
            "forward_log_det": lambda x: 8 + minus_g(x),
        },
        "sizes": {**LOG_DENSITY, "inverse": max(abs(loc), scale)},
        "reason": f"{TAIL}, and one of g is g roundings of t = exp(-g); {ZERO}; x has the absolute precision of loc and"
        " scale",
    }


def shifted_gompertz_inverse(c, rate):
    """y -> x, by Newton's method for u + (1 - exp(-u)) / c = -log y, concave in u; exp(-u) = 1 - exp(-rate x)."""

    def inverse(y):
        w = -mp.log(y)
        u = max(w / (1 + 1 / c), w - 1 / c)
        for _ in range(100):
            step = (u - mp.expm1(-u) / c - w) / (1 + mp.exp(-u) / c)
            u -= step
            if abs(step) < mp.eps * 100 * u:
                break
        return (-mp.log1p(-mp.exp(-u)) if u > 1 else -mp.log(-mp.expm1(-u))) / rate

    return inverse


MIXTURE = [(mp.mpf(1) / 4, mp.mpf(-2), mp.mpf(0.5)), (mp.mpf(3) / 4, mp.mpf(1), mp.mpf(2))]  # weight, loc, scale


def mixture_log_tails(x):
    """(log F, log(1 - F)) of a mixture of logistic laws."""

    def tail(sign):
        logs = [mp.log(w) - softplus(-sign * (x - loc) / scale) for w, loc, scale in MIXTURE]
        return max(logs) + mp.log(sum(mp.exp(v - max(logs)) for v in logs))

    below, above = tail(1), tail(-1)
    # Of a tail near 1 the other one knows more.
    return (mp.log1p(-mp.exp(above)), above) if below > above else (below, mp.log1p(-mp.exp(below)))


def mixture_logit(x):
    """log(F / (1 - F))."""
    below, above = mixture_log_tails(x)
    return below - above


def mixture_log_density(x):
    """log F'."""
    logs = [mp.log(w / scale) - softplus(-(x - loc) / scale) - softplus((x - loc) / scale) for w, loc, scale in MIXTURE]
    return max(logs) + mp.log(sum(mp.exp(v - max(logs)) for v in logs))


def mixture_logit_slope(x):
    """log of the derivative of the logit, F' / (F (1 - F)), from the shares of the components in the smaller tail."""
    below, above = mixture_log_tails(x)
    sign = 1 if above < below else -1
    logs = [mp.log(w) - softplus(sign * (x - loc) / scale) for w, loc, scale in MIXTURE]
    parts = [mp.exp(v - max(logs)) for v in logs]
    slopes = [logistic(sign * (x - loc) / scale) / scale for _, loc, scale in MIXTURE]
    ratio = sum(p * slope for p, slope in zip(parts, slopes, strict=True)) / sum(parts)
    return mp.log(ratio) - max(below, above)


def mixture_logit_inverse(y):
    """x, the inverse of the logit: value, log-det and slope ask for it three times."""
    return _mixture_logit_inverse(y, mp.mp.prec)


@functools.cache
def _mixture_logit_inverse(y, prec):
    """By Newton's method, held in the bracket of the components' quantiles."""
    low, high = (fn(loc + scale * y for _, loc, scale in MIXTURE) for fn in (min, max))
    x = (low + high) / 2
    for _ in range(400):
        residual = mixture_logit(x) - y
        low, high = (x, high) if residual < 0 else (low, x)
        new = x - residual / mp.exp(mixture_logit_slope(x))
        new = new if low <= new <= high else (low + high) / 2
        if abs(new - x) <= mp.eps * 1000 * abs(x):
            return new
        x = new
    return x


def mixture(**kwargs):
    """The bijector."""
    weights, locs, scales = zip(*MIXTURE, strict=True)
    logits = [float(mp.log(w)) for w in weights]
    return MixtureOfLogisticsCDF(logits, [float(v) for v in locs], [float(v) for v in scales], **kwargs)


MAPS = [
    ScalarMap("WeibullCDF", WeibullCDF, **weibull(1, 1)),
    ScalarMap("WeibullCDF of concentration 2", lambda: WeibullCDF(0.5, 2.0), **weibull(0.5, 2)),
    ScalarMap("WeibullCDF of concentration 1/2", lambda: WeibullCDF(1.0, 0.5), **weibull(1, 0.5)),
    ScalarMap("RayleighCDF", lambda: RayleighCDF(1.5), **weibull(1.5 * mp.sqrt(2), 2)),
    ScalarMap("FrechetCDF", lambda: FrechetCDF(0.0, 2.0, 2.0), **frechet(0, 2, 2)),
    ScalarMap("FrechetCDF with loc", lambda: FrechetCDF(-1.5, 1.0, 0.5), **frechet(-1.5, 1, 0.5)),
    ScalarMap("GumbelCDF", GumbelCDF, **extreme_value(0, 1, 0)),
    ScalarMap("GumbelCDF with loc and scale", lambda: GumbelCDF(0.75, 0.5), **extreme_value(0.75, 0.5, 0)),
    ScalarMap(
        "MoyalCDF",
        lambda: MoyalCDF(0.5, 2.0),
        lambda x: mp.erfc(min(exp(-(x - 0.5) / 4), mp.mpf(10) ** 6) / mp.sqrt(2)),
        bounded(lambda x: -(exp(-(x - 0.5) / 2) + (x - 0.5) / 2 + mp.log(8 * mp.pi)) / 2),
        lambda y: 0.5 - 4 * mp.log(-normal_quantile(y / 2)),
        codomain=(0, 1),
        ulps={
            "forward": lambda x: 8 + 4 * float(exp(min((0.5 - x) / 2, 6))),
            "forward_log_det": lambda x: 8 + min(max((0.5 - x) / 2, 0), 100),
        },
        sizes={**LOG_DENSITY, "inverse": 2},
        reason=f"one rounding of s is s^2 roundings of the tail, and one of z is z roundings of s^2; {ZERO}; x has the "
        "absolute precision of loc and scale",
    ),
    ScalarMap(
        "GompertzCDF",
        lambda: GompertzCDF(0.5, 0.5),
        lambda x: complement((exp(x / 2) - 1) / 2),
        bounded(lambda x: x / 2 - (exp(x / 2) - 1) / 2 - mp.log(4)),
        lambda y: 2 * mp.log1p(-2 * mp.log1p(-y)),
        domain=(0, INF),
        codomain=(0, 1),
        sizes=LOG_DENSITY,
        reason=ZERO,
    ),
    ScalarMap(
        "ShiftedGompertzCDF",
        lambda: ShiftedGompertzCDF(0.5, 0.5),
        lambda x: -mp.expm1(-x / 2) * exp(-2 * exp(-x / 2)),
        lambda x: -x / 2 - 2 * exp(-x / 2) + mp.log1p(-2 * mp.expm1(-x / 2)) - mp.log(2),
        shifted_gompertz_inverse(mp.mpf(0.5), mp.mpf(0.5)),
        domain=(0, INF),
        codomain=(0, 1),
        sizes=LOG_DENSITY,
        reason=ZERO,
    ),
    ScalarMap(
        "KumaraswamyCDF",
        lambda: KumaraswamyCDF(2.0, 0.5),
        lambda x: -mp.expm1(mp.log1p(-x * x) / 2),
        lambda x: mp.log(x) - mp.log1p(-x * x) / 2,
        lambda y: mp.sqrt(-mp.expm1(2 * mp.log1p(-y))),
        domain=(0, 1),
        codomain=(0, 1),
        sizes=LOG_DENSITY,
        reason=ZERO,
    ),
    ScalarMap("GeneralizedExtremeValueCDF", GeneralizedExtremeValueCDF, **extreme_value(0, 1, 0)),
    *(
        ScalarMap(
            f"GeneralizedExtremeValueCDF of concentration {c}",
            lambda c=c, scale=scale: GeneralizedExtremeValueCDF(0.0, scale, c),
            **extreme_value(0, scale, c, start),
        )
        # Of a negative concentration the log-density is -infinity before its slope is.
        for scale, c, start in ((1.0, 0.5, -INF), (2.0, -0.25, -1e8), (1.0, 2.0**-20, -INF))
    ),
    ScalarMap(
        "GeneralizedPareto",
        lambda: GeneralizedPareto(0.0, 1.0, 0.5),
        softplus,
        lambda x: -softplus(-x),
        softplus_inverse,
        codomain=(0, INF),
    ),
    ScalarMap(
        "GeneralizedPareto of negative concentration",
        lambda: GeneralizedPareto(0.0, 0.125, -0.25),
        lambda x: logistic(x) / 2,
        lambda x: -mp.log(2) - softplus(-x) - softplus(x),
        lambda y: mp.log(y) - mp.log(0.5 - y),
        codomain=(0, 0.5),
        sizes=LOG_DENSITY,
        reason=ZERO,
    ),
    ScalarMap(
        "MixtureOfLogisticsCDF",
        mixture,
        lambda x: mp.exp(mixture_log_tails(x)[0]),
        mixture_log_density,
        lambda y: mixture_logit_inverse(mp.log(y) - mp.log1p(-y)),
        codomain=(0, 1),
        sizes={**LOG_DENSITY, "inverse": 2},
        reason=f"{ZERO}, as has the x of locs",
    ),
    ScalarMap(
        "MixtureOfLogisticsCDF with logit",
        lambda: mixture(logit=True),
        mixture_logit,
        mixture_logit_slope,
        mixture_logit_inverse,
        sizes={**LOG_DENSITY, "forward": 1, "inverse": 2},
        reason=f"{ZERO}, as have the logit and the x of locs",
    ),
    ScalarMap(
        "CDF of a logistic law",
        lambda: CDF(Logistic(0.0, 1.0)),
        logistic,
        lambda x: -softplus(-x) - softplus(x),
        lambda y: mp.log(y) - mp.log1p(-y),
        domain=(-1e30, 1e30),
        codomain=(0, 1),
        sizes={"inverse": 1},
        reason="NumPyro takes the logit of 1/2 for what p / (1 - p) rounds to",
    ),
]
