"""The linear systems of an autoregressive map's derivatives, in the sequential way and its mirror image.

Where x = fn(params(x), z), derivatives of x solve (I - N) v = b, and their transposes (I - N)^T w = c, with

    N = T J,    J = d params / dx,    T = d fn / d params  (P numbers for each coordinate, given).

The linearised network J has the weights of the network, and in place of activations their slopes at x. So v_i follows
from output i of J, which sees v_1..v_(i-1), as x_i does: the same algorithm serves. Of the transpose, w_i follows from
w_(i+1)..w_D through the transposed weights, layers and degrees taken backwards: that is again a masked network, whose
inputs are u_i = T_i w_i, P numbers for each coordinate. Each solve costs about as much as the sequential direction
itself, rather than the D passes of v <- b + N v.

The gradient of the sequential direction, beyond its value, takes 4 to 4.4 density passes of processor time for affine
maps, 4.6 to 4.8 for splines and 2.3 for mixtures of Gaussians, whose density is dearer beside the network (D = 43, two
hidden layers of 256, 1,024 rows; `benchmarks/sequential_gradient.py`).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .incremental import sorted_direct_weights, sorted_weights, sorting
from .made import AutoregressiveNetwork
from .products import layer_product
from .staircase import Staircase

Solver = Callable[[jax.Array], jax.Array]


def linear_solvers(net: AutoregressiveNetwork, of_params: jax.Array, x: jax.Array) -> tuple[Solver, Solver]:
    """Solvers of (I - N) v = b and of its transpose, for arrays (D, N).

    Args:
        net: with its condition bound, if it takes one.
        of_params: T, of shape (P, D, N).
        x: where N is taken, the result of `solve_sequentially`.
    """
    net = net.sorted_by_degree()
    slopes = _slopes(net, x)
    order, place = sorting(net)
    hidden, last = sorted_weights(net, order)
    direct = sorted_direct_weights(net, order)
    degrees = [np.asarray(d) for d in net.hidden_degrees]
    factors = jnp.moveaxis(of_params, 1, 0)[order]  # (D, P, N)

    def solve(b: jax.Array) -> jax.Array:
        def unit(layer: int, v: jax.Array, values: list[jax.Array], row: Any) -> tuple[jax.Array, jax.Array]:
            v = v + values[layer - 2] if net.adds_skip(layer) else v
            return v, v * _rows(padded[layer], row, v)

        def found(outputs: jax.Array, at: Any) -> jax.Array:
            b, factor = at
            return b + jnp.sum(outputs * jnp.moveaxis(factor, 1, 0), axis=0)

        stairs = _without_offsets(degrees, hidden, last, direct)
        padded = _padded(slopes, stairs)
        return stairs.solve(unit, found, (b[order], factors))[place]

    def transpose_solve(c: jax.Array) -> jax.Array:
        layers = len(hidden)

        def unit(layer: int, v: jax.Array, values: list[jax.Array], row: Any) -> tuple[jax.Array, jax.Array]:
            v = v * _rows(padded[layer], row, v)
            # The layer that ends a residual block hands its cotangent on to where the block began.
            v = v + values[layer - 2] if layer >= 2 and net.adds_skip(layers + 1 - layer) else v
            return v, v

        def found(outputs: jax.Array, at: Any) -> jax.Array:
            c, factor = at
            w = c + outputs[0]
            return jnp.concatenate([w, factor[0] * w])

        backwards = _Backwards(net.dim, degrees, hidden, last, direct)
        stairs = _without_offsets(
            backwards.degrees, backwards.hidden, backwards.last, backwards.direct, per=1 + net.params
        )
        padded = _padded(backwards.reverse(slopes), stairs)
        w = stairs.solve(unit, found, (c[order][::-1], factors[::-1]))
        return w[:: 1 + net.params][::-1][place]

    return solve, transpose_solve


class _Backwards:
    """The transposed network: layers, units and coordinates in reverse, so that degree d becomes D - d.

    Its inputs are (w_i, u_i), 1 + P numbers for each coordinate, of which the first goes nowhere. Units that see the
    condition alone (of degree 0) have no input to hand a cotangent to and are left out.
    """

    def __init__(
        self,
        dim: int,
        degrees: list[np.ndarray],
        hidden: list[jax.Array],
        last: jax.Array,
        direct: jax.Array | None,
    ):
        self.from_degree_1 = [int(np.searchsorted(d, 1)) for d in degrees]
        self.degrees = [dim - d for d in self.reverse(degrees)]
        starts = [0, *self.from_degree_1]
        transposed = [
            w[rows:, columns:].T[::-1, ::-1] for w, rows, columns in zip(hidden, starts[1:], starts[:-1], strict=True)
        ]
        *self.hidden, first = [self._from_outputs(last[:, :, starts[-1] :]), *transposed[::-1]]
        self.last = first[None]
        self.direct = None if direct is None else self._from_outputs(direct)[None]

    @staticmethod
    def _from_outputs(weights: jax.Array) -> jax.Array:
        """Weights to the outputs, (P, D, units), transposed: (units, D (1 + P)), both in reverse."""
        back = jnp.pad(jnp.transpose(weights, (2, 1, 0))[::-1, ::-1], ((0, 0), (0, 0), (1, 0)))
        return back.reshape(len(back), back.shape[1] * back.shape[2])

    def reverse(self, arrays: list[Any]) -> list[Any]:
        """Arrays over the units of the hidden layers, in the order of this network."""
        return [a[k:][::-1] for a, k in zip(arrays, self.from_degree_1, strict=True)][::-1]


def _slopes(net: AutoregressiveNetwork, x: jax.Array) -> list[jax.Array]:
    """Those of the activations of the network's hidden layers."""
    values: list[jax.Array] = []
    slopes: list[jax.Array] = []
    a = x
    for layer, (weight, offset) in enumerate(zip(net.masked_weights()[:-1], net.offsets(1)[:-1], strict=True)):
        v = layer_product(weight, a)
        v = v if offset is None else v + offset
        v = v + values[layer - 2] if net.adds_skip(layer) else v
        values.append(v)
        a, slope = jax.jvp(net.activation, (v,), (jnp.ones_like(v),))
        slopes.append(slope)
    return slopes


def _without_offsets(
    degrees: list[np.ndarray], hidden: list[jax.Array], last: jax.Array, direct: jax.Array | None, per: int = 1
) -> Staircase:
    zeros = [jnp.zeros((len(w), 1), w.dtype) for w in hidden]
    return Staircase(degrees, hidden, zeros, last, jnp.zeros((*last.shape[:2], 1), last.dtype), direct, per)


def _padded(slopes: list[jax.Array], stairs: Staircase) -> list[jax.Array]:
    return [jnp.pad(s, ((0, rows), (0, 0))) for s, rows in zip(slopes, stairs.window, strict=True)]


def _rows(slopes: jax.Array, row: Any, v: jax.Array) -> jax.Array:
    return lax.dynamic_slice_in_dim(slopes, row, v.shape[0], 0)
