"""KumaraswamyCDF: the distribution function of Kumaraswamy's law."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import log_one_minus, one_minus_exp, power, power_and_log, times_log, times_log_zero
from ..core.parameters import check_broadcast, positive_parameter
from .base import Bijector


class KumaraswamyCDF(Bijector):
    """y = 1 - (1 - x^a)^b, element by element; a and b are concentration1 and concentration0.

    inverse  x = (1 - (1 - y)^(1/b))^(1/a);    log |dy/dx| = log(a b) + (a - 1) log(x) + (b - 1) log(1 - x^a);
    domain and codomain: [0, 1].

    At the ends the log-determinant is its limit. Near x = 1, 1 - x^a is taken from a log(x): of a rounded power its
    relative precision would be lost.

    Args:
        concentration1: a > 0, any shape that broadcasts against x. The parameter that trains is its logarithm,
            `raw_concentration1`.
        concentration0: b > 0, likewise; `raw_concentration0`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known concentration is not positive, or the shapes do not broadcast.

    Reference: Kumaraswamy 1980, "A generalized probability density function for double-bounded random processes".
    """

    raw_concentration1: jax.Array
    raw_concentration0: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True
    domain = constraints.unit_interval
    codomain = constraints.unit_interval

    def __init__(self, concentration1: Any = 1.0, concentration0: Any = 1.0, *, validate_args: bool = False):
        check_broadcast("KumaraswamyCDF", concentration1=concentration1, concentration0=concentration0)
        a = positive_parameter(concentration1, "KumaraswamyCDF: concentration1", validate=validate_args)
        b = positive_parameter(concentration0, "KumaraswamyCDF: concentration0", validate=validate_args)
        self.raw_concentration1, self.raw_concentration0 = jnp.log(a), jnp.log(b)
        self.validate_args = validate_args

    @property
    def concentration1(self) -> jax.Array:
        """a, the power at 0."""
        return jnp.exp(self.raw_concentration1)

    @property
    def concentration0(self) -> jax.Array:
        """b, the power at 1."""
        return jnp.exp(self.raw_concentration0)

    def _forward_and_log_det(self, x):
        a, b = self.concentration1, self.concentration0
        at_zero, at_one = x < jnp.finfo(x.dtype).tiny, x >= 1
        x_a, log_x = power_and_log(jnp.where(at_one, 0.5, x), a)
        log_left = log_one_minus(x_a, a * log_x)
        log_det = jnp.where(at_zero, times_log_zero(a - 1).astype(x.dtype), (a - 1) * log_x)
        log_det += jnp.where(at_one, times_log_zero(b - 1).astype(x.dtype), (b - 1) * log_left)
        log_det = jnp.where((x < 0) | (x > 1), -jnp.inf, self.raw_concentration1 + self.raw_concentration0 + log_det)
        return jnp.where(at_one, 1, one_minus_exp(-b * log_left)), log_det

    def _inverse_and_log_det(self, y):
        a, b = self.concentration1, self.concentration0
        at_one = y >= 1
        log_left = jnp.log1p(-jnp.where(at_one, 0, y)) / b  # log(1 - x^a)
        power_a = jnp.where(at_one, 1, one_minus_exp(-log_left))
        log_det = times_log(1 / a - 1, power_a)
        log_det -= jnp.where(at_one, times_log_zero(b - 1).astype(y.dtype), (b - 1) * log_left)
        return power(power_a, 1 / a), log_det - (self.raw_concentration1 + self.raw_concentration0)
