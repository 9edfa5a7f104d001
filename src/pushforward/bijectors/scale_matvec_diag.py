"""ScaleMatvecDiag: a diagonal matrix times a vector."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..core import static_field
from ..core.parameters import as_parameter
from .base import Bijector
from .events import check_event


class ScaleMatvecDiag(Bijector):
    """y = diag(scale_diag) x.

    inverse  x = y / scale_diag;    log |det dy/dx| = sum_i log |scale_diag_i|;    domain and codomain: real vectors.

    Args:
        scale_diag: non-zero, shape [..., d]; leading axes are batch axes.
        adjoint: use the adjoint matrix; of a real diagonal one it is the same (TFP's argument).
        validate_args: check values (scale_diag non-zero included), also under `jit`.

    Raises:
        ValueError: if scale_diag is a scalar, or an input has another number of entries.
    """

    scale_diag: jax.Array
    adjoint: bool = static_field()

    forward_min_event_ndims = 1
    is_constant_jacobian = True

    def __init__(self, scale_diag: Any, adjoint: bool = False, *, validate_args: bool = False):
        self.scale_diag = as_parameter(scale_diag, "ScaleMatvecDiag: scale_diag")
        if self.scale_diag.ndim == 0:
            raise ValueError(
                "ScaleMatvecDiag expects one factor for each entry of the event, shape [..., d], and got a scalar, "
                "which does not say how long the event is. Repeat it with jnp.full, or use Scale for maps of scalars."
            )
        self.adjoint = adjoint
        self.validate_args = validate_args

    def _forward_and_log_det(self, x):
        diagonal = self._diagonal_for(x)
        return x * diagonal, jnp.sum(jnp.log(jnp.abs(diagonal)), axis=-1)

    def _inverse_and_log_det(self, y):
        diagonal = self._diagonal_for(y)
        return y / diagonal, -jnp.sum(jnp.log(jnp.abs(diagonal)), axis=-1)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _diagonal_for(self, x: jax.Array) -> jax.Array:
        check_event(x, (self.scale_diag.shape[-1],), "ScaleMatvecDiag")
        if not self.validate_args:
            return self.scale_diag
        return eqx.error_if(
            self.scale_diag, jnp.any(self.scale_diag == 0), "ScaleMatvecDiag: expected scale_diag without zeros"
        )
