"""NumPyro's objects as class plus named arguments.

The order in which NumPyro flattens a distribution comes from a Python `set` and differs between processes, and its
inner attributes differ between its versions; the arguments of its constructors are stable. So an object is stored as
the arguments that make it, and `save` makes it once more to see that it is the same.
"""

import inspect
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import Distribution
from numpyro.distributions.util import lazy_property

# Attributes that hold an argument under another name.
_ALIASES = {"base_distribution": "base_dist", "transform": "_inv"}
_MISSING = object()


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    """The named parameters of the constructor of `cls`."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    constructor: Any = inspect.getattr_static(cls, "__init__")
    return {p.name: p for p in list(inspect.signature(constructor).parameters.values())[1:] if p.kind in named}


def arguments_of(thing: Any) -> dict[str, Any]:
    """Arguments that make `thing` again.

    Raises:
        TypeError: if some argument is not kept as an attribute, with the reason.
    """
    arguments = {}
    for name, parameter in parameters(type(thing)).items():
        value = _argument(thing, name)
        if value is not _MISSING:
            arguments[name] = value
        elif parameter.default is inspect.Parameter.empty:
            raise TypeError(f"is a {type(thing).__name__} that does not keep its argument {name!r} as an attribute")
    return arguments


def build(cls: type, arguments: dict[str, Any], where: str) -> Any:
    """`cls(**arguments)`, with one `ValueError` for whatever the constructor refuses."""
    if unknown := set(arguments) - set(parameters(cls)):
        raise ValueError(
            f"{where}: {cls.__name__} takes no argument {sorted(unknown)[0]!r} in the NumPyro installed here"
        )
    try:
        with jax.numpy_dtype_promotion("standard"):  # NumPyro's constructors mix dtypes
            return cls(**arguments)
    except Exception as error:
        raise ValueError(f"{where}: {cls.__name__} refuses its arguments ({error})") from None


def is_made_by(thing: Any, arguments: dict[str, Any]) -> bool:
    """Whether these arguments make a thing with the same arguments and shapes as `thing`.

    Inner attributes may differ in form: a constructor given 0.0 may keep `support` with 0.0 and the argument as [0.0].
    """
    again = build(type(thing), arguments, "it")
    shapes = ("batch_shape", "event_shape")
    alike = all(getattr(again, name, None) == getattr(thing, name, None) for name in shapes)
    return alike and same(arguments_of(again), arguments)


def same(one: Any, other: Any) -> bool:
    """Whether two pytrees agree in structure, and bit for bit in what their leaves are to a compiled program."""
    structures: list[Any] = [jax.tree.structure(tree) for tree in (one, other)]
    return structures[0] == structures[1] and all(map(_same_leaf, jax.tree.leaves(one), jax.tree.leaves(other)))


def _same_leaf(one: Any, other: Any) -> bool:
    if not eqx.is_array_like(one) or not eqx.is_array_like(other):
        return one is other or bool(one == other)
    one, other = jnp.asarray(one), jnp.asarray(other)
    if one.aval != other.aval:
        return False
    if jnp.issubdtype(one.dtype, jax.dtypes.prng_key):
        one, other = jax.random.key_data(one), jax.random.key_data(other)
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()


def _argument(thing: Any, name: str) -> Any:
    own = thing.__dict__
    if name == "validate_args" and isinstance(thing, Distribution):
        given = own.get("_validate_args")
        return _MISSING if given is None else given
    on_class = inspect.getattr_static(type(thing), name, None)
    if isinstance(on_class, lazy_property):
        return _MISSING  # another parametrisation, computed from the one that was given
    for attribute in (name, "_" + name, _ALIASES.get(name, name)):
        if attribute in own:
            return own[attribute]
    return getattr(thing, name) if isinstance(on_class, property) else _MISSING
