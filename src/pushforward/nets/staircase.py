"""Sequential evaluation of a masked network whose units are sorted by degree, each unit computed once.

The network has inputs of D coordinates, hidden layers and outputs of D coordinates, and coordinate i of the inputs
follows from coordinate i of the outputs, which sees coordinates < i only:

    input_i = fn(output_i),    output_i = function of input_1..input_(i-1)

The hidden units of degree d need only input_1..input_d, and never change once these are known. So step d computes the
units of degree d, layer by layer, then outputs and inputs of coordinate d + 1.

Blocking makes these thin products efficient. Degrees are taken in blocks of G. At the start of a block one product a
layer brings in everything known before the block:

    pre = W[rows of the block, columns before it] a[before] + offset

and inside the block a step multiplies only the rows of its degree by the columns of the block. Windows over units have
one static size (the largest), so that the loops compile once; a window that is too wide computes some units of the next
degree from inputs not known yet, which no kept weight uses before the right values overwrite them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core.kept import kept
from .products import product

# Larger blocks mean fewer, more efficient products and less to compile, and steps that read further. In density passes
# and processor seconds to compile, 5 affine layers, D = 43, hidden (256, 256), 2 cores: 16 units 2.7 and 2.5 (in a
# loop), 48 units 2.0 and 5.7, 80 units 2.2 and 4.0, 128 units 3.1 and 4.0.
UNITS_PER_BLOCK, LONGEST_BLOCK = 48, 32
WRITTEN_OUT = 8  # So few blocks are compiled one by one: a loop copies its buffers of activations in every turn.


class Staircase:
    """The weights of a network in the order of degrees, padded so that every window fits.

    Args:
        degrees: of the units of each hidden layer, ascending, none above D - 1.
        hidden: weights of the hidden layers, (units, units before), 0 where masked; the first has `per` columns for
            each coordinate, contiguous.
        offsets: added to hidden layers, (units, 1 or N).
        last: weights of the last layer, (P, D, units).
        last_offset: (P, D, 1 or N).
        direct: weights from inputs to outputs, (P, D, D * per), 0 where masked; None for none.
        per: numbers that make up one coordinate of the inputs.
        once: whether the program is to hold `fn` a single time, as one that takes long to compile: blocks are then not
            written out, and the first coordinate is one of theirs.
    """

    def __init__(
        self,
        degrees: Sequence[np.ndarray],
        hidden: Sequence[jax.Array],
        offsets: Sequence[jax.Array],
        last: jax.Array,
        last_offset: jax.Array,
        direct: jax.Array | None = None,
        per: int = 1,
        once: bool = False,
    ):
        self.params, self.dim, self.per, self.once = last.shape[0], last.shape[1], per, once
        self.lowest = 0 if once else min([1, *(int(d[0]) for d in degrees if len(d))])
        self.slots = self.dim - self.lowest
        # first[l][s]: the first unit of layer l with degree lowest + s.
        first = [np.searchsorted(d, np.arange(self.lowest, self.dim + 1)) for d in degrees]
        self.width = [max(1, int(np.diff(f).max(initial=0))) for f in first]
        thickest = max(self.width, default=1)
        block = max(UNITS_PER_BLOCK // thickest, -(-self.slots // WRITTEN_OUT), 1)
        self.block = min(block, LONGEST_BLOCK, max(1, self.slots))
        self.blocks = -(-self.slots // self.block)
        padded = self.blocks * self.block
        self.window = [self._window(f, w) for f, w in zip(first, self.width, strict=True)]
        self.first = [np.pad(f, (0, padded + 1 - len(f) + 1), mode="edge").astype(np.int32) for f in first]
        self.extra = self.lowest + padded - self.dim
        pads = [self.extra * per, *self.window]
        self.hidden = [
            jnp.pad(w, ((0, rows), (0, columns))) for w, rows, columns in zip(hidden, pads[1:], pads[:-1], strict=True)
        ]
        self.offsets = [jnp.pad(o, ((0, rows), (0, 0))) for o, rows in zip(offsets, pads[1:], strict=True)]
        self.last = jnp.pad(last, ((0, 0), (0, self.extra), (0, pads[-1])))
        self.last_offset = jnp.pad(last_offset, ((0, 0), (0, self.extra), (0, 0)))
        self.direct = None
        if direct is not None:
            self.direct = jnp.pad(direct, ((0, 0), (0, self.extra), (0, self.extra * per)))

    def _window(self, first: np.ndarray, width: int) -> int:
        """The largest number of units that the windows of one block span."""
        spans = [
            first[min((k + 1) * self.block, self.slots) - 1] + width - first[k * self.block] for k in range(self.blocks)
        ]
        return max(spans, default=1)

    def solve(self, unit: Callable[..., tuple[jax.Array, jax.Array]], fn: Callable[..., jax.Array], at: Any) -> Any:
        """The inputs, (D * per, N), with inputs of coordinate i = fn(outputs i, at i).

        Args:
            unit: `(layer, v, values, row) -> (value, activation)` of some rows of a hidden layer from `row` on, where v
                is W a + offset, and `values` are what it gave for the layers before, at the same degree.
            fn: `(outputs of shape (P, 1, N), rows of at) -> (per, N)`.
            at: arrays of shape (D, ..., N).
        """
        at = jax.tree.map(lambda a: jnp.pad(a, ((0, self.extra),) + ((0, 0),) * (a.ndim - 1)), at)
        leaf = jax.tree.leaves(at)[0]
        batch, dtype, per = leaf.shape[-1], leaf.dtype, self.per
        found = jax.jit(lambda outputs, at: fn(outputs, at))  # traced once for all blocks
        known = jnp.zeros(((self.dim + self.extra) * per, batch), dtype)
        if self.lowest == 1:
            # No unit sees less than the first input: the first coordinate depends on offsets alone.
            outputs = jnp.broadcast_to(self.last_offset[:, :1], (self.params, 1, batch))
            known = known.at[:per].set(found(outputs, jax.tree.map(lambda a: a[:1], at)))
        if self.slots == 0:
            return known[: self.dim * per]
        activations = [jnp.zeros((w.shape[0], batch), dtype) for w in self.hidden]

        def block(k: Any, carry: Any) -> Any:
            known, activations = carry
            start = k * self.block
            column = start + self.lowest  # the first coordinate that this block computes, counted from 0
            origins = [
                column * per,
                *(int(f[start]) if isinstance(k, int) else jnp.asarray(f)[start] for f in self.first),
            ]
            widths = [self.block * per, *self.window]
            sources = [known, *activations]
            before, inside = [], []
            for layer, weight in enumerate(self.hidden):
                rows = _slice(weight, origins[layer + 1], widths[layer + 1], 0)
                before.append(
                    _known_product(rows, sources[layer], origins[layer])
                    + _slice(self.offsets[layer], origins[layer + 1], widths[layer + 1], 0)
                )
                inside.append(_slice(rows, origins[layer], widths[layer], 1))
            rows = _slice(self.last, column, self.block, 1)
            from_known = _known_product(rows.reshape(self.params * self.block, -1), sources[-1], origins[-1])
            direct_inside = None
            if self.direct is not None:
                direct = _slice(self.direct, column, self.block, 1)
                direct_inside = _slice(direct, origins[0], widths[0], 2)
                from_known += _known_product(direct.reshape(self.params * self.block, -1), known, origins[0])
            outputs_before = from_known.reshape(self.params, self.block, batch) + _slice(
                self.last_offset, column, self.block, 1
            )
            last_inside = _slice(rows, origins[-1], widths[-1], 2)
            at_block = jax.tree.map(lambda a: _slice(a, column, self.block, 0), at)

            def step(t: Any, carry: Any) -> Any:
                new, local = carry
                values: list[jax.Array] = []
                local, previous = list(local), new
                for layer, width in enumerate(self.width):
                    row = 0 if self.block == 1 else jnp.asarray(self.first[layer])[start + t] - origins[layer + 1]
                    v = _slice(before[layer], row, width, 0) + product(_slice(inside[layer], row, width, 0), previous)
                    value, activation = unit(layer, v, values, origins[layer + 1] + row)
                    values.append(value)
                    local[layer] = lax.dynamic_update_slice_in_dim(local[layer], activation, row, 0)
                    previous = local[layer]
                outputs = (
                    _slice(outputs_before, t, 1, 1) + product(_slice(last_inside, t, 1, 1)[:, 0], previous)[:, None]
                )
                if direct_inside is not None:
                    outputs += product(_slice(direct_inside, t, 1, 1)[:, 0], new)[:, None]
                here = found(kept(outputs, outputs), jax.tree.map(lambda a: _slice(a, t, 1, 0), at_block))
                return lax.dynamic_update_slice_in_dim(new, here, t * per, 0), local

            local = [jnp.zeros((w, batch), dtype) for w in self.window]
            new = jnp.zeros((self.block * per, batch), dtype)
            if self.block == 1:
                new, local = step(0, (new, local))
            else:
                new, local = lax.fori_loop(*_range(self.block), step, (new, local))
            known = lax.dynamic_update_slice_in_dim(known, new, column * per, 0)
            activations = [
                lax.dynamic_update_slice_in_dim(a, new, origin, 0)
                for a, new, origin in zip(activations, local, origins[1:], strict=True)
            ]
            return known, activations

        carry = (known, activations)
        if self.blocks <= WRITTEN_OUT and not self.once:
            for k in range(self.blocks):
                carry = block(k, carry)
        else:
            carry = lax.fori_loop(*_range(self.blocks), block, carry)
        return carry[0][: self.dim * per]


def _slice(a: jax.Array, start: Any, size: int, axis: int) -> jax.Array:
    return lax.dynamic_slice_in_dim(a, start, size, axis)


def _range(stop: int) -> tuple[jax.Array, jax.Array]:
    """Bounds of a loop whose index is int32 also in 64-bit mode, as the tables of first units are."""
    return jnp.asarray(0, jnp.int32), jnp.asarray(stop, jnp.int32)


def _known_product(rows: jax.Array, source: jax.Array, origin: Any) -> jax.Array:
    """rows[:, :origin] @ source[:origin], also where the origin is known at run time only."""
    if isinstance(origin, int):
        return product(rows[:, :origin], source[:origin])
    return product(jnp.where(jnp.arange(rows.shape[1], dtype=jnp.int32) < origin, rows, 0), source)
