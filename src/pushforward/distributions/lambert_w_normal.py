"""LambertWNormal: a normal variable with its tails made heavy."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import Normal, constraints

from ..bijectors import Chain, LambertWTail, Scale, Shift
from ..core.parameters import check_broadcast
from .parametric import ParametricDistribution, exponential


class LambertWNormal(ParametricDistribution):
    """y = loc + scale x exp(d x^2 / 2), x ~ Normal(0, 1); d is the tailweight.

    log p(y) = -x^2 / 2 - log(2 pi) / 2 - log scale - w / 2 - log(1 + w), w = d x^2 = W(d z^2), z = (y - loc) / scale;
    support: real. Tails fall as |y|^(-1 - 1/d); at d = 0 it is Normal(loc, scale).
    mean  loc for d < 1;    variance  scale^2 (1 - 2 d)^(-3/2) for d < 1/2, infinite up to 1; NaN beyond.

    Args:
        loc: any shape; shapes broadcast to the batch shape.
        scale: positive. The parameter that trains is its logarithm, `raw_scale`.
        tailweight: d >= 0; None is 0. The parameter that trains is its logarithm, `raw_tailweight`, which does not move
            from 0.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale is not positive or tailweight negative, or the shapes do not broadcast.

    For other laws than the normal, `LambertWTail(shift, scale, tailweight)(distribution)`.

    Reference: Goerg 2015, "The Lambert way to Gaussianize heavy-tailed data with the inverse of Tukey's h
        transformation
        as a special case", eq. 18 for the variance.
    """

    pytree_data_fields = ("loc", "raw_scale", "raw_tailweight")
    support = constraints.real
    scale = exponential("raw_scale", "The unit of y - loc.")
    tailweight = exponential("raw_tailweight", "d, or None for 0.")

    def __init__(self, loc: Any, scale: Any, tailweight: Any = None, *, validate_args: bool = False):
        self._hold({"loc": loc}, {"scale": scale}, validate_args=validate_args)
        if tailweight is None:
            self.raw_tailweight = None
        else:
            check_broadcast("LambertWNormal", loc=loc, scale=scale, tailweight=tailweight)
            self.raw_tailweight = LambertWTail(0.0, 1.0, tailweight, validate_args=validate_args).raw_tailweight

    @property
    def base(self) -> Any:
        """Normal(0, 1)."""
        return Normal(0.0, 1.0)

    @property
    def bijector(self) -> Any:
        """loc + scale x exp(d x^2 / 2)."""
        affine = [Shift(self.loc), Scale(self.scale)]
        return Chain(affine if self.raw_tailweight is None else [*affine, LambertWTail(0.0, 1.0, self.tailweight)])

    @property
    def mean(self) -> jax.Array:
        """loc, or NaN from d = 1 on."""
        own, d = self._with_tailweight()
        return jnp.broadcast_to(jnp.where(d < 1, own.loc, jnp.nan), self.batch_shape)

    @property
    def variance(self) -> jax.Array:
        """scale^2 (1 - 2 d)^(-3/2), infinite from d = 1/2 and NaN from d = 1 on."""
        own, d = self._with_tailweight()
        finite = jnp.where(d < 0.5, own.scale**2 * (1 - 2 * jnp.where(d < 0.5, d, 0)) ** -1.5, jnp.inf)
        return jnp.broadcast_to(jnp.where(d < 1, finite, jnp.nan), self.batch_shape)

    def _with_tailweight(self) -> tuple[Any, jax.Array]:
        own = self._in_one_dtype()
        return own, jnp.zeros((), own.raw_scale.dtype) if own.raw_tailweight is None else own.tailweight
