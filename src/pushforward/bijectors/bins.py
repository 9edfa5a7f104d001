"""Bins of the unit interval, element by element: their sizes, the search for one, and choices by its number.

What piecewise maps share. Parameters lead, (K, ...) against elements (...), and loops over K are unrolled, so that
every operation runs over contiguous elements and fuses with its neighbours; nothing is gathered, sorted or accumulated
along an axis. Derivatives of sums and choices over K are written by hand, because automatic ones of slices are K padded
arrays added up. They are forward-mode rules, so that all modes and orders follow from them.
"""

from functools import partial, reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from ..core.kept import kept

Array = jax.Array


class Shares(NamedTuple):
    """K shares of the unit interval: size_k = least + (1 - K least) part_k / total. Made by `shares`."""

    parts: Array
    total: Array
    least: float

    @property
    def scale(self) -> float:
        """What is left when every bin has its least size."""
        return 1 - self.parts.shape[0] * self.least

    @property
    def share(self) -> Array:
        """What a part of 1 adds to a size."""
        return self.scale / self.total

    def find(self, position: Array) -> Array:
        """The number of the bin that holds `position` in [0, 1]."""
        # In units in which the bins are the parts themselves: nothing is normalised before it is chosen.
        unit = self.total / self.scale
        return find(position * unit, self.parts, self.least * unit)

    def at(self, index: Array) -> tuple[Array, Array]:
        """(start, size) of the bin `index`."""
        return self.least * index + self.share * sum_before(index, self.parts), self.size(index)

    def size(self, index: Array, shift: int = 0) -> Array:
        """The size of the bin `index + shift`; beyond the ends some positive number."""
        return self.least + self.share * pick(index, self.parts, shift, 1.0)

    def sizes(self) -> Array:
        """All of them, shape (K, ...)."""
        return self.least + self.share * self.parts


def shares(logits: Array, least: float = 0.0) -> Shares:
    """The shares least + (1 - K least) softmax(logits) over the leading axis."""
    parts = exponentials(logits)
    return Shares(parts, sum_leading(parts), least)


def exponentials(logits: Array) -> Array:
    """exp(logits), divided by the largest of them over the leading axis."""
    highest = reduce(jnp.maximum, [logits[k] for k in range(logits.shape[0])])
    highest = lax.stop_gradient(highest)
    return jnp.exp(logits - kept(highest, highest))


@jax.custom_jvp
def sum_leading(a: Array) -> Array:
    """The sum over the first axis, in order."""
    return reduce(jnp.add, [a[k] for k in range(a.shape[0])]) if len(a) else jnp.zeros(a.shape[1:], a.dtype)


@sum_leading.defjvp
def _sum_leading_jvp(primals: Any, tangents: Any) -> Any:
    total = sum_leading(*primals)
    return total, kept(jnp.sum(tangents[0], 0), total)


def find(target: Array, sizes: Array, floor: Any = 0.0) -> Array:
    """The number k of the bin of `target`, as a floating number: sizes before k + k floor <= target. No derivatives."""
    target, sizes, floor = lax.stop_gradient((target, sizes, floor))
    squared, edge = jnp.zeros_like(target), jnp.zeros_like(target)
    for k in range(1, sizes.shape[0]):
        edge = edge + sizes[k - 1]
        squared = squared + jnp.where(target >= edge + k * floor, 2.0 * k - 1, 0)
    # 1 + 3 + ... + (2 k - 1) = k^2. To the compiler a root is worth keeping, where it would repeat a plain count, and
    # with it the search, in every one of the choices below.
    return jnp.round(jnp.sqrt(squared))


@partial(jax.custom_jvp, nondiff_argnums=(2, 3, 4))
def pick(index: Array, rows: Array, shift: int = 0, fill: float = 0.0, bins: int | None = None) -> Array:
    """rows[index + shift], and `fill` beyond the ends; the derivatives are those of a choice: `index` does not move.

    Args:
        index: number of a bin, a floating number below `bins`.
        rows: shape (R, ...).
        shift, fill: see above.
        bins: number of bins; None for R.
    """

    def row(k: int) -> Any:
        return rows[k + shift] if 0 <= k + shift < rows.shape[0] else fill

    chosen = jnp.zeros_like(index) + row(0)
    for k in range(1, rows.shape[0] if bins is None else bins):
        chosen = jnp.where(index > k - 0.5, row(k), chosen)
    return chosen


@pick.defjvp
def _pick_jvp(shift: int, fill: float, bins: int | None, primals: Any, tangents: Any) -> Any:
    index, rows = primals
    here = _numbers(rows, index) == index + shift
    return pick(index, rows, shift, fill, bins), kept(jnp.sum(jnp.where(here, tangents[1], 0), 0), index)


@jax.custom_jvp
def sum_before(index: Array, rows: Array) -> Array:
    """rows[0] + ... + rows[index - 1]."""
    total = jnp.zeros_like(index)
    for k in range(1, rows.shape[0]):
        total = total + jnp.where(index > k - 0.5, rows[k - 1], 0)
    return total


@sum_before.defjvp
def _sum_before_jvp(primals: Any, tangents: Any) -> Any:
    index, rows = primals
    return sum_before(index, rows), kept(jnp.sum(jnp.where(_numbers(rows, index) < index, tangents[1], 0), 0), index)


def _numbers(rows: Array, index: Array) -> Array:
    return lax.broadcasted_iota(index.dtype, (rows.shape[0],) + (1,) * index.ndim, 0)


def of_rank(a: Array, ndim: int) -> Array:
    """(K, ...) with axes of size 1 put in after K until `ndim` axes follow it."""
    return a.reshape(a.shape[0], *(1,) * (ndim + 1 - a.ndim), *a.shape[1:])


def rows_of(a: Array) -> list[Array]:
    """The rows of (K, ...). The derivative is one concatenation, where that of K slices is K padded arrays added up."""
    return [row[0] for row in lax.split(a, (1,) * a.shape[0])]
