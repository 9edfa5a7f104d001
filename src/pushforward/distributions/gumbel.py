"""Gumbel: the limit of the largest of many; and its standard form, the base of other distributions of extremes."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..bijectors import Chain, Scale, Shift
from ..core import numeric_inputs
from ..core.elementary import largest_exponent
from .base import PytreeDistribution
from .draws import standard_gumbel
from .parametric import ParametricDistribution, exponential

_EULER = 0.5772156649015329


class StandardGumbel(PytreeDistribution):
    """g = -log e, e ~ Exponential(1):  P(g <= x) = exp(-exp(-x)),  log p(x) = -x - exp(-x). It has no parameters.

    Both tails of its distribution function keep their digits, and its draws are fine far out.
    """

    def __init__(self) -> None:
        self.frozen = False

    event_shape = ()
    batch_shape = ()
    support = constraints.real

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape `sample_shape` in JAX's default float."""
        return standard_gumbel(key, tuple(sample_shape))

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """-x - exp(-x), -inf at both infinities."""
        x = numeric_inputs(value)
        overflows = -x > largest_exponent(x.dtype)
        safe = jnp.where(overflows, 0, x)
        return jnp.where(overflows, -jnp.inf, -safe - jnp.exp(-safe))

    def cdf(self, value: Any) -> jax.Array:
        """exp(-exp(-x))."""
        return jnp.exp(-jnp.exp(-numeric_inputs(value)))

    def icdf(self, q: Any) -> jax.Array:
        """-log(-log q)."""
        return -jnp.log(-jnp.log(numeric_inputs(q)))

    def _survival(self, value: jax.Array) -> jax.Array:
        return -jnp.expm1(-jnp.exp(-value))

    def _survival_quantile(self, q: jax.Array) -> jax.Array:
        return -jnp.log(-jnp.log1p(-q))

    @property
    def mean(self) -> jax.Array:
        """Euler's constant."""
        return jnp.asarray(_EULER)

    @property
    def variance(self) -> jax.Array:
        """pi^2 / 6."""
        return jnp.asarray(jnp.pi**2 / 6)

    def entropy(self) -> jax.Array:
        """1 + Euler's constant, in nats."""
        return jnp.asarray(1 + _EULER)

    def __repr__(self) -> str:
        return "StandardGumbel()"


class Gumbel(ParametricDistribution):
    """y = loc + scale g, g = -log e, e ~ Exponential(1): the Gumbel distribution of maxima.

    P(y <= v) = exp(-exp(-z)), z = (v - loc) / scale;    log p(v) = -z - exp(-z) - log scale;    support: real.
    mean  loc + 0.5772.. scale;    variance  (pi scale)^2 / 6.

    Args:
        loc: the mode, any shape; shapes broadcast to the batch shape.
        scale: positive. The parameter that trains is its logarithm, `raw_scale`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale is not positive, or the shapes do not broadcast.
    """

    pytree_data_fields = ("loc", "raw_scale")
    support = constraints.real
    scale = exponential("raw_scale", "The unit of y - loc.")

    def __init__(self, loc: Any = 0.0, scale: Any = 1.0, *, validate_args: bool = False):
        self._hold({"loc": loc}, {"scale": scale}, validate_args=validate_args)

    @property
    def base(self) -> Any:
        """The standard Gumbel distribution."""
        return StandardGumbel()

    @property
    def bijector(self) -> Any:
        """loc + scale x."""
        return Chain([Shift(self.loc), Scale(self.scale)])
