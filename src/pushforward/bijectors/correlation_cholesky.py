"""CorrelationCholesky: vectors to the Cholesky factors of correlation matrices."""

import jax.numpy as jnp
import numpy as np
from numpyro.distributions import constraints

from .base import Bijector
from .events import check_square
from .fill_triangular import FillTriangular
from .linear_algebra import scaled_squares, sum_last


class CorrelationCholesky(Bijector):
    """y_ij = x_ij / s_i for j < i, y_ii = 1 / s_i, with s_i^2 = 1 + sum_j x_ij^2: rows of length 1 from free numbers.

    inverse  x_ij = y_ij / y_ii;
    log |det dy/dx| = -sum_i (i + 2) log s_i with i from 0, of the entries below the diagonal;
    domain: vectors of n (n - 1) / 2 numbers;    codomain: Cholesky factors of correlation matrices, n x n.

    The numbers x_ij are the entries of the vector in the order of `FillTriangular`. The measure is that of NumPyro's
    and Stan's LKJ distribution of Cholesky factors (Lewandowski, Kurowicka and Joe 2009).

    Args:
        validate_args: check values (y a Cholesky factor with rows of length 1), also under `jit`.

    Raises:
        ValueError: if x has no triangular number of entries, or y is not square.

    Example:
        CorrelationCholesky().forward([2.0, 2.0, 1.0])    # [[1, 0, 0], [0.707, 0.707, 0], [0.667, 0.667, 0.333]]
    """

    forward_min_event_ndims = 1
    codomain = constraints.corr_cholesky

    @property
    def inverse_min_event_ndims(self) -> int:
        """Matrices."""
        return 2

    def _forward_and_log_det(self, x):
        below = FillTriangular().forward(x)
        below = jnp.pad(below, [(0, 0)] * (below.ndim - 2) + [(1, 0), (0, 1)])
        c, log_c, squares = scaled_squares(below, entries=below.shape[-1], large=True)
        size, lost = below.shape[-1], c < 1
        y = jnp.where(jnp.eye(size, dtype=bool), c, c * below) / jnp.sqrt(squares + c * c)
        # 2 log s, of small x too.
        logs = jnp.where(lost, jnp.log(jnp.where(lost, squares, 1)) - 2 * log_c, jnp.log1p(jnp.where(lost, 0, squares)))
        # Row i is a map of R^i with the Jacobian (I - y y^T) / s, whose determinant is s^-(i + 2).
        return y, -sum_last(logs[..., 0], np.arange(2, size + 2)) / 2

    def _inverse(self, y):
        check_square(y, "CorrelationCholesky.inverse")
        ratio = y / jnp.diagonal(y, axis1=-2, axis2=-1)[..., None]
        return FillTriangular().inverse(ratio[..., 1:, :-1])

    def _forward_event_shape(self, shape):
        *batch, size, _ = FillTriangular().forward_event_shape(shape)
        return (*batch, size + 1, size + 1)

    def _inverse_event_shape(self, shape):
        *batch, rows, columns = shape
        return FillTriangular().inverse_event_shape((*batch, rows - 1, columns - 1))
