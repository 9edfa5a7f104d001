"""ResidualMLP: a perceptron of pre-activation residual blocks."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core import as_callable
from .conditioner import Conditioner, add_leading, dense, initial_bias, initial_weights


class ResidualMLP(Conditioner):
    """h_0 = W x + C c + b, h_k = h_{k-1} + g_k B_k act(A_k act(h_{k-1})), result V act(h_n) + v (Durkan et al. 2019).

    The gate g_k = 2 sigmoid(G_k c) is there with a condition only.

    Args:
        in_size, out_size: numbers in and out.
        hidden_units: one entry for each block, all the same width.
        activation: a function, or a module that can be called and then trains.
        condition_dim: size of a condition c of shape [..., condition_dim], bound by `condition(c)`.
        output_scale: factor on the initial weights V; small values start a flow near the identity.
        key: for the initial weights, He's normal ones; the B_k are a tenth of that, so that blocks start near the
            identity, and the G_k start at 0.

    Raises:
        ValueError: for widths that differ, sizes below 1, inputs of another width, calls while a condition is missing.
    """

    first: tuple[jax.Array, jax.Array]
    blocks: tuple[tuple[jax.Array, jax.Array, jax.Array, jax.Array], ...]
    last: tuple[jax.Array, jax.Array]
    condition_weight: jax.Array | None
    gates: tuple[jax.Array, ...] | None
    activation: Any

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        hidden_units: Sequence[int] = (64, 64),
        activation: Callable[[jax.Array], jax.Array] = jax.nn.relu,
        condition_dim: int | None = None,
        output_scale: float = 0.01,
        key: jax.Array,
    ):
        units = tuple(hidden_units)
        self._set_sizes(in_size, out_size, condition_dim, units)
        if len(set(units)) != 1:
            raise ValueError(
                f"ResidualMLP: expected hidden_units to repeat one width, and got {units}; a block adds to its own "
                "input, so they share a width. Give for instance (64, 64) for two blocks."
            )
        width, fan_in = units[0], in_size + (condition_dim or 0)
        zeros = jnp.zeros(width, jnp.result_type(float))
        block = [(width, width, width, 1.0), (width, width, width, 0.1)]
        shapes = [(width, in_size, fan_in, 1.0), *block * len(units), (out_size, width, width, output_scale)]
        if condition_dim is not None:
            shapes.append((width, condition_dim, fan_in, 1.0))
        weights = initial_weights(key, shapes)
        self.condition_weight = weights.pop() if condition_dim is not None else None
        self.gates = None
        if condition_dim is not None:
            self.gates = tuple(jnp.zeros((width, condition_dim), zeros.dtype) for _ in units)
        first, *inside, last = weights
        self.first = (first, initial_bias(jax.random.fold_in(key, 1), width, fan_in))
        self.blocks = tuple(
            (inner, zeros, outer, zeros) for inner, outer in zip(inside[::2], inside[1::2], strict=True)
        )
        self.last = (last, jnp.zeros(out_size, zeros.dtype))
        self.activation = as_callable(activation)

    def columns(self, x: jax.Array) -> jax.Array:
        """The network with features leading: (in_size, *batch) to (out_size, *batch)."""
        h = dense(self.first[0], x, self.first[1])
        gates: list[jax.Array | None] = [None] * len(self.blocks)
        if self.condition_weight is not None and self.gates is not None:
            c = self.bound_columns()
            h = add_leading(h, dense(self.condition_weight, c))
            gates = [2 * jax.nn.sigmoid(dense(weight, c)) for weight in self.gates]
        for (inner, inner_bias, outer, outer_bias), gate in zip(self.blocks, gates, strict=True):
            step = dense(inner, self.activation(h), inner_bias)
            step = dense(outer, self.activation(step), outer_bias)
            if gate is not None:
                step = step * gate.reshape(gate.shape[0], *(1,) * (step.ndim - gate.ndim), *gate.shape[1:])
            h = h + step
        return dense(self.last[0], self.activation(h), self.last[1])
