"""Ascending: vectors in increasing order."""

import jax.numpy as jnp
from numpyro.distributions import constraints

from .base import Bijector


class Ascending(Bijector):
    """y_1 = x_1, y_k = y_{k-1} + exp(x_k): vectors in strictly increasing order.

    inverse  x_1 = y_1, x_k = log(y_k - y_{k-1});    log |det dy/dx| = sum_{k >= 2} x_k;
    domain: real vectors;    codomain: vectors in increasing order.

    A step that is small beside the numbers between which it lies is rounded off: then the inverse is minus infinity.

    Args:
        validate_args: check values (y in increasing order), also under `jit`.
    """

    forward_min_event_ndims = 1
    codomain = constraints.ordered_vector

    def _forward_and_log_det(self, x):
        first, steps = x[..., :1], jnp.exp(x[..., 1:])
        y = jnp.cumsum(jnp.concatenate([first, steps], axis=-1), axis=-1)
        return y, jnp.sum(x[..., 1:], axis=-1)

    def _inverse(self, y):
        return jnp.concatenate([y[..., :1], jnp.log(y[..., 1:] - y[..., :-1])], axis=-1)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape
