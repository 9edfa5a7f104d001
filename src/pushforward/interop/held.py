"""`Held`: an object of another library as a pytree of arrays."""

import dataclasses
import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NoReturn

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core import Module, static_field
from ..core.shapes import floating_dtype

UNSAVEABLE = (
    "is a map of another library, whose code a model file cannot name; save your own parameters and wrap the map again "
    "after load"
)


@dataclasses.dataclass(frozen=True)
class _Skeleton:
    """An object without its arrays: its structure, and the leaves that are none, None in place of arrays."""

    structure: Any
    rest: tuple[Any, ...]

    def __hash__(self) -> int:
        return hash(self.structure)


class Held(Module):
    """An object taken apart into its arrays and everything else, which is static structure.

    Taken apart by hand and not by `equinox.partition`, which would build the object with None in place of arrays:
    constructors of other libraries look at what they are given.
    """

    arrays: tuple[Any, ...]
    skeleton: _Skeleton = static_field()

    def __init__(self, thing: Any):
        leaves, structure = jax.tree.flatten(thing)
        leaves = [jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
        # Not weakly typed: an update would change that and compile again.
        self.arrays = tuple(jnp.asarray(leaf, leaf.dtype) for leaf in leaves if eqx.is_array(leaf))
        self.skeleton = _Skeleton(structure, tuple(None if eqx.is_array(leaf) else leaf for leaf in leaves))

    def whole(self) -> Any:
        """The object with the arrays that are held now."""
        arrays = iter(self.arrays)
        leaves = [next(arrays) if leaf is None else leaf for leaf in self.skeleton.rest]
        return jax.tree.unflatten(self.skeleton.structure, leaves)


def as_given(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A method that calls another library: under NumPy's promotion of dtypes, and what comes has the input's dtype."""

    @functools.wraps(method)
    def call(self: Any, x: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"):
            result = method(self, x)
        dtype = floating_dtype(x)
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), result)

    return call


def require_interface(thing: Any, names: tuple[str, ...], what: str, package: str) -> None:
    """`thing` has the attributes of a class of another library; else `TypeError`, telling whether that is installed."""
    if isinstance(thing, type) or not all(hasattr(thing, name) for name in names):
        _refuse(thing, names, what, package)


def _refuse(thing: Any, names: tuple[str, ...], what: str, package: str) -> NoReturn:
    got = f"the class {thing.__name__}" if isinstance(thing, type) else type(thing).__name__
    cure = f"Give one of {package}'s, or write the map as a subclass of Bijector."
    if find_spec(package) is None:
        cure = f"{package} is not installed here, so there can be none: install it with pip. {cure}"
    raise TypeError(f"expected {what}, an object with {', '.join(names)}, and got {got}. {cure}")
