"""MLP: a multilayer perceptron."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp

from ..core import as_callable
from .conditioner import Conditioner, add_leading, dense, initial_bias, initial_weights


class MLP(Conditioner):
    """W_n act(... act(W_1 x + C c + b_1) ...) + b_n, for x of shape [..., in_size]; the result is [..., out_size].

    Args:
        in_size, out_size: numbers in and out.
        hidden_units: sizes of the hidden layers; () for an affine map.
        activation: of the hidden layers; a function, or a module that can be called and then trains.
        condition_dim: size of a condition c of shape [..., condition_dim], bound by `condition(c)`. Its product is
            added as a bias of the first layer, so it is computed once for each c, not for each x.
        output_scale: factor on the initial weights of the last layer. Small values start a flow near the identity; 0
            starts it there.
        key: for the initial weights, He's normal ones; biases start at 0, those of the first hidden layer spread.

    Raises:
        ValueError: for sizes below 1, inputs of another width, and calls while a condition is missing.
    """

    weights: tuple[jax.Array, ...]
    biases: tuple[jax.Array, ...]
    condition_weight: jax.Array | None
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
        self._set_sizes(in_size, out_size, condition_dim, tuple(hidden_units))
        sizes = (in_size, *hidden_units, out_size)
        fans = [in_size + (condition_dim or 0), *hidden_units]
        scales = [1.0] * len(hidden_units) + [output_scale]
        shapes = [(n, m, fan, scale) for (m, n), fan, scale in zip(pairwise(sizes), fans, scales, strict=True)]
        if condition_dim is not None:
            shapes.append((sizes[1], condition_dim, fans[0], scales[0]))
        weights = initial_weights(key, shapes)
        self.condition_weight = weights.pop() if condition_dim is not None else None
        self.weights = tuple(weights)
        zeros = [jnp.zeros(n, jnp.result_type(float)) for n in sizes[2:]]
        first = sizes[1] if hidden_units else out_size
        spread = initial_bias(jax.random.fold_in(key, 1), first, fans[0])
        self.biases = (spread if hidden_units else jnp.zeros_like(spread), *zeros)
        self.activation = as_callable(activation)

    def columns(self, x: jax.Array) -> jax.Array:
        """The network with features leading: (in_size, *batch) to (out_size, *batch)."""
        h = dense(self.weights[0], x, self.biases[0])
        if self.condition_weight is not None:
            h = add_leading(h, dense(self.condition_weight, self.bound_columns()))
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            h = dense(weight, self.activation(h), bias)
        return h
