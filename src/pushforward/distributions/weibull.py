"""Weibull: powers of an exponential variable."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from numpyro.distributions import constraints

from ..bijectors import Chain, Exp, Scale, Shift
from .gumbel import _EULER, StandardGumbel
from .parametric import ParametricDistribution, exponential


class Weibull(ParametricDistribution):
    """y = scale e^(1 / k), e ~ Exponential(1), k the concentration.

    P(y <= v) = 1 - exp(-(v / scale)^k);    log p(v) = log k - log v + k log(v / scale) - (v / scale)^k;
    support: y > 0;    mean  scale Γ(1 + 1/k);    variance  scale^2 (Γ(1 + 2/k) - Γ(1 + 1/k)^2).

    It is computed from g = -log e, a Gumbel variable, as log y = log scale - g / k, so both tails keep their digits.

    Args:
        concentration: positive, any shape; shapes broadcast to the batch shape. The parameter that trains is its
            logarithm, `raw_concentration`.
        scale: positive, likewise.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known parameter is not positive, or the shapes do not broadcast.

    The order of the arguments is TFP's; NumPyro's has the scale first.
    """

    pytree_data_fields = ("raw_concentration", "raw_scale")
    support = constraints.positive
    concentration = exponential("raw_concentration", "The power k.")
    scale = exponential("raw_scale", "The unit of y.")

    def __init__(self, concentration: Any, scale: Any, *, validate_args: bool = False):
        self._hold(positive={"concentration": concentration, "scale": scale}, validate_args=validate_args)

    @property
    def base(self) -> Any:
        """The standard Gumbel distribution, of -log e."""
        return StandardGumbel()

    @property
    def bijector(self) -> Any:
        """exp(log scale - g / k)."""
        return Chain([Exp(), Shift(self.raw_scale), Scale(-jnp.exp(-self.raw_concentration))])

    @property
    def mean(self) -> jax.Array:
        """scale Γ(1 + 1/k)."""
        own = self._in_one_dtype()
        return jnp.broadcast_to(own.scale * jnp.exp(gammaln(1 + 1 / own.concentration)), self.batch_shape)

    @property
    def variance(self) -> jax.Array:
        """scale^2 (Γ(1 + 2/k) - Γ(1 + 1/k)^2)."""
        own = self._in_one_dtype()
        first, second = gammaln(1 + 1 / own.concentration), gammaln(1 + 2 / own.concentration)
        return jnp.broadcast_to(jnp.expm1(second - 2 * first) * jnp.exp(2 * (own.raw_scale + first)), self.batch_shape)

    def entropy(self) -> jax.Array:
        """γ (1 - 1/k) + log(scale / k) + 1, in nats; γ is Euler's constant."""
        own = self._in_one_dtype()
        entropy = _EULER * (1 - 1 / own.concentration) + own.raw_scale - own.raw_concentration + 1
        return jnp.broadcast_to(entropy, self.batch_shape)
