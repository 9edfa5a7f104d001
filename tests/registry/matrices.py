"""Maps of matrices, and vectors times dense matrices."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax
import numpy as np

from pushforward.bijectors import (
    CholeskyOuterProduct,
    CholeskyToInvCholesky,
    CorrelationCholesky,
    Householder,
    InvertibleConv1x1,
    MatrixInverseTriL,
    ScaleMatvecLinearOperator,
    ScaleMatvecLU,
)

from .base import Entry
from .linear import LOWER, UPPER, lower, lower_entries

# As LAPACK packs them: below the diagonal L, on it and above U.
FACTORS = np.array([[0.8, -0.5, 1.3], [0.6, -1.7, 0.4], [-0.2, 0.9, 2.1]], np.float32)


def below_diagonal(tangent):
    rows, columns = np.tril_indices(tangent.shape[-1], -1)
    return tangent[..., rows, columns]


def draw_factor(key, batch):
    """Cholesky factors with condition numbers of some ten."""
    matrix = jnp.tril(jax.random.normal(key, (*batch, 3, 3)))
    return jnp.where(jnp.eye(3, dtype=bool), 0.4 + jnp.abs(matrix), matrix)


def draw_signed(key, batch):
    """Lower-triangular matrices with diagonals of both signs, away from zero."""
    return draw_factor(key, batch) * jnp.array([1.0, -1.0, 1.0])


def draw_positive_definite(key, batch):
    factor = draw_factor(key, batch)
    return jnp.einsum("...ik,...jk->...ij", factor, factor)


def draw_correlations(key, batch):
    """Rows of length 1, none so close to another that the Jacobian in 64 bits tells nothing."""
    rows = draw_factor(key, batch)
    return rows / jnp.linalg.norm(rows, axis=-1, keepdims=True)


def scaled_cholesky(matrix):
    return jnp.sqrt(4.0) * jnp.linalg.cholesky(matrix / 4)


def dense(key):
    """An operator of no structure: a matrix, times a number, plus a diagonal."""
    matrix = jax.random.normal(key, (3, 3))
    return lineax.MatrixLinearOperator(matrix) * 0.5 + lineax.DiagonalLinearOperator(jnp.array([2.0, -3.0, 2.5]))


def tridiagonal(key):
    below, above = 0.5 * jax.random.normal(key, (2, 2))
    return lineax.TridiagonalLinearOperator(jnp.array([2.0, -3.0, 2.5]), below, above)


def factors(key, batch=()):
    return FACTORS + 0.05 * jax.random.normal(key, (*batch, 3, 3))


ENTRIES = [
    Entry(
        CholeskyOuterProduct,
        cases={
            "default": lambda key: CholeskyOuterProduct(),
            "validated": lambda key: CholeskyOuterProduct(validate_args=True),
            "own": lambda key: CholeskyOuterProduct(scaled_cholesky),
        },
        event_shape=(3, 3),
        coordinates=(lower_entries, lower_entries),
        draw=draw_factor,
        draw_output=draw_positive_definite,
        extremes=(),
        output_extremes=(),
    ),
    Entry(
        CholeskyToInvCholesky,
        cases={
            "default": lambda key: CholeskyToInvCholesky(),
            "validated": lambda key: CholeskyToInvCholesky(validate_args=True),
        },
        event_shape=(3, 3),
        coordinates=(lower_entries, lower_entries),
        draw=draw_factor,
        draw_output=draw_factor,
        extremes=(),
        output_extremes=(),
    ),
    Entry(
        MatrixInverseTriL,
        cases={
            "default": lambda key: MatrixInverseTriL(),
            "validated": lambda key: MatrixInverseTriL(validate_args=True),
        },
        event_shape=(3, 3),
        coordinates=(lower_entries, lower_entries),
        draw=draw_signed,
        draw_output=draw_signed,
        extremes=(),
        output_extremes=(),
    ),
    Entry(
        CorrelationCholesky,
        cases={
            "default": lambda key: CorrelationCholesky(),
            "validated": lambda key: CorrelationCholesky(validate_args=True),
        },
        event_shape=(3,),
        coordinates=(None, below_diagonal),
        draw_output=draw_correlations,
    ),
    Entry(
        ScaleMatvecLU,
        cases={
            "default": lambda key: ScaleMatvecLU(jnp.eye(3), [0, 1, 2]),
            "trained": lambda key: ScaleMatvecLU(factors(key), [1, 2, 0]),
            "validated": lambda key: ScaleMatvecLU(factors(key), [2, 0, 1], validate_args=True),
        },
        event_shape=(3,),
    ),
    Entry(
        ScaleMatvecLU,
        cases={"batched": lambda key: ScaleMatvecLU(factors(key, (2, 1)), [[1, 2, 0], [0, 2, 1]])},
        event_shape=(3,),
        batch_shape=(2, 2),
        label="batched",
    ),
    Entry(
        ScaleMatvecLinearOperator,
        cases={
            "dense": lambda key: ScaleMatvecLinearOperator(dense(key)),
            "adjoint": lambda key: ScaleMatvecLinearOperator(dense(key), adjoint=True),
            "validated": lambda key: ScaleMatvecLinearOperator(dense(key), validate_args=True),
        },
        event_shape=(3,),
    ),
    Entry(
        ScaleMatvecLinearOperator,
        cases={
            "diagonal": lambda key: ScaleMatvecLinearOperator(
                lineax.DiagonalLinearOperator(jnp.array([0.6, -1.7, 2.5]) + 0.1 * jax.random.normal(key, (3,)))
            )
        },
        event_shape=(3,),
        structure=np.eye(3, dtype=bool),
        label="diagonal",
    ),
    Entry(
        ScaleMatvecLinearOperator,
        cases={
            "lower": lambda key: ScaleMatvecLinearOperator(
                lineax.MatrixLinearOperator(lower(key), lineax.lower_triangular_tag)
            )
        },
        event_shape=(3,),
        structure=LOWER,
        label="lower",
    ),
    Entry(
        ScaleMatvecLinearOperator,
        cases={
            "upper": lambda key: ScaleMatvecLinearOperator(
                lineax.MatrixLinearOperator(lower(key), lineax.lower_triangular_tag), adjoint=True
            )
        },
        event_shape=(3,),
        structure=UPPER,
        label="lower, adjoint",
    ),
    Entry(
        ScaleMatvecLinearOperator,
        cases={"tridiagonal": lambda key: ScaleMatvecLinearOperator(tridiagonal(key))},
        event_shape=(3,),
        structure=np.abs(np.subtract.outer(np.arange(3), np.arange(3))) < 2,
        label="tridiagonal",
    ),
    Entry(
        Householder,
        cases={
            "default": lambda key: Householder(jnp.array([1.0, 0.0, 0.0])),
            "trained": lambda key: Householder(jax.random.normal(key, (3,))),
        },
        event_shape=(3,),
    ),
    Entry(
        Householder,
        cases={"batched": lambda key: Householder(jax.random.normal(key, (2, 1, 3)))},
        event_shape=(3,),
        batch_shape=(2, 1),
        label="batched",
    ),
    Entry(
        InvertibleConv1x1,
        cases={
            "default": lambda key: InvertibleConv1x1(2, key=key),
            "trained": lambda key: eqx.tree_at(
                lambda b: b.linear.raw_factors, InvertibleConv1x1(2, key=key), jnp.array([[0.4, -0.7], [1.1, -0.3]])
            ),
        },
        event_shape=(1, 2, 2),
    ),
]
