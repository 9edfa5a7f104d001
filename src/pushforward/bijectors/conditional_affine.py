"""ConditionalAffine: a scale and a shift computed from the condition."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from ..core import as_callable, constant_field, replace, static_field
from .base import Bijector
from .transformers import AffineTransformer


class ConditionalAffine(Bijector):
    """y_i = x_i exp(log_scale_i(c)) + shift_i(c), c the bound condition.

    inverse  x_i = (y_i - shift_i(c)) exp(-log_scale_i(c));    log |det dy/dx| = sum_i log_scale_i(c);    domain and
    codomain: real vectors. It lets a condition into flows whose other layers take none.

    Args:
        shift_and_log_scale_fn: maps c of shape [..., condition size] to (shift, log_scale), each [..., D], or to an
            array [..., 2 D] of both, shifts first.
        max_log_scale: soft bound of |log_scale|, see `AffineTransformer`.

    Raises:
        ValueError: on use without a condition bound.
    """

    shift_and_log_scale_fn: Any
    bound: Any = constant_field()
    transformer: AffineTransformer = static_field()

    forward_min_event_ndims = 1
    is_constant_jacobian = True

    def __init__(self, shift_and_log_scale_fn: Callable, *, max_log_scale: float = 5.0, validate_args: bool = False):
        self.shift_and_log_scale_fn = as_callable(shift_and_log_scale_fn)
        self.bound = None
        self.transformer = AffineTransformer(max_log_scale=max_log_scale)
        self.validate_args = validate_args

    def condition(self, c):
        """The map with `c` bound."""
        return replace(self, bound=jnp.asarray(c))

    def batch_shape(self, event_shape):
        """The batch axes of the bound condition."""
        return () if self.bound is None else self.bound.shape[:-1]

    def _forward_and_log_det(self, x):
        y, log_det = self.transformer.forward_and_log_det(self._params(), x)
        return y, jnp.sum(log_det, -1)

    def _inverse_and_log_det(self, y):
        x, log_det = self.transformer.inverse_and_log_det(self._params(), y)
        return x, jnp.sum(log_det, -1)

    def _params(self):
        if self.bound is None:
            raise ValueError(
                "ConditionalAffine has no condition bound, so its scale and shift are not defined; bind one first: "
                "flow(c) or bijector.condition(c)"
            )
        out = self.shift_and_log_scale_fn(self.bound)
        shift, log_scale = out if isinstance(out, tuple | list) else jnp.split(out, 2, axis=-1)
        return jnp.stack([shift, log_scale])
