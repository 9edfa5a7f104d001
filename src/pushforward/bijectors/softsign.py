"""Softsign: y = x / (1 + |x|)."""

import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import log1p
from .base import Bijector


class Softsign(Bijector):
    """y = x / (1 + |x|), element by element.

    inverse  x = y / (1 - |y|);    log |dy/dx| = -2 log(1 + |x|);    domain: real;    codomain: (-1, 1), open.

    Beyond |x| = 2^25 (in float32) y rounds to an end of the interval; the inverse there is infinite. 1 - |y| is exact
    for |y| > 1/2, so nothing is lost on the way to the ends.

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.open_interval(-1.0, 1.0)

    def _forward_and_log_det(self, x):
        # Infinity counts as the largest number, of which y is 1, and not infinity / infinity.
        largest = jnp.finfo(x.dtype).max
        finite = jnp.clip(x, -largest, largest)
        return finite / (1 + jnp.abs(finite)), -2 * log1p(jnp.abs(x))

    def _inverse_and_log_det(self, y):
        return y / (1 - jnp.abs(y)), -2 * log1p(-jnp.abs(y))
