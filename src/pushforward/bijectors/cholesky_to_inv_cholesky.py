"""CholeskyToInvCholesky: the Cholesky factor of a matrix to that of its inverse."""

import jax.numpy as jnp
import numpy as np
from numpyro.distributions import constraints

from ..core.elementary import at_least_single
from .base import Bijector
from .events import check_square
from .linear_algebra import invert_lower, sum_last


class CholeskyToInvCholesky(Bijector):
    """y = cholesky((x x^T)^-1): the Cholesky factor of a covariance to that of its precision matrix.

    inverse  the same map;
    log |det dy/dx| = sum_j (j + 1) (log y_jj - log x_jj) with j from 0, of the entries of the lower triangles;
    domain and codomain: Cholesky factors, lower-triangular matrices with positive diagonals.

    y is the transposed triangle R of the decomposition x^-1 = Q R. Unlike the Cholesky factorisation of the inverse
    this does not square the condition number: in float32 it goes up to some million, not some thousand.

    Args:
        validate_args: check values (that x is a Cholesky factor), also under `jit`.

    Raises:
        ValueError: if a matrix is not square.
    """

    forward_min_event_ndims = 2
    domain = constraints.lower_cholesky
    codomain = constraints.lower_cholesky

    def _forward_and_log_det(self, x):
        check_square(x, "CholeskyToInvCholesky")
        triangle = jnp.linalg.qr(at_least_single(invert_lower(x)), mode="r").astype(x.dtype)
        diagonal = jnp.diagonal(triangle, axis1=-2, axis2=-1)
        signs = jnp.where(diagonal < 0, -1, 1).astype(x.dtype)
        y = jnp.matrix_transpose(jnp.triu(signs[..., None] * triangle))
        # Of x -> x x^T -> inverse -> cholesky: sum_j (p - j) (log x_jj - log y_jj) - 2 (p + 1) sum_j log x_jj, where
        # sum_j log y_jj = -sum_j log x_jj.
        logs = jnp.log(signs * diagonal) - jnp.log(jnp.diagonal(x, axis1=-2, axis2=-1))
        return y, sum_last(logs, np.arange(1, x.shape[-1] + 1))

    def _inverse_and_log_det(self, y):
        return self._forward_and_log_det(y)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape
