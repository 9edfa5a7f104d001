"""ScaleMatvecLinearOperator: a Lineax operator times a vector."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from ..core import static_field
from ..core.elementary import at_least_single
from ..core.parameters import as_parameter
from .base import Bijector
from .events import check_event
from .linear_algebra import check_diagonal, check_invertible, multiply, solve_triangular
from .permute import gather


class ScaleMatvecLinearOperator(Bijector):
    """y = A x with A a linear operator of Lineax (with adjoint, y = A^T x).

    inverse  the solution of A x = y;    log |det dy/dx| = log |det A|;    domain and codomain: real vectors.

    Both follow what Lineax knows of the structure (by the class of A, or its tags): division by a diagonal,
    substitution for a triangle, of which nothing else is read, also in products; else LU factors of the whole matrix.
    An operator has no batch axes; for many, use `jax.vmap`, or the batch axes of `ScaleMatvecDiag`, `ScaleMatvecTriL`
    and `ScaleMatvecLU`.

    All floating arrays inside A train, as they are: the entries of a `MatrixLinearOperator`, the factors of a product.
    `freeze(ScaleMatvecLinearOperator(A))` holds them. Operators made of arrays can be saved, ones of functions cannot.

    Args:
        scale: A, a `lineax.AbstractLinearOperator` from vectors of d numbers to vectors of d numbers.
        adjoint: multiply by A^T instead.
        validate_args: check values (A invertible), also under `jit`.

    Raises:
        TypeError: if scale is not a linear operator of real numbers.
        ValueError: if it is not square, is known to be singular, or an input has another number of entries.
    """

    scale: Any
    adjoint: bool = static_field()

    forward_min_event_ndims = 1
    is_constant_jacobian = True

    def __init__(self, scale: Any, adjoint: bool = False, *, validate_args: bool = False):
        # Imported where it is used, since it takes a while and few need it.
        import lineax

        if not isinstance(scale, lineax.AbstractLinearOperator):
            raise TypeError(
                f"ScaleMatvecLinearOperator: expected a linear operator of Lineax as scale, and got "
                f"{type(scale).__name__}; its class says how to solve with it. Wrap a matrix in "
                "lineax.MatrixLinearOperator, or use ScaleMatvecTriL or ScaleMatvecLU."
            )
        _check_structure(scale)
        self.scale = jax.tree.map(
            lambda leaf: as_parameter(leaf) if eqx.is_inexact_array(leaf) or isinstance(leaf, float) else leaf, scale
        )
        self.adjoint = adjoint
        self.validate_args = validate_args
        kind, array = _structure(self.scale, None)
        if kind == "dense":
            check_invertible(array, "ScaleMatvecLinearOperator: scale")
        else:
            diagonal = array if kind == "diagonal" else jnp.diagonal(array)
            check_diagonal(diagonal, "ScaleMatvecLinearOperator: scale")

    def _forward_and_log_det(self, x):
        kind, array = self._parts_for(x)
        if kind == "diagonal":
            y = array * x
        elif kind == "dense":
            operator = self.scale.T if self._transposed() else self.scale
            dtype = operator.in_structure().dtype
            y = _of_each_vector(operator.mv, x.astype(dtype)).astype(x.dtype)
            array = _lu(array)[0]
        else:
            y = multiply(jnp.matrix_transpose(array) if self._transposed() else array, x)
        return y, _log_abs_det(kind, array)

    def _inverse_and_log_det(self, y):
        kind, array = self._parts_for(y)
        if kind == "diagonal":
            x = y / array
        elif kind == "dense":
            array, order = _lu(array)
            x = _solve_lu(array, order, y, self._transposed())
        else:
            x = solve_triangular(array, y, lower=kind == "lower", transpose=self._transposed())
        return x, -_log_abs_det(kind, array)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _transposed(self) -> bool:
        import lineax

        # An operator that is said to be symmetric is its own transpose, also where training has made it less so.
        return self.adjoint and not lineax.is_symmetric(self.scale)

    def _parts_for(self, x: jax.Array) -> tuple[str, jax.Array]:
        check_event(x, (self.scale.in_size(),), "ScaleMatvecLinearOperator")
        kind, array = _structure(self.scale, x.dtype)
        if self.validate_args:
            singular = ~jnp.isfinite(_log_abs_det(kind, _lu(array)[0] if kind == "dense" else array))
            array = eqx.error_if(array, singular, "ScaleMatvecLinearOperator: expected an invertible operator")
        return kind, array


def _structure(operator: Any, dtype: Any) -> tuple[str, jax.Array]:
    """("diagonal", its diagonal), ("lower" or "upper", its matrix with zeros elsewhere) or ("dense", its matrix)."""
    import lineax

    if lineax.is_diagonal(operator):
        kind, array = "diagonal", lineax.diagonal(operator)
    else:
        kind, array = "dense", operator.as_matrix()
        if lineax.is_lower_triangular(operator):
            kind, array = "lower", jnp.tril(array)
        elif lineax.is_upper_triangular(operator):
            kind, array = "upper", jnp.triu(array)
        if kind != "dense" and lineax.has_unit_diagonal(operator):
            array = jnp.where(jnp.eye(array.shape[-1], dtype=bool), 1, array)
    return kind, array if dtype is None else array.astype(dtype)


def _lu(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(L and U in one matrix, order) with matrix[order] = L U."""
    factors, _, order = lax.linalg.lu(at_least_single(matrix))
    return factors.astype(matrix.dtype), order


def _solve_lu(factors: jax.Array, order: jax.Array, y: jax.Array, adjoint: bool) -> jax.Array:
    inverse_order = jnp.argsort(order)
    if adjoint:
        half_way = solve_triangular(factors, y, lower=False, transpose=True)
        x = solve_triangular(factors, half_way, lower=True, transpose=True, unit_diagonal=True)
        return gather(x, inverse_order, order)
    half_way = solve_triangular(factors, gather(y, order, inverse_order), lower=True, unit_diagonal=True)
    return solve_triangular(factors, half_way, lower=False)


def _log_abs_det(kind: str, array: jax.Array) -> jax.Array:
    """Of a diagonal or a triangle, the LU factors of a dense matrix included."""
    return jnp.sum(jnp.log(jnp.abs(array if kind == "diagonal" else jnp.diagonal(array))))


def _of_each_vector(fn: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    return jax.vmap(fn)(x.reshape(-1, x.shape[-1])).reshape(x.shape)


def _check_structure(operator: Any) -> None:
    shapes = operator.in_structure(), operator.out_structure()
    vectors = all(isinstance(s, jax.ShapeDtypeStruct) and len(s.shape) == 1 for s in shapes)
    if not vectors or shapes[0].shape != shapes[1].shape:
        raise ValueError(
            "ScaleMatvecLinearOperator: expected an operator from vectors of d numbers to vectors of d numbers, and "
            f"got one from {shapes[0]} to {shapes[1]}; others have no inverse, or events that are not vectors. Flatten "
            "events with Reshape or Restructure first."
        )
    if not all(jnp.issubdtype(s.dtype, jnp.floating) for s in shapes):
        raise TypeError(
            f"ScaleMatvecLinearOperator: expected an operator of real numbers, and got dtype {shapes[0].dtype}; "
            "log-determinants are of real maps. Give real and imaginary parts as two entries."
        )
