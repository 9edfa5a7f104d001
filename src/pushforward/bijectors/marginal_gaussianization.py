"""MarginalGaussianization: each coordinate to a standard normal by a mixture of Gaussians."""

from typing import Any

import jax
import jax.numpy as jnp

from ..core import numeric_inputs, replace, static_field
from ..core.compiling import RUNS_ONCE, compiled
from .events import as_event_shape, batch_size, check_event
from .from_transformer import FromTransformer
from .mixture_of_gaussians import MixtureTransformer

_MAX_LOG_SCALE = 5.0


class MarginalGaussianization(FromTransformer):
    """y_i = F_i^-1(Phi(x_i)), F_i a mixture of Gaussians; `initialize(data)` makes inverse(data) near normal.

    inverse  x_i = Phi^-1(F_i(y_i)), in closed form;    log |det dy/dx| = sum_i log phi(x_i) - log F_i'(y_i);    domain
    and codomain: real vectors. Rotations between such layers give a Gaussianisation flow (Meng, Song, Song & Ermon
    2020; the iteration is that of Chen & Gopinath 2000).

    About the identity until it is initialised: then each mixture has its components at quantiles of the data, as wide
    as these are apart. From then on they are ordinary parameters.

    Args:
        size: number of coordinates D.
        components: of each mixture.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if an input has another size.

    Attributes:
        params: shape [D, 3 * components], see `MixtureTransformer`.
        initialized: whether `initialize` has been called; then, or when frozen, it changes nothing.
    """

    size: int = static_field()
    initialized: bool = static_field()

    forward_min_event_ndims = 1
    is_increasing = None  # which is for scalar maps

    def __init__(self, size: int, components: int = 12, *, validate_args: bool = False):
        transformer = MixtureTransformer(components, max_log_scale=_MAX_LOG_SCALE, spread=False)
        (self.size,) = as_event_shape(size)
        # Components that are all one would stay so.
        spread = 1e-2 * jnp.linspace(-1.0, 1.0, components)
        zeros = jnp.zeros((self.size, components))
        params = jnp.concatenate([zeros, zeros + spread, zeros], axis=-1)
        super().__init__(params, transformer, validate_args)
        self.initialized = False

    def initialize(self, x: Any) -> "MarginalGaussianization":
        """Put the components at quantiles of each coordinate of a batch `x` of data, shape [..., D]."""
        if self.initialized or self.frozen:
            return self
        x = numeric_inputs(x, self)
        check_event(x, (self.size,), "MarginalGaussianization.initialize")
        count = batch_size(x, (self.size,))
        if count == 0:
            return self
        params = _placed(x.reshape(count, self.size), self.transformer.components)
        return replace(self, params=params.astype(self.params.dtype), initialized=True)

    def _forward_and_log_det(self, x):
        check_event(x, (self.size,), "MarginalGaussianization")
        y, log_det = super()._forward_and_log_det(x)
        return y, jnp.sum(log_det, -1)

    def _inverse_and_log_det(self, y):
        check_event(y, (self.size,), "MarginalGaussianization")
        x, log_det = super()._inverse_and_log_det(y)
        return x, jnp.sum(log_det, -1)

    def _shapes_after(self, x):
        check_event(x, (self.size,), "MarginalGaussianization")
        return super()._shapes_after(x)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape


@compiled(RUNS_ONCE, static_argnames="k")
def _placed(rows: jax.Array, k: int) -> jax.Array:
    """Parameters of `k` components for each column of (N, D), at its quantiles; shape (D, 3 k)."""
    edges = jnp.quantile(rows, jnp.linspace(0.0, 1.0, k + 1, dtype=rows.dtype), axis=0)
    means = jnp.quantile(rows, (jnp.arange(k, dtype=rows.dtype) + 0.5) / k, axis=0)
    # Half of what a component is to cover, and never a spike: a column of repeated values keeps some width.
    spread = jnp.std(rows, axis=0)
    least = jnp.where(spread > 0, 0.05 * spread, 1.0)
    log_scale = jnp.log(jnp.maximum(0.5 * jnp.diff(edges, axis=0), least))
    raw = _MAX_LOG_SCALE * jnp.arctanh(jnp.clip(log_scale / _MAX_LOG_SCALE, -0.99, 0.99))
    return jnp.concatenate([jnp.zeros_like(means), means, raw]).T
