"""CholeskyOuterProduct: a lower-triangular matrix times its transpose."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpyro.distributions import constraints

from ..core.callables import as_callable
from ..core.elementary import at_least_single
from .base import Bijector
from .events import check_square
from .linear_algebra import outer_product, sum_last


class CholeskyOuterProduct(Bijector):
    """y = x x^T, x lower triangular with a positive diagonal: positive-definite matrices from their Cholesky factors.

    inverse  x = cholesky(y);
    log |det dy/dx| = p log 2 + sum_j (p - j) log x_jj with j from 0, of the entries of the lower triangle;
    domain: Cholesky factors, p x p;    codomain: positive-definite matrices.

    Of x and of y only the lower triangle is read. The measure is that of the Wishart distribution's density: the
    entries on and below the diagonal.

    Args:
        cholesky_fn: a function of a matrix (with batch axes) that gives its lower factor; None for
            `jnp.linalg.cholesky`.
        validate_args: check values (x a Cholesky factor, y positive definite), also under `jit`.

    Raises:
        ValueError: if a matrix is not square.

    y has the square of the condition number of x: where that is above some thousand, y in float32 may have no factor,
    and the inverse is NaN.
    """

    cholesky_fn: Any

    forward_min_event_ndims = 2
    domain = constraints.lower_cholesky
    codomain = constraints.positive_definite

    def __init__(self, cholesky_fn: Callable[[jax.Array], jax.Array] | None = None, *, validate_args: bool = False):
        self.cholesky_fn = as_callable(cholesky_fn)
        self.validate_args = validate_args

    def _forward(self, x):
        check_square(x, "CholeskyOuterProduct")
        return outer_product(jnp.tril(x))

    def _inverse(self, y):
        check_square(y, "CholeskyOuterProduct.inverse")
        symmetric = jnp.tril(y) + jnp.matrix_transpose(jnp.tril(y, -1))
        if self.cholesky_fn is None:
            return jnp.linalg.cholesky(at_least_single(symmetric), symmetrize_input=False).astype(y.dtype)
        return self.cholesky_fn(symmetric)

    def _forward_log_det_jacobian(self, x):
        # In the order of rows the Jacobian is triangular: entry (i, j) of y has x_jj as the factor of x_ij, twice it on
        # the diagonal. So x_jj comes once for each of the p - j entries below it.
        size = x.shape[-1]
        logs = jnp.log(jnp.diagonal(x, axis1=-2, axis2=-1))
        return size * math.log(2.0) + sum_last(logs, np.arange(size, 0, -1))

    def _inverse_within(self, y):
        # A matrix is positive definite when it has a factor, which takes a tenth of the time of its eigenvalues.
        nan = jnp.any(jnp.isnan(y), axis=(-2, -1))
        symmetric = jnp.all(jnp.isclose(y, jnp.matrix_transpose(y)), axis=(-2, -1))
        factored = jnp.all(jnp.isfinite(self._inverse(lax.stop_gradient(y))), axis=(-2, -1))
        inside = nan | (symmetric & factored)
        safe = jnp.where(inside[..., None, None], y, jnp.eye(y.shape[-1], dtype=y.dtype))
        x, log_det = self.inverse_and_log_det(safe)
        return x, log_det, inside

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape
