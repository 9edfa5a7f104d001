"""UnitVector: vectors to the unit sphere, by stereographic projection."""

import jax.numpy as jnp
from numpyro.distributions import constraints

from .base import Bijector
from .linear_algebra import scaled_squares


class UnitVector(Bijector):
    """y = [2 x, s^2 - 1] / (s^2 + 1) with s = |x|: vectors of n numbers to the unit sphere of n + 1 dimensions.

    inverse  x_i = y_i / (1 - y_{n+1});
    log |det dy/dx| = n (log 2 - log(1 + s^2)), of the area on the sphere;
    domain: real vectors;    codomain: the unit sphere without its pole [0, ..., 0, 1].

    The log-determinant is half of log det J^T J: densities are by the area on the sphere, as those of the directional
    distributions (von Mises and Fisher's, the projected normal) are.

    Args:
        validate_args: check values (that y has length 1), also under `jit`.

    Raises:
        ValueError: if y is empty.

    Numerics: near the pole 1 - y_{n+1} = (y_1^2 + ... + y_n^2) / (1 + y_{n+1}), which cancels nothing, so that x of any
    size comes back.
    """

    forward_min_event_ndims = 1
    codomain = constraints.sphere

    def _forward_and_log_det(self, x):
        c, log_c, squares = scaled_squares(x, entries=x.shape[-1], large=True)
        one = c * c
        share = 1 / (squares + one)
        y = jnp.concatenate([2 * (c * x) * share * c, (squares - one) * share], axis=-1)
        return y, x.shape[-1] * (jnp.log(2 * share) + 2 * log_c)[..., 0]

    def _inverse_and_log_det(self, y):
        self._inverse_event_shape(y.shape)
        first, last = y[..., :-1], y[..., -1:]
        c, log_c, squares = scaled_squares(y, entries=first.shape[-1], large=False)
        upper = last > 0
        # 1 - last, times c^2 in the upper half.
        rest = jnp.where(upper, squares / (1 + jnp.where(upper, last, 0)), 1 - last)
        c, log_c = jnp.where(upper, c, 1), jnp.where(upper, log_c, 0)
        return c * (c * first * (1 / rest)), -first.shape[-1] * (jnp.log(rest) - 2 * log_c)[..., 0]

    def _inverse_within(self, y):
        # The pole is on the sphere and no image of a point.
        pole = jnp.all(y[..., :-1] == 0, axis=-1) & (y[..., -1] > 0)
        opposite = jnp.where(jnp.arange(y.shape[-1]) == y.shape[-1] - 1, -1, 0).astype(y.dtype)
        x, log_det, inside = super()._inverse_within(jnp.where(pole[..., None], opposite, y))
        return x, log_det, inside & ~pole

    def _forward_event_shape(self, shape):
        return (*shape[:-1], shape[-1] + 1)

    def _inverse_event_shape(self, shape):
        if shape[-1] < 1:
            raise ValueError(
                f"UnitVector.inverse: expected vectors of at least one number, and got shape {shape}; an empty one has "
                "no length. Give points of the sphere, shape [..., n + 1]."
            )
        return (*shape[:-1], shape[-1] - 1)
