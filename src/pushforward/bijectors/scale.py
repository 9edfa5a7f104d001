"""Scale: y = scale * x."""

from typing import Any

import jax.numpy as jnp

from ..core.parameters import as_parameter
from .base import Bijector


class Scale(Bijector):
    """y = scale * x, element by element.

    inverse  x = y / scale;    log |dy/dx| = log |scale|;    domain and codomain: real.

    Args:
        scale: non-zero multiplier, any shape that broadcasts against x. Give this or `log_scale`.
        log_scale: its logarithm, for a positive scale; the parameter that trains is then log_scale itself, and the
            attribute `scale` is None.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if both or neither are given.
    """

    scale: Any
    log_scale: Any

    forward_min_event_ndims = 0
    is_constant_jacobian = True

    def __init__(self, scale: Any = None, log_scale: Any = None, *, validate_args: bool = False):
        if (scale is None) == (log_scale is None):
            raise ValueError(
                "Scale takes either scale or log_scale, and got "
                f"{'neither' if scale is None else 'both'}; give exactly one"
            )
        self.scale = None if scale is None else as_parameter(scale, "Scale: scale")
        self.log_scale = None if log_scale is None else as_parameter(log_scale, "Scale: log_scale")
        self.validate_args = validate_args

    @property
    def is_increasing(self) -> Any:
        """Where the scale is positive."""
        return True if self.scale is None else self.scale > 0

    def _forward_and_log_det(self, x):
        return x * self._multiplier(), self._log_abs_scale()

    def _inverse_and_log_det(self, y):
        return y / self._multiplier(), -self._log_abs_scale()

    def _multiplier(self) -> Any:
        return self.scale if self.log_scale is None else jnp.exp(self.log_scale)

    def _log_abs_scale(self) -> Any:
        return jnp.log(jnp.abs(self.scale)) if self.log_scale is None else self.log_scale
