"""Inline: a bijector from functions."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core import Module, as_callable, replace, static_field
from .base import Bijector
from .facts import DeclaredFacts


class _Again(Module):
    """Stands in a pytree for an array that an earlier place holds."""

    place: int = static_field()


def _tie(functions: dict[str, Any]) -> dict[str, Any]:
    """The functions that are not None, as pytrees in which an array that several of them hold is kept once."""
    converted: dict[int, jax.Array] = {}
    places: dict[int, int] = {}

    def convert(leaf: Any) -> Any:
        return converted.setdefault(id(leaf), jnp.asarray(leaf)) if isinstance(leaf, np.ndarray) else leaf

    def keep(leaf: jax.Array) -> Any:
        if id(leaf) in places:
            return _Again(places[id(leaf)])
        places[id(leaf)] = len(places)
        # Not weakly typed: an update would change that and compile again.
        return jnp.asarray(leaf, leaf.dtype) if getattr(leaf, "weak_type", False) else leaf

    given = {name: as_callable(jax.tree.map(convert, fn)) for name, fn in functions.items() if fn is not None}
    return jax.tree.map(keep, given)


def _untie(functions: dict[str, Any]) -> dict[str, Any]:
    """The functions whole: every place with its array."""
    arrays = jax.tree.leaves(functions)

    def whole(node: Any) -> Any:
        return arrays[node.place] if isinstance(node, _Again) else node

    return jax.tree.map(whole, functions, is_leaf=lambda node: isinstance(node, _Again))


class Inline(Bijector):
    """y = forward_fn(x): a bijector made of functions, of which any sufficient subset may be given.

    What is missing is derived as for a subclass of `Bijector`: a log-det from its counterpart, else by automatic
    differentiation; one direction of a monotone scalar map from the other by a numerical solve.

    Functions may be modules or other pytrees that can be called (`jax.tree_util.Partial(fn, parameter)`, an
    `equinox.Module`): their arrays are then parameters and train. One array given to several of the functions is one
    parameter, and stays one. What a plain closure holds is constant. A function with a method `condition` is given the
    condition that is bound to the bijector.

    Args:
        forward_fn, inverse_fn: y = f(x) and x = f^-1(y), letting leading axes broadcast.
        inverse_log_det_jacobian_fn, forward_log_det_jacobian_fn: log-dets at the minimum rank of events.
        forward_event_shape_fn, inverse_event_shape_fn: from the shape of an event on one side to that on the other;
            default: by tracing the functions.
        is_constant_jacobian: whether the Jacobian is the same everywhere: an affine map.
        is_increasing: of a scalar map, True, False or a boolean array; None if not monotone.
        forward_min_event_ndims, inverse_min_event_ndims: the least rank of an event, 0 for scalar maps; give at least
            one, the other is then the same.
        domain, codomain: NumPyro constraints; default: real.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if there is neither forward_fn nor inverse_fn, or no event rank.

    Example:
        def leaky(alpha, x):
            return jnp.where(x < 0, alpha * x, x)

        def unleaky(alpha, y):
            return jnp.where(y < 0, y / alpha, y)

        alpha = jnp.array(0.5)
        b = Inline(
            forward_fn=jax.tree_util.Partial(leaky, alpha),
            inverse_fn=jax.tree_util.Partial(unleaky, alpha),
            forward_min_event_ndims=0,
        )
    """

    functions: dict[str, Any]
    forward_event_shape_fn: Callable[[Any], Any] | None = static_field()
    inverse_event_shape_fn: Callable[[Any], Any] | None = static_field()
    facts: DeclaredFacts = static_field()

    def __init__(
        self,
        forward_fn: Callable[[Any], Any] | None = None,
        inverse_fn: Callable[[Any], Any] | None = None,
        inverse_log_det_jacobian_fn: Callable[[Any], Any] | None = None,
        forward_log_det_jacobian_fn: Callable[[Any], Any] | None = None,
        *,
        forward_event_shape_fn: Callable[[Any], Any] | None = None,
        inverse_event_shape_fn: Callable[[Any], Any] | None = None,
        is_constant_jacobian: bool = False,
        is_increasing: Any = None,
        forward_min_event_ndims: Any = None,
        inverse_min_event_ndims: Any = None,
        domain: Any = Bijector.domain,
        codomain: Any = Bijector.codomain,
        validate_args: bool = False,
    ):
        if forward_fn is None and inverse_fn is None:
            raise ValueError("Inline expects forward_fn or inverse_fn, and got neither; the log-dets alone are no map")
        ranks = forward_min_event_ndims, inverse_min_event_ndims
        if ranks == (None, None):
            raise ValueError(
                "Inline expects forward_min_event_ndims, the least rank of an event, and got none. Over an event the "
                "log-det is summed, so it is not guessed: give 0 for a map of scalars, 1 for a map of vectors."
            )
        if not (is_increasing is None or isinstance(is_increasing, bool)):
            is_increasing = np.asarray(is_increasing, bool)
        self.functions = _tie(
            {
                "_forward": forward_fn,
                "_inverse": inverse_fn,
                "_forward_log_det_jacobian": forward_log_det_jacobian_fn,
                "_inverse_log_det_jacobian": inverse_log_det_jacobian_fn,
            }
        )
        self.forward_event_shape_fn = forward_event_shape_fn
        self.inverse_event_shape_fn = inverse_event_shape_fn
        self.facts = DeclaredFacts(
            forward_min_event_ndims=ranks[1] if ranks[0] is None else ranks[0],
            inverse_min_event_ndims=ranks[0] if ranks[1] is None else ranks[1],
            is_constant_jacobian=is_constant_jacobian,
            is_increasing=is_increasing,
            domain=domain,
            codomain=codomain,
        )
        self.validate_args = validate_args

    @property
    def forward_min_event_ndims(self) -> Any:
        """As declared."""
        return self.facts.forward_min_event_ndims

    @property
    def inverse_min_event_ndims(self) -> Any:
        """As declared."""
        return self.facts.inverse_min_event_ndims

    @property
    def is_constant_jacobian(self) -> bool:
        """As declared."""
        return self.facts.is_constant_jacobian

    @property
    def is_increasing(self) -> Any:
        """As declared."""
        return self.facts.is_increasing

    @property
    def domain(self) -> Any:
        """As declared."""
        return self.facts.domain

    @property
    def codomain(self) -> Any:
        """As declared."""
        return self.facts.codomain

    def _repr_children(self):
        return [(name.lstrip("_"), fn) for name, fn in _untie(self.functions).items()]

    def _writes(self, *names: str) -> bool:
        return any(name in self.functions for name in names)

    def _forward(self, x):
        return _untie(self.functions)["_forward"](x)

    def _inverse(self, y):
        return _untie(self.functions)["_inverse"](y)

    def _forward_log_det_jacobian(self, x):
        return _untie(self.functions)["_forward_log_det_jacobian"](x)

    def _inverse_log_det_jacobian(self, y):
        return _untie(self.functions)["_inverse_log_det_jacobian"](y)

    def _forward_event_shape(self, shape):
        given = self.forward_event_shape_fn
        return super()._forward_event_shape(shape) if given is None else given(shape)

    def _inverse_event_shape(self, shape):
        given = self.inverse_event_shape_fn
        return super()._inverse_event_shape(shape) if given is None else given(shape)

    def condition(self, c: Any) -> "Inline":
        """Bind `c` in the functions that take a condition."""
        functions = _untie(self.functions)
        bound = {name: fn.condition(c) if hasattr(fn, "condition") else fn for name, fn in functions.items()}
        return replace(self, functions=_tie(bound))
