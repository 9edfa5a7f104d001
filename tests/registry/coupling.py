"""Entries of the coupling layers."""

import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors import (
    AdditiveTransformer,
    AffineTransformer,
    Coupling,
    RealNVP,
    Scale,
    SplineTransformer,
    real_nvp_default_template,
)
from pushforward.nets import MLP, ResidualMLP

from .base import Entry

ALTERNATING = (True, False, True, False, True)
SPLINE = SplineTransformer(bins=3, bound=4.0)
# An affine layer multiplies by exp(log_scale): where it meets extreme numbers its log-scale is clamped, as in recipes.
CLAMPED = AffineTransformer(max_log_scale=2.0)
MODERATE = (-30.0, -1e-8, 0.0, 1e-8, 30.0)


def coupling(transformer, mask, net=MLP, **options):
    """A factory of one layer on events of as many numbers as the mask has."""
    stay = sum(mask)

    def build(key):
        out = transformer.params_per_dim * (len(mask) - stay)
        conditioner = net(stay, out, hidden_units=(8, 8), activation=jax.nn.silu, key=key, **options)
        return Coupling(conditioner, transformer, mask=mask)

    return build


def first(transformer, stay, dim, **options):
    """The same with the first (or, if negative, last) coordinates staying."""

    def build(key):
        out = transformer.params_per_dim * (dim - abs(stay))
        conditioner = MLP(abs(stay), out, hidden_units=(8,), activation=jnp.tanh, key=key, **options)
        return Coupling(conditioner, transformer, num_masked=stay)

    return build


def real_nvp(stay, dim, **options):
    """A factory of TFP's layer with the default network."""

    def build(key):
        net = real_nvp_default_template(
            (8,), activation=jnp.tanh, input_units=abs(stay), output_units=dim - abs(stay), key=key, **options
        )
        return RealNVP(stay, shift_and_log_scale_fn=net)

    return build


def structure(mask):
    """An output that stays depends on its input alone, one that moves also on all that stay."""
    mask = np.asarray(mask)
    return np.eye(len(mask), dtype=bool) | (~mask[:, None] & mask[None, :])


def scale_by_the_rest(kept, units):
    """A bijector_fn."""
    return Scale(jnp.exp(0.3 * jnp.sum(jnp.sin(kept), -1, keepdims=True) + 0.1 * jnp.arange(units, dtype=kept.dtype)))


ENTRIES = [
    Entry(
        Coupling,
        cases={
            "affine": coupling(CLAMPED, ALTERNATING),
            "trained spline": coupling(SPLINE, ALTERNATING, output_scale=0.5),
        },
        event_shape=(5,),
        structure=structure(ALTERNATING),
        extremes=MODERATE,
        output_extremes=MODERATE,
    ),
    Entry(
        Coupling,
        label="halves",
        cases={"additive": first(AdditiveTransformer(), 2, 3, output_scale=1.0), "spline": first(SPLINE, 2, 3)},
        event_shape=(3,),
        structure=structure((True, True, False)),
    ),
    Entry(
        Coupling,
        label="conditional",
        cases={
            "affine": first(CLAMPED, -2, 3, condition_dim=2),
            "residual spline": coupling(SPLINE, (False, True, True), net=ResidualMLP, condition_dim=2),
        },
        event_shape=(3,),
        condition_dim=2,
        conditioned=(True, False, False),
        structure=structure((False, True, True)),
        extremes=MODERATE,
        output_extremes=MODERATE,
    ),
    Entry(
        RealNVP,
        cases={"default": real_nvp(2, 3), "NICE": real_nvp(2, 3, shift_only=True, output_scale=1.0)},
        event_shape=(3,),
        structure=structure((True, True, False)),
        extremes=MODERATE,
        output_extremes=MODERATE,
    ),
    Entry(
        RealNVP,
        label="last",
        cases={"trained": lambda key: RealNVP(fraction_masked=-0.6, bijector_fn=scale_by_the_rest)},
        event_shape=(3,),
        structure=structure((False, True, True)),
    ),
    Entry(
        RealNVP,
        label="conditional",
        cases={"trained": real_nvp(1, 2, condition_dim=2, output_scale=0.5)},
        event_shape=(2,),
        condition_dim=2,
        conditioned=(False, True),
        structure=structure((True, False)),
        extremes=MODERATE,
        output_extremes=MODERATE,
    ),
]
