"""Functions as parts of a module.

A function given by a user becomes a pytree whose leaves are arrays only, so that plain `jax.jit`, `vmap` and `scan`
apply to whatever holds it: a plain function is static; a pytree that can be called (a network) gives its arrays as
leaves and the rest (activations, sizes) as structure.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax

from .module import Module, static_field


class Function(Module):
    """A callable split into its arrays, which train, and everything else, which is static structure."""

    arrays: Any
    rest: Any = static_field()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return eqx.combine(self.arrays, self.rest)(*args, **kwargs)

    def condition(self, c: Any) -> Any:
        """Bind `c` if the callable can be conditioned."""
        inner = eqx.combine(self.arrays, self.rest)
        return as_callable(inner.condition(c)) if hasattr(inner, "condition") else self

    def __repr__(self) -> str:
        inner = eqx.combine(self.arrays, self.rest)
        return str(getattr(inner, "__name__", None) or repr(inner))


def as_callable(fn: Callable[..., Any] | None) -> Any:
    """`fn` as a pytree of arrays: itself if it is one already, else inside `Function`."""
    if fn is None:
        return None
    if not callable(fn):
        raise TypeError(f"expected a function or a callable module, and got {type(fn).__name__}")
    if all(eqx.is_array(leaf) for leaf in jax.tree.leaves(fn)) and jax.tree.leaves(fn) != [fn]:
        return fn
    arrays, rest = eqx.partition(fn, eqx.is_array)
    return Function(arrays, rest)
