"""CholeskyLKJ: Cholesky factors of correlation matrices."""

import operator
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from numpyro.distributions import constraints

from ..bijectors.domains import satisfies
from ..core import numeric_inputs
from ..core.module import _describe
from ..core.parameters import positive_parameter
from ..core.shapes import accumulation_dtype
from .base import PytreeDistribution
from .parametric import exponential


class CholeskyLKJ(PytreeDistribution):
    """L with L L^T = C a correlation matrix of density proportional to det(C)^(η - 1); η is the concentration.

    log p(L) = sum_{i=2..D} (D - i + 2 η - 2) log L_ii - log Z,
    log Z = sum_{i=1..D-1} [i/2 log pi + log Γ(η + (D - 1 - i) / 2) - log Γ(η + (D - 1) / 2)];
    support: lower-triangular matrices with positive diagonal and rows of length 1. The measure is that of the entries
    below the diagonal. η = 1 is uniform over correlation matrices, larger η prefers weak correlations.

    Args:
        dimension: D >= 2, the size of the matrices.
        concentration: η > 0, shape [batch axes]. The parameter that trains is its logarithm, `raw_concentration`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: for a smaller dimension or a concentration that is known not to be positive.

    Reference: Lewandowski, Kurowicka and Joe 2009, "Generating random correlation matrices based on vines and extended
        onion method": section 3.2 for the draws, p. 1999 for Z.
    """

    pytree_data_fields = ("raw_concentration",)
    pytree_aux_fields = ("dimension", "frozen")
    support = constraints.corr_cholesky
    concentration = exponential("raw_concentration", "η.")

    def __init__(self, dimension: int, concentration: Any = 1.0, *, validate_args: bool = False):
        self.dimension = operator.index(dimension)
        if self.dimension < 2:
            raise ValueError(
                f"CholeskyLKJ expects a dimension of at least 2, and got {dimension}: the only correlation matrix of "
                "one number is 1. Give the number of variables that are correlated."
            )
        name = "CholeskyLKJ: concentration"
        self.raw_concentration = jnp.log(positive_parameter(concentration, name, validate=validate_args))
        self.frozen = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(D, D)."""
        return (self.dimension, self.dimension)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """That of the concentration."""
        return tuple(self.raw_concentration.shape)

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape [sample_shape | batch_shape | D, D]: a length and a direction of each row (onion method)."""
        shape, dtype = (*sample_shape, *self.batch_shape), self.raw_concentration.dtype
        key_off, key_on, key_direction = jax.random.split(key, 3)
        # The off-diagonal part of row i (from 0) has squared length Beta(i/2, η + (D - 1 - i)/2), as two gammas: so the
        # rest of it, the squared diagonal, is not a difference from 1.
        row = jnp.arange(1, self.dimension, dtype=dtype)
        on = jnp.exp(self.raw_concentration)[..., None] + (self.dimension - 1 - row) / 2
        size = (*shape, self.dimension - 1)
        off_part = jax.random.loggamma(key_off, jnp.broadcast_to(row / 2, size), dtype=dtype)
        on_part = jax.random.loggamma(key_on, jnp.broadcast_to(on, size), dtype=dtype)
        log_share = off_part - on_part
        off_length, diagonal = jnp.exp(-jax.nn.softplus(-log_share) / 2), jnp.exp(-jax.nn.softplus(log_share) / 2)
        direction = jnp.tril(jax.random.normal(key_direction, (*size, self.dimension - 1), dtype))
        norm = jnp.linalg.norm(direction, axis=-1, keepdims=True)
        below = off_length[..., None] * direction / norm
        matrix = jnp.zeros((*shape, *self.event_shape), dtype).at[..., 0, 0].set(1)
        index = jnp.arange(1, self.dimension)
        return matrix.at[..., 1:, :-1].set(below).at[..., index, index].set(diagonal)

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log p(L) of shape [sample axes | batch_shape]; -inf outside the support, NaN for NaN."""
        value = numeric_inputs(value, self)
        inside = satisfies(self.support, value, 2)
        diagonal = jnp.diagonal(value, axis1=-2, axis2=-1)[..., 1:].astype(accumulation_dtype(value.dtype))
        eta = jnp.exp(self.raw_concentration).astype(diagonal.dtype)
        row = jnp.arange(1, self.dimension, dtype=diagonal.dtype)
        powers = self.dimension - 1 - row + 2 * (eta[..., None] - 1)
        safe = jnp.where((diagonal > 0) | jnp.isnan(diagonal), diagonal, 1)
        log_prob = jnp.sum(powers * jnp.log(safe), axis=-1) - self._log_normaliser(eta, row)
        nan = jnp.any(jnp.isnan(value), axis=(-2, -1))
        return jnp.where(nan, jnp.nan, jnp.where(inside, log_prob, -jnp.inf))

    def _log_normaliser(self, eta: jax.Array, row: jax.Array) -> jax.Array:
        rows = row / 2 * jnp.log(jnp.pi).astype(row.dtype) + gammaln(eta[..., None] + (self.dimension - 1 - row) / 2)
        return jnp.sum(rows, axis=-1) - (self.dimension - 1) * gammaln(eta + (self.dimension - 1) / 2)

    def __repr__(self) -> str:
        frozen = ", frozen=True" * self.frozen
        return f"CholeskyLKJ({self.dimension}, concentration={_describe(self.concentration)}{frozen})"
