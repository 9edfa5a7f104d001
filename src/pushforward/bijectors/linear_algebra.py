"""Products and triangular solves with one matrix a batch element, for the linear maps of this folder.

Matrices have shape [B..., d, d] and vectors [S..., d], where the batch axes B and S broadcast. Products are taken in
the full precision of their dtype: an accelerator's default for float32 would round the factors to ten bits or so, and
the solve would not undo that.

Up to some hundred unknowns substitution is done here, by blocks and in matrix products, and not by the BLAS routine
that JAX calls on a CPU: that one starts threads of its own, which wait for each other by spinning, so that beside
other work (a second training, a data loader) a solve of microseconds takes many milliseconds. Its derivative, a solve
and an outer product, is faster this way in any case.
"""

import math
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core.parameters import known_values

_HIGHEST = lax.Precision.HIGHEST
_BLOCK = 32
_LARGEST_BLOCKED = 256
_SMALL = 8


def multiply(matrix: jax.Array, x: jax.Array) -> jax.Array:
    """matrix @ x for every vector of x; of a short one by columns, as XLA's product on a CPU takes up to 13 times."""
    if 0 < matrix.shape[-1] <= _SMALL:
        return _by_columns(matrix, x) if matrix.ndim == 2 else _columns(matrix, x)
    return _product(matrix, x)


def _product(matrix: jax.Array, x: jax.Array) -> jax.Array:
    return jnp.einsum("...ij,...j->...i", matrix, x, precision=_HIGHEST)


def _columns(matrix: jax.Array, x: jax.Array) -> jax.Array:
    return reduce(jnp.add, (matrix[..., :, k] * x[..., k, None] for k in range(matrix.shape[-1])))


# Of one matrix the derivatives are products: by columns they take up to 16 times as long, and long to compile.
_by_columns = jax.custom_jvp(_columns)
_by_columns.defjvps(
    lambda d_matrix, _, matrix, x: _product(d_matrix, x),
    lambda d_x, _, matrix, x: _product(matrix, d_x),
)


def dot(vector: jax.Array, x: jax.Array) -> jax.Array:
    """vector^T x for every vector of x; with one vector a product, which on a CPU is twice as fast as the sum."""
    if vector.ndim == 1:
        return jnp.matmul(x, vector, precision=_HIGHEST)
    return jnp.sum(vector * x, axis=-1)


def solve_triangular(
    matrix: jax.Array, y: jax.Array, *, lower: bool, transpose: bool = False, unit_diagonal: bool = False
) -> jax.Array:
    """The x with matrix @ x = y (with transpose, matrix^T @ x = y) for every vector of y; reads one triangle of matrix.

    Vectors that share a matrix are solved together: batch axes of y that the matrix lacks become the rows of one
    right-hand side, so that the matrix is never repeated.
    """
    size = y.shape[-1]
    if size == 0:
        return jnp.broadcast_to(y, (*jnp.broadcast_shapes(matrix.shape[:-2], y.shape[:-1]), 0))
    triangle = jnp.tril(matrix) if lower else jnp.triu(matrix)
    if unit_diagonal:
        triangle = jnp.where(jnp.eye(size, dtype=bool), 1, triangle)
    if transpose:
        triangle, lower = jnp.matrix_transpose(triangle), not lower

    batch = jnp.broadcast_shapes(triangle.shape[:-2], y.shape[:-1])
    own = (1,) * (len(batch) - triangle.ndim + 2) + triangle.shape[:-2]
    kept = [k for k, n in enumerate(own) if n != 1]
    shared = [k for k, n in enumerate(own) if n == 1]
    there = [*kept, *shared, len(batch)]
    y = jnp.broadcast_to(y, (*batch, size)).transpose(there)
    rows = y.reshape(*(batch[k] for k in kept), math.prod(batch[k] for k in shared), size)
    x = _solve_rows(triangle.reshape(*(own[k] for k in kept), size, size), rows, lower)
    back = sorted(range(len(there)), key=there.__getitem__)
    return x.reshape(y.shape).transpose(back)


def invert_lower(matrix: jax.Array) -> jax.Array:
    """The inverses of lower-triangular matrices, of which nothing above the diagonal is read.

    By the routine of the backend: of many small matrices, each its own, it makes less work than blocks do.
    """
    identity = jnp.broadcast_to(jnp.eye(matrix.shape[-1], dtype=matrix.dtype), matrix.shape)
    return jnp.tril(lax.linalg.triangular_solve(jnp.tril(matrix), identity, left_side=True, lower=True))


def outer_product(matrix: jax.Array) -> jax.Array:
    """matrix @ matrix^T. Of a small one by columns, as a batch of small products takes up to forty times as long."""
    size = matrix.shape[-1]
    if 0 < size <= _SMALL:
        columns = [matrix[..., :, k] for k in range(size)]
        return reduce(jnp.add, (column[..., :, None] * column[..., None, :] for column in columns))
    return jnp.matmul(matrix, jnp.matrix_transpose(matrix), precision=_HIGHEST)


def sum_last(x: jax.Array, weights: np.ndarray | None = None) -> jax.Array:
    """The (weighted) sum over the last axis, as a product of vectors.

    On a CPU a short sum is fused with what makes its terms and then done number by number; a product is not, so that
    logarithms in the terms are taken in vectors, up to fifty times as fast.
    """
    weights = np.ones((x.shape[-1],)) if weights is None else weights
    return jnp.matmul(x, weights.astype(x.dtype), precision=_HIGHEST)


def scaled_squares(x: jax.Array, *, entries: int, large: bool) -> tuple[jax.Array, jax.Array, jax.Array]:
    """(c, log c, |c x|^2) of the first entries of vectors, shape [..., 1], so that no large (or small) square is lost.

    c is 1 where the squares stay within the range of the dtype, else the power of two that brings them back. The second
    sum is only taken where some vector needs it.
    """
    # Small enough that derivatives, in which it comes squared, stay within the range too.
    largest = int(jnp.finfo(x.dtype).maxexp)
    limit, factor = math.ldexp(1.0, 3 * largest // 4), math.ldexp(1.0, (-9 if large else 9) * largest // 16)

    def sum_of_squares(x: jax.Array) -> jax.Array:
        return jnp.sum(x[..., :entries] * x[..., :entries], axis=-1, keepdims=True)

    squares = sum_of_squares(x)
    lost = squares > limit if large else squares < 1 / limit
    c = jnp.where(lost, factor, 1).astype(x.dtype)
    squares = lax.cond(jnp.any(lost), lambda: sum_of_squares(c * x), lambda: squares)
    return c, jnp.where(lost, math.log(factor), 0).astype(x.dtype), squares


def check_diagonal(diagonal: Any, who: str) -> None:
    """A known diagonal of a triangular matrix has no zero; else `ValueError`."""
    known = known_values(diagonal)
    if known is not None and np.any(known == 0):
        raise ValueError(
            f"{who}: expected a diagonal without zeros, and got {known.tolist()}; a triangular matrix with one is "
            "singular, and the map has no inverse. Give other numbers there, one for each entry of an event."
        )


def check_invertible(matrix: Any, who: str) -> None:
    """A known matrix is not singular to the precision of float64, however its rows and columns are scaled."""
    known = known_values(matrix)
    if known is None or not np.isfinite(known).all():
        return
    scaled = known.astype(np.float64)
    for axis in (-1, -2):
        largest = np.max(np.abs(scaled), axis=axis, keepdims=True, initial=0.0)
        scaled = scaled / np.where(largest == 0, 1, largest)
    if np.any(np.linalg.matrix_rank(scaled) < known.shape[-1]):
        raise ValueError(
            f"{who}: expected an invertible matrix, and got {known.tolist()}, which is singular: some vectors other "
            "than zero go to zero, and the map has no inverse. Give one of full rank."
        )


def _solve_rows(triangle: jax.Array, rows: jax.Array, lower: bool) -> jax.Array:
    """The rows x with x @ triangle^T = rows; derivatives by the implicit function theorem."""
    if triangle.shape[-1] > _LARGEST_BLOCKED:
        return lax.linalg.triangular_solve(triangle, rows, left_side=False, lower=lower, transpose_a=True)
    return lax.custom_linear_solve(
        lambda x: _times_transpose(x, triangle),
        rows,
        solve=lambda _, y: _substitute(triangle, y, lower),
        transpose_solve=lambda _, y: _substitute(jnp.matrix_transpose(triangle), y, not lower),
    )


def _substitute(triangle: jax.Array, rows: jax.Array, lower: bool) -> jax.Array:
    if not lower:
        # Backwards, an upper triangle is a lower one.
        return _substitute(triangle[..., ::-1, ::-1], rows[..., ::-1], True)[..., ::-1]
    size = rows.shape[-1]
    block = min(_BLOCK, 1 << (size - 1).bit_length())
    count = -(-size // block)
    if extra := count * block - size:
        # Unknowns that are zero.
        triangle = jnp.pad(triangle, [(0, 0)] * (triangle.ndim - 2) + [(0, extra)] * 2)
        triangle = triangle + jnp.diag((jnp.arange(size + extra) >= size).astype(triangle.dtype))
        rows = jnp.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(0, extra)])
    spans = [slice(k * block, (k + 1) * block) for k in range(count)]
    inverses = _invert_blocks(jnp.stack([triangle[..., span, span] for span in spans], axis=-3))
    x = rows[..., :0]
    for k, span in enumerate(spans):
        rest = rows[..., span] - _times_transpose(x, triangle[..., span, : span.start])
        x = jnp.concatenate([x, _times_transpose(rest, inverses[..., k, :, :])], axis=-1)
    return x[..., :size]


def _invert_blocks(blocks: jax.Array) -> jax.Array:
    """The inverses of lower triangular blocks [..., n, n], n a power of two, by doubling.

    The inverse of [[A, 0], [B, C]] is [[A^-1, 0], [-C^-1 B A^-1, C^-1]], for all pairs of diagonal blocks at once.
    """
    size = blocks.shape[-1]
    inverse = 1 / jnp.diagonal(blocks, axis1=-2, axis2=-1)[..., None, None]  # [..., number of parts, part, part]
    part = 1
    while part < size:
        pairs = size // (2 * part)
        grid = blocks.reshape(*blocks.shape[:-2], pairs, 2, part, pairs, 2, part)
        below = jnp.moveaxis(jnp.diagonal(grid[..., :, 1, :, :, 0, :], axis1=-4, axis2=-2), -1, -3)
        a, c = inverse[..., 0::2, :, :], inverse[..., 1::2, :, :]
        corner = -jnp.matmul(jnp.matmul(c, below, precision=_HIGHEST), a, precision=_HIGHEST)
        top, bottom = jnp.concatenate([a, jnp.zeros_like(a)], axis=-1), jnp.concatenate([corner, c], axis=-1)
        inverse, part = jnp.concatenate([top, bottom], axis=-2), 2 * part
    return inverse[..., 0, :, :]


def _times_transpose(rows: jax.Array, matrix: jax.Array) -> jax.Array:
    if 0 < rows.shape[-1] <= _SMALL:
        return multiply(matrix[..., None, :, :], rows)
    return jnp.matmul(rows, jnp.matrix_transpose(matrix), precision=_HIGHEST)
