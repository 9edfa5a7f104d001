"""`Module`: an Equinox module that can be frozen and that prints as a tree.

A module is a frozen dataclass and a pytree: arrays are its leaves, everything else is part of its static structure.
Two kinds of field need declaring:

- `static_field()`: not an array (an integer, a name, a tuple of names); part of the structure.
- `constant_field()`: an array (or a pytree of them) that is data and never trains: masks, statistics, a condition.

Undeclared fields hold parameters (floating arrays, which train) or other modules.
"""

import dataclasses
from typing import Any, TypeVar, dataclass_transform

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

ModuleT = TypeVar("ModuleT")

CONSTANT = "pushforward_constant"


def static_field(**kwargs: Any) -> Any:
    """A field that is part of the static structure, not of the arrays."""
    return eqx.field(static=True, **kwargs)


def constant_field(**kwargs: Any) -> Any:
    """A field whose arrays are data: they travel with the module but never train."""
    return eqx.field(metadata={CONSTANT: True}, **kwargs)


@dataclass_transform(field_specifiers=(dataclasses.field, eqx.field, static_field, constant_field))
class Module(eqx.Module):
    """An `equinox.Module` with a static flag `frozen`; see `pushforward.freeze`."""

    frozen: bool = eqx.field(static=True, default=False, kw_only=True)

    def _repr_children(self) -> list[tuple[str, Any]] | None:
        """Children in the order a reader wants them; None for the fields in order of declaration."""
        return None

    def __repr__(self) -> str:
        return "\n".join(_tree_lines(self))


def replace(module: ModuleT, **changes: Any) -> ModuleT:
    """A copy of `module` with some fields set, whatever the signature of its `__init__`.

    `dataclasses.replace` calls `__init__`, which for a class with a hand-written one takes other arguments.
    """
    names = {f.name for f in dataclasses.fields(module)}  # type: ignore[arg-type]
    if unknown := set(changes) - names:
        raise TypeError(f"{type(module).__name__} has no field {sorted(unknown)}; its fields are {sorted(names)}")
    new = object.__new__(type(module))
    for name in names:
        if name in changes:
            object.__setattr__(new, name, changes[name])
        elif name in module.__dict__:
            object.__setattr__(new, name, module.__dict__[name])
    return new


def _describe(value: Any) -> str:
    """One short word for a leaf: the number for a scalar, dtype and shape for an array, the name of a function."""
    if isinstance(value, jax.Array | np.ndarray):
        shape = ",".join(map(str, value.shape))
        kind = {"float": "f", "int": "i", "uint": "u", "bool": "bool", "bfloat": "bf", "complex": "c"}
        name = str(value.dtype)
        for long, short in kind.items():
            if name == long or (name.startswith(long) and name[len(long) :].isdigit()):
                name = short + name[len(long) :]
                break
        if (
            value.ndim == 0
            and not isinstance(value, jax.core.Tracer)
            and not jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
        ):
            return f"{value.item():.6g}" if name[0] in "fb" and name != "bool" else str(value.item())
        return f"{name}[{shape}]"
    if isinstance(value, eqx.Module):
        return type(value).__name__
    if is_distribution(value) and type(value).__repr__.__module__.startswith("numpyro."):
        # NumPyro's own text has an address in it.
        shown = [f"{name}={_describe(vars(value)[name])}" for name in value.arg_constraints if name in vars(value)]
        shown = shown or [f"batch_shape={value.batch_shape}", f"event_shape={value.event_shape}"]
        return f"{type(value).__name__}({', '.join(shown)})"
    if callable(value):
        return str(getattr(value, "__name__", repr(value)))
    if isinstance(value, tuple | list):
        body = ", ".join(_describe(v) for v in value)
        return f"({body})" if isinstance(value, tuple) else f"[{body}]"
    return repr(value)


def is_distribution(value: Any) -> bool:
    """Whether `value` is a distribution of NumPyro, by name along its class's ancestors: layer 0 does not import it."""
    return any(c.__name__ == "Distribution" and c.__module__.startswith("numpyro.") for c in type(value).__mro__)


def _modules_in(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, eqx.Module):
        return [("", value)]
    if isinstance(value, tuple | list) and any(isinstance(v, eqx.Module) for v in value):
        return [(f"[{i}]", v) for i, v in enumerate(value)]
    if isinstance(value, dict) and any(isinstance(v, eqx.Module) for v in value.values()):
        return [(f"[{k!r}]", v) for k, v in value.items()]
    return []


def _tree_lines(node: Any) -> list[str]:
    if not (dataclasses.is_dataclass(node) and isinstance(node, Module)):
        return (repr(node) if isinstance(node, eqx.Module) else _describe(node)).splitlines()
    own, children = [], []
    custom = node._repr_children()
    for field in dataclasses.fields(node):
        if field.name not in node.__dict__:
            continue
        value = getattr(node, field.name)
        if field.name in ("frozen", "validate_args", "validate_event_size"):
            if value:
                own.append(f"{field.name}=True")
        elif inner := _modules_in(value):
            children += [(field.name + label, child) for label, child in inner]
        elif value is not None:
            own.append(f"{field.name}={_describe(value)}")
    if custom is not None:
        children = custom
    lines = [type(node).__name__ + (f"({', '.join(own)})" if own or not children else "")]
    for k, (label, child) in enumerate(children):
        last = k == len(children) - 1
        block = _tree_lines(child)
        lines.append(f"{'└─' if last else '├─'} {label}: {block[0]}")
        lines += [("   " if last else "│  ") + line for line in block[1:]]
    return lines


def carried_over(original: Any, before: Any, after: Any) -> Any:
    """What differs between `before` and `after`, put onto `original`: the layers changed, and no condition bound."""
    if after is before or original is None:
        return original
    if isinstance(original, eqx.Module) and type(original) is type(before) is type(after):
        names = (field.name for field in dataclasses.fields(original))
        parts = {n: (getattr(original, n), getattr(before, n), getattr(after, n)) for n in names}
        return replace(original, **{n: carried_over(*three) for n, three in parts.items()})
    if isinstance(original, tuple | list) and len(original) == len(before) == len(after):
        return type(original)(carried_over(*three) for three in zip(original, before, after, strict=True))
    if eqx.is_array(after):
        return after
    return original if after == before else after
