"""ScaleMatvecTriL: a lower-triangular matrix times a vector."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..core import static_field
from ..core.parameters import as_parameter
from .base import Bijector
from .events import check_event
from .linear_algebra import multiply, solve_triangular


class ScaleMatvecTriL(Bijector):
    """y = L x with L the lower triangle of scale_tril (with adjoint, y = L^T x).

    inverse  x = L^-1 y, by substitution;    log |det dy/dx| = sum_i log |L_ii|;    domain and codomain: real vectors.

    Args:
        scale_tril: shape [..., d, d], diagonal non-zero; leading axes are batch axes. What lies above the diagonal is
            not read.
        adjoint: multiply by L^T instead.
        validate_args: check values (diagonal non-zero included), also under `jit`.

    Raises:
        ValueError: if scale_tril is not a square matrix, or an input has another number of entries.
    """

    scale_tril: jax.Array
    adjoint: bool = static_field()

    forward_min_event_ndims = 1
    is_constant_jacobian = True

    def __init__(self, scale_tril: Any, adjoint: bool = False, *, validate_args: bool = False):
        self.scale_tril = as_parameter(scale_tril, "ScaleMatvecTriL: scale_tril")
        shape = self.scale_tril.shape
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise ValueError(
                f"ScaleMatvecTriL expects square matrices, shape [..., d, d], and got shape {shape}: others have no "
                "inverse. For d factors use ScaleMatvecDiag."
            )
        self.adjoint = adjoint
        self.validate_args = validate_args

    def _forward_and_log_det(self, x):
        matrix = self._matrix_for(x)
        lower = jnp.tril(matrix)
        return multiply(jnp.matrix_transpose(lower) if self.adjoint else lower, x), _log_abs_diagonal(matrix)

    def _inverse_and_log_det(self, y):
        matrix = self._matrix_for(y)
        return solve_triangular(matrix, y, lower=True, transpose=self.adjoint), -_log_abs_diagonal(matrix)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _matrix_for(self, x: jax.Array) -> jax.Array:
        check_event(x, (self.scale_tril.shape[-1],), "ScaleMatvecTriL")
        if not self.validate_args:
            return self.scale_tril
        diagonal = jnp.diagonal(self.scale_tril, axis1=-2, axis2=-1)
        return eqx.error_if(
            self.scale_tril,
            jnp.any(diagonal == 0),
            "ScaleMatvecTriL: expected scale_tril without zeros on its diagonal",
        )


def _log_abs_diagonal(matrix: jax.Array) -> jax.Array:
    return jnp.sum(jnp.log(jnp.abs(jnp.diagonal(matrix, axis1=-2, axis2=-1))), axis=-1)
