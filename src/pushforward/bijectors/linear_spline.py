"""The linear spline: a piecewise constant density (Müller, McWilliams, Rousselle, Gross & Novák 2019)."""

import dataclasses
from typing import Any

import jax.numpy as jnp

from .bins import shares
from .boxed import BoxedTransformer
from .from_transformer import FromTransformer, counted


@dataclasses.dataclass(frozen=True)
class LinearSplineTransformer(BoxedTransformer):
    """y = piecewise linear function of x on K bins of equal width, the identity outside the box.

    With x and y in units of the box, bin k = floor(K x), share q_k of its height and the sum Q_k of those before:

        y = Q_k + (K x - k) q_k;    inverse  x = (k + (y - Q_k) / q_k) / K;    log-det  log(K q_k)

    (Müller et al. 2019, section 4.) Parameters of a coordinate: K heights, through a softmax. Zeros give the identity.
    The slope jumps at the knots.

    Args:
        bins: number of bins K.
        bound: the box is [-bound, bound]; None for the unit interval, as in the paper.
        min_bin_height: least height of a bin, as a fraction of the side of the box.
    """

    min_bin_height: float = 1e-3

    @property
    def params_per_dim(self) -> int:
        """K."""
        return self.bins

    def _forward(self, params, position):
        heights = shares(params, self.min_bin_height)
        index = jnp.clip(jnp.floor(position * self.bins), 0, self.bins - 1)
        low, height = heights.at(index)
        return low + (position * self.bins - index) * height, jnp.log(self.bins * height)

    def _inverse(self, params, position):
        heights = shares(params, self.min_bin_height)
        index = heights.find(position)
        low, height = heights.at(index)
        return (index + (position - low) / height) / self.bins, -jnp.log(self.bins * height)


class LinearSpline(FromTransformer):
    """y = piecewise linear function of x on K bins of equal width of a box, y = x outside, element by element.

    inverse and log-det: closed forms, see `LinearSplineTransformer` (Müller et al. 2019);    domain and codomain: real,
    or the unit interval.

    Args:
        params: unconstrained, shape [..., K]; the heights of the bins are their softmax. Leading axes are axes of x, or
            broadcast against them. Zeros give the identity.
        bound: the box is [-bound, bound]; None for the unit interval.
        min_bin_height: least height of a bin, as a fraction of the side of the box.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: for params without a last axis, or options out of range.
    """

    def __init__(
        self, params: Any, *, bound: float | None = 5.0, min_bin_height: float = 1e-3, validate_args: bool = False
    ):
        params, bins = counted(params, 1, 0, "LinearSpline", "number of bins")
        super().__init__(params, LinearSplineTransformer(bins, bound, min_bin_height), validate_args)
