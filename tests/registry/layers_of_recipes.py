"""Entries of layers made for recipes: Conditioned, MarginalGaussianization, couplings of angles."""

import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors import (
    AngularTransformer,
    Conditioned,
    Coupling,
    InvertedTransformer,
    MarginalGaussianization,
    Planar,
    ScaleMatvecDiag,
)
from pushforward.nets import MLP, OnAngles

from .base import Entry


def conditioned(bijector):
    """A factory of `Conditioned` with a network of two numbers."""

    def build(key):
        net = MLP(2, Conditioned.count(bijector), hidden_units=(8,), output_scale=0.5, activation=jnp.tanh, key=key)
        return Conditioned(bijector, net)

    return build


def of_data(key):
    """Set from data of two modes and of none."""
    x = jax.random.normal(key, (64, 2)) * jnp.array([0.3, 1.0]) + jnp.where(jnp.arange(64) % 2 == 0, 2.0, -2.0)[:, None]
    return MarginalGaussianization(2, 4).initialize(x)


def of_angles(key):
    """Two angles and a number, of which the middle one moves the others."""
    transformer = InvertedTransformer(AngularTransformer((True, False), bins=3, bound=4.0))
    net = MLP(2, 2 * transformer.params_per_dim, hidden_units=(8,), output_scale=0.5, activation=jnp.tanh, key=key)
    return Coupling(OnAngles(net, (True,)), transformer, mask=(False, True, False))


def angles(key, batch):
    """Points away from the seam, where numbers jump."""
    return 1.5 * jnp.tanh(jax.random.normal(key, (*batch, 3)))


ENTRIES = [
    Entry(
        Conditioned,
        cases={
            "scale": conditioned(ScaleMatvecDiag(jnp.array([0.5, 2.0]))),
            "planar": conditioned(Planar(jnp.array([1.0, -0.5]), jnp.array([0.3, 0.8]), jnp.asarray(0.2))),
        },
        event_shape=(2,),
        condition_dim=2,
        float64=1e-6,
        float32=1e-3,
        numerical=True,
        reason="the inverse of the planar layer is a search",
        extremes=(-30.0, -1e-8, 0.0, 1e-8, 30.0),
        output_extremes=(-30.0, -1e-8, 0.0, 1e-8, 30.0),
    ),
    Entry(
        MarginalGaussianization,
        cases={"default": lambda key: MarginalGaussianization(2, 4), "initialized": of_data},
        event_shape=(2,),
        structure=np.eye(2, dtype=bool),
        float64=1e-6,
        float32=2e-3,
        numerical=True,
        reason="forward is a search; between two modes the map is steep, and float32 keeps fewer digits there",
        extremes=(-5.0, -1e-8, 0.0, 1e-8, 5.0),
        output_extremes=(-8.0, -1e-8, 0.0, 1e-8, 8.0),
    ),
    Entry(
        Coupling,
        cases={"angles": of_angles},
        label="angles",
        event_shape=(3,),
        draw=angles,
        draw_output=angles,
        extremes=(-3.0, 0.0, 3.0),
        output_extremes=(-3.0, 0.0, 3.0),
    ),
]
