"""MixtureOfFlows: of flows of one structure, compiled once."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from numpyro.distributions import Distribution

from .base import PytreeDistribution
from .foreign import describe, with_array_leaves
from .mixture_base import BaseMixture, check_component, tree_of, weights_of


class MixtureOfFlows(BaseMixture):
    """p(y) = sum_k w_k p_k(y) of flows of one structure, held as one with a leading axis, w = softmax(logits).

    The same density as `Mixture(logits, flows)`; the computation is compiled for one flow and mapped over them, so the
    time to compile does not grow with their number.

    Args:
        flows: distributions of this package with the same static structure and shapes, different parameters: several
            calls of one of `pushforward.flows` with different keys.
        logits: unnormalised log-weights of shape [K]; None for equal ones. They train, and so do the flows.

    Raises:
        ValueError: if the flows differ in structure, or have batch axes.
        TypeError: for something else than distributions of this package.
    """

    pytree_data_fields = ("logits", "components")

    def __init__(self, flows: Sequence[Distribution], logits: Any = None):
        flows = tuple(with_array_leaves(flow) for flow in flows)
        for k, flow in enumerate(flows):
            if not isinstance(flow, PytreeDistribution):
                raise TypeError(
                    f"MixtureOfFlows expects distributions of this package, and flow {k} is a {type(flow).__name__}. "
                    "Use Mixture, which takes any."
                )
            check_component(flow, f"flow {k}")
        if not same_structure(flows) or any(flow.batch_shape for flow in flows):
            raise ValueError(
                "MixtureOfFlows expects at least one flow, all of one structure with arrays of the same shapes and no "
                "batch axes: they are stacked and run as one. Use Mixture for flows that differ."
            )
        self.logits = weights_of(logits, len(flows))
        if self.logits.ndim != 1:
            raise ValueError(
                f"MixtureOfFlows expects logits of shape ({len(flows)},), and got {self.logits.shape}: its flows have "
                "no batch axes. Use Mixture for weights that differ between members of a batch."
            )
        self.components = stacked_parts(flows)
        self.frozen = False

    def __getitem__(self, k: int) -> Any:
        """Flow k."""
        if not -self.mixture_size <= k < self.mixture_size:
            raise IndexError(f"flow {k} of a mixture of {self.mixture_size}")
        return _member(self.components, jnp.asarray(k % self.mixture_size))

    def parts(self):
        """The stack of flows, as one."""
        return [self.components]

    def with_parts(self, change):
        """A copy with `change` applied to each flow."""
        return self.tree_unflatten(self.tree_flatten()[1], (self.logits, jax.vmap(change)(self.components)))

    def _shapes(self):
        if "_shape_cache" not in self.__dict__:
            self._shape_cache = shapes_of_first(self.components, lambda flow: flow)
        return self._shape_cache

    def _supports(self):
        return [self[k].support for k in range(self.mixture_size)]

    def _each(self, function, rank, *, value=None, keys=None):
        if value is not None:
            return jax.vmap(lambda component: function(component, value))(self.components)
        return jax.vmap(function)(self.components) if keys is None else jax.vmap(function)(self.components, keys)

    def __repr__(self) -> str:
        return tree_of(self, [f"each of {self.mixture_size}: {describe(self[0])}"])


@eqx.filter_jit
def _member(components: Any, k: jax.Array) -> Any:
    # The index is an array, so that all members share one program.
    return jax.tree.map(lambda leaf: leaf[k], components)


def same_structure(trees: Sequence[Any]) -> bool:
    """Whether there is one at least, and all have one static structure and arrays of the same shapes and dtypes."""
    return bool(trees) and all(_signature(tree) == _signature(trees[0]) for tree in trees)


def stacked_parts(trees: Sequence[Any]) -> Any:
    """Trees of one structure as one with a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *trees)


def shapes_of_first(components: Any, distribution_of: Callable[[Any], Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(batch shape, event shape) of the distribution of a member of a stack, found without computing anything."""
    found: list[Any] = []

    def trace(components: Any) -> None:
        first = distribution_of(jax.tree.map(lambda leaf: leaf[0], components))
        found.append((tuple(first.batch_shape), tuple(first.event_shape)))

    eqx.filter_eval_shape(trace, components)
    return found[0]


def _signature(tree: Any) -> Any:
    leaves, treedef = jax.tree.flatten(tree)
    return treedef, [(jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves]
