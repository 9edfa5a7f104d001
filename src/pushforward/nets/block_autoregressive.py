"""A network whose output d increases in input d and sees inputs < d freely, by blocks of weights (De Cao et al. 2019).

Every hidden layer has some units for each coordinate, contiguous, so that its weights are D x D blocks: those above the
diagonal are 0, those below it free, and those on it exp(V) > 0. With tanh between the layers and a gate at the end,

    h_0 = x,   h_l = tanh(W_l h_(l-1) + b_l + C_l c),   f = W_L h_(L-1) + b_L + C_L c,   y = (1 - a) x + a f,

0 < a_d < 1, y_d increases in x_d with a slope above 1 - a_d. f_d alone is bounded, and not onto the line: the gate of
the paper's section 3.4, an option there, is what makes the map a bijection.

Rows of W are normalised: W = exp(s) V' / |V'|, V' the row of blocks (Salimans & Kingma 2016). The slope dy_d / dx_d is
a product of the diagonal blocks and of slopes of tanh, all positive, and is accumulated as a logarithm (section 3.3).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import Module, constant_field, replace, static_field
from ..core.elementary import log1p_of
from .products import layer_product, precision

Array = jax.Array


class BlockAutoregressiveNetwork(Module):
    """Maps x of shape [..., D] to (y, log dy_d / dx_d), both [..., D]; y_d increases in x_d and depends on x_1..x_d.

    Args:
        dim: D.
        units: units for each coordinate of the hidden layers, one or more layers.
        condition_dim: size of a condition, bound by `condition(c)`, which enters every layer; None for none.
        key: for the initial weights.

    Raises:
        ValueError: for sizes that are not positive integers, or no hidden layer.
    """

    weights: tuple[Array, ...]
    log_scales: tuple[Array, ...]
    biases: tuple[Array, ...]
    condition_weights: tuple[Array, ...] | None
    raw_gate: Array
    bound: Any = constant_field()
    dim: int = static_field()
    units: tuple[int, ...] = static_field()
    condition_dim: int | None = static_field()

    def __init__(self, dim: int, units: Sequence[int] = (8,), *, condition_dim: int | None = None, key: Array):
        sizes = (dim, *units) if condition_dim is None else (dim, *units, condition_dim)
        if not units or any(int(n) != n or n < 1 for n in sizes):
            raise ValueError(
                "BlockAutoregressiveNetwork: expected positive sizes and at least one hidden layer, and got "
                f"dim={dim}, units={tuple(units)}, condition_dim={condition_dim}; units are those of a coordinate, and "
                "without any the map is linear. Give units=(8,), or use LULinear."
            )
        self.dim, self.units, self.condition_dim, self.bound = int(dim), tuple(map(int, units)), condition_dim, None
        width, per = condition_dim or 0, (1, *self.units, 1)
        shapes = [(self.dim * out, self.dim * before) for before, out in pairwise(per)]
        # One draw for everything: every draw is a program of its own to compile.
        counts = [count for rows, columns in shapes for count in (rows * columns, rows * width, rows)]
        noise = jnp.split(jax.random.normal(key, (sum(counts),), jnp.result_type(float)), np.cumsum(counts[:-1]))
        drawn = [
            (w.reshape(shape), c.reshape(shape[0], width), b)
            for shape, w, c, b in zip(shapes, noise[::3], noise[1::3], noise[2::3], strict=True)
        ]
        self.weights = tuple(w / jnp.sqrt(1 + w.shape[1] / self.dim) for w, _, _ in drawn)
        # Units of a coordinate all see it with positive weights: of a sum of some 2, and with biases that spread them
        # over the data.
        self.log_scales = tuple(
            jnp.full_like(b, np.log(2) - np.log(before) / 2) for (_, _, b), before in zip(drawn, per[:-1], strict=True)
        )
        self.biases = (*(2 * b for _, _, b in drawn[:-1]), jnp.zeros_like(drawn[-1][2]))
        self.condition_weights = tuple(c / max(1, width) ** 0.5 for _, c, _ in drawn) if width else None
        self.raw_gate = jnp.zeros_like(drawn[-1][2])

    def condition(self, c: Any) -> "BlockAutoregressiveNetwork":
        """The network with the condition `c` (shape [..., condition_dim]) bound; itself if it takes none."""
        if self.condition_dim is None:
            return self
        c = jnp.asarray(c)
        c = c if jnp.issubdtype(c.dtype, jnp.floating) else c.astype(self.raw_gate.dtype)
        if c.ndim < 1 or c.shape[-1] != self.condition_dim:
            raise ValueError(
                f"condition: expected shape [..., {self.condition_dim}], and got {c.shape}; the network was built with "
                f"condition_dim={self.condition_dim}"
            )
        return replace(self, bound=c)

    def batch_shape(self) -> tuple[int, ...]:
        """The batch axes of the bound condition; () without."""
        return () if self.bound is None else self.bound.shape[:-1]

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """(y, log dy_d / dx_d) for x of shape [..., D]; batch axes broadcast with the condition's."""
        y, log_slope = self.columns(self.leading(x))
        return jnp.moveaxis(y, 0, -1), jnp.moveaxis(log_slope, 0, -1)

    def leading(self, x: Array) -> Array:
        """x of shape [..., D] as (D, *batch), batch with the condition's; `ValueError` if x or the condition misfit."""
        if self.condition_dim is not None and self.bound is None:
            raise ValueError(
                "this network is conditional and has no condition bound, so its outputs are not defined; "
                "bind one first: flow(c), bijector.condition(c) or net.condition(c)"
            )
        if x.shape[-1] != self.dim:
            raise ValueError(
                f"BlockAutoregressiveNetwork: expected an input of shape [..., {self.dim}], and got {x.shape}; the "
                f"network was built with dim={self.dim}"
            )
        batch = jnp.broadcast_shapes(x.shape[:-1], self.batch_shape())
        return jnp.moveaxis(jnp.broadcast_to(x, (*batch, self.dim)), -1, 0)

    def columns(self, x: Array) -> tuple[Array, Array]:
        """(y, log dy_d / dx_d) with features leading, (D, *batch) each."""
        axes = (1,) * (x.ndim - 1)
        h, log_slope = x, jnp.zeros((self.dim, 1, *axes), x.dtype)
        for layer, ((weight, log_block), offset) in enumerate(zip(self.layers(), self.offsets(axes), strict=True)):
            v = layer_product(weight, h) + offset
            log_slope = _log_product(log_block, log_slope)
            if layer < len(self.units):
                h = jnp.tanh(v)
                log_slope = log_slope + _log_slope_of_tanh(v).reshape(self.dim, self.units[layer], *x.shape[1:])
        gate, rest = (g.reshape(-1, *axes) for g in self.gates())
        inner = jax.nn.log_sigmoid(self.raw_gate).reshape(-1, *axes) + log_slope[:, 0]
        return rest * x + gate * v, jnp.logaddexp(jax.nn.log_sigmoid(-self.raw_gate).reshape(-1, *axes), inner)

    def gates(self) -> tuple[Array, Array]:
        """(a, 1 - a)."""
        return jax.nn.sigmoid(self.raw_gate), jax.nn.sigmoid(-self.raw_gate)

    def layers(self) -> list[tuple[Array, Array]]:
        """For each layer W, and the logarithms of its diagonal blocks, shape (D, out, in)."""
        layers, coordinate = [], np.arange(self.dim)
        for raw, log_scale in zip(self.weights, self.log_scales, strict=True):
            out, before = (n // self.dim for n in raw.shape)
            row, column = np.repeat(coordinate, out)[:, None], np.repeat(coordinate, before)[None]
            diagonal = jnp.exp(jnp.where(row == column, raw, 0))
            weight = jnp.where(row == column, diagonal, jnp.where(row > column, raw, 0))
            log_factor = log_scale - jnp.log(jnp.sum(weight * weight, axis=1)) / 2
            block = raw.reshape(self.dim, out, self.dim, before)[coordinate, :, coordinate]
            layers.append((jnp.exp(log_factor)[:, None] * weight, log_factor.reshape(self.dim, out, 1) + block))
        return layers

    def offsets(self, axes: tuple[int, ...]) -> list[Array]:
        """For each layer b + C c as (features, *batch), where `axes` is of the rank of the batch."""
        offsets = [bias.reshape(-1, *axes) for bias in self.biases]
        if self.condition_weights is None:
            return offsets
        c = jnp.moveaxis(self.bound, -1, 0)
        c = c.reshape(c.shape[0], *axes[c.ndim - 1 :], *c.shape[1:])
        return [
            b + jnp.tensordot(w, c, 1, precision=precision())
            for b, w in zip(offsets, self.condition_weights, strict=True)
        ]


def _log_product(log_block: Array, log_slope: Array) -> Array:
    """log sum_i exp(log_block_oi + log_slope_i), (D, out, in) and (D, in, *batch) to (D, out, *batch).

    As a product of matrices, where sums of exponentials would take one for each weight and row.
    """
    most = lax.stop_gradient(jnp.max(log_slope, axis=1, keepdims=True))
    slopes = jnp.einsum("doi,di...->do...", jnp.exp(log_block), jnp.exp(log_slope - most), precision=precision())
    return most + jnp.log(slopes)


def _log_slope_of_tanh(v: Array) -> Array:
    """log(1 - tanh(v)^2) = 2 (log 2 - |v| - log(1 + exp(-2 |v|)))."""
    size = jnp.where(v < 0, -v, v)
    t = jnp.exp(-2 * size)
    return 2 * (np.log(2).astype(v.dtype) - size - log1p_of(t, 1 + t))
