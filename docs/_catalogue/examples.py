"""The arguments that pictures are drawn for: name -> curves, each (what the legend says, how to build it).

`CURVES` are of bijectors, `DENSITIES` of distributions.

Up to three curves a map, of ordinary arguments that show what a parameter does. Where the domain does not say which
part of the axis to show, `RANGES` does.
"""

from collections.abc import Callable
from typing import Any

from pushforward import bijectors as b
from pushforward import distributions as d

# Unconstrained parameters as training might leave them.
SOME = [0.5, -0.4, 0.6, -0.7, -0.5, 0.7, -0.8, 0.4, 0.3, -0.5, 0.8, -0.2, 0.2, -0.6, 0.5]

Curves = list[tuple[str, Callable[[], Any]]]

CURVES: dict[str, Curves] = {
    "Identity": [("", lambda: b.Identity())],
    "Shift": [("shift=1", lambda: b.Shift(1.0)), ("−2", lambda: b.Shift(-2.0))],
    "Scale": [("scale=2", lambda: b.Scale(2.0)), ("0.5", lambda: b.Scale(0.5)), ("−1", lambda: b.Scale(-1.0))],
    "AbsoluteValue": [("", lambda: b.AbsoluteValue())],
    "Square": [("", lambda: b.Square())],
    "Power": [("power=0.5", lambda: b.Power(0.5)), ("2", lambda: b.Power(2.0)), ("3", lambda: b.Power(3.0))],
    "PowerTransform": [
        ("power=0 (exp)", lambda: b.PowerTransform(0.0)),
        ("0.2", lambda: b.PowerTransform(0.2)),
        ("0.5", lambda: b.PowerTransform(0.5)),
    ],
    "Reciprocal": [("", lambda: b.Reciprocal())],
    "Exp": [("", lambda: b.Exp())],
    "Log": [("", lambda: b.Log())],
    "Expm1": [("", lambda: b.Expm1())],
    "Log1p": [("", lambda: b.Log1p())],
    "Sigmoid": [("", lambda: b.Sigmoid()), ("low=−1, high=2", lambda: b.Sigmoid(-1.0, 2.0))],
    "Logit": [("", lambda: b.Logit())],
    "Tanh": [("", lambda: b.Tanh())],
    "Softsign": [("", lambda: b.Softsign())],
    "Softplus": [("", lambda: b.Softplus()), ("hinge_softness=0.25", lambda: b.Softplus(0.25))],
    "SoftClip": [
        ("low=−1, high=2", lambda: b.SoftClip(-1.0, 2.0)),
        ("low=−1, high=2, hinge_softness=0.2", lambda: b.SoftClip(-1.0, 2.0, 0.2)),
        ("high=2", lambda: b.SoftClip(high=2.0)),
    ],
    "Softfloor": [
        ("temperature=0.05", lambda: b.Softfloor(0.05)),
        ("0.2", lambda: b.Softfloor(0.2)),
        ("1", lambda: b.Softfloor(1.0)),
    ],
    "Sinh": [("", lambda: b.Sinh())],
    "SinhArcsinh": [
        ("skewness=0, tailweight=1", lambda: b.SinhArcsinh(0.0, 1.0)),
        ("0.5, 1", lambda: b.SinhArcsinh(0.5, 1.0)),
        ("0, 2", lambda: b.SinhArcsinh(0.0, 2.0)),
    ],
    "LambertWTail": [
        ("shift=0, scale=1, tailweight=0.1", lambda: b.LambertWTail(0.0, 1.0, 0.1)),
        ("0, 1, 0.3", lambda: b.LambertWTail(0.0, 1.0, 0.3)),
    ],
    "GeneralizedPareto": [
        ("loc=0, scale=1, concentration=0 or more", lambda: b.GeneralizedPareto(0.0, 1.0, 0.5)),
        ("0, 1, −0.25", lambda: b.GeneralizedPareto(0.0, 1.0, -0.25)),
    ],
    "LeakyReLU": [("negative_slope=0.1", lambda: b.LeakyReLU(0.1))],
    "PReLU": [("alpha=0.25", lambda: b.PReLU(0.25)), ("0.6", lambda: b.PReLU(0.6))],
    "NormalCDF": [("", lambda: b.NormalCDF())],
    "StudentTCDF": [
        ("df=1", lambda: b.StudentTCDF(1.0)),
        ("df=5", lambda: b.StudentTCDF(5.0)),
    ],
    "GumbelCDF": [("", lambda: b.GumbelCDF()), ("loc=1, scale=0.5", lambda: b.GumbelCDF(1.0, 0.5))],
    "GeneralizedExtremeValueCDF": [
        ("concentration=0", lambda: b.GeneralizedExtremeValueCDF(concentration=0.0)),
        ("0.5", lambda: b.GeneralizedExtremeValueCDF(concentration=0.5)),
        ("−0.5", lambda: b.GeneralizedExtremeValueCDF(concentration=-0.5)),
    ],
    "FrechetCDF": [
        ("concentration=1", lambda: b.FrechetCDF()),
        ("3", lambda: b.FrechetCDF(concentration=3.0)),
    ],
    "WeibullCDF": [
        ("concentration=1", lambda: b.WeibullCDF()),
        ("0.5", lambda: b.WeibullCDF(concentration=0.5)),
        ("3", lambda: b.WeibullCDF(concentration=3.0)),
    ],
    "RayleighCDF": [("scale=1", lambda: b.RayleighCDF()), ("2", lambda: b.RayleighCDF(2.0))],
    "MoyalCDF": [("", lambda: b.MoyalCDF()), ("loc=1, scale=0.5", lambda: b.MoyalCDF(1.0, 0.5))],
    "GompertzCDF": [
        ("concentration=1, rate=1", lambda: b.GompertzCDF(1.0, 1.0)),
        ("0.1, 1", lambda: b.GompertzCDF(0.1, 1.0)),
    ],
    "ShiftedGompertzCDF": [
        ("concentration=1, rate=1", lambda: b.ShiftedGompertzCDF(1.0, 1.0)),
        ("5, 1.5", lambda: b.ShiftedGompertzCDF(5.0, 1.5)),
    ],
    "KumaraswamyCDF": [
        ("concentration1=1, concentration0=1", lambda: b.KumaraswamyCDF()),
        ("2, 5", lambda: b.KumaraswamyCDF(2.0, 5.0)),
        ("0.5, 0.5", lambda: b.KumaraswamyCDF(0.5, 0.5)),
    ],
    "MixtureOfLogisticsCDF": [
        ("two components", lambda: b.MixtureOfLogisticsCDF([0.0, 0.5], [-2.0, 1.5], [0.4, 0.6])),
    ],
    "CDF": [
        ("Gamma(2, 1)", lambda: b.CDF(d.Gamma(2.0, 1.0))),
        ("Laplace(0, 1)", lambda: b.CDF(d.Laplace(0.0, 1.0))),
    ],
    "RationalQuadraticSpline": [
        (
            "five bins on [−1, 1]",
            lambda: b.RationalQuadraticSpline(
                [0.3, 0.5, 0.4, 0.5, 0.3], [0.1, 0.7, 0.2, 0.6, 0.4], [1.2, 0.4, 0.6, 2.0], -1.0
            ),
        )
    ],
    "LinearSpline": [
        ("four bins on [−1, 1]", lambda: b.LinearSpline(SOME[:4], bound=1.0)),
    ],
    "QuadraticSpline": [
        ("four bins on [−1, 1]", lambda: b.QuadraticSpline(SOME[:7], bound=1.0)),
    ],
    "CubicSpline": [
        ("four bins on [−1, 1]", lambda: b.CubicSpline(SOME[:10], bound=1.0)),
    ],
    "LinearRationalSpline": [
        ("four bins on [−1, 1]", lambda: b.LinearRationalSpline(SOME[:15], bound=1.0)),
    ],
    "CircularSpline": [
        ("four bins and a rotation", lambda: b.CircularSpline([*SOME[:12], 0.8])),
    ],
    "BernsteinPolynomial": [
        ("degree 8 on [−1, 1]", lambda: b.BernsteinPolynomial([0.0, *SOME[:8]], bound=1.0)),
    ],
    "SumOfSquaresPolynomial": [
        ("two squares of polynomials of degree 2", lambda: b.SumOfSquaresPolynomial([0.2, *SOME[:6]], degree=2)),
    ],
}

DENSITIES: dict[str, Curves] = {
    "LogNormal": [("loc=0, scale=1", lambda: d.LogNormal()), ("0, 0.4", lambda: d.LogNormal(0.0, 0.4))],
    "LogitNormal": [
        ("loc=0, scale=1", lambda: d.LogitNormal(0.0, 1.0)),
        ("0.5, 2.5", lambda: d.LogitNormal(0.5, 2.5)),
    ],
    "JohnsonSU": [
        ("skewness=0, tailweight=1, loc=0, scale=1", lambda: d.JohnsonSU(0.0, 1.0, 0.0, 1.0)),
        ("1, 1.5, 0, 1", lambda: d.JohnsonSU(1.0, 1.5, 0.0, 1.0)),
    ],
    "SinhArcsinh": [
        ("loc=0, scale=1", lambda: d.SinhArcsinh(0.0, 1.0)),
        ("skewness=0.5", lambda: d.SinhArcsinh(0.0, 1.0, 0.5)),
        ("tailweight=2", lambda: d.SinhArcsinh(0.0, 1.0, 0.0, 2.0)),
    ],
    "LambertWNormal": [
        ("loc=0, scale=1, tailweight=0.1", lambda: d.LambertWNormal(0.0, 1.0, 0.1)),
        ("0, 1, 0.5", lambda: d.LambertWNormal(0.0, 1.0, 0.5)),
    ],
    "Gumbel": [("loc=0, scale=1", lambda: d.Gumbel()), ("1, 0.5", lambda: d.Gumbel(1.0, 0.5))],
    "GeneralizedExtremeValue": [
        ("loc=0, scale=1, concentration=0", lambda: d.GeneralizedExtremeValue(0.0, 1.0, 0.0)),
        ("0, 1, 0.5", lambda: d.GeneralizedExtremeValue(0.0, 1.0, 0.5)),
        ("0, 1, −0.5", lambda: d.GeneralizedExtremeValue(0.0, 1.0, -0.5)),
    ],
    "Weibull": [
        ("concentration=1, scale=1", lambda: d.Weibull(1.0, 1.0)),
        ("3, 1", lambda: d.Weibull(3.0, 1.0)),
        ("1.5, 2", lambda: d.Weibull(1.5, 2.0)),
    ],
    "Kumaraswamy": [
        ("concentration1=2, concentration0=5", lambda: d.Kumaraswamy(2.0, 5.0)),
        ("0.5, 0.5", lambda: d.Kumaraswamy(0.5, 0.5)),
    ],
    "RelaxedBernoulli": [
        ("temperature=1, logits=0.5", lambda: d.RelaxedBernoulli(1.0, 0.5)),
        ("0.4, 0.5", lambda: d.RelaxedBernoulli(0.4, 0.5)),
        ("2, 0.5", lambda: d.RelaxedBernoulli(2.0, 0.5)),
    ],
}

RANGES: dict[str, tuple[float, float]] = {
    "Softfloor": (-1.5, 1.5),
    "RationalQuadraticSpline": (-1.5, 1.5),
    "LinearSpline": (-1.5, 1.5),
    "QuadraticSpline": (-1.5, 1.5),
    "CubicSpline": (-1.5, 1.5),
    "LinearRationalSpline": (-1.5, 1.5),
    "BernsteinPolynomial": (-1.5, 1.5),
    "SumOfSquaresPolynomial": (-1.5, 1.5),
}
