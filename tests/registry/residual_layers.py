"""Entries of the planar, radial and Sylvester layers."""

import jax
import jax.numpy as jnp

from pushforward.bijectors import Planar, Radial, Sylvester

from .base import Entry


def planar(*batch):
    """A trained-looking layer on three numbers; the product of its vectors is negative in every second row."""

    def build(key):
        keys = jax.random.split(key, 3)
        return Planar(*(jax.random.normal(k, (*batch, 3)) for k in keys[:2]), jax.random.normal(keys[2], batch))

    return build


def sylvester(units, **shapes):
    """A factory from normal parameters."""

    def build(key):
        keys = jax.random.split(key, 3 + len(shapes))
        outer, inner = (jax.random.normal(k, (units, units)) for k in keys[:2])
        options = {name: jax.random.normal(k, shape) for k, (name, shape) in zip(keys[3:], shapes.items(), strict=True)}
        return Sylvester(outer, inner, jax.random.normal(keys[2], (units,)), **options)

    return build


ENTRIES = [
    Entry(
        Planar,
        cases={
            "identity": lambda key: Planar(jnp.array([0.5, -1.0, 0.3]), jnp.zeros(3)),
            "trained": planar(),
            "steep": lambda key: Planar(jnp.array([2.0, -1.0, 0.5]), jnp.array([-1.5, 0.5, 0.2]), 0.3),
        },
        event_shape=(3,),
        numerical=True,
    ),
    Entry(Planar, label="batched", cases={"trained": planar(2)}, event_shape=(3,), batch_shape=(2,), numerical=True),
    Entry(
        Radial,
        cases={
            "identity": lambda key: Radial(jnp.array([0.2, -0.4, 1.0])),
            "trained": lambda key: Radial(jnp.array([0.3, -0.5, 0.9]), 0.7, 1.9),
            "shrinking": lambda key: Radial(jnp.array([0.3, -0.5, 0.9]), 1.4, -1.2),
        },
        event_shape=(3,),
    ),
    Entry(
        Radial,
        label="batched",
        cases={
            "trained": lambda key: Radial.from_unconstrained(
                jax.random.normal(key, (2, 3)), jnp.array([0.3, -0.6]), jnp.array([-0.8, 1.4])
            )
        },
        event_shape=(3,),
        batch_shape=(2,),
    ),
    Entry(
        Sylvester,
        cases={
            "identity": lambda key: Sylvester(jnp.zeros((3, 3)), jnp.eye(3), jnp.array([0.2, -0.1, 0.4])),
            "trained": sylvester(3),
        },
        event_shape=(3,),
        numerical=True,
    ),
    Entry(
        Sylvester,
        label="orthogonal",
        cases={"trained": sylvester(2, orthogonal=(3, 2))},
        event_shape=(3,),
        numerical=True,
    ),
    Entry(
        Sylvester,
        label="householder",
        cases={"trained": sylvester(2, householder=(2, 3))},
        event_shape=(3,),
        numerical=True,
    ),
]
