"""BlockNeuralAutoregressive: a network, increasing in each coordinate, that is the map (De Cao, Titov & Aziz 2019)."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import replace
from ..nets import BlockAutoregressiveNetwork
from ..nets.products import product
from ..solvers import invert_monotone
from .base import Bijector


class BlockNeuralAutoregressive(Bijector):
    """x_d = (1 - a_d) y_d + a_d f_d(y_1, ..., y_d), of vectors, f a network whose output d increases in y_d.

    That is the inverse, data to latents; f has positive weights from y_d on and free ones from y_<d, see
    `nets.BlockAutoregressiveNetwork`.
    forward  coordinate by coordinate, a root find for each, with implicit derivatives;
    inverse  one network pass;    log |dy/dx| = - sum_d log(dx_d / dy_d), accumulated as logarithms;    domain: real.

    The paper has no forward: f alone is bounded. The gate 0 < a_d < 1, which trains, makes x_d grow without bound in
    y_d, so that every x has one y. A sample takes the products of one pass and D searches, each in a network of one
    coordinate; its derivative takes a triangular system besides, whose matrix is D derivatives of the network.

    Choose it where parameters are dear; a transformer in `MaskedAutoregressiveFlow` is more flexible for each layer.

    Args:
        net: with `net.condition(c)` if it takes a condition.
        validate_args: check values, also under `jit`.

    Raises:
        TypeError: if `net` is anything but a `BlockAutoregressiveNetwork`.
    """

    net: BlockAutoregressiveNetwork

    forward_min_event_ndims = 1

    def __init__(self, net: BlockAutoregressiveNetwork, *, validate_args: bool = False):
        if not isinstance(net, BlockAutoregressiveNetwork):
            raise TypeError(
                f"BlockNeuralAutoregressive: expected a BlockAutoregressiveNetwork, and got {type(net).__name__}; the "
                "network is the map itself. For a network of parameters take MaskedAutoregressiveFlow."
            )
        self.net = net
        self.validate_args = validate_args

    def condition(self, c: Any) -> "BlockNeuralAutoregressive":
        """Bind `c` in the network."""
        return replace(self, net=self.net.condition(c))

    def batch_shape(self, event_shape: Any) -> tuple[int, ...]:
        """The batch axes of the bound condition."""
        return self.net.batch_shape()

    def _is_sequential(self, direction):
        return direction == "forward"

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _inverse_and_log_det(self, y):
        x, log_slope = self.net(y)
        return x, jnp.sum(log_slope, axis=-1)

    def _forward(self, x):
        return _solved(self, x)

    def _forward_and_log_det(self, x):
        y = _solved(self, x)
        return y, -self._inverse_and_log_det(y)[1]

    def _solve(self, x: jax.Array) -> jax.Array:
        """The sequential direction, without derivatives."""
        columns = self.net.leading(x)
        batch, net = columns.shape[1:], self.net
        if net.bound is not None:
            rows = jnp.broadcast_to(net.bound, (*batch, net.bound.shape[-1])).reshape(-1, net.bound.shape[-1])
            net = replace(net, bound=rows)
        columns = columns.reshape(net.dim, int(np.prod(batch)))
        y = solve_by_coordinates(net, columns)
        return jnp.moveaxis(y.reshape(net.dim, *batch), 0, -1)


def solve_by_coordinates(net: BlockAutoregressiveNetwork, x: jax.Array) -> jax.Array:
    """The y of shape (D, N) with `net.columns(y)[0]` = x, for x of shape (D, N), without derivatives.

    Coordinate by coordinate: what earlier ones contribute to the units of coordinate d is one product a layer, and
    the root find runs over the diagonal blocks alone, so that all steps together take the products of one pass and
    D searches in networks of one coordinate. Since |tanh| < 1, y_d lies in a bracket that is known.
    """
    gates, offsets = net.gates(), net.offsets((1,))
    layers = [(weight, jnp.exp(log_block)) for weight, log_block in net.layers()]

    def step(d: jax.Array, carry: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        gate, rest = (g[d] for g in gates)
        blocks = [block[d] for _, block in layers]
        before = []
        for (weight, block), offset, h in zip(layers, offsets, carry, strict=True):
            rows = (d * block.shape[1], block.shape[1])
            # Activations of coordinates not known yet are 0.
            before.append(product(lax.dynamic_slice_in_dim(weight, *rows), h) + lax.dynamic_slice_in_dim(offset, *rows))

        def run(t: jax.Array) -> tuple[jax.Array, jax.Array, list[jax.Array]]:
            h, slope = t[None], jnp.ones((1, 1), t.dtype)
            hidden: list[jax.Array] = []
            for block, v in zip(blocks, before, strict=True):
                v, slope = product(block, h) + v, product(block, slope)
                h = jnp.tanh(v)
                slope = slope * (1 - h * h) if len(hidden) < len(net.units) else slope
                hidden.append(h)
            return rest * t + gate * v[0], rest + gate * slope[0], hidden[:-1]

        target, reach = x[d], jnp.sum(blocks[-1])
        at = invert_monotone(
            lambda t: run(t)[0],
            target,
            lower=(target - gate * (before[-1][0] + reach)) / rest,
            upper=(target - gate * (before[-1][0] - reach)) / rest,
            slope=lambda t: run(t)[1],
        )
        at = jnp.where(jnp.isinf(target), target, at)
        found = [at[None], *run(at)[2]]
        return tuple(
            lax.dynamic_update_slice_in_dim(h, new, d * new.shape[0], 0) for h, new in zip(carry, found, strict=True)
        )

    start = tuple(jnp.zeros((net.dim * n, x.shape[1]), x.dtype) for n in (1, *net.units))
    # The index is int32 also in 64-bit mode.
    ends = jnp.asarray(0, jnp.int32), jnp.asarray(net.dim, jnp.int32)
    return lax.fori_loop(*ends, step, start)[0]


@eqx.filter_custom_jvp
def _implicit(flow: BlockNeuralAutoregressive, x: jax.Array) -> jax.Array:
    """y with net(y) = x; its derivatives solve J dy = dx - d net, J the Jacobian of the network at y, triangular."""
    return flow._solve(x)


@_implicit.def_jvp
def _implicit_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (flow, x), (flow_dot, x_dot) = primals, tangents
    y = _implicit(flow, x)
    x_dot = jnp.zeros_like(y) if x_dot is None else jnp.broadcast_to(x_dot, y.shape)
    _, of_net = eqx.filter_jvp(lambda flow: flow.net(y)[0], (flow,), (flow_dot,))
    change = x_dot if of_net is None else x_dot - of_net

    def column(unit: jax.Array) -> jax.Array:
        return jax.jvp(lambda y: flow.net(y)[0], (y,), (jnp.broadcast_to(unit, y.shape),))[1]

    jacobian = jax.vmap(column, out_axes=-1)(jnp.eye(y.shape[-1], dtype=y.dtype))
    return y, lax.linalg.triangular_solve(jacobian, change[..., None], left_side=True, lower=True)[..., 0]


# Compiled once and found again, also outside any jit.
_solved = eqx.filter_jit(_implicit)
