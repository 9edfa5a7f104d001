"""TransformDiagonal: a bijector on the diagonal of a matrix."""

from typing import Any

import jax
import jax.numpy as jnp

from ..core import replace
from .base import Bijector


class TransformDiagonal(Bijector):
    """y = x with its diagonal passed through a bijector.

    inverse  y with its diagonal passed back;    log |det dy/dx| = that of the bijector, of the diagonal as a vector;
    domain and codomain: real matrices, with diagonals in the domain and codomain of the bijector.

    Args:
        diag_bijector: a bijector of scalars or vectors that keeps the size of the diagonal.
        validate_args: check values, also under `jit`.

    Raises:
        TypeError: if diag_bijector is not a bijector of scalars or vectors.
        ValueError: if it is not injective.
    """

    diag_bijector: Bijector

    forward_min_event_ndims = 2

    def __init__(self, diag_bijector: Bijector, *, validate_args: bool = False):
        if not isinstance(diag_bijector, Bijector) or diag_bijector.forward_min_event_ndims not in (0, 1):
            raise TypeError(
                f"TransformDiagonal expects a bijector of scalars or vectors, since a diagonal is a vector, and got "
                f"{type(diag_bijector).__name__}"
            )
        if not diag_bijector.is_injective:
            raise ValueError(
                f"TransformDiagonal expects an injective map, and got {type(diag_bijector).__name__}: a diagonal of n "
                "numbers would have several branches for each of them. Transform the numbers before they become a "
                "diagonal."
            )
        self.diag_bijector = diag_bijector
        self.validate_args = validate_args

    @property
    def is_constant_jacobian(self) -> bool:
        """As the diagonal's bijector."""
        return self.diag_bijector.is_constant_jacobian

    def _forward_and_log_det(self, x):
        diagonal, log_det = self.diag_bijector.forward_and_log_det(_diagonal(x), 1)
        return _with_diagonal(x, diagonal), log_det

    def _inverse_and_log_det(self, y):
        diagonal, log_det = self.diag_bijector.inverse_and_log_det(_diagonal(y), 1)
        return _with_diagonal(y, diagonal), log_det

    def _inverse_within(self, y):
        # Matrices are inside when their diagonals are.
        diagonal, log_det, inside = self.diag_bijector._inverse_within(_diagonal(y))
        if self.diag_bijector.inverse_min_event_ndims == 0:
            log_det, inside = jnp.sum(log_det, axis=-1), jnp.all(inside, axis=-1)
        return _with_diagonal(y, diagonal), log_det, inside

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def condition(self, c: Any) -> "TransformDiagonal":
        """Bind `c` in the diagonal's bijector."""
        return replace(self, diag_bijector=self.diag_bijector.condition(c))


def _diagonal(matrix: jax.Array) -> jax.Array:
    return jnp.diagonal(matrix, axis1=-2, axis2=-1)


def _with_diagonal(matrix: jax.Array, diagonal: jax.Array) -> jax.Array:
    return jnp.where(jnp.eye(matrix.shape[-1], dtype=bool), diagonal[..., None, :], matrix)
