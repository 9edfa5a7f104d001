"""Differences of Gumbel variables: the logistic distribution, and on vectors the multivariate one."""

import operator
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from numpyro.distributions import constraints

from ..core import numeric_inputs
from ..core.elementary import logit
from ..core.shapes import accumulation_dtype
from .base import PytreeDistribution
from .draws import standard_gumbel


class StandardLogistic(PytreeDistribution):
    """x = g - h of two Gumbel variables:  P(x <= v) = 1 / (1 + exp(-v)),  log p(v) = -|v| - 2 log(1 + exp(-|v|)).

    It has no parameters; both tails keep their digits, and its draws are fine far out.
    """

    event_shape = ()
    batch_shape = ()
    support = constraints.real

    def __init__(self) -> None:
        self.frozen = False

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape `sample_shape` in JAX's default float."""
        g, h = standard_gumbel(key, (2, *sample_shape))
        return g - h

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """-|x| - 2 log(1 + exp(-|x|))."""
        size = jnp.abs(numeric_inputs(value))
        return -size - 2 * jnp.log1p(jnp.exp(-size))

    def cdf(self, value: Any) -> jax.Array:
        """1 / (1 + exp(-x))."""
        return jax.nn.sigmoid(numeric_inputs(value))

    def icdf(self, q: Any) -> jax.Array:
        """log(q / (1 - q))."""
        return logit(numeric_inputs(q))

    def _survival(self, value: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(-value)

    def _survival_quantile(self, q: jax.Array) -> jax.Array:
        return -logit(q)

    @property
    def mean(self) -> jax.Array:
        """0."""
        return jnp.zeros(())

    @property
    def variance(self) -> jax.Array:
        """pi^2 / 3."""
        return jnp.asarray(jnp.pi**2 / 3)

    def entropy(self) -> jax.Array:
        """2, in nats."""
        return jnp.asarray(2.0)

    def __repr__(self) -> str:
        return "StandardLogistic()"


class StandardMultivariateLogistic(PytreeDistribution):
    """u_i = g_i - g_K, i < K, of K independent Gumbel variables.

    log p(u) = log Γ(K) + sum_{k <= K} log softmax([-u, 0])_k. With one number (K = 2) it is `StandardLogistic`; the
    numbers of a vector are correlated by 1/2.

    Args:
        size: K - 1, the length of a vector.

    Reference: Gumbel 1961, "Bivariate logistic distributions"; Malik and Abraham 1973 for more numbers.
    """

    pytree_aux_fields = ("size", "frozen")
    batch_shape = ()
    support = constraints.real_vector

    def __init__(self, size: int):
        self.size = operator.index(size)
        self.frozen = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(K - 1,)."""
        return (self.size,)

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape [sample_shape | K - 1] in JAX's default float."""
        g = standard_gumbel(key, (*sample_shape, self.size + 1))
        return g[..., :-1] - g[..., -1:]

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log p(u) of shape [sample axes]; -inf where a number is infinite."""
        u = numeric_inputs(value)
        u = u.astype(accumulation_dtype(u.dtype))
        infinite = jnp.any(jnp.isinf(u), axis=-1)
        scores = jnp.where(infinite[..., None], 0, -u)
        scores = jnp.concatenate([scores, jnp.zeros_like(scores[..., :1])], axis=-1)
        total = jnp.sum(jax.nn.log_softmax(scores, axis=-1), axis=-1)
        return jnp.where(infinite, -jnp.inf, gammaln(jnp.asarray(self.size + 1.0, u.dtype)) + total)

    @property
    def mean(self) -> jax.Array:
        """Zeros."""
        return jnp.zeros(self.size)

    @property
    def variance(self) -> jax.Array:
        """pi^2 / 3 each."""
        return jnp.full(self.size, jnp.pi**2 / 3)

    def __repr__(self) -> str:
        return f"StandardMultivariateLogistic({self.size})"
