"""A model taken apart for a compiled program: what trains, what is constant, what is structure.

    leaves of the model  =  trained arrays  +  constant arrays  +  static values (functions of foreign modules)

For the optimiser, arrays that are small are laid end to end in one vector for each dtype and large ones stay as they
are (`packed`): a step then costs one fused pass over memory for the many small ones together, and no copies of the
large ones. Or they are the model's own tree, for an Optax transformation that may treat arrays by their place. A
`Layout` has no arrays and compares by value: programs compiled for it are found again.
"""

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..core import trainable

_STATIC, _CONSTANT, _TRAINED = range(3)
# Arrays of fewer numbers are packed. On two cores a step of 20 small layers takes 191 us so and 233 with none packed
# (the gradient alone: 164). A step of 3 x MAF(128, 128) takes 142 either way (86); but on busy cores 195 if all is one
# vector, whose passes wait for both cores, and 166 so.
_LARGE = 4096


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the leaves of a model go; made by `take_apart`."""

    treedef: Any
    roles: tuple[int, ...]
    statics: tuple[Any, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    packed: bool

    def leaves(self, parameters: Any) -> list[jax.Array]:
        """The trained arrays out of `parameters`."""
        if not self.packed:
            return jax.tree.leaves(parameters)
        out: list[Any] = [None] * len(self.shapes)
        for members, held in zip(self._groups(), parameters, strict=True):
            start = 0
            for k in members:
                stop = start + math.prod(self.shapes[k])
                out[k] = held if len(members) == 1 else held[start:stop].reshape(self.shapes[k])
                start = stop
        return out

    def pack(self, leaves: list[jax.Array]) -> Any:
        """The trained arrays (or their gradients) in the form that the optimiser works on."""
        if not self.packed:
            trained = iter(leaves)
            return jax.tree.unflatten(self.treedef, [next(trained) if r == _TRAINED else None for r in self.roles])
        return tuple(
            leaves[members[0]] if len(members) == 1 else jnp.concatenate([leaves[k].reshape(-1) for k in members])
            for members in self._groups()
        )

    def _groups(self) -> list[list[int]]:
        """Which trained arrays share a vector; one by itself keeps its shape."""
        groups: dict[Any, list[int]] = {}
        for k, (shape, dtype) in enumerate(zip(self.shapes, self.dtypes, strict=True)):
            groups.setdefault(k if math.prod(shape) >= _LARGE else dtype, []).append(k)
        return list(groups.values())

    def combine(self, leaves: list[jax.Array], constants: tuple[jax.Array, ...]) -> Any:
        """The model of these arrays."""
        parts = {_STATIC: iter(self.statics), _CONSTANT: iter(constants), _TRAINED: iter(leaves)}
        return jax.tree.unflatten(self.treedef, [next(parts[role]) for role in self.roles])

    def constants(self, model: Any) -> tuple[jax.Array, ...]:
        """The constant arrays of a model that differs from this layout's in values only."""
        leaves = jax.tree.leaves(model)
        return tuple(leaf for leaf, role in zip(leaves, self.roles, strict=True) if role == _CONSTANT)

    def of(self, model: Any) -> "Layout":
        """The same layout for a model that differs in static flags only."""
        return dataclasses.replace(self, treedef=jax.tree.structure(model))

    def paths(self) -> list[str]:
        """The place of each leaf in the model, as text."""
        numbered = jax.tree.unflatten(self.treedef, range(len(self.roles)))
        return [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(numbered)]


def take_apart(model: Any, *, packed: bool) -> tuple[Layout, list[jax.Array], tuple[jax.Array, ...]]:
    """(layout, trained arrays, constant arrays) of a model.

    Raises:
        ValueError: if nothing in the model trains.
    """
    leaves, treedef = jax.tree.flatten(model)
    trains = jax.tree.leaves(trainable(model))
    roles = tuple(
        _TRAINED if train else _CONSTANT if eqx.is_array(leaf) else _STATIC
        for leaf, train in zip(leaves, trains, strict=True)
    )
    by_role: list[list[Any]] = [[leaf for leaf, r in zip(leaves, roles, strict=True) if r == role] for role in range(3)]
    statics, constants, trained = by_role
    if not trained:
        raise ValueError(
            f"expected a model with parameters that train, and {type(model).__name__} has none: it holds no floating "
            "arrays, or all of them are frozen. See pushforward.trainable(model); pushforward.unfreeze undoes freeze."
        )
    shapes, dtypes = tuple(a.shape for a in trained), tuple(str(a.dtype) for a in trained)
    return Layout(treedef, roles, tuple(statics), shapes, dtypes, packed), trained, tuple(constants)


def fingerprint(model: Any) -> list[Any]:
    """What two models must share for a run of the one to go on with the other: structure and constant arrays."""
    layout, _, constants = take_apart(model, packed=True)
    return [repr((layout.paths(), layout.roles, layout.shapes, layout.dtypes)), *constants]
