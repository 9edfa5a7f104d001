"""Entries of the map that standardises the condition of another."""

import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors import ConditionalAffine, StandardizedCondition
from pushforward.nets import MLP

from .base import Entry


def affine(key):
    return ConditionalAffine(MLP(2, 6, hidden_units=(8,), activation=jax.nn.silu, key=key))


ENTRIES = [
    Entry(
        StandardizedCondition,
        cases={
            "default": lambda key: StandardizedCondition(affine(key), jnp.zeros(2), jnp.ones(2)),
            "trained": lambda key: StandardizedCondition(affine(key), [0.7, -1.5], [2.5, 0.4]),
        },
        event_shape=(3,),
        condition_dim=2,
        structure=np.eye(3, dtype=bool),
    ),
]
