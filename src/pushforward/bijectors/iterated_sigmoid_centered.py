"""IteratedSigmoidCentered: vectors to the simplex, by breaking a stick."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from numpyro.distributions import constraints

from ..core.elementary import log_ratio
from .base import Bijector
from .linear_algebra import sum_last


class IteratedSigmoidCentered(Bijector):
    """y_k = z_k (1 - z_1) ... (1 - z_{k-1}), z_k = sigmoid(x_k - log(K - k)): stick breaking, zero to the centre.

    inverse  x_k = log((K - k) y_k / (y_{k+1} + ... + y_K));
    log |dy/dx| = sum_k [log z_k + (K - k) log(1 - z_k)], k from 1 to K - 1;
    domain: real vectors of K - 1 numbers;    codomain: the simplex of K, of which y_K is what is left of the stick.

    The log-determinant is that of the first K - 1 coordinates of y, as for `SoftmaxCentered`: the measure of the
    Dirichlet. The map is Stan's for simplices.

    Sticks are products and sums of positive numbers, never 1 minus the others, so that the smallest is right too.

    Args:
        validate_args: check values (y on the simplex), also under `jit`.

    Raises:
        ValueError: if y is empty.
    """

    forward_min_event_ndims = 1
    codomain = constraints.simplex

    def _forward_and_log_det(self, x):
        below = _sticks_below(x.shape[-1])
        score = x - np.log(below).astype(x.dtype)
        small = jnp.exp(-jnp.abs(score))
        more = 1 / (1 + small)
        broken = jnp.where(score < 0, small * more, more)  # z_k
        kept = jnp.where(score < 0, more, small * more)  # 1 - z_k
        left = jnp.concatenate([jnp.ones_like(x, shape=(*x.shape[:-1], 1)), jnp.cumprod(kept, axis=-1)], axis=-1)
        y = jnp.concatenate([broken * left[..., :-1], left[..., -1:]], axis=-1)
        log1p = jnp.log1p(small)
        log_broken, log_kept = jnp.minimum(score, 0) - log1p, -jnp.maximum(score, 0) - log1p
        return y, sum_last(log_broken + below.astype(x.dtype) * log_kept)

    def _inverse(self, y):
        self._inverse_event_shape(y.shape)
        left = lax.cumsum(y, axis=y.ndim - 1, reverse=True)[..., 1:]
        return log_ratio(_sticks_below(y.shape[-1] - 1).astype(y.dtype) * y[..., :-1], left)

    def _inverse_within(self, y):
        # NumPyro's simplex holds its faces, which are not images of points: x is infinite there.
        interior = jnp.all((y > 0) | jnp.isnan(y), axis=-1)
        x, log_det, inside = super()._inverse_within(jnp.where(interior[..., None], y, 1 / y.shape[-1]))
        return x, log_det, inside & interior

    def _forward_event_shape(self, shape):
        return (*shape[:-1], shape[-1] + 1)

    def _inverse_event_shape(self, shape):
        if shape[-1] < 1:
            raise ValueError(
                f"IteratedSigmoidCentered.inverse: expected vectors of at least one probability, and got shape {shape};"
                " nothing sums to one otherwise. Give points of the simplex, shape [..., K]."
            )
        return (*shape[:-1], shape[-1] - 1)


def _sticks_below(size: int) -> np.ndarray:
    """K - k: K - 1, ..., 1."""
    return np.arange(size, 0, -1)
