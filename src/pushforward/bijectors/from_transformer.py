"""FromTransformer: a bijector of a transformer and parameters of its own."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core import static_field
from ..core.parameters import as_parameter
from .base import Bijector
from .bins import of_rank
from .transformers import Transformer


class FromTransformer(Bijector):
    """y = T(x; params), element by element, T a transformer, whose parameters train.

    A subclass makes the transformer in its constructor.

    Attributes:
        params: shape [..., P], P = transformer.params_per_dim; leading axes are axes of x, or broadcast against them.
        transformer: T.
    """

    params: jax.Array
    transformer: Any = static_field()

    forward_min_event_ndims = 0
    is_increasing: ClassVar[Any] = True

    def __init__(self, params: jax.Array, transformer: Transformer, validate_args: bool):
        self.params = params
        self.transformer = transformer
        self.validate_args = validate_args

    @property
    def domain(self) -> Any:
        """The line, or what the transformer says."""
        return getattr(self.transformer, "domain", constraints.real)

    @property
    def codomain(self) -> Any:
        """The same as the domain."""
        return self.domain

    def _forward_and_log_det(self, x):
        return self.transformer.forward_and_log_det(self._leading(x), x)

    def _inverse_and_log_det(self, y):
        return self.transformer.inverse_and_log_det(self._leading(y), y)

    def _shapes_after(self, x):
        return jax.ShapeDtypeStruct(jnp.broadcast_shapes(self.params.shape[:-1], x.shape), x.dtype)

    def _leading(self, x: jax.Array) -> jax.Array:
        params = jnp.moveaxis(self.params, -1, 0)
        return of_rank(params, max(x.ndim, params.ndim - 1))


def counted(params: Any, each: int, rest: int, who: str, what: str, least: int = 1) -> tuple[jax.Array, int]:
    """(`params` as an array [..., each n + rest], n), n >= `least`; `what` says what n is.

    Raises:
        ValueError: for any other number of parameters.
    """
    params = as_parameter(params, f"{who}: params")
    size = params.shape[-1] if params.ndim else 0
    count, odd = divmod(size - rest, each)
    if odd or count < least:
        formula = ("K" if each == 1 else f"{each} K") + (f" {'+' if rest > 0 else '-'} {abs(rest)}" if rest else "")
        raise ValueError(
            f"{who}: expected params of shape [..., {formula}], and got shape {params.shape}; K >= {least} is the "
            f"{what}, and leading axes are axes of x. For the identity give zeros of such a shape."
        )
    return params, count
