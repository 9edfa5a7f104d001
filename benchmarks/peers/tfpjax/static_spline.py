"""TFP's rational-quadratic spline with static shapes, so that it runs under ``jit``.

The substrate's spline asks for ranks and shapes as if they were data, which current JAX
refuses inside ``jit``. Importing this module gives the spline's own file those functions
with static answers; the mathematics, and so the time it takes, stay TFP's.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tensorflow_probability.substrates.jax.bijectors import rational_quadratic_spline as module

from benchmarks.common import BINS, BOUND


class StaticShapes:
    """TFP's array functions, but shapes are tuples of integers."""

    def __init__(self, functions: Any) -> None:
        """Wrap TFP's module of array functions."""
        self.functions = functions

    def __getattr__(self, name: str) -> Any:
        """Everything else is TFP's."""
        return getattr(self.functions, name)

    @staticmethod
    def shape(t: jax.Array) -> tuple[int, ...]:
        """The shape as integers."""
        return t.shape

    @staticmethod
    def broadcast_dynamic_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
        """The common shape as integers."""
        return np.broadcast_shapes(a, b)


def pad_last(t: jax.Array, lhs: float, rhs: float | None = None) -> jax.Array:
    """``t`` with ``lhs`` before, and ``rhs`` if given after, along the last axis."""
    ends = [jnp.full((*t.shape[:-1], 1), end, t.dtype) for end in (lhs, rhs) if end is not None]
    return jnp.concatenate([ends[0], t, *ends[1:]], axis=-1)


module.tf = StaticShapes(module.tf)
module._padded = pad_last


def spline(params: jax.Array) -> module.RationalQuadraticSpline:
    """An 8-bin spline on [-BOUND, BOUND] from ``3 * BINS - 1`` numbers a feature."""
    widths, heights, slopes = jnp.split(params, [BINS, 2 * BINS], axis=-1)
    least, span = 1e-3, 2 * BOUND

    def bins(raw):
        return jax.nn.softmax(raw) * (span - BINS * least) + least

    # softplus(0.5413) = 1, so that zeros give the identity
    slopes = jax.nn.softplus(slopes + 0.5413) + least
    return module.RationalQuadraticSpline(bins(widths), bins(heights), slopes, range_min=-BOUND)
