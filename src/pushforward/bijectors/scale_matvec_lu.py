"""ScaleMatvecLU: a dense matrix, given as its LU factors, times a vector."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import constant_field
from ..core.parameters import as_parameter, known_values
from .base import Bijector
from .events import check_event
from .linear_algebra import check_diagonal, multiply, solve_triangular
from .permute import gather


class ScaleMatvecLU(Bijector):
    """y = W x with W[permutation] = L U: L lower triangular with ones on its diagonal, U upper triangular.

    inverse  x = U^-1 L^-1 y[permutation], two substitutions;    log |det dy/dx| = sum_i log |U_ii|;
    domain and codomain: real vectors.

    The matrix of Glow's 1x1 convolution (Kingma and Dhariwal 2018, section 3.2), for one pixel. All entries of L and U
    train, the permutation does not. `LULinear` is the same with a positive diagonal, drawn from a key.

    Args:
        lower_upper: L (without its diagonal) and U in one matrix, shape [..., d, d], as LAPACK and `jax.lax.linalg.lu`
            pack them; leading axes are batch axes.
        permutation: integers 0 to d - 1 in some order, shape [..., d]: the rows of W in the order of those of L U, the
            third result of `jax.lax.linalg.lu(W)`.
        validate_args: check values (a diagonal without zeros, a permutation), also under `jit`.

    Raises:
        TypeError: if permutation does not hold integers.
        ValueError: if lower_upper is not a square matrix or has a zero on its diagonal, permutation is none of d
            integers, or an input has another number of entries.
    """

    lower_upper: jax.Array
    permutation: jax.Array = constant_field()
    inverse_permutation: jax.Array = constant_field()

    forward_min_event_ndims = 1
    is_constant_jacobian = True

    def __init__(self, lower_upper: Any, permutation: Any, *, validate_args: bool = False):
        self.lower_upper = as_parameter(lower_upper, "ScaleMatvecLU: lower_upper")
        shape = self.lower_upper.shape
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise ValueError(
                f"ScaleMatvecLU: expected lower_upper to be square matrices, shape [..., d, d], and got shape {shape}; "
                "others have no inverse. Give both factors in one matrix, the first result of jax.lax.linalg.lu."
            )
        check_diagonal(jnp.diagonal(self.lower_upper, axis1=-2, axis2=-1), "ScaleMatvecLU: lower_upper")
        self.permutation = _as_permutations(permutation, shape)
        self.inverse_permutation = jnp.argsort(self.permutation, axis=-1).astype(jnp.int32)
        self.validate_args = validate_args

    @property
    def matrix(self) -> jax.Array:
        """W, with the batch axes of both parameters."""
        return self._matrix(self.lower_upper, self.inverse_permutation)

    def _forward_and_log_det(self, x):
        # The product of the factors costs d^3 once, and saves d^2 for each vector.
        lower_upper, _, inverse_order = self._parameters_for(x)
        return multiply(self._matrix(lower_upper, inverse_order), x), _log_abs_diagonal(lower_upper)

    def _inverse_and_log_det(self, y):
        lower_upper, order, inverse_order = self._parameters_for(y)
        y = jnp.broadcast_to(y, jnp.broadcast_shapes(y.shape, order.shape))
        half_way = solve_triangular(lower_upper, gather(y, order, inverse_order), lower=True, unit_diagonal=True)
        return solve_triangular(lower_upper, half_way, lower=False), -_log_abs_diagonal(lower_upper)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _matrix(self, lower_upper: jax.Array, inverse_order: jax.Array) -> jax.Array:
        lower = jnp.tril(lower_upper, -1) + jnp.eye(lower_upper.shape[-1], dtype=lower_upper.dtype)
        product = jnp.matmul(lower, jnp.triu(lower_upper), precision=lax.Precision.HIGHEST)
        rows = inverse_order[..., None]
        shape = jnp.broadcast_shapes(product.shape, rows.shape)
        return jnp.take_along_axis(jnp.broadcast_to(product, shape), jnp.broadcast_to(rows, shape), axis=-2)

    def _parameters_for(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        size = self.lower_upper.shape[-1]
        check_event(x, (size,), "ScaleMatvecLU")
        lower_upper, order, inverse_order = self.lower_upper, self.permutation, self.inverse_permutation
        if self.validate_args:
            zero = jnp.any(jnp.diagonal(lower_upper, axis1=-2, axis2=-1) == 0)
            lower_upper = eqx.error_if(lower_upper, zero, "ScaleMatvecLU: expected a diagonal without zeros")
            complete = jnp.all(jnp.sort(order, axis=-1) == jnp.arange(size, dtype=order.dtype))
            message = "ScaleMatvecLU: expected each of the integers 0 to d - 1 once as permutation"
            order, inverse_order = eqx.error_if((order, inverse_order), ~complete, message)
        return lower_upper, order, inverse_order


MatvecLU = ScaleMatvecLU
"""The name that TFP gave `ScaleMatvecLU` at first."""


def _log_abs_diagonal(matrix: jax.Array) -> jax.Array:
    return jnp.sum(jnp.log(jnp.abs(jnp.diagonal(matrix, axis1=-2, axis2=-1))), axis=-1)


def _as_permutations(permutation: Any, shape: tuple[int, ...]) -> jax.Array:
    known = known_values(permutation)
    dtype = permutation.dtype if known is None else known.dtype
    if not np.issubdtype(dtype, np.integer):
        raise TypeError(
            f"ScaleMatvecLU: expected integers as permutation, the places 0 to {shape[-1] - 1} of rows, and got dtype "
            f"{dtype}"
        )
    if np.ndim(permutation) < 1 or np.shape(permutation)[-1] != shape[-1]:
        raise ValueError(
            f"ScaleMatvecLU: expected a permutation of {shape[-1]} integers, shape [..., {shape[-1]}], and got shape "
            f"{np.shape(permutation)}; each row of lower_upper (shape {shape}) has its place. Give the third result of "
            "jax.lax.linalg.lu."
        )
    if known is not None and not np.all(np.sort(known, axis=-1) == np.arange(shape[-1])):
        raise ValueError(
            f"ScaleMatvecLU: expected permutation to hold the integers 0 to {shape[-1] - 1} once each, and got "
            f"{known.tolist()}; otherwise the matrix has no inverse. Give the third result of jax.lax.linalg.lu."
        )
    try:
        jnp.broadcast_shapes(shape[:-2], np.shape(permutation)[:-1])
    except ValueError:
        raise ValueError(
            f"ScaleMatvecLU: expected batch axes that broadcast, and got lower_upper of shape {shape} and permutation "
            f"of shape {np.shape(permutation)}; each matrix has its own permutation, or all have the same one. Give "
            "both the same leading axes."
        ) from None
    return jnp.asarray(permutation, jnp.int32)
