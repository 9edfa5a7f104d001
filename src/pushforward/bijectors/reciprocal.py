"""Reciprocal: y = 1 / x."""

import equinox as eqx
import jax
import jax.numpy as jnp

from .base import Bijector


class Reciprocal(Bijector):
    """y = 1 / x, element by element; its own inverse.

    inverse  x = 1 / y;    log |dy/dx| = -2 log |x|;    domain and codomain: the real numbers but 0.

    It decreases on either side of 0 and not across it, so `is_increasing` is None: 1 / X has no distribution function
    that the bijector could tell from that of X. (NumPyro has no name for the set, and it is declared as `real`.)

    Args:
        validate_args: check that x is not 0, also under `jit`. (Otherwise 0 gives infinity.)
    """

    forward_min_event_ndims = 0

    def _forward_and_log_det(self, x):
        zero = x == 0
        if self.validate_args:
            x = eqx.error_if(x, jnp.any(zero), "Reciprocal: expected numbers other than 0, and got 0")
        # The derivative at 0 is left out, so that a density that vanishes there has one.
        log_det = jnp.where(zero, jnp.inf, -2 * jnp.log(jnp.abs(jnp.where(zero, 1, x))))
        return _reciprocal(x), log_det

    def _inverse_and_log_det(self, y):
        return self._forward_and_log_det(y)


@jax.custom_jvp
def _reciprocal(x: jax.Array) -> jax.Array:
    """1 / x. JAX forms its derivative from x^2, which is a subnormal number before 1 / x^2 overflows."""
    return 1 / x


@_reciprocal.defjvp
def _reciprocal_jvp(primals, tangents):
    y = _reciprocal(primals[0])
    return y, -(y * y) * tangents[0]
