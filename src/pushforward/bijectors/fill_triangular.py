"""FillTriangular: a vector as a triangular matrix."""

import math

import equinox as eqx
import jax.numpy as jnp

from ..core import static_field
from .base import Bijector


class FillTriangular(Bijector):
    """y = the triangular matrix whose entries are those of x, in TFP's order, a clockwise spiral.

    FillTriangular().forward([1, 2, 3, 4, 5, 6])             [[4, 0, 0],
                                                              [6, 5, 0],
                                                              [3, 2, 1]]
    FillTriangular(upper=True).forward([1, 2, 3, 4, 5, 6])   [[1, 2, 3],
                                                              [0, 5, 6],
                                                              [0, 0, 4]]

    inverse  the entries read back (the other triangle is ignored);    log-det 0, of the entries of the triangle;
    domain: vectors of n (n + 1) / 2 numbers;    codomain: n x n triangular matrices.

    Args:
        upper: fill the upper triangle.
        validate_args: check values (zeros in the other triangle of y), also under `jit`.

    Raises:
        ValueError: if x has no triangular number of entries, or y is not square.

    The order needs no index arrays. The first n entries (reversed for lower) make the full row. The others are written
    by rows into the remaining (n - 1) x n block, in order and then again in reverse, which fills it. Through its centre
    the block's part of the triangle mirrors exactly onto what is cut away, so of each pair of copies one is kept.
    """

    upper: bool = static_field()

    is_constant_jacobian = True
    forward_min_event_ndims = 1

    def __init__(self, upper: bool = False, *, validate_args: bool = False):
        self.upper = upper
        self.validate_args = validate_args

    @property
    def inverse_min_event_ndims(self) -> int:
        """Matrices."""
        return 2

    def _forward_and_log_det(self, x):
        n = _side(x.shape)
        first, rest = x[..., :n], x[..., n:]
        if self.upper:
            flat = jnp.concatenate([first, rest, rest[..., ::-1]], axis=-1)
        else:
            flat = jnp.concatenate([rest, rest[..., ::-1], first[..., ::-1]], axis=-1)
        square = flat.reshape(*x.shape[:-1], n, n)
        return jnp.triu(square) if self.upper else jnp.tril(square), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        n = _order(y.shape)
        inside = jnp.triu(y) if self.upper else jnp.tril(y)
        if self.validate_args:
            stray = jnp.any((y != inside) & ~jnp.isnan(y))
            inside = eqx.error_if(inside, stray, "FillTriangular: expected zeros in the other triangle")
        if self.upper:
            first, block = inside[..., 0, :], inside[..., 1:, :]
        else:
            first, block = inside[..., -1, ::-1], inside[..., :-1, :]
        folded = block + block[..., ::-1, ::-1]
        rest = folded.reshape(*y.shape[:-2], n * (n - 1))[..., : n * (n - 1) // 2]
        return jnp.concatenate([first, rest], axis=-1), jnp.zeros((), y.dtype)

    def _forward_event_shape(self, shape):
        n = _side(shape)
        return (*shape[:-1], n, n)

    def _inverse_event_shape(self, shape):
        n = _order(shape)
        return (*shape[:-2], n * (n + 1) // 2)


def _side(shape: tuple[int, ...]) -> int:
    """The n with n (n + 1) / 2 entries in a vector of this shape."""
    n = (math.isqrt(8 * shape[-1] + 1) - 1) // 2
    if n * (n + 1) // 2 != shape[-1]:
        raise ValueError(
            f"FillTriangular expects vectors of n (n + 1) / 2 entries, the triangle of an n x n matrix, and got "
            f"{shape[-1]} (shape {shape}); the nearest are {n * (n + 1) // 2} and {(n + 1) * (n + 2) // 2}"
        )
    return n


def _order(shape: tuple[int, ...]) -> int:
    if shape[-1] != shape[-2]:
        raise ValueError(f"FillTriangular.inverse expects square matrices, and got shape {shape}")
    return shape[-1]
