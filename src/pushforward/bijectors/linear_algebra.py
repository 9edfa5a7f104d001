"""Products and solves with one matrix a batch element, for the linear maps of this folder.

Matrices have shape [B..., d, d] and vectors [S..., d], where the batch axes B and S broadcast. Products are taken in
the full precision of their dtype: an accelerator's default for float32 would round the factors to ten bits or so, and
the solve would not undo that.
"""

import math

import jax
import jax.numpy as jnp
from jax import lax


def multiply(matrix: jax.Array, x: jax.Array) -> jax.Array:
    """matrix @ x for every vector of x."""
    return jnp.einsum("...ij,...j->...i", matrix, x, precision=lax.Precision.HIGHEST)


def solve_triangular(
    matrix: jax.Array, y: jax.Array, *, lower: bool, transpose: bool = False, unit_diagonal: bool = False
) -> jax.Array:
    """The x with matrix @ x = y (with transpose, matrix^T @ x = y) for every vector of y; reads one triangle of matrix.

    Vectors that share a matrix are solved together: batch axes of y that the matrix lacks become the rows of one
    right-hand side, so that the matrix is never repeated.
    """
    size = y.shape[-1]
    batch = jnp.broadcast_shapes(matrix.shape[:-2], y.shape[:-1])
    own = (1,) * (len(batch) - matrix.ndim + 2) + matrix.shape[:-2]
    kept = [k for k, n in enumerate(own) if n > 1]
    shared = [k for k, n in enumerate(own) if n == 1]
    there = [*kept, *shared, len(batch)]
    y = jnp.broadcast_to(y, (*batch, size)).transpose(there)
    rows = y.reshape(*(batch[k] for k in kept), math.prod(batch[k] for k in shared), size)
    # Of row vectors: x matrix^T = y.
    x = lax.linalg.triangular_solve(
        matrix.reshape(*(own[k] for k in kept), size, size),
        rows,
        left_side=False,
        lower=lower,
        transpose_a=not transpose,
        unit_diagonal=unit_diagonal,
    )
    back = sorted(range(len(there)), key=there.__getitem__)
    return x.reshape(y.shape).transpose(back)
