"""Names of classes and functions in a model file, and back.

A file names things; it never says where to import them from. A name is one of

    pushforward.PACKAGE.NAME, pushforward.PACKAGE.FILE.NAME    ours, exported or not, of the packages that hold models
    equinox.nn.NAME, lineax.NAME                               public modules of these libraries; Lineax's tags
    numpyro.distributions / .constraints / .transforms.NAME    public classes of NumPyro
    jax.nn.relu and the like                                   the table of functions
    anything without one of these prefixes                     given to `register`
"""

import dataclasses
import functools
import importlib
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar, overload

import equinox as eqx
import numpyro.distributions as numpyro_distributions
from numpyro.distributions import constraints, transforms

from ..distributions.base import PytreeDistribution
from .functions import function_table, table_name

T = TypeVar("T")

_OURS = "pushforward"
_PACKAGES = ("core", "nets", "solvers", "bijectors", "distributions", "stochastic")
_RESERVED = ("pushforward.", "equinox.", "lineax.", "numpyro.", "jax.", "numpy.")
_registered: dict[str, Any] = {}


@overload
def register(thing: T, *, name: str | None = None) -> T: ...
@overload
def register(thing: None = None, *, name: str | None = None) -> Callable[[T], T]: ...
def register(thing: Any = None, *, name: str | None = None) -> Any:
    """Let models that hold your own class or function be saved and loaded.

    Call it, or use it as a decorator, before `save` and before `load`. A file stores the name only: your code is found
    among what has been registered, never imported because a file says so.

    Args:
        thing: a class (an Equinox module such as your own bijector, another dataclass, or a NumPyro distribution) or a
            function.
        name: its name in files; default `thing.__name__`. Keep it when you rename or move your code.

    Returns:
        `thing`.

    Raises:
        TypeError: for anything else than such a class or a function.
        ValueError: if the name is taken by something else, or looks like one of ours.

    Example:
        @pushforward.register
        class Swirl(pushforward.bijectors.Bijector):
            ...
    """
    if thing is None:
        return functools.partial(register, name=name)
    if not callable(thing) or (isinstance(thing, type) and not _is_model_class(thing)):
        raise TypeError(
            "register expects the class of an Equinox module, dataclass or NumPyro distribution, or a function, and "
            f"got {thing!r}; only these can be rebuilt from a file"
        )
    given = name if name is not None else getattr(thing, "__name__", "")
    if not given or given == "<lambda>":
        raise ValueError(f"{thing!r} has no name of its own to be saved by; pass name='...'")
    if given.startswith(_RESERVED):
        raise ValueError(
            f"the name {given!r} begins like a built-in one; choose a name without {given.split('.')[0]!r}."
        )
    taken = _registered.get(given, thing)
    if taken is not thing and _home(taken) != _home(thing):
        # The same class defined again, as when a notebook cell is run twice, replaces itself.
        raise ValueError(
            f"the name {given!r} belongs to {taken!r} already, and a file with it could mean either; "
            "pass another name=..."
        )
    _registered[given] = thing
    return thing


def name_of(thing: Any) -> str | None:
    """The name of a class, function or singleton constraint in files, or None if it has none."""
    for name, registered in _registered.items():
        if registered is thing:
            return name
    if isinstance(thing, type):
        return _class_name(thing)
    return table_name(thing) or _own_name(thing)


def find(name: str) -> Any:
    """The class or function of a name.

    Raises:
        ValueError: for a name that is not known here.
    """
    found = _registered.get(name)
    if found is None:
        found = _find_own(name) if name.startswith(_OURS + ".") else function_table().get(name) or _find_foreign(name)
    if found is None:
        raise ValueError(
            f"the model holds {name!r}, which is not known here. If it is yours, define it and call "
            "pushforward.register on it before load; if it is pushforward's, the file needs another version"
        )
    return found


def tag_name(value: Any) -> str | None:
    """The name of a tag of a Lineax operator (`lineax.symmetric_tag`), or None if it is none."""
    if not type(value).__module__.startswith("lineax."):
        return None
    return next((name for name, tag in _tags().items() if tag is value), None)


def find_tag(name: str) -> Any:
    """The tag of a name, or None."""
    return _tags().get(name)


def field_names(cls: type) -> tuple[str, ...] | None:
    """The fields that make up an instance of a dataclass (modules are) or of a distribution of ours; else None."""
    if issubclass(cls, PytreeDistribution):
        return cls.pytree_data_fields + cls.pytree_aux_fields
    return tuple(f.name for f in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else None


def _is_model_class(thing: Any) -> bool:
    bases = eqx.Module | numpyro_distributions.Distribution | constraints.Constraint | transforms.Transform
    return isinstance(thing, type) and (issubclass(thing, bases) or dataclasses.is_dataclass(thing))


def _home(thing: Any) -> tuple[Any, Any]:
    return getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)


def _class_name(cls: type) -> str | None:
    if not _is_model_class(cls):
        return table_name(cls)
    home, name = cls.__module__, cls.__name__
    if home.startswith(_OURS + "."):
        return _own_name(cls)
    if home.startswith("equinox.") and getattr(eqx.nn, name, None) is cls:
        return f"equinox.nn.{name}"
    if home.startswith("lineax.") and getattr(importlib.import_module("lineax"), name, None) is cls:
        return f"lineax.{name}"
    return _numpyro_names().get(cls)


def _own_name(thing: Any) -> str | None:
    home, name = getattr(thing, "__module__", None) or "", getattr(thing, "__name__", None)
    parts = home.split(".")
    if len(parts) < 2 or parts[0] != _OURS or parts[1] not in _PACKAGES or not isinstance(name, str):
        return None
    public = getattr(importlib.import_module(f"{_OURS}.{parts[1]}"), name, None) is thing
    full = f"{_OURS}.{parts[1]}.{name}" if public else f"{home}.{name}"
    return full if _find_own(full) is thing else None  # a closure has a home too, but is not found there


def _find_own(name: str) -> Any:
    _, package, *files, last = name.split(".") if name.count(".") >= 2 else ("", "", "")
    if package not in _PACKAGES or not all(part.isidentifier() for part in files):
        return None
    try:
        home = importlib.import_module(".".join((_OURS, package, *files)))
    except ModuleNotFoundError:
        return None
    found = getattr(home, last, None)
    ours = (getattr(found, "__module__", None) or "").startswith(f"{_OURS}.{package}")
    return found if ours and (_is_model_class(found) or isinstance(found, FunctionType) or _is_jitted(found)) else None


def _is_jitted(found: Any) -> bool:
    return callable(found) and not isinstance(found, type) and hasattr(found, "__wrapped__")


def _find_foreign(name: str) -> Any:
    home, _, last = name.rpartition(".")
    if home in ("equinox.nn", "lineax"):
        found = None if last.startswith("_") else vars(importlib.import_module(home)).get(last)
        return found if _is_model_class(found) else None
    return {name: cls for cls, name in _numpyro_names().items()}.get(name)


@functools.cache
def _tags() -> dict[str, Any]:
    return {f"lineax.{k}": v for k, v in vars(importlib.import_module("lineax")).items() if k.endswith("_tag")}


@functools.cache
def _numpyro_names() -> dict[type, str]:
    """Classes of NumPyro by their public names; constraints are classes behind the public `real`, `interval`, ..."""
    names: dict[type, str] = {}
    for name, value in sorted(vars(numpyro_distributions).items()):
        if _is_model_class(value) and value.__module__.startswith("numpyro.") and not name.startswith("_"):
            names.setdefault(value, f"numpyro.distributions.{name}")
    for name, value in vars(constraints).items():
        cls = value if isinstance(value, type) else type(value)
        if _is_model_class(cls) and name[0] != "_" and name[0].islower():
            names.setdefault(cls, f"numpyro.constraints.{name}")
    for name in transforms.__all__:
        value = getattr(transforms, name)
        if _is_model_class(value):
            names.setdefault(value, f"numpyro.transforms.{name}")
    names.setdefault(transforms._InverseTransform, "numpyro.transforms.InverseTransform")
    return names
