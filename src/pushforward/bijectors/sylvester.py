"""The Sylvester flow: the planar flow with several units at once."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import static_field
from ..core.parameters import as_parameter, check_broadcast, known_values
from .base import Bijector
from .events import check_event
from .linear_algebra import multiply
from .residual_step import log_slope, shrinkage, solve_step


class Sylvester(Bijector):
    """y = x + Q R tanh(R' Q^T x + b), Q of orthonormal columns, R and R' upper triangular (van den Berg et al. 2018).

    log |det dy/dx| = sum_i log(1 + R_ii R'_ii sech^2(a_i)), a = R' Q^T x + b, by Sylvester's determinant identity (eqs.
    11 and 13);    inverse: with t = Q^T x and v = Q^T y, the equations

        t_i + R_ii tanh(R'_ii t_i + k_i) = v_i - sum_(j > i) R_ij tanh(a_j),    k_i = b_i + sum_(j > i) R'_ij t_j

    one after another from the last, each in one unknown, solved numerically in a bracket, with implicit derivatives;
    domain and codomain: real vectors.

    It is invertible if R_ii R'_ii > -1, because tanh' <= 1 (theorem 2). So the diagonals of the parameters are any
    numbers: R' has its own, and R has its own divided by what takes the product x to m(x) > -1 (see `residual_step`),
    which is 1 where x >= 0. `outer` of zeros gives the identity.

    Q has three forms, of which at most one is given: `orthogonal`, `householder`, or (neither) the triangular flow of
    the paper, whose Q is the identity or, with `reverse`, turns the order of the coordinates.

    Args:
        outer: the upper triangle of R, shape [..., M, M]; what lies below is not read. Leading axes, of this and of all
            other parameters, are batch axes, so that every row may have a flow of its own.
        inner: the upper triangle of R', shape [..., M, M].
        bias: b, a number or shape [..., M].
        orthogonal: a matrix of full rank, shape [..., D, M], M <= D; Q is the orthogonal factor of its QR
            decomposition.
        householder: H vectors v, not zero, shape [..., H, D], M <= D; Q is the first M columns of the product of the
            reflections I - 2 v v^T / v^T v, the first one leftmost.
        reverse: for the triangular flow, that Q reverses the order; paper and practice alternate it between layers.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if shapes do not fit, or more than one form of Q is given.
    """

    outer: jax.Array
    inner: jax.Array
    bias: jax.Array
    orthogonal: jax.Array | None
    householder: jax.Array | None
    reverse: bool = static_field()

    forward_min_event_ndims = 1

    def __init__(
        self,
        outer: Any,
        inner: Any,
        bias: Any = 0.0,
        *,
        orthogonal: Any = None,
        householder: Any = None,
        reverse: bool = False,
        validate_args: bool = False,
    ):
        if (orthogonal is not None) + (householder is not None) + bool(reverse) > 1:
            raise ValueError(
                "Sylvester: expected at most one of orthogonal, householder and reverse=True, and got more; each says "
                "what Q is. Give one, or none for Q = I."
            )
        self.outer = as_parameter(outer, "Sylvester: outer")
        self.inner = as_parameter(inner, "Sylvester: inner")
        self.bias = as_parameter(bias, "Sylvester: bias")
        self.orthogonal = None if orthogonal is None else as_parameter(orthogonal, "Sylvester: orthogonal")
        self.householder = None if householder is None else as_parameter(householder, "Sylvester: householder")
        self.reverse = bool(reverse)
        self.validate_args = validate_args
        self._check_shapes()

    @property
    def size(self) -> int:
        """D, the number of entries of an event."""
        if self.orthogonal is not None:
            return int(self.orthogonal.shape[-2])
        return int((self.outer if self.householder is None else self.householder).shape[-1])

    def _forward_and_log_det(self, x):
        check_event(x, (self.size,), "Sylvester")
        q = self._basis()
        outer, inner, product = self._triangles()
        a = multiply(inner, self._coordinates(q, x)) + self.bias
        y = x + self._vector(q, multiply(outer, jnp.tanh(a)))
        return y, jnp.sum(log_slope(a, product), -1)

    def _inverse_and_log_det(self, y):
        check_event(y, (self.size,), "Sylvester")
        q = self._basis()
        outer, inner, product = self._triangles()
        v = self._coordinates(q, y)
        batch = jnp.broadcast_shapes(v.shape[:-1], outer.shape[:-2], inner.shape[:-2], self.bias.shape[:-1])
        v, bias = (jnp.broadcast_to(a, (*batch, v.shape[-1])) for a in (v, self.bias))

        def solve(known: Any, at: Any) -> Any:
            t, tanh_a = known  # zero for the units that are not solved yet
            here, outer, inner, v, bias = at
            offset = bias + jnp.sum(inner * t, -1)
            r, r_inner = jnp.sum(outer * here, -1), jnp.sum(inner * here, -1)
            found = solve_step(v - jnp.sum(outer * tanh_a, -1), r, r_inner, offset)
            a = r_inner * found + offset
            return (t + found[..., None] * here, tanh_a + jnp.tanh(a)[..., None] * here), a

        rows = (jnp.eye(v.shape[-1], dtype=v.dtype), *(jnp.moveaxis(m, -2, 0) for m in (outer, inner)))
        numbers = (jnp.moveaxis(n, -1, 0) for n in (v, bias))
        (_, tanh_a), a = lax.scan(solve, (jnp.zeros_like(v), jnp.zeros_like(v)), (*rows, *numbers), reverse=True)
        return y - self._vector(q, multiply(outer, tanh_a)), -jnp.sum(log_slope(jnp.moveaxis(a, 0, -1), product), -1)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _triangles(self) -> tuple[jax.Array, jax.Array, jax.Array]:
        """(R, R', products of the diagonals of the parameters)."""
        product = _diagonal(self.outer) * _diagonal(self.inner)
        on_diagonal = jnp.eye(self.outer.shape[-1], dtype=bool)
        divisor = jnp.where(on_diagonal, shrinkage(product)[..., None, :], 1)
        return jnp.triu(self.outer) / divisor, jnp.triu(self.inner), product

    def _basis(self) -> Any:
        """What `_coordinates` and `_vector` need: the matrix Q, or the vectors of the reflections, first axis H."""
        if self.orthogonal is not None:
            q, r = jnp.linalg.qr(self.orthogonal)
            # Of the factors with either sign, the one that depends smoothly on the matrix.
            return q * jnp.where(_diagonal(r) < 0, -1, 1).astype(q.dtype)[..., None, :]
        if self.householder is not None:
            largest = lax.stop_gradient(jnp.max(jnp.abs(self.householder), -1, keepdims=True, initial=0.0))
            return jnp.moveaxis(self.householder / jnp.where(largest > 0, largest, 1), -2, 0)
        return None

    def _coordinates(self, q: Any, x: jax.Array) -> jax.Array:
        """Q^T x."""
        if self.orthogonal is not None:
            return multiply(jnp.matrix_transpose(q), x)
        if self.householder is not None:
            return _reflect(q, x, reverse=False)[..., : self.outer.shape[-1]]
        return x[..., ::-1] if self.reverse else x

    def _vector(self, q: Any, t: jax.Array) -> jax.Array:
        """Q t."""
        if self.orthogonal is not None:
            return multiply(q, t)
        if self.householder is not None:
            padding = [(0, 0)] * (t.ndim - 1) + [(0, self.size - t.shape[-1])]
            return _reflect(q, jnp.pad(t, padding), reverse=True)
        return t[..., ::-1] if self.reverse else t

    def _check_shapes(self) -> None:
        outer, inner, bias = self.outer.shape, self.inner.shape, self.bias.shape
        m = outer[-1] if outer else 0
        if outer[-2:] != (m, m) or inner[-2:] != (m, m) or bias[-1:] not in ((), (1,), (m,)):
            raise ValueError(
                f"Sylvester: expected outer and inner of shape [..., M, M] and bias of shape [..., M], and got "
                f"{outer}, {inner} and {bias}; M is the number of units. Give one M to all."
            )
        for name, expected in (("orthogonal", "[..., D, M]"), ("householder", "[..., H, D]")):
            matrix = getattr(self, name)
            if matrix is None:
                continue
            entries, columns = (-2, -1) if name == "orthogonal" else (-1, None)
            wrong = matrix.ndim < 2 or matrix.shape[entries] < m
            if wrong or (columns is not None and matrix.shape[columns] != m):
                raise ValueError(
                    f"Sylvester: expected {name} of shape {expected} with M = {m} <= D, and got {matrix.shape}; there "
                    "are no more orthonormal columns than entries of an event. Give fewer units, or more entries."
                )
        check_broadcast(
            "Sylvester (leading axes)",
            **{
                name: np.empty(getattr(self, name).shape[: -1 if name == "bias" else -2])
                for name in ("outer", "inner", "bias", "orthogonal", "householder")
                if getattr(self, name) is not None
            },
        )
        known = known_values(self.householder) if self.householder is not None else None
        if known is not None and not np.all(np.any(known != 0, axis=-1)):
            raise ValueError(
                f"Sylvester: expected householder vectors that are not zero, and got {known.tolist()}; a zero vector "
                "is normal to no mirror. Give directions, of any length."
            )


def _diagonal(matrix: jax.Array) -> jax.Array:
    return jnp.diagonal(matrix, axis1=-2, axis2=-1)


def _reflect(vectors: jax.Array, x: jax.Array, *, reverse: bool) -> jax.Array:
    """x reflected at the hyperplanes normal to the vectors, shape [H, ..., D], one after another."""
    x = jnp.broadcast_to(x, jnp.broadcast_shapes(x.shape, vectors.shape[1:]))

    def one(x: jax.Array, v: jax.Array) -> tuple[jax.Array, None]:
        along = jnp.sum(v * x, -1, keepdims=True) / jnp.sum(v * v, -1, keepdims=True)
        return x - 2 * along * v, None

    return lax.scan(one, x, vectors, reverse=reverse)[0]
