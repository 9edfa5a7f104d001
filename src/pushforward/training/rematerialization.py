"""Gradients of deep stacks in little memory."""

from typing import Any, TypeVar

import jax

from ..bijectors import Stack
from ..core import replace

ModelT = TypeVar("ModelT")


def rematerialized(model: ModelT, on: bool = True) -> ModelT:
    """The same model, whose stacks of layers keep for a gradient what enters each layer, and compute its inside again.

    Memory of a gradient falls from all hidden units of all layers to one vector a row and layer, and a step takes up to
    a third longer (Chen, Xu, Zhang & Guestrin 2016, "Training deep nets with sublinear memory cost"). Values are the
    same. Use it when a deep flow and large batches do not fit; `rematerialized(model, False)` undoes it.

    Args:
        model: a flow, a bijector, or any pytree of them.
        on: whether to compute again.
    """

    def one(node: Any) -> Any:
        if isinstance(node, Stack):
            return replace(node, rematerialized=on, layers=rematerialized(node.layers, on))
        children, treedef = jax.tree.flatten(node, is_leaf=lambda child: child is not node)
        if len(children) == 1 and children[0] is node:
            return node
        return jax.tree.unflatten(treedef, [one(child) for child in children])

    return one(model)
