"""Distribution functions of named laws, of mixtures and of any NumPyro distribution."""

import jax
import jax.numpy as jnp
from numpyro.distributions import Logistic, Normal, Weibull

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

from .base import Entry

# Far below the centre exp(-x) overflows in float32, and further out distribution functions are 1 to the last bit.
LINE = (-20.0, -1e-8, 0.0, 1e-8, 30.0, 1e3)
HALF_LINE = (1e-6, 1e-2, 1.0, 20.0)


def positive(key):
    """Three positive numbers, all different, of the size that training gives."""
    return jnp.exp(jnp.array([0.4, -0.3, 0.2]) + 0.1 * jax.random.normal(key, (3,)))


def three(key):
    """Three numbers of both signs."""
    return jnp.array([0.4, -0.3, 0.2]) + 0.1 * jax.random.normal(key, (3,))


def draw_positive(key, batch):
    """Where the distribution functions have not rounded to 1."""
    return jax.random.uniform(key, batch, minval=0.05, maxval=2.5)


def draw_from_loc(key, batch):
    """The same above `loc` of the batched case of Fréchet's law, which is below 1."""
    return 1 + draw_positive(key, batch)


def draw_near_loc(key, batch):
    """Inside the domains of extreme value laws of concentrations about 1/3 and above -1/2."""
    return jax.random.uniform(key, batch, minval=-1.0, maxval=1.5)


def draw_tail(key, batch):
    """Where the distribution functions of Gumbel and Moyal are not 0."""
    return jax.random.uniform(key, batch, minval=-2.5, maxval=5.0)


def draw_above_loc(key, batch):
    """Between the ends of generalised Pareto laws of negative concentration."""
    return jax.random.uniform(key, batch, minval=1.5, maxval=2.3)


def mixture(key, **kwargs):
    """Mixtures of two laws, one for each of three numbers."""
    first, second, third = (jax.random.normal(k, (3, 2)) for k in jax.random.split(key, 3))
    return MixtureOfLogisticsCDF(first, second, jnp.exp(0.3 * third), **kwargs)


ENTRIES = [
    Entry(
        WeibullCDF,
        cases={"default": lambda key: WeibullCDF(), "trained": lambda key: WeibullCDF(1.3, 0.7)},
        draw=draw_positive,
        extremes=HALF_LINE,
    ),
    Entry(
        WeibullCDF,
        cases={"validated": lambda key: WeibullCDF(positive(key), 1.5, validate_args=True)},
        batch_shape=(3,),
        draw=draw_positive,
        extremes=HALF_LINE,
        label="batched",
    ),
    Entry(
        RayleighCDF,
        cases={"default": lambda key: RayleighCDF(), "validated": lambda key: RayleighCDF(0.8, validate_args=True)},
        draw=draw_positive,
        extremes=HALF_LINE,
    ),
    Entry(
        RayleighCDF,
        cases={"trained": lambda key: RayleighCDF(positive(key))},
        batch_shape=(3,),
        draw=draw_positive,
        extremes=HALF_LINE,
        label="batched",
    ),
    Entry(
        FrechetCDF,
        cases={"default": lambda key: FrechetCDF(), "validated": lambda key: FrechetCDF(validate_args=True)},
        draw=draw_from_loc,
        extremes=(0.5, 1.0, 30.0, 1e3),
    ),
    Entry(
        FrechetCDF,
        cases={"trained": lambda key: FrechetCDF(three(key), positive(key), 1.4)},
        batch_shape=(3,),
        draw=draw_from_loc,
        extremes=(1.0, 3.0, 30.0, 1e3),
        label="batched",
    ),
    Entry(
        GumbelCDF,
        cases={"default": lambda key: GumbelCDF(), "validated": lambda key: GumbelCDF(0.3, 2.0, validate_args=True)},
        draw=draw_tail,
        extremes=LINE,
    ),
    Entry(
        GumbelCDF,
        cases={"trained": lambda key: GumbelCDF(three(key), positive(key))},
        batch_shape=(3,),
        draw=draw_tail,
        extremes=LINE,
        label="batched",
    ),
    Entry(
        MoyalCDF,
        cases={"default": lambda key: MoyalCDF(), "validated": lambda key: MoyalCDF(0.3, 2.0, validate_args=True)},
        draw=draw_tail,
        extremes=LINE,
    ),
    Entry(
        MoyalCDF,
        cases={"trained": lambda key: MoyalCDF(three(key), positive(key))},
        batch_shape=(3,),
        draw=draw_tail,
        extremes=LINE,
        label="batched",
    ),
    Entry(
        GompertzCDF,
        cases={
            "default": lambda key: GompertzCDF(1.0, 1.0),
            "validated": lambda key: GompertzCDF(0.3, 0.8, validate_args=True),
        },
        draw=draw_positive,
        extremes=HALF_LINE,
    ),
    Entry(
        GompertzCDF,
        cases={"trained": lambda key: GompertzCDF(positive(key), 0.7)},
        batch_shape=(3,),
        draw=draw_positive,
        extremes=HALF_LINE,
        label="batched",
    ),
    Entry(
        ShiftedGompertzCDF,
        cases={
            "default": lambda key: ShiftedGompertzCDF(1.0, 1.0),
            "validated": lambda key: ShiftedGompertzCDF(0.1, 0.8, validate_args=True),
        },
        draw=draw_positive,
        extremes=(*HALF_LINE, 1e3),
        numerical=True,
    ),
    Entry(
        ShiftedGompertzCDF,
        cases={"trained": lambda key: ShiftedGompertzCDF(positive(key), 0.7)},
        batch_shape=(3,),
        draw=draw_positive,
        extremes=(*HALF_LINE, 1e3),
        numerical=True,
        label="batched",
    ),
    Entry(
        KumaraswamyCDF,
        cases={
            "default": lambda key: KumaraswamyCDF(),
            "validated": lambda key: KumaraswamyCDF(0.6, 1.7, validate_args=True),
        },
    ),
    Entry(
        KumaraswamyCDF,
        cases={"trained": lambda key: KumaraswamyCDF(positive(key), jnp.array([1.3, 0.6, 2.1]))},
        batch_shape=(3,),
        label="batched",
    ),
    Entry(
        GeneralizedExtremeValueCDF,
        cases={
            "default": lambda key: GeneralizedExtremeValueCDF(),
            "positive": lambda key: GeneralizedExtremeValueCDF(0.3, 1.2, 0.35, validate_args=True),
            "negative": lambda key: GeneralizedExtremeValueCDF(0.3, 1.2, -0.3),
        },
        draw=draw_near_loc,
        extremes=(-1.0, -1e-8, 0.0, 1e-8, 1.5),
    ),
    Entry(
        GeneralizedExtremeValueCDF,
        cases={
            "trained": lambda key: GeneralizedExtremeValueCDF(
                three(key), 1 + positive(key), jnp.array([0.3, 0.0, -0.3]), validate_args=True
            )
        },
        batch_shape=(3,),
        draw=draw_near_loc,
        extremes=(-1.0, -1e-8, 0.0, 1e-8, 1.5),
        label="batched",
    ),
    Entry(
        GeneralizedPareto,
        cases={"negative": lambda key: GeneralizedPareto(1.0, 1.5, -0.6)},
        draw_output=draw_above_loc,
        extremes=(-30.0, -1e-8, 0.0, 1e-8, 30.0),
        output_extremes=(1.5, 2.3),
    ),
    Entry(
        GeneralizedPareto,
        cases={"trained": lambda key: GeneralizedPareto(three(key), 3.0, jnp.array([0.3, 0.0, -0.9]))},
        batch_shape=(3,),
        draw_output=draw_above_loc,
        output_extremes=(1.5, 2.3),
        label="batched",
    ),
    Entry(
        MixtureOfLogisticsCDF,
        cases={"trained": mixture, "logit": lambda key: mixture(key, logit=True, validate_args=True)},
        batch_shape=(3,),
        numerical=True,
    ),
    Entry(
        CDF,
        cases={
            "default": lambda key: CDF(Normal(0.0, 1.0)),
            "validated": lambda key: CDF(Logistic(0.3, 1.2), validate_args=True),
        },
        extremes=(-4.0, -1e-8, 0.0, 1e-8, 4.0),
    ),
    Entry(
        CDF,
        cases={"root": lambda key: CDF(Weibull(positive(key), 1.5))},
        batch_shape=(3,),
        draw=draw_positive,
        extremes=(0.01, 1.0, 2.5),
        numerical=True,
        label="batched",
    ),
]
