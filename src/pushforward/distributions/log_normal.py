"""LogNormal: a number whose logarithm is normal."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import Normal, constraints

from ..bijectors import Chain, Exp, Scale, Shift
from .parametric import ParametricDistribution, exponential


class LogNormal(ParametricDistribution):
    """y = exp(loc + scale x), x ~ Normal(0, 1).

    log p(y) = -z^2 / 2 - log(y scale) - log(2 pi) / 2, z = (log y - loc) / scale;    support: y > 0.
    mean  exp(loc + scale^2 / 2);    variance  mean^2 (exp(scale^2) - 1).

    Args:
        loc: mean of log y, any shape; shapes broadcast to the batch shape.
        scale: positive, the standard deviation of log y. The parameter that trains is its logarithm, `raw_scale`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale is not positive, or the shapes do not broadcast.
    """

    pytree_data_fields = ("loc", "raw_scale")
    support = constraints.positive
    scale = exponential("raw_scale", "The standard deviation of log y.")

    def __init__(self, loc: Any = 0.0, scale: Any = 1.0, *, validate_args: bool = False):
        self._hold({"loc": loc}, {"scale": scale}, validate_args=validate_args)

    @property
    def base(self) -> Any:
        """Normal(0, 1)."""
        return Normal(0.0, 1.0)

    @property
    def bijector(self) -> Any:
        """Exp of an affine map."""
        return Chain([Exp(), Shift(self.loc), Scale(self.scale)])

    @property
    def mean(self) -> jax.Array:
        """exp(loc + scale^2 / 2)."""
        own = self._in_one_dtype()
        return jnp.broadcast_to(jnp.exp(own.loc + own.scale**2 / 2), self.batch_shape)

    @property
    def variance(self) -> jax.Array:
        """mean^2 (exp(scale^2) - 1)."""
        own = self._in_one_dtype()
        return jnp.broadcast_to(jnp.expm1(own.scale**2) * jnp.exp(2 * own.loc + own.scale**2), self.batch_shape)

    def entropy(self) -> jax.Array:
        """loc + log scale + (1 + log 2 pi) / 2, in nats."""
        own = self._in_one_dtype()
        return jnp.broadcast_to(own.loc + own.raw_scale + (1 + math.log(2 * math.pi)) / 2, self.batch_shape)
