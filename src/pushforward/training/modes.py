"""Layers that look at data: those that set themselves from a first batch, and those with running statistics.

A layer of the first kind defines `initialize(x)`; one of the second `update_statistics(x)` and the static flag
`inference`, which is False while it trains. Composites define both methods too, only to hand them on. Of a mixture,
with or without a condition, each component is such a model by itself.
"""

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax

from ..bijectors import Bijector
from ..core import carried_over, replace
from ..distributions.conditional_mixture import ConditionalMixtureOfFlows
from ..distributions.mixture_base import BaseMixture

_MIXTURES = (BaseMixture, ConditionalMixtureOfFlows)


def looks_at_data(model: Any, method: str) -> bool:
    """Whether some layer in `model` does more in `initialize` or `update_statistics` than hand on."""
    if isinstance(model, _MIXTURES):
        return any(looks_at_data(part, method) for part in model.parts())
    return hasattr(model, "bijector") and any(_does_more(node, method) for node in _nodes(model.bijector))


def initialized(model: Any, x: jax.Array, condition: jax.Array | None) -> Any:
    """The model with its data-dependent parameters set from the batch `x`."""
    if isinstance(model, _MIXTURES):
        method = "initialize"
        return model.with_parts(lambda part: initialized(part, x, condition) if looks_at_data(part, method) else part)
    return _with_bijector(model, lambda bijector: bijector.initialize(x), condition)


def with_statistics(model: Any, x: jax.Array, condition: jax.Array | None) -> Any:
    """The model whose running statistics have seen the batch `x`."""
    if isinstance(model, _MIXTURES):
        method = "update_statistics"
        return model.with_parts(
            lambda part: with_statistics(part, x, condition) if looks_at_data(part, method) else part
        )
    return _with_bijector(model, lambda bijector: bijector.update_statistics(x), condition)


def with_inference(model: Any, inference: bool) -> Any:
    """The model with the flag `inference` set on every module that has one; itself if none has."""
    if not inference and getattr(model, "frozen", False):
        return model  # What is frozen keeps its running statistics.
    if not any(_has_flag(node) and node.inference != inference for node in _nodes(model)):
        return model
    children, treedef = _children(model)
    if children is None:
        return model
    rebuilt = jax.tree.unflatten(treedef, [with_inference(child, inference) for child in children])
    return replace(rebuilt, inference=inference) if _has_flag(rebuilt) else rebuilt


def _with_bijector(model: Any, change: Callable[[Any], Any], condition: jax.Array | None) -> Any:
    bijector = model.bijector
    bound = bijector if condition is None else bijector.condition(condition)
    changed = change(bound)
    kept = changed if condition is None else carried_over(bijector, bound, changed)
    return eqx.tree_at(lambda m: m.bijector, model, kept)


def _does_more(node: Any, method: str) -> bool:
    if not isinstance(node, Bijector) or getattr(type(node), method) is getattr(Bijector, method):
        return False
    hands_on = type(node).__module__.startswith(f"{__package__.split('.')[0]}.")
    return not (hands_on and any(isinstance(child, Bijector) for child in _nodes(node) if child is not node))


def _has_flag(node: Any) -> bool:
    return isinstance(node, eqx.Module) and isinstance(getattr(node, "inference", None), bool)


def _nodes(tree: Any) -> Iterator[Any]:
    yield tree
    for child in _children(tree)[0] or ():
        yield from _nodes(child)


def _children(node: Any) -> tuple[list[Any] | None, Any]:
    """The direct children of a pytree node; None for a leaf."""
    children, treedef = jax.tree.flatten(node, is_leaf=lambda child: child is not node)
    return (None, None) if len(children) == 1 and children[0] is node else (children, treedef)
