"""Masks of one masked network: other orders of its inputs, other connections of its hidden units, the same weights.

A mask is the degrees that inputs and hidden units have under it (`made.py`). Every mask gives the hidden units of a
layer the same degrees, dealt out anew: so, with the units sorted, all have one structure, and each is evaluated
incrementally too. (Germain et al. 2015 draw each degree by itself, section 4.)
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core import Module, constant_field, replace
from ..core.compiling import RUNS_ONCE, compiled
from .made import AutoregressiveNetwork


class Masks(Module):
    """M masks of an `AutoregressiveNetwork`, as arrays, so that a compiled program picks one by its number.

    `masks.of(model, m)` is the model with its network under mask m, `len(masks)` is M. Made by `draw_masks`. Nothing
    in it trains.

    Attributes:
        input_degrees: integers of shape [M, D]: the place of each input in the order.
        unit_degrees: for each hidden layer, integers of shape [M, units].
    """

    input_degrees: jax.Array = constant_field()
    unit_degrees: tuple[jax.Array, ...] = constant_field()

    def __len__(self) -> int:
        return int(self.input_degrees.shape[0])

    def of(self, model: Any, index: Any) -> Any:
        """`model`, a network or any pytree that holds a single one, with that network under mask `index`.

        Raises:
            ValueError: if the model does not hold one network of the sizes that the masks were drawn for.
        """
        net = network_of(model)
        drawn = self.input_degrees.shape[1], tuple(d.shape[1] for d in self.unit_degrees)
        if (net.dim, tuple(map(len, net.hidden_degrees))) != drawn:
            raise ValueError(
                f"Masks: expected a network of {drawn[0]} inputs and hidden layers of {drawn[1]} units, and got one of "
                f"{net.dim} and {tuple(map(len, net.hidden_degrees))}: a mask has an entry for each unit. Draw masks "
                "for this network, draw_masks(key, model, count)."
            )
        masked = replace(
            net,
            input_degrees=self.input_degrees[index],
            unit_degrees=tuple(degrees[index] for degrees in self.unit_degrees),
            is_left_to_right=False,
        )
        return jax.tree.map(lambda node: masked if _is_network(node) else node, model, is_leaf=_is_network)


def draw_masks(key: jax.Array, model: Any, count: int, *, orders: bool = True, connections: bool = True) -> Masks:
    """`count` masks for the network in `model`, whose weights they share.

    Args:
        key: a random key.
        model: an `AutoregressiveNetwork`, or any model that holds a single one (what `flows.made` returns).
        count: how many masks.
        orders: whether to draw orders of the inputs; else all have the network's.
        connections: whether to draw the degrees of the hidden units; else all have the network's.

    Raises:
        ValueError: for a count below 1, or a model that does not hold a single network.
    """
    if isinstance(count, bool) or int(count) != count or count < 1:
        raise ValueError(f"draw_masks: expected a positive integer count of masks, and got {count!r}")
    net = network_of(model)
    hidden = [np.asarray(d, np.int32) for d in net.hidden_degrees]
    return _dealt(key, net.input_degrees, hidden, int(count), bool(orders), bool(connections), net.residual)


@compiled(RUNS_ONCE, static_argnames=("count", "orders", "connections", "residual"))
def _dealt(
    key: jax.Array, inputs: jax.Array, hidden: Any, count: int, orders: bool, connections: bool, residual: bool
) -> Masks:
    def dealt(key: jax.Array, degrees: jax.Array, draw: bool) -> jax.Array:
        rows = jnp.broadcast_to(degrees, (count, degrees.shape[0]))
        return jax.random.permutation(key, rows, axis=1, independent=True) if draw else rows

    keys = jax.random.split(key, 1 + len(hidden))
    # The layers of residual blocks add up unit by unit, so that a unit has one degree in all of them.
    of_layer = [keys[1]] * len(hidden) if residual else keys[1:]
    units = [dealt(key, degrees, connections) for key, degrees in zip(of_layer, hidden, strict=True)]
    return Masks(dealt(keys[0], inputs, orders), tuple(units))


def network_of(model: Any) -> AutoregressiveNetwork:
    """The one masked network of a model; else `ValueError`."""
    found = [node for node in jax.tree.leaves(model, is_leaf=_is_network) if _is_network(node)]
    if len(found) != 1 or found[0].weights[0].ndim != 2:
        number = "a stack of them" if len(found) == 1 else str(len(found))
        raise ValueError(
            f"expected a model with a single AutoregressiveNetwork, and {type(model).__name__} has {number}: a mask is "
            "an order and the connections of one network. Use flows.made, or build the model on one network."
        )
    return found[0]


def _is_network(node: Any) -> bool:
    return isinstance(node, AutoregressiveNetwork)
