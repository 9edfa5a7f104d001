"""LeakyReLU: a rectifier with a fixed slope."""

from typing import Any

import jax
import jax.numpy as jnp

from ..core import constant_field
from ..core.parameters import positive_parameter
from .base import Bijector


class LeakyReLU(Bijector):
    """y = x where x >= 0 and negative_slope x elsewhere, element by element; `PReLU` with a slope that does not train.

    inverse  x = y where y >= 0 and y / negative_slope elsewhere;
    log |dy/dx| = 0 where x >= 0 and log(negative_slope) elsewhere;    domain and codomain: real.

    Args:
        negative_slope: positive, any shape that broadcasts against x.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known slope is not positive.
    """

    negative_slope: jax.Array = constant_field()

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(self, negative_slope: Any = 0.01, *, validate_args: bool = False):
        self.negative_slope = positive_parameter(negative_slope, "LeakyReLU: negative_slope")
        self.validate_args = validate_args

    def _forward_and_log_det(self, x):
        return jnp.where(x < 0, self.negative_slope * x, x), jnp.where(x < 0, jnp.log(self.negative_slope), 0)

    def _inverse_and_log_det(self, y):
        return jnp.where(y < 0, y / self.negative_slope, y), jnp.where(y < 0, -jnp.log(self.negative_slope), 0)
