"""ConditionalMixtureOfFlows: a mixture of flows for every condition."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ..core import Module, as_callable, numeric_inputs, replace, static_field
from .conditional import ConditionalDistribution, NeedsCondition
from .mixture import Mixture
from .mixture_base import BaseMixture, tree_of, weights_of
from .mixture_of_flows import same_structure, shapes_of_first, stacked_parts


class ConditionalMixtureOfFlows(NeedsCondition, Module):
    """p(y | c) = sum_k w_k(c) p_k(y | c),  w(c) = softmax(logits + gate(c)), K conditional flows of one structure.

    `flow(c)` is the mixture given c, of batch shape `c.shape[:-1]`. As in `MixtureOfFlows` the flows are held as one
    with a leading axis and compiled once. With a gate it is a mixture of experts (Jacobs, Jordan, Nowlan and Hinton
    1991).

    Args:
        flows: `ConditionalDistribution`s with the same static structure and shapes, different parameters: several calls
            of one of `pushforward.flows` with different keys and the same `condition_dim`.
        gate: maps c of shape [..., condition_dim] to K numbers, such as an `nets.MLP`; it trains if it is a module.
            None for weights that do not depend on c.
        logits: unnormalised log-weights of shape [K]; None for equal ones. They train, and so do the flows.

    Raises:
        TypeError: for something else than conditional distributions.
        ValueError: if the flows differ in structure, or the logits are not one for each.
    """

    components: Any
    gate: Any
    logits: jax.Array
    condition_dim: int = static_field()

    def __init__(self, flows: Sequence[ConditionalDistribution], gate: Any = None, logits: Any = None):
        flows = tuple(flows)
        for k, flow in enumerate(flows):
            if not isinstance(flow, ConditionalDistribution):
                raise TypeError(
                    f"ConditionalMixtureOfFlows expects conditional flows, and flow {k} is a {type(flow).__name__}. "
                    "Build the flows with condition_dim, or use MixtureOfFlows for flows without conditions."
                )
        if not same_structure(flows):
            raise ValueError(
                "ConditionalMixtureOfFlows expects at least one flow, all of one structure with arrays of the same "
                "shapes: they are stacked and run as one. Call one recipe with several keys."
            )
        self.logits = weights_of(logits, len(flows))
        if self.logits.ndim != 1:
            raise ValueError(
                f"ConditionalMixtureOfFlows expects logits of shape ({len(flows)},), and got {self.logits.shape}; "
                "weights that depend on the condition come from `gate`"
            )
        self.components = stacked_parts(flows)
        self.gate = as_callable(gate)
        self.condition_dim = flows[0].condition_dim

    @property
    def mixture_size(self) -> int:
        """The number of flows."""
        return int(self.logits.shape[-1])

    def condition(self, c: Any) -> "MixtureGiven":
        """The mixture given the condition `c`, of shape [batch axes | condition_dim].

        Raises:
            ValueError: if the last axis is not of size `condition_dim`, or the gate gives another number of weights.
        """
        c = numeric_inputs(c, (self.logits, self.components))
        first = jax.tree.map(lambda leaf: leaf[0], self.components)
        first(c)  # for its checks
        logits = self.logits
        if self.gate is not None:
            gated = self.gate(c)
            if gated.shape != (*c.shape[:-1], self.mixture_size):
                raise ValueError(
                    f"gate: expected {self.mixture_size} numbers for each condition, shape "
                    f"{(*c.shape[:-1], self.mixture_size)}, and got {gated.shape}"
                )
            logits = logits + gated
        mixture = MixtureGiven(logits, self.components, c)
        return mixture._with_frozen(True) if self.frozen else mixture

    def parts(self) -> list[Any]:
        """The stack of conditional flows, as one."""
        return [self.components]

    def with_parts(self, change: Callable[[Any], Any]) -> "ConditionalMixtureOfFlows":
        """A copy with `change` applied to each flow."""
        return replace(self, components=jax.vmap(change)(self.components))


class MixtureGiven(BaseMixture):
    """The distribution that a `ConditionalMixtureOfFlows` gives for conditions; not built by hand.

    Attributes:
        logits: [batch axes | K], or [K].
        components: the conditional flows, stacked.
        given: the conditions, [batch axes | condition_dim]; data, which never train.
    """

    pytree_data_fields = ("logits", "components", "given")

    def __init__(self, logits: jax.Array, components: Any, given: jax.Array):
        self.logits, self.components, self.given = logits, components, given
        self.frozen = False

    def __getitem__(self, k: int) -> Any:
        """Flow k, given the conditions."""
        if not -self.mixture_size <= k < self.mixture_size:
            raise IndexError(f"flow {k} of a mixture of {self.mixture_size}")
        return jax.tree.map(lambda leaf: leaf[k], self.components)(self.given)

    def parts(self):
        """The flows, given the conditions."""
        return [self[k] for k in range(self.mixture_size)]

    def with_parts(self, change):
        """The list of flows with `change` applied to each, as a `Mixture`: the conditions stay bound."""
        return Mixture(self.logits, [change(part) for part in self.parts()])

    def _shapes(self):
        if "_shape_cache" not in self.__dict__:
            self._shape_cache = shapes_of_first(self.components, lambda flow: flow(self.given))
        return self._shape_cache

    def _supports(self):
        return [part.support for part in self.parts()]

    def _each(self, function, rank, *, value=None, keys=None):
        given = self.given
        if value is not None:
            return jax.vmap(lambda flow: function(flow(given), value))(self.components)
        if keys is None:
            return jax.vmap(lambda flow: function(flow(given)))(self.components)
        return jax.vmap(lambda flow, key: function(flow(given), key))(self.components, keys)

    def _trainable(self, trainable, all_false):
        (logits, components, given), static = self.tree_flatten()
        mark = all_false if self.frozen else trainable
        return self.tree_unflatten(static, [mark(logits), mark(components), all_false(given)])

    def __repr__(self) -> str:
        return tree_of(self, [f"each of {self.mixture_size}, given {self.given.shape}: {self[0]!r}"])
