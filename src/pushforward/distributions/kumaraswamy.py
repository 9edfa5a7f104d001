"""Kumaraswamy: a law on (0, 1) like the beta, with a distribution function in closed form."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import digamma, gammaln
from numpyro.distributions import constraints

from ..bijectors import Bijector
from ..core.logistic import softplus_inverse
from .gumbel import _EULER, StandardGumbel
from .parametric import ParametricDistribution, exponential


class Kumaraswamy(ParametricDistribution):
    """P(y <= v) = 1 - (1 - v^a)^b on (0, 1), a = concentration1, b = concentration0.

    log p(v) = log(a b) + (a - 1) log v + (b - 1) log(1 - v^a);
    mean  b B(1 + 1/a, b);    variance  b B(1 + 2/a, b) - mean^2, B the beta function.

    It is computed from an exponential variable e = -b log(1 - y^a), so both tails keep their digits.

    Args:
        concentration1: a, positive, any shape; shapes broadcast to the batch shape. The parameter that trains is its
            logarithm, `raw_concentration1`.
        concentration0: b, likewise.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known parameter is not positive, or the shapes do not broadcast.

    Reference: Kumaraswamy 1980, "A generalized probability density function for double-bounded random processes".
    """

    pytree_data_fields = ("raw_concentration1", "raw_concentration0")
    support = constraints.unit_interval
    concentration1 = exponential("raw_concentration1", "The power of y, a.")
    concentration0 = exponential("raw_concentration0", "The power of 1 - y^a, b.")

    def __init__(self, concentration1: Any = 1.0, concentration0: Any = 1.0, *, validate_args: bool = False):
        self._hold(
            positive={"concentration1": concentration1, "concentration0": concentration0}, validate_args=validate_args
        )

    @property
    def base(self) -> Any:
        """The standard Gumbel distribution, of g = -log e."""
        return StandardGumbel()

    @property
    def bijector(self) -> Any:
        """g to y."""
        return _FromGumbel(self.raw_concentration1, self.raw_concentration0)

    @property
    def mean(self) -> jax.Array:
        """b B(1 + 1/a, b)."""
        return jnp.broadcast_to(jnp.exp(self._in_one_dtype()._log_moment(1)), self.batch_shape)

    @property
    def variance(self) -> jax.Array:
        """b B(1 + 2/a, b) - mean^2."""
        own = self._in_one_dtype()
        first = own._log_moment(1)
        variance = jnp.expm1(own._log_moment(2) - 2 * first) * jnp.exp(2 * first)
        return jnp.broadcast_to(variance, self.batch_shape)

    def entropy(self) -> jax.Array:
        """(1 - 1/b) + (1 - 1/a) (ψ(b + 1) + γ) - log(a b), in nats; ψ is the digamma function, γ Euler's constant."""
        own = self._in_one_dtype()
        a, b = own.concentration1, own.concentration0
        log_ab = own.raw_concentration1 + own.raw_concentration0
        return jnp.broadcast_to(1 - 1 / b + (1 - 1 / a) * (digamma(b + 1) + _EULER) - log_ab, self.batch_shape)

    def _log_moment(self, order: int) -> jax.Array:
        """log E[y^order] = log b + log B(1 + order / a, b)."""
        a, b = self.concentration1, self.concentration0
        return self.raw_concentration0 + gammaln(1 + order / a) + gammaln(b) - gammaln(1 + order / a + b)


class _FromGumbel(Bijector):
    """y = (1 - exp(-t))^(1/a), t = e / b, e = exp(-x).

    s = log(exp(t) - 1), the logit of y^a, keeps the digits of y^a and of 1 - y^a: t = softplus(s)
    and log y = -softplus(-s) / a. So the inverse is s = -softplus^-1(-a log y), x = -log(b softplus(s)), and

        log |dy/dx| = (1 - 1/a) softplus(-s) - t - x - log(a b).
    """

    log_a: Any
    log_b: Any

    forward_min_event_ndims = 0
    is_increasing = False
    codomain = constraints.open_interval(0.0, 1.0)

    def _forward_and_log_det(self, x):
        t = jnp.exp(-x - self.log_b)
        rest = jax.nn.softplus(-softplus_inverse(t))
        return jnp.exp(-rest * jnp.exp(-self.log_a)), self._log_det(x, t, rest)

    def _inverse_and_log_det(self, y):
        rest = -jnp.exp(self.log_a) * jnp.log(y)
        t = jax.nn.softplus(-softplus_inverse(rest))
        x = -jnp.log(t) - self.log_b
        return x, -self._log_det(x, t, rest)

    def _log_det(self, x: jax.Array, t: jax.Array, rest: jax.Array) -> jax.Array:
        return (1 - jnp.exp(-self.log_a)) * rest - t - x - (self.log_a + self.log_b)
