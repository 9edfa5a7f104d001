"""MatrixInverseTriL: the inverse of a lower-triangular matrix."""

import equinox as eqx
import jax
import jax.numpy as jnp

from .base import Bijector
from .events import check_square
from .linear_algebra import invert_lower, sum_last


class MatrixInverseTriL(Bijector):
    """y = x^-1 of a lower-triangular matrix x.

    inverse  the same map;    log |det dy/dx| = -(n + 1) sum_i log |x_ii|, of the entries of the lower triangles;
    domain and codomain: lower-triangular matrices n x n without zeros on their diagonal.

    What lies above the diagonal of x is not read.

    Args:
        validate_args: check values (zeros above the diagonal and none on it), also under `jit`.

    Raises:
        ValueError: if a matrix is not square.
    """

    forward_min_event_ndims = 2

    def _forward_and_log_det(self, x):
        check_square(x, "MatrixInverseTriL")
        x = self._checked(x)
        diagonal = jnp.diagonal(x, axis1=-2, axis2=-1)
        # d(x^-1) = -x^-1 dx x^-1: rows and columns of the triangle, i + 1 and n - i of them, are divided by x_ii.
        return invert_lower(x), -(x.shape[-1] + 1) * sum_last(jnp.log(jnp.abs(diagonal)))

    def _inverse_and_log_det(self, y):
        return self._forward_and_log_det(y)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _checked(self, x: jax.Array) -> jax.Array:
        if not self.validate_args:
            return x
        above = jnp.any(jnp.abs(jnp.triu(x, 1)) > 0)
        x = eqx.error_if(x, above, "MatrixInverseTriL: expected zeros above the diagonal")
        zero = jnp.any(jnp.diagonal(x, axis1=-2, axis2=-1) == 0)
        return eqx.error_if(x, zero, "MatrixInverseTriL: expected a diagonal without zeros")
