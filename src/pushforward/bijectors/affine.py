"""Affine: a triangular matrix plus a product of low rank, and a shift."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ..core.parameters import as_parameter
from .base import Bijector
from .events import check_event
from .linear_algebra import invert_lower, multiply, solve_triangular

# Of a triangular matrix up to this size the inverse is formed where it is needed twice.
_INVERTED = 64


class Affine(Bijector):
    """y = (M + V D V^T) x + shift with M = c I + diag(scale_diag) + lower triangle of scale_tril.

    inverse  x = z - M^-1 V (I + D V^T M^-1 V)^-1 D V^T z with z = M^-1 (y - shift)    (Woodbury's identity);
    log |det dy/dx| = log |det M| + log |det (I + D V^T M^-1 V)|    (the matrix determinant lemma);
    domain and codomain: real vectors of d numbers.

    Arguments are those of TFP's former `Affine`. All are optional; leading axes are batch axes; M is the identity where
    none of its parts is given. A vector costs what M does (d, or d^2 with scale_tril) and d r, a call d r^2 + r^3 more,
    and with scale_tril d^2 r (and d^3 in the inverse, for d up to 64).

    Args:
        shift: shape [..., d].
        scale_identity_multiplier: c, shape [...].
        scale_diag: shape [..., d].
        scale_tril: shape [..., d, d]; what lies above the diagonal is not read.
        scale_perturb_factor: V, shape [..., d, r].
        scale_perturb_diag: the diagonal of D, shape [..., r]; None for ones.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if shapes do not fit, or scale_perturb_diag comes without scale_perturb_factor.

    M and the whole matrix must be invertible: neither is forced to be. Maximum likelihood keeps away from singular
    matrices by itself, as their log-determinant is minus infinity. In the inverse one step of iterative refinement
    takes back what Woodbury's identity loses where V D V^T is much larger than M.
    """

    shift: Any
    scale_identity_multiplier: Any
    scale_diag: Any
    scale_tril: Any
    scale_perturb_factor: Any
    scale_perturb_diag: Any

    forward_min_event_ndims = 1
    is_constant_jacobian = True

    def __init__(
        self,
        shift: Any = None,
        *,
        scale_identity_multiplier: Any = None,
        scale_diag: Any = None,
        scale_tril: Any = None,
        scale_perturb_factor: Any = None,
        scale_perturb_diag: Any = None,
        validate_args: bool = False,
    ):
        self.shift = _optional(shift, "shift", 1)
        self.scale_identity_multiplier = _optional(scale_identity_multiplier, "scale_identity_multiplier", 0)
        self.scale_diag = _optional(scale_diag, "scale_diag", 1)
        self.scale_tril = _optional(scale_tril, "scale_tril", 2)
        self.scale_perturb_factor = _optional(scale_perturb_factor, "scale_perturb_factor", 2)
        self.scale_perturb_diag = _optional(scale_perturb_diag, "scale_perturb_diag", 1)
        self.validate_args = validate_args
        if self.scale_perturb_diag is not None and self.scale_perturb_factor is None:
            raise ValueError(
                "Affine: scale_perturb_diag is D in V D V^T, and came without V, scale_perturb_factor; give both"
            )
        if len(set(self._sizes().values())) > 1:
            raise ValueError(f"Affine: the parameters disagree on the number of entries of an event: {self._sizes()}")
        if self.scale_perturb_diag is not None and self.scale_perturb_diag.shape[-1] != self.rank:
            raise ValueError(
                f"Affine: scale_perturb_factor has {self.rank} columns, and scale_perturb_diag "
                f"{self.scale_perturb_diag.shape[-1]} entries; D scales the columns of V, so give one entry for each"
            )

    @property
    def rank(self) -> int:
        """The number of columns of V."""
        return 0 if self.scale_perturb_factor is None else self.scale_perturb_factor.shape[-1]

    def _forward_and_log_det(self, x):
        self._check(x)
        y = self._times(x)
        return (y if self.shift is None else y + self.shift), self._log_abs_det(x)

    def _inverse_and_log_det(self, y):
        self._check(y)
        target = y if self.shift is None else y - self.shift
        diagonal, matrix = self._base(y)
        log_det = jnp.sum(jnp.log(jnp.abs(diagonal)), axis=-1)
        if self.scale_perturb_factor is None:
            return (target / diagonal if matrix is None else solve_triangular(matrix, target, lower=True)), -log_det
        solve_base = _solver(diagonal, matrix)
        solved, capacitance, right = self._low_rank(self.scale_perturb_factor, y)
        gain = right / capacitance if self.rank == 1 else jnp.linalg.solve(capacitance, right)

        def approximately(z: jax.Array) -> jax.Array:
            z = solve_base(z)
            return z - multiply(jnp.matrix_transpose(solved), multiply(gain, z))

        x = approximately(target)
        x = x + approximately(target - self._times(x))
        return x, -(log_det + _log_abs_det_of(capacitance))

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _base(self, like: jax.Array) -> tuple[jax.Array, jax.Array | None]:
        """The diagonal of M, shape [..., d], and M itself where it is not diagonal."""
        diagonal: Any = jnp.zeros((like.shape[-1],), like.dtype)
        if self.scale_identity_multiplier is not None:
            diagonal = diagonal + self.scale_identity_multiplier[..., None]
        if self.scale_diag is not None:
            diagonal = diagonal + self.scale_diag
        if self.scale_tril is not None:
            diagonal = diagonal + jnp.diagonal(self.scale_tril, axis1=-2, axis2=-1)
            on_diagonal = jnp.eye(like.shape[-1], dtype=bool)
            return diagonal, jnp.where(on_diagonal, diagonal[..., None, :], self.scale_tril)
        if self.scale_identity_multiplier is None and self.scale_diag is None:
            return diagonal + 1, None
        return diagonal, None

    def _times(self, x: jax.Array) -> jax.Array:
        diagonal, matrix = self._base(x)
        y = diagonal * x if matrix is None else multiply(jnp.tril(matrix), x)
        if self.scale_perturb_factor is not None:
            weights = multiply(jnp.matrix_transpose(self.scale_perturb_factor), x)
            weights = weights if self.scale_perturb_diag is None else self.scale_perturb_diag * weights
            y = y + multiply(self.scale_perturb_factor, weights)
        return y

    def _low_rank(self, factor: jax.Array, like: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """(M^-1 V)^T, shape [..., r, d]; the capacitance I + D V^T M^-1 V, shape [..., r, r]; D V^T."""
        diagonal, matrix = self._base(like)
        columns = jnp.matrix_transpose(factor)
        solved = columns / diagonal[..., None, :] if matrix is None else _solve_columns(matrix, columns)
        right = columns if self.scale_perturb_diag is None else self.scale_perturb_diag[..., None] * columns
        gram = jnp.einsum("...id,...jd->...ij", right, solved, precision=lax.Precision.HIGHEST)
        capacitance = gram + jnp.eye(self.rank, dtype=like.dtype)
        batch = jnp.broadcast_shapes(capacitance.shape[:-2], right.shape[:-2])
        right = jnp.broadcast_to(right, batch + right.shape[-2:])
        return solved, jnp.broadcast_to(capacitance, batch + capacitance.shape[-2:]), right

    def _log_abs_det(self, like: jax.Array) -> jax.Array:
        log_det = jnp.sum(jnp.log(jnp.abs(self._base(like)[0])), axis=-1)
        if self.scale_perturb_factor is None:
            return log_det
        return log_det + _log_abs_det_of(self._low_rank(self.scale_perturb_factor, like)[1])

    def _sizes(self) -> dict[str, int]:
        """The number of entries of an event, by each parameter that tells it."""
        told = {
            "shift": (self.shift, -1),
            "scale_diag": (self.scale_diag, -1),
            "scale_tril (rows)": (self.scale_tril, -2),
            "scale_tril (columns)": (self.scale_tril, -1),
            "scale_perturb_factor (rows)": (self.scale_perturb_factor, -2),
        }
        return {name: value.shape[axis] for name, (value, axis) in told.items() if value is not None}

    def _check(self, x: jax.Array) -> None:
        for size in self._sizes().values():
            check_event(x, (size,), "Affine")


def _optional(value: Any, name: str, rank: int) -> jax.Array | None:
    if value is None:
        return None
    array = as_parameter(value, f"Affine: {name}")
    if array.ndim < rank:
        raise ValueError(
            f"Affine: {name} expects an array with at least {rank} axes, leading ones being batch axes, and got shape "
            f"{array.shape}"
        )
    return array


def _solver(diagonal: jax.Array, matrix: jax.Array | None) -> Callable[[jax.Array], jax.Array]:
    """z -> M^-1 z. Of a small M by M^-1 itself, a program a fraction of the size."""
    if matrix is None:
        return lambda z: z / diagonal
    if matrix.shape[-1] > _INVERTED:
        return lambda z: solve_triangular(matrix, z, lower=True)
    inverse = invert_lower(matrix)
    return lambda z: multiply(inverse, z)


def _solve_columns(matrix: jax.Array, columns: jax.Array) -> jax.Array:
    """(M^-1 V)^T of lower-triangular M, shape [..., d, d], and V^T, shape [..., r, d], whose axes broadcast."""
    if columns.size == 0:
        return columns
    options = {"left_side": False, "lower": True, "transpose_a": True}
    if matrix.ndim == 2:
        rows = columns.reshape(-1, columns.shape[-1])
        return lax.linalg.triangular_solve(jnp.tril(matrix), rows, **options).reshape(columns.shape)
    batch = jnp.broadcast_shapes(matrix.shape[:-2], columns.shape[:-2])
    matrix, columns = (jnp.broadcast_to(a, batch + a.shape[-2:]) for a in (matrix, columns))
    return lax.linalg.triangular_solve(jnp.tril(matrix), columns, **options)


def _log_abs_det_of(matrix: jax.Array) -> jax.Array:
    return jnp.log(jnp.abs(matrix[..., 0, 0])) if matrix.shape[-1] == 1 else jnp.linalg.slogdet(matrix)[1]
