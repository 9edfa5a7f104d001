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

import jax
import jax.numpy as jnp
from jax import lax

_HIGHEST = lax.Precision.HIGHEST
_BLOCK = 32
_LARGEST_BLOCKED = 256


def multiply(matrix: jax.Array, x: jax.Array) -> jax.Array:
    """matrix @ x for every vector of x."""
    return jnp.einsum("...ij,...j->...i", matrix, x, precision=_HIGHEST)


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
    kept = [k for k, n in enumerate(own) if n > 1]
    shared = [k for k, n in enumerate(own) if n == 1]
    there = [*kept, *shared, len(batch)]
    y = jnp.broadcast_to(y, (*batch, size)).transpose(there)
    rows = y.reshape(*(batch[k] for k in kept), math.prod(batch[k] for k in shared), size)
    x = _solve_rows(triangle.reshape(*(own[k] for k in kept), size, size), rows, lower)
    back = sorted(range(len(there)), key=there.__getitem__)
    return x.reshape(y.shape).transpose(back)


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
    return jnp.matmul(rows, jnp.matrix_transpose(matrix), precision=_HIGHEST)
