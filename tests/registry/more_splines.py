"""Entries of the splines that are made of transformers."""

import jax
import jax.numpy as jnp

from pushforward.bijectors import CircularSpline, CubicSpline, LinearRationalSpline, LinearSpline, QuadraticSpline

from .base import Entry

# Tails, both ends of the box [-2, 2], and inside.
AROUND_THE_BOX = (-1e3, -30.0, -2.0, -1e-8, 0.0, 1e-8, 2.0, 30.0, 1e3)
# The unit interval with its ends.
UNIT = (0.0, 1e-8, 1e-3, 0.5, 0.999, 1.0)
# The ends of the circle are one point, where a rounding is a whole turn.
ON_THE_CIRCLE = (-3.1, -1e-8, 0.0, 1e-8, 3.1)


def angles(key, batch):
    """Angles away from the seam."""
    return jax.random.uniform(key, batch, minval=-2.5, maxval=2.5)


def spline(cls, size, **options):
    """A factory from normal parameters of this shape, different in every coordinate."""
    return lambda key: cls(jax.random.normal(key, size), **options)


def entries(cls, count, unit_count):
    """Identity and trained on the line; on the unit interval; with batch axes."""
    return [
        Entry(
            cls,
            cases={
                "identity": lambda key: cls(jnp.zeros(count), bound=2.0),
                "trained": spline(cls, (count,), bound=2.0),
            },
            extremes=AROUND_THE_BOX,
            output_extremes=AROUND_THE_BOX,
        ),
        Entry(
            cls,
            label="unit",
            cases={"trained": spline(cls, (unit_count,), bound=None)},
            extremes=UNIT,
            output_extremes=UNIT,
        ),
        Entry(cls, label="batched", cases={"trained": spline(cls, (3, count), bound=3.0)}, batch_shape=(3,)),
    ]


ENTRIES = [
    *entries(LinearSpline, 4, 4),
    *entries(QuadraticSpline, 7, 9),
    *entries(CubicSpline, 8, 8),
    *entries(LinearRationalSpline, 11, 11),
    Entry(
        CircularSpline,
        cases={
            "identity": lambda key: CircularSpline(jnp.zeros(10)),
            "trained": spline(CircularSpline, (10,)),
        },
        draw=angles,
        draw_output=angles,
        extremes=ON_THE_CIRCLE,
        output_extremes=ON_THE_CIRCLE,
    ),
    Entry(
        CircularSpline,
        label="batched",
        cases={"trained": spline(CircularSpline, (3, 10))},
        batch_shape=(3,),
        draw=angles,
        draw_output=angles,
        extremes=ON_THE_CIRCLE,
        output_extremes=ON_THE_CIRCLE,
    ),
]
