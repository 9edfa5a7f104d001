"""A model as JSON and arrays.

The JSON is a tree of nodes. Numbers, strings, booleans and None stand for themselves; everything else is an object with
one of these keys:

    {"array": NAME, "dtype", "shape", "held", ...}     an array in the weights file, under its path inside the model
    {"module": CLASS, "fields": {...}, "absent": []}   an Equinox module, dataclass or distribution of ours
    {"numpyro": CLASS, "arguments": {...}}             a distribution, constraint or transform of NumPyro
    {"function": NAME}, {"class": NAME}, {"tag": NAME} see `names`
    {"partial": NODE, "arguments": [], "keywords": {}, "pytree": bool}
    {"tuple": []}, {"list": []}, {"dict": [[k, v]]}, {"frozenset": []}
    {"float": "nan"}, {"complex": []}, {"slice": []}, {"dtype": NAME}, {"ellipsis": true}
"""

import dataclasses
import functools
import math
from typing import Any

import equinox as eqx
import jax
import numpy as np
from numpyro.distributions import Distribution, constraints, transforms

from .arguments import arguments_of, is_made_by
from .arrays import DTYPE_NAMES, describe_array
from .names import field_names, name_of, tag_name

# Deeper than any model, and well within the recursion that Python's JSON reader allows.
MAX_DEPTH = 120

Node = Any


def encode(model: Any) -> tuple[Node, dict[str, np.ndarray]]:
    """The tree of nodes of `model` and the arrays it names.

    Raises:
        TypeError: for a part that cannot be rebuilt from a file, naming its place and the cure.
    """
    arrays: dict[str, np.ndarray] = {}
    return _Encoder(arrays).node(model, "model", 0), arrays


@dataclasses.dataclass(frozen=True)
class _Encoder:
    arrays: dict[str, np.ndarray]

    def node(self, value: Any, where: str, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise TypeError(f"cannot save: {where} lies deeper than {MAX_DEPTH} levels; a Chain of many parts is flat")
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, jax.Array | np.ndarray | np.generic):
            return self._array(value, where)
        if type(value) in (tuple, list):
            items = [self.node(v, f"{where}[{k}]", depth + 1) for k, v in enumerate(value)]
            return {type(value).__name__: items}
        if type(value) is dict:
            pairs = [[self.node(k, f"a key of {where}", depth + 1), self.node(v, f"{where}[{k!r}]", depth + 1)]
                     for k, v in value.items()]  # fmt: skip
            return {"dict": pairs}
        if type(value) is frozenset:
            return {"frozenset": [self.node(v, f"{where}{{...}}", depth + 1) for v in sorted(value, key=repr)]}
        return self._small(value) or self._named(value) or self._object(value, where, depth)

    def _array(self, value: Any, where: str) -> Node:
        try:
            plain, held = describe_array(value)
        except TypeError as error:
            raise TypeError(f"cannot save: {where} {error}") from None
        name = where.removeprefix("model").removeprefix(".") or "model"
        if name in self.arrays:
            raise TypeError(f"cannot save: two arrays of the model are both called {where}; rename a key or field")
        self.arrays[name] = plain
        return {"array": name, **held}

    def _small(self, value: Any) -> Node:
        if type(value) is complex:
            return {"complex": [repr(value.real), repr(value.imag)]}
        if type(value) is slice and all(v is None or type(v) is int for v in (value.start, value.stop, value.step)):
            return {"slice": [value.start, value.stop, value.step]}
        if isinstance(value, np.dtype) and value.name in DTYPE_NAMES:
            return {"dtype": value.name}
        if (tag := tag_name(value)) is not None:
            return {"tag": tag}
        return {"ellipsis": True} if value is Ellipsis else None

    def _named(self, value: Any) -> Node:
        if isinstance(value, type):
            name = name_of(value)
            return name and {"class": name}
        name = name_of(value) if callable(value) and not isinstance(value, eqx.Module | Distribution) else None
        return name and {"function": name}

    def _object(self, value: Any, where: str, depth: int) -> Node:
        if isinstance(value, functools.partial):
            return {
                "partial": self.node(value.func, f"{where}.func", depth + 1),
                "arguments": [self.node(v, f"{where}.args[{k}]", depth + 1) for k, v in enumerate(value.args)],
                "keywords": {k: self.node(v, f"{where}.keywords.{k}", depth + 1) for k, v in value.keywords.items()},
                "pytree": isinstance(value, jax.tree_util.Partial),
            }
        if reason := getattr(type(value), "unsaveable", None):
            raise TypeError(f"cannot save: {where} {reason}")
        name = name_of(type(value))
        if name is None:
            raise _refusal(value, where)
        if field_names(type(value)) is not None:
            return self._module(value, name, where, depth)
        if isinstance(value, Distribution | constraints.Constraint | transforms.Transform):
            return self._arguments(value, name, where, depth)
        raise _refusal(value, where)

    def _module(self, value: Any, name: str, where: str, depth: int) -> Node:
        held, names = vars(value), field_names(type(value)) or ()
        return {
            "module": name,
            "fields": {n: self.node(held[n], f"{where}.{n}", depth + 1) for n in names if n in held},
            "absent": [n for n in names if n not in held],
        }

    def _arguments(self, value: Any, name: str, where: str, depth: int) -> Node:
        try:
            arguments = arguments_of(value)
            faithful = is_made_by(value, arguments)
        except (TypeError, ValueError) as error:
            raise TypeError(f"cannot save: {where} {error}") from None
        if not faithful:
            raise TypeError(
                f"cannot save: {where} is a {type(value).__name__} that its own arguments do not make again; "
                "build it directly from its class, without changing it afterwards"
            )
        nodes = {k: self.node(v, f"{where}.{k}", depth + 1) for k, v in arguments.items()}
        return {"numpyro": name, "arguments": nodes}


def _refusal(value: Any, where: str) -> TypeError:
    cls = type(value)
    if isinstance(value, eqx.Module | Distribution) or not callable(value):
        cure = f"call pushforward.register({cls.__name__}) where the class is defined, here and before load"
        if not isinstance(value, eqx.Module | Distribution):
            cure = "keep numbers, strings, arrays and modules in fields"
        return TypeError(
            f"cannot save: {where} is a {cls.__qualname__}, which could not be rebuilt from a file; {cure}"
        )
    name = getattr(value, "__qualname__", None) or repr(value)
    return TypeError(
        f"cannot save: {where} is the function {name}, which could not be found again from a file; "
        "define it with def in a module and call pushforward.register on it, here and before load"
    )
