"""Householder: a reflection."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core.parameters import as_parameter, known_values
from .base import Bijector
from .events import check_event
from .linear_algebra import dot


class Householder(Bijector):
    """y = x - 2 v (v^T x) / (v^T v): the reflection of x at the hyperplane through 0 that is normal to v.

    inverse  the same map;    log |det dy/dx| = 0;    domain and codomain: real vectors.

    A product of d reflections of vectors of d numbers can be any orthogonal matrix (Tomczak and Welling 2016).

    Args:
        reflection_axis: v, shape [..., d], not zero; its length does not matter. Leading axes are batch axes.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if reflection_axis is a scalar or known to be zero, or an input has another number of entries.
    """

    reflection_axis: jax.Array

    forward_min_event_ndims = 1
    is_constant_jacobian = True

    def __init__(self, reflection_axis: Any, *, validate_args: bool = False):
        self.reflection_axis = as_parameter(reflection_axis, "Householder: reflection_axis")
        if self.reflection_axis.ndim < 1:
            raise ValueError(
                "Householder: expected reflection_axis of shape [..., d], and got a scalar; it is a vector normal to "
                "the mirror. Give one number for each entry of an event."
            )
        known = known_values(self.reflection_axis)
        if known is not None and known.size and not np.all(np.any(known != 0, axis=-1)):
            raise ValueError(
                f"Householder: expected a reflection_axis that is not zero, and got {known.tolist()}; a zero vector is "
                "normal to no hyperplane. Give a direction, of any length."
            )
        self.validate_args = validate_args

    def _forward_and_log_det(self, x):
        check_event(x, (self.reflection_axis.shape[-1],), "Householder")
        # Divided by its largest entry, which changes nothing, so that squares neither overflow nor vanish.
        largest = lax.stop_gradient(jnp.max(jnp.abs(self.reflection_axis), axis=-1, keepdims=True, initial=0.0))
        axis = self.reflection_axis / largest
        return x - dot(axis, x)[..., None] * (axis * (2 / dot(axis, axis)[..., None])), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return self._forward_and_log_det(y)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape
