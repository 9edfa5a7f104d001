"""Shift: y = x + shift."""

from typing import Any

import jax
import jax.numpy as jnp

from ..core.parameters import as_parameter
from .base import Bijector


class Shift(Bijector):
    """y = x + shift, element by element.

    inverse  x = y - shift;    log |dy/dx| = 0;    domain and codomain: real.

    Args:
        shift: any shape that broadcasts against x.
        validate_args: check values, also under `jit`.
    """

    shift: jax.Array

    forward_min_event_ndims = 0
    is_constant_jacobian = True
    is_increasing = True

    def __init__(self, shift: Any, *, validate_args: bool = False):
        self.shift = as_parameter(shift, "Shift: shift")
        self.validate_args = validate_args

    def _forward_and_log_det(self, x):
        return x + self.shift, jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return y - self.shift, jnp.zeros((), y.dtype)
