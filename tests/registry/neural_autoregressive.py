"""Entries of autoregressive layers whose scalar maps are neural networks."""

import jax.numpy as jnp

from pushforward.bijectors import (
    BlockNeuralAutoregressive,
    DeepSigmoidalTransformer,
    InvertedTransformer,
    MaskedAutoregressiveFlow,
    MonotonicIntegralTransformer,
)
from pushforward.nets import BlockAutoregressiveNetwork

from .autoregressive import MODERATE, flow, structure
from .base import Entry

SIGMOIDAL = InvertedTransformer(DeepSigmoidalTransformer(units=3))
DENSE = InvertedTransformer(DeepSigmoidalTransformer(units=2, depth=2))
INTEGRAL = InvertedTransformer(MonotonicIntegralTransformer(units=2, nodes=24))


def block(units, **options):
    """A factory of one layer."""
    return lambda key: BlockNeuralAutoregressive(BlockAutoregressiveNetwork(3, units, key=key, **options))


ENTRIES = [
    Entry(
        BlockNeuralAutoregressive,
        cases={"one layer": block((3,)), "two layers": block((3, 2))},
        event_shape=(3,),
        structure=structure((1, 2, 3)),
        numerical=True,
        slow=True,
    ),
    Entry(
        BlockNeuralAutoregressive,
        label="conditional",
        cases={"one layer": block((3,), condition_dim=2)},
        event_shape=(3,),
        condition_dim=2,
        structure=structure((1, 2, 3)),
        numerical=True,
        slow=True,
    ),
    Entry(
        MaskedAutoregressiveFlow,
        label="neural",
        cases={
            "deep sigmoidal": flow(SIGMOIDAL, activation=jnp.tanh),
            "dense": flow(DENSE, activation=jnp.tanh),
            "integral": flow(INTEGRAL, activation=jnp.tanh),
        },
        event_shape=(3,),
        structure=structure((1, 2, 3)),
        extremes=MODERATE,
        output_extremes=MODERATE,
        numerical=True,
        slow=True,
    ),
]
