"""Entries of the monotone polynomials."""

import jax
import jax.numpy as jnp

from pushforward.bijectors import BernsteinPolynomial, SumOfSquaresPolynomial

from .base import Entry

AROUND_THE_BOX = (-1e3, -30.0, -2.0, -1e-8, 0.0, 1e-8, 2.0, 30.0, 1e3)


def trained(cls, size, **options):
    """A factory from normal parameters of this shape, different in every coordinate."""
    return lambda key: cls(0.5 * jax.random.normal(key, size), **options)


ENTRIES = [
    Entry(
        SumOfSquaresPolynomial,
        cases={
            "identity": lambda key: SumOfSquaresPolynomial(jnp.zeros(7), degree=2),
            "trained": trained(SumOfSquaresPolynomial, (7,), degree=2),
        },
        numerical=True,
    ),
    Entry(
        SumOfSquaresPolynomial,
        label="batched",
        cases={"trained": trained(SumOfSquaresPolynomial, (3, 5), degree=1)},
        batch_shape=(3,),
        numerical=True,
    ),
    Entry(
        BernsteinPolynomial,
        cases={
            "identity": lambda key: BernsteinPolynomial(jnp.zeros(5), bound=2.0),
            "trained": trained(BernsteinPolynomial, (5,), bound=2.0),
        },
        numerical=True,
        extremes=AROUND_THE_BOX,
        output_extremes=AROUND_THE_BOX,
    ),
    Entry(
        BernsteinPolynomial,
        label="batched",
        cases={"trained": trained(BernsteinPolynomial, (3, 5), bound=3.0)},
        batch_shape=(3,),
        numerical=True,
    ),
]
