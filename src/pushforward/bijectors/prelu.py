"""PReLU: a rectifier with a learnable slope."""

from typing import Any

import jax
import jax.numpy as jnp

from ..core.parameters import positive_parameter
from .base import Bijector


class PReLU(Bijector):
    """y = x where x >= 0 and alpha x elsewhere, element by element, alpha > 0 (He et al. 2015).

    inverse  x = y where y >= 0 and y / alpha elsewhere;    log |dy/dx| = 0 where x >= 0 and log(alpha) elsewhere;
    domain and codomain: real.

    Args:
        alpha: slope of the negative half-line, any shape that broadcasts against x, so that each coordinate may have
            its own. The parameter that trains is its logarithm, `raw_alpha`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known alpha is not positive.
    """

    raw_alpha: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(self, alpha: Any = 0.25, *, validate_args: bool = False):
        self.raw_alpha = jnp.log(positive_parameter(alpha, "PReLU: alpha"))
        self.validate_args = validate_args

    @property
    def alpha(self) -> jax.Array:
        """The slope of the negative half-line."""
        return jnp.exp(self.raw_alpha)

    def _forward_and_log_det(self, x):
        return jnp.where(x < 0, self.alpha * x, x), jnp.where(x < 0, self.raw_alpha, 0)

    def _inverse_and_log_det(self, y):
        return jnp.where(y < 0, y / self.alpha, y), jnp.where(y < 0, -self.raw_alpha, 0)
