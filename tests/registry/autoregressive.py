"""Entries of the masked autoregressive layers."""

import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors import MaskedAutoregressiveFlow
from pushforward.bijectors.transformers import (
    AdditiveTransformer,
    AffineTransformer,
    InvertedTransformer,
    SplineTransformer,
)
from pushforward.nets import AutoregressiveNetwork

from .base import Entry

SPLINE = InvertedTransformer(SplineTransformer(bins=3, bound=4.0))
ORDER = (2, 3, 1)


def flow(transformer, dim=3, hidden_units=(8, 8), activation=jnp.tanh, **options):
    """A factory of one layer."""

    def build(key):
        net = AutoregressiveNetwork(
            transformer.params_per_dim, dim, hidden_units=hidden_units, activation=activation, key=key, **options
        )
        return MaskedAutoregressiveFlow(net, transformer=transformer)

    return build


def structure(order):
    """Output i depends on inputs of lower degree and on input i itself."""
    degrees = np.asarray(order)
    return degrees[:, None] >= degrees[None, :]


# An affine layer multiplies by exp(log_scale): at 1e3 in an unbounded log-scale float32 overflows, so what trains there
# is clamped, as the recipes do.
CLAMPED = AffineTransformer(max_log_scale=2.0)
MODERATE = (-30.0, -1e-8, 0.0, 1e-8, 30.0)

ENTRIES = [
    Entry(
        MaskedAutoregressiveFlow,
        cases={"affine": flow(CLAMPED), "additive": flow(AdditiveTransformer(), hidden_units=(8,))},
        event_shape=(3,),
        structure=structure((1, 2, 3)),
        extremes=MODERATE,
        output_extremes=MODERATE,
    ),
    Entry(
        MaskedAutoregressiveFlow,
        label="ordered",
        cases={
            "permuted": flow(CLAMPED, input_order=ORDER),
            "residual": flow(CLAMPED, input_order=ORDER, residual=True, activation=jax.nn.silu),
        },
        event_shape=(3,),
        structure=structure(ORDER),
        extremes=MODERATE,
        output_extremes=MODERATE,
    ),
    Entry(
        MaskedAutoregressiveFlow,
        label="spline",
        cases={"default": flow(SPLINE), "no bias": flow(SPLINE, use_bias=False)},
        event_shape=(3,),
        structure=structure((1, 2, 3)),
        extremes=MODERATE,
        output_extremes=MODERATE,
    ),
    Entry(
        MaskedAutoregressiveFlow,
        label="conditional",
        cases={
            "affine": flow(CLAMPED, conditional=True, conditional_event_shape=2),
            "spline": flow(SPLINE, conditional=True, conditional_event_shape=2),
        },
        event_shape=(3,),
        condition_dim=2,
        structure=structure((1, 2, 3)),
        extremes=MODERATE,
        output_extremes=MODERATE,
    ),
]
