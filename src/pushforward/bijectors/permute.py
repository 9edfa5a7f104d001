"""Permute: one axis of the event in another order."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import constant_field, static_field
from ..core.parameters import known_values
from .base import Bijector


class Permute(Bijector):
    """y[..., i] = x[..., permutation[i]] along one axis of the event.

    inverse  x[..., permutation[i]] = y[..., i];    log |det dy/dx| = 0;    domain and codomain: real.

    Args:
        permutation: integers 0 to D - 1 in some order, shape (D,). It is an array, not structure, so that layers with
            different permutations may be stacked and share one compiled program.
        axis: the axis of the event, negative, counted from the end; an event has at least `-axis` axes.
        validate_args: check that the integers are a permutation also where they are traced.

    Raises:
        TypeError: if permutation does not hold integers.
        ValueError: if it is not a permutation, or axis is not negative, or the axis of an input has another size.
    """

    permutation: jax.Array = constant_field()
    inverse_permutation: jax.Array = constant_field()
    axis: int = static_field()

    is_constant_jacobian = True
    permutes = True  # the entries of y are entries of x, so bounds on all of them carry over

    def __init__(self, permutation: Any, axis: int = -1, *, validate_args: bool = False):
        if axis >= 0:
            raise ValueError(
                f"Permute counts its axis from the end of the event, and got axis={axis}: counted from the front, its "
                "place would change with the number of batch axes. Give a negative axis."
            )
        self.permutation = _as_integers(permutation)
        self.inverse_permutation = jnp.argsort(self.permutation)
        self.axis = axis
        self.validate_args = validate_args

    @property
    def forward_min_event_ndims(self) -> int:
        """The axes from the permuted one to the last."""
        return -self.axis

    def _forward_and_log_det(self, x):
        return self._gather(x, self.permutation, self.inverse_permutation), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return self._gather(y, self.inverse_permutation, self.permutation), jnp.zeros((), y.dtype)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _gather(self, x: jax.Array, order: jax.Array, inverse_order: jax.Array) -> jax.Array:
        size = order.shape[-1]
        if x.shape[self.axis] != size:
            raise ValueError(
                f"Permute: axis {self.axis} of an input of shape {x.shape} has {x.shape[self.axis]} entries, and the "
                f"permutation orders {size}. Give a permutation of as many integers as the axis has entries."
            )
        if self.validate_args:
            complete = jnp.all(jnp.sort(order) == jnp.arange(size, dtype=order.dtype))
            order = eqx.error_if(order, ~complete, "Permute: expected each of the integers 0 to D - 1 once")

        return gather(x, order, inverse_order, self.axis)


def gather(x: jax.Array, order: jax.Array, inverse_order: jax.Array, axis: int = -1) -> jax.Array:
    """x with the entries of one axis taken in `order`, fast in reverse mode too.

    Orders with batch axes, of the last axis only, take x of their batch shape or one that is broadcast from it.

    The transpose of a gather is a scatter, which is slow. That of a permutation is the gather of the inverse order,
    said to JAX as the solution of P^T y = x, whose matrix has an inverse and a transpose that are known.
    """
    return lax.custom_linear_solve(
        lambda y: _take(y, inverse_order, axis),
        x,
        solve=lambda _, x: _take(x, order, axis),
        transpose_solve=lambda _, y: _take(y, inverse_order, axis),
    )


def _take(x: jax.Array, order: jax.Array, axis: int) -> jax.Array:
    if order.ndim > 1:
        return jnp.take_along_axis(x, jnp.broadcast_to(order, x.shape), axis=-1)
    index = (Ellipsis, order, *[slice(None)] * (-axis - 1))
    return x.at[index].get(mode="clip", unique_indices=True)


def _as_integers(permutation: Any) -> jax.Array:
    known = known_values(permutation)
    dtype = permutation.dtype if known is None else known.dtype
    if not np.issubdtype(dtype, np.integer):
        raise TypeError(
            f"Permute expects integers, the places 0 to D - 1 from which the entries come, and got dtype {dtype}"
        )
    shape = np.shape(permutation)
    if len(shape) != 1:
        raise ValueError(
            f"Permute expects one row of integers, shape (D,), and got shape {shape}; for many, use jax.vmap"
        )
    if known is not None and not np.array_equal(np.sort(known), np.arange(known.size)):
        raise ValueError(
            f"Permute: {known.tolist()} is not a permutation of 0 to {known.size - 1}. Give each of these integers "
            "exactly once, so that the map has an inverse."
        )
    return jnp.asarray(permutation, jnp.int32)
