"""Entries of the affine map whose scale and shift come from the condition alone."""

import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors import ConditionalAffine
from pushforward.nets import MLP

from .base import Entry


def network(key):
    return MLP(2, 6, hidden_units=(8,), activation=jax.nn.silu, key=key)


def two_heads(c):
    """A plain function that gives the shift and the log-scale apart."""
    return c @ jnp.ones((2, 3), c.dtype), jnp.stack([c[..., 0], c[..., 1], c[..., 0] - c[..., 1]], axis=-1)


ENTRIES = [
    Entry(
        ConditionalAffine,
        cases={
            "default": lambda key: ConditionalAffine(network(key)),
            "trained": lambda key: ConditionalAffine(network(jax.random.fold_in(key, 1)), max_log_scale=1.5),
            "function": lambda key: ConditionalAffine(two_heads),
        },
        event_shape=(3,),
        condition_dim=2,
        structure=np.eye(3, dtype=bool),
    ),
]
