"""LULinear: a dense matrix held as its LU factors."""

import jax
import jax.numpy as jnp
from jax import lax

from ..core import constant_field
from .base import Bijector
from .events import check_event
from .linear_algebra import multiply, solve_triangular
from .permute import gather


class LULinear(Bijector):
    """y = P L U x + bias: L lower triangular with ones on its diagonal, U upper with a positive one, P a permutation.

    inverse  x = U^-1 L^-1 P^T (y - bias), two substitutions;    log |det dy/dx| = sum_i log U_ii;
    domain and codomain: real vectors of `dim` numbers.

    The matrix starts as a random rotation (or rotation and reflection). All entries of L and U train, P does not
    (Kingma and Dhariwal 2018, section 3.2).

    Args:
        dim: number of entries of an event.
        key: draws the rotation.
        use_bias: whether there is a bias.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if dim is not positive, or an input has another number of entries.

    Attributes:
        raw_factors: L, U and the logarithm of U's diagonal in one matrix: below, above and on the diagonal. Every entry
            is a parameter.
        bias: shape (dim,), zero at first; None without one.
        matrix: P L U.
    """

    raw_factors: jax.Array
    bias: jax.Array | None
    permutation: jax.Array = constant_field()
    inverse_permutation: jax.Array = constant_field()

    forward_min_event_ndims = 1
    is_constant_jacobian = True

    def __init__(self, dim: int, *, key: jax.Array, use_bias: bool = True, validate_args: bool = False):
        if dim < 1:
            raise ValueError(f"LULinear expects a positive dim, the number of entries of an event, and got {dim}")
        rotation = jax.random.orthogonal(key, dim)
        factors, _, rows = lax.linalg.lu(rotation)  # rotation[rows] = L U
        diagonal = jnp.diagonal(factors)
        # Columns of the rotation change sign, which keeps it orthogonal and makes the diagonal of U positive.
        upper = jnp.triu(factors, 1) * jnp.sign(diagonal)
        self.raw_factors = jnp.tril(factors, -1) + upper + jnp.diag(jnp.log(jnp.abs(diagonal)))
        self.bias = jnp.zeros((dim,), self.raw_factors.dtype) if use_bias else None
        self.permutation = jnp.argsort(rows).astype(jnp.int32)
        self.inverse_permutation = rows.astype(jnp.int32)
        self.validate_args = validate_args

    @property
    def lower(self) -> jax.Array:
        """L, with ones on its diagonal."""
        return jnp.tril(self.raw_factors, -1) + jnp.eye(self.raw_factors.shape[-1], dtype=self.raw_factors.dtype)

    @property
    def upper(self) -> jax.Array:
        """U, with a positive diagonal."""
        on_diagonal = jnp.eye(self.raw_factors.shape[-1], dtype=bool)
        return jnp.where(on_diagonal, jnp.exp(jnp.where(on_diagonal, self.raw_factors, 0)), jnp.triu(self.raw_factors))

    @property
    def matrix(self) -> jax.Array:
        """The matrix P L U that multiplies x."""
        return jnp.matmul(self.lower, self.upper, precision=lax.Precision.HIGHEST)[self.permutation]

    def _forward_and_log_det(self, x):
        check_event(x, (self.raw_factors.shape[-1],), "LULinear")
        y = gather(multiply(self.lower, multiply(self.upper, x)), self.permutation, self.inverse_permutation)
        return (y if self.bias is None else y + self.bias), self._log_det()

    def _inverse_and_log_det(self, y):
        check_event(y, (self.raw_factors.shape[-1],), "LULinear")
        y = gather(y if self.bias is None else y - self.bias, self.inverse_permutation, self.permutation)
        half_way = solve_triangular(self.raw_factors, y, lower=True, unit_diagonal=True)
        return solve_triangular(self.upper, half_way, lower=False), -self._log_det()

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _log_det(self) -> jax.Array:
        return jnp.sum(jnp.diagonal(self.raw_factors))
