"""Scale and the maps that are made of maps."""

import jax
import jax.numpy as jnp

from pushforward.bijectors import Chain, Invert, Scale, Stack

from .base import Entry


def _scales(key):
    return jnp.array([0.3, -1.7, 2.5]) + 0.1 * jax.random.normal(key, (3,))


ENTRIES = [
    Entry(
        Scale,
        cases={
            "default": lambda key: Scale(2.0),
            "negative": lambda key: Scale(-0.7),
            "log_scale": lambda key: Scale(log_scale=-0.4),
        },
    ),
    Entry(Scale, cases={"batched": lambda key: Scale(_scales(key))}, batch_shape=(3,), label="batched"),
    Entry(
        Chain,
        cases={
            "empty": lambda key: Chain([]),
            "scales": lambda key: Chain([Scale(-0.7), Scale(log_scale=0.3)]),
        },
    ),
    Entry(
        Chain,
        cases={"batched": lambda key: Chain([Scale(_scales(key)), Scale(jnp.array([[0.5], [2.0]]))])},
        batch_shape=(2, 3),
        label="batched",
    ),
    Entry(
        Invert,
        cases={"default": lambda key: Invert(Scale(2.0)), "nested": lambda key: Invert(Invert(Scale(-0.7)))},
    ),
    Entry(
        Stack,
        cases={
            "one": lambda key: Stack([Scale(2.0)]),
            "trained": lambda key: Stack([Scale(2.0), Scale(-0.3), Scale(0.9)]),
        },
    ),
]
