"""What trains: decided by structure, not by the type of a leaf.

`jit`, `vmap` and `device_put` turn NumPy leaves into JAX arrays, so "NumPy arrays do not train" does not survive them.
Here it is the structure that says so, and structure survives jit, vmap, scan, save and load:

    trainable(model)  =  floating arrays, except
                           below a part given to `freeze`,
                           in fields declared with `constant_field`,
                           inside NumPyro distributions.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .module import CONSTANT, Module, is_distribution, replace


class Frozen(Module):
    """A part of a foreign class (an `equinox.nn.MLP`, say) held constant; calls and attributes go through to it."""

    part: Any

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.part(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "part":
            raise AttributeError(name)
        return getattr(self.part, name)


def freeze(part: Any) -> Any:
    """Return `part` with its parameters held constant; its values, methods and type stay as they are.

    Args:
        part: a bijector, network, distribution of pushforward, or any other Equinox module (returned inside `Frozen`).
            To freeze a part of a model, put it back with `equinox.tree_at(where, model, replace_fn=freeze)`.

    Raises:
        TypeError: for a bare array, which has no structure that could carry the mark.
    """
    return _mark(part, True)


def unfreeze(part: Any) -> Any:
    """Undo `freeze` on this part (not on parts inside it that were frozen by themselves)."""
    return part.part if isinstance(part, Frozen) else _mark(part, False)


def _mark(part: Any, frozen: bool) -> Any:
    if isinstance(part, Module):
        return replace(part, frozen=frozen)
    if hasattr(part, "_with_frozen"):
        return part._with_frozen(frozen)
    if isinstance(part, eqx.Module):
        return Frozen(part, frozen=True) if frozen else part
    raise TypeError(
        f"freeze expects a bijector, network or distribution, and got {type(part).__name__}. Frozenness is part of a "
        "module's structure, and this has none. Freeze the module that holds it."
    )


def trainable(model: Any) -> Any:
    """A pytree of booleans, one for each leaf of `model`: which leaves train. For `equinox.partition`.

    Example:
        parameters, constants = eqx.partition(model, trainable(model))
    """
    if isinstance(model, Module):
        if model.frozen:
            return _all_false(model)
        constant = {f.name for f in dataclasses.fields(model) if f.metadata.get(CONSTANT)}
        return _map_children(model, lambda name, child: _all_false(child) if name in constant else trainable(child))
    if hasattr(model, "_trainable"):
        return model._trainable(trainable, _all_false)
    if is_distribution(model):
        return _all_false(model)
    children, _ = jax.tree_util.tree_flatten(model, is_leaf=lambda node: node is not model)
    if len(children) == 1 and children[0] is model:
        return eqx.is_array(model) and jnp.issubdtype(model.dtype, jnp.floating)
    return _map_children(model, lambda _, child: trainable(child))


def _all_false(tree: Any) -> Any:
    return jax.tree.map(lambda _: False, tree)


def _map_children(node: Any, fn: Any) -> Any:
    """`fn(field name or None, child)` for each direct child, put back into the same structure."""
    pairs, treedef = jax.tree_util.tree_flatten_with_path(node, is_leaf=lambda child: child is not node)
    return jax.tree.unflatten(treedef, [fn(getattr(path[0], "name", None) if path else None, c) for path, c in pairs])
