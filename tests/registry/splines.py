"""Entries of the rational-quadratic spline."""

import jax
import jax.numpy as jnp

from pushforward.bijectors import RationalQuadraticSpline

from .base import Entry

# Both tails, both ends of the box [-1, 1] of the default range_min, and inside.
AROUND_THE_BOX = (-1e3, -30.0, -1.0, -1e-8, 0.0, 1e-8, 1.0, 30.0, 1e3)

ENTRIES = [
    Entry(
        RationalQuadraticSpline,
        cases={
            "identity": lambda key: RationalQuadraticSpline.from_unconstrained(jnp.zeros(8)),
            "trained": lambda key: RationalQuadraticSpline([0.2, 0.7, 0.4, 0.7], [0.6, 0.3, 0.9, 0.2], [0.4, 2.5, 0.9]),
            "one slope": lambda key: RationalQuadraticSpline([1.0, 2.0, 3.0], [2.5, 1.5, 2.0], 0.7, range_min=-3.5),
        },
        extremes=AROUND_THE_BOX,
        output_extremes=AROUND_THE_BOX,
    ),
    Entry(
        RationalQuadraticSpline,
        label="batched",
        cases={
            "unconstrained": lambda key: RationalQuadraticSpline.from_unconstrained(
                jax.random.normal(key, (2, 3, 14)), bound=3.0
            )
        },
        batch_shape=(2, 3),
    ),
]
