"""SoftmaxCentered: vectors to the simplex."""

import jax.numpy as jnp
from jax import lax
from numpyro.distributions import constraints

from ..core.elementary import log_ratio
from .base import Bijector


class SoftmaxCentered(Bijector):
    """y = softmax([x, 0]): a vector of K - 1 numbers to a point of the simplex of K, the last score fixed at 0.

    inverse  x_i = log(y_i / y_K);
    log |dy/dx| = sum_{i=1..K} log y_i;    domain: real vectors;    codomain: the simplex.

    The log-determinant is that of the first K - 1 coordinates of y, the measure of the Dirichlet and the relaxed
    categoricals: for K = 2 it is that of `Sigmoid()`, whose value is the first coordinate. (TFP adds log(K) / 2, as it
    measures volume on the simplex as a surface in R^K, so its densities there are not comparable with a Dirichlet's.)

    It is summed from scores below the highest and the logarithm of the total, all of one sign, so that nothing cancels
    however large x is.

    Args:
        validate_args: check values (y on the simplex), also under `jit`.

    Raises:
        ValueError: if y is empty.
    """

    forward_min_event_ndims = 1
    codomain = constraints.simplex

    def _forward_and_log_det(self, x):
        scores = jnp.concatenate([x, jnp.zeros_like(x[..., :1], shape=(*x.shape[:-1], 1))], axis=-1)
        below = scores - lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True))
        parts = jnp.exp(below)
        total = jnp.sum(parts, axis=-1)
        return parts / total[..., None], jnp.sum(below, axis=-1) - scores.shape[-1] * jnp.log(total)

    def _inverse_and_log_det(self, y):
        self._inverse_event_shape(y.shape)
        return log_ratio(y[..., :-1], y[..., -1:]), -jnp.sum(jnp.log(y), axis=-1)

    def _inverse_within(self, y):
        # NumPyro's simplex holds its faces, which are not images of points: x is infinite there.
        interior = jnp.all((y > 0) | jnp.isnan(y), axis=-1)
        x, log_det, inside = super()._inverse_within(jnp.where(interior[..., None], y, 1 / y.shape[-1]))
        return x, log_det, inside & interior

    def _forward_event_shape(self, shape):
        return (*shape[:-1], shape[-1] + 1)

    def _inverse_event_shape(self, shape):
        if shape[-1] < 1:
            raise ValueError(f"SoftmaxCentered.inverse expects at least one probability, and got shape {shape}")
        return (*shape[:-1], shape[-1] - 1)
