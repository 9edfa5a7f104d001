"""JSON and arrays back to a model: the reverse of `encode`, trusting nothing.

Classes and functions come from `names`, nothing is imported or called because a file says so except constructors of
NumPyro's own classes; fields are checked against the class.
"""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np
from numpyro.distributions import Distribution, constraints, transforms

from .arguments import build
from .arrays import DTYPE_NAMES, restore_array
from .encode import MAX_DEPTH, Node
from .names import field_names, find, find_tag


def decode(node: Node, arrays: dict[str, np.ndarray]) -> Any:
    """The model of a tree of nodes and the arrays that it names.

    Raises:
        ValueError: for anything that `encode` would not have written, naming its place.
    """
    decoder = _Decoder(arrays, set())
    model = decoder.value(node, "model", 0)
    if unused := sorted(set(arrays) - decoder.used):
        raise ValueError(f"weights.safetensors holds {unused[0]!r}, which config.json does not mention")
    return model


@dataclasses.dataclass(frozen=True)
class _Decoder:
    arrays: dict[str, np.ndarray]
    used: set[str]

    def value(self, node: Node, where: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError(f"config.json is nested deeper than {MAX_DEPTH} levels at {where[:80]}...")
        if node is None or type(node) in (bool, int, float, str):
            return node
        if type(node) is not dict or not node:
            raise _unreadable(where)
        kind = next((key for key in node if key in _KINDS), None)
        if kind is None:
            raise _unreadable(where)
        allowed = _KINDS[kind]
        if set(node) - {kind, *allowed[1]}:
            raise _unreadable(where)
        return allowed[0](self, node, where, depth + 1)

    def _items(self, nodes: Any, where: str, depth: int) -> list[Any]:
        if type(nodes) is not list:
            raise _unreadable(where)
        return [self.value(v, f"{where}[{k}]", depth) for k, v in enumerate(nodes)]

    def _mapping(self, nodes: Any, where: str, depth: int) -> dict[str, Any]:
        if type(nodes) is not dict:
            raise _unreadable(where)
        return {k: self.value(v, f"{where}.{k}", depth) for k, v in nodes.items()}

    def _array(self, node: Node, where: str, depth: int) -> Any:
        name = node["array"]
        if type(name) is not str or name not in self.arrays:
            raise ValueError(f"{where}: weights.safetensors has no array {name!r}")
        self.used.add(name)
        return restore_array(self.arrays[name], node, where)

    def _module(self, node: Node, where: str, depth: int) -> Any:
        cls = _class(node["module"], (object,), where)
        fields, absent = node.get("fields"), node.get("absent")
        if type(fields) is not dict or type(absent) is not list or not all(type(n) is str for n in absent):
            raise _unreadable(where)
        names = field_names(cls)
        if names is None:
            raise _unreadable(where)
        known, found = set(names), set(fields) | set(absent)
        if known != found or set(fields) & set(absent):
            odd = sorted(found - known) or sorted(known - found) or sorted(set(fields) & set(absent))
            problem = "does not have" if found - known else "has, and the file does not set,"
            raise ValueError(
                f"{where}: {cls.__name__} {problem} the field {odd[0]!r}; the file was written for another version of "
                "that class, so use the version that saved it"
            )
        values = self._mapping(fields, where, depth)
        try:
            module = object.__new__(cls)
        except TypeError as error:
            raise ValueError(f"{where}: {cls.__name__} cannot be made ({error})") from None
        for name, value in values.items():
            object.__setattr__(module, name, value)
        return module

    def _arguments(self, node: Node, where: str, depth: int) -> Any:
        cls = _class(node["numpyro"], (Distribution, constraints.Constraint, transforms.Transform), where)
        return build(cls, self._mapping(node.get("arguments"), where, depth), where)

    def _function(self, node: Node, where: str, depth: int) -> Any:
        found = _find(node["function"], where)
        if not callable(found):
            raise _unreadable(where)
        return found

    def _tag(self, node: Node, where: str, depth: int) -> Any:
        found = find_tag(node["tag"]) if type(node["tag"]) is str else None
        if found is None:
            raise _unreadable(where)
        return found

    def _partial(self, node: Node, where: str, depth: int) -> Any:
        function = self.value(node["partial"], f"{where}.func", depth)
        arguments = self._items(node.get("arguments"), f"{where}.args", depth)
        keywords = self._mapping(node.get("keywords"), where, depth)
        if not callable(function) or type(node.get("pytree")) is not bool:
            raise _unreadable(where)
        return (jax.tree_util.Partial if node["pytree"] else functools.partial)(function, *arguments, **keywords)

    def _dict(self, node: Node, where: str, depth: int) -> Any:
        pairs = node["dict"]
        if type(pairs) is not list or not all(type(pair) is list and len(pair) == 2 for pair in pairs):
            raise _unreadable(where)
        keys = [self.value(key, f"a key of {where}", depth) for key, _ in pairs]
        try:
            return {key: self.value(v, f"{where}[{key!r}]", depth) for key, (_, v) in zip(keys, pairs, strict=True)}
        except TypeError:
            raise _unreadable(where) from None

    def _frozenset(self, node: Node, where: str, depth: int) -> Any:
        try:
            return frozenset(self._items(node["frozenset"], where, depth))
        except TypeError:
            raise _unreadable(where) from None

    def _float(self, node: Node, where: str, depth: int) -> Any:
        if node["float"] not in ("nan", "inf", "-inf"):
            raise _unreadable(where)
        return float(node["float"])

    def _complex(self, node: Node, where: str, depth: int) -> Any:
        try:
            real, imaginary = node["complex"]
            return complex(float(real), float(imaginary))
        except (TypeError, ValueError):
            raise _unreadable(where) from None

    def _slice(self, node: Node, where: str, depth: int) -> Any:
        parts = node["slice"]
        if type(parts) is not list or len(parts) != 3 or not all(v is None or type(v) is int for v in parts):
            raise _unreadable(where)
        return slice(*parts)

    def _dtype(self, node: Node, where: str, depth: int) -> Any:
        if type(node["dtype"]) is not str or node["dtype"] not in DTYPE_NAMES:
            raise _unreadable(where)
        return DTYPE_NAMES[node["dtype"]]


# Kind of node: how to read it, and which keys it may have beside its kind.
_KINDS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "array": (_Decoder._array, ("dtype", "shape", "held", "weak", "key")),
    "module": (_Decoder._module, ("fields", "absent")),
    "numpyro": (_Decoder._arguments, ("arguments",)),
    "function": (_Decoder._function, ()),
    "tag": (_Decoder._tag, ()),
    "class": (lambda self, node, where, depth: _class(node["class"], (object,), where), ()),
    "partial": (_Decoder._partial, ("arguments", "keywords", "pytree")),
    "tuple": (lambda self, node, where, depth: tuple(self._items(node["tuple"], where, depth)), ()),
    "list": (lambda self, node, where, depth: self._items(node["list"], where, depth), ()),
    "dict": (_Decoder._dict, ()),
    "frozenset": (_Decoder._frozenset, ()),
    "float": (_Decoder._float, ()),
    "complex": (_Decoder._complex, ()),
    "slice": (_Decoder._slice, ()),
    "dtype": (_Decoder._dtype, ()),
    "ellipsis": (lambda self, node, where, depth: Ellipsis, ()),
}


def _find(name: Any, where: str) -> Any:
    if type(name) is not str:
        raise _unreadable(where)
    try:
        return find(name)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _class(name: Any, bases: tuple[type, ...], where: str) -> Any:
    found = _find(name, where)
    if not isinstance(found, type) or not issubclass(found, bases):
        raise ValueError(f"{where}: {name!r} is not a class that may stand here")
    return found


def _unreadable(where: str) -> ValueError:
    return ValueError(f"config.json is damaged at {where[:200]}: it is not something that save writes")
