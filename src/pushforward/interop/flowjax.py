"""FlowJAX's bijections as bijectors."""

from typing import Any

import jax.numpy as jnp

from ..bijectors import Bijector
from ..bijectors.events import check_event
from ..bijectors.facts import DeclaredFacts
from ..core import constant_field, numeric_inputs, replace, static_field
from .held import UNSAVEABLE, Held, as_given, require_interface

INTERFACE = ("transform_and_log_det", "inverse_and_log_det", "shape", "cond_shape")


class FlowJAXMap(Bijector):
    """y = bijection.transform(x), for a bijection of FlowJAX; see `from_flowjax`."""

    held: Held
    event_shape: tuple[int, ...] = static_field()
    condition_shape: tuple[int, ...] | None = static_field()
    facts: DeclaredFacts = static_field()
    bound: Any = constant_field(default=None)

    unsaveable = UNSAVEABLE

    def _repr_children(self):
        return [("bijection", type(self.bijection))]

    @property
    def bijection(self) -> Any:
        """The bijection."""
        return self.held.whole()

    @property
    def forward_min_event_ndims(self) -> int:
        """The rank of the bijection's shape."""
        return len(self.event_shape)

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

    def condition(self, c):
        """The map with `c`, of shape [batch axes | condition shape], bound; itself if it takes none."""
        if self.condition_shape is None:
            return self
        c = numeric_inputs(c, self.held)
        check_event(c, self.condition_shape, "FlowJAXMap.condition")
        return replace(self, bound=c)

    @as_given
    def _forward_and_log_det(self, x):
        return self._one_by_one("transform_and_log_det", x)

    @as_given
    def _inverse_and_log_det(self, y):
        return self._one_by_one("inverse_and_log_det", y)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def batch_shape(self, event_shape):
        """That of the bound condition."""
        return () if self.bound is None else self.bound.shape[: self.bound.ndim - len(self.condition_shape or ())]

    def _one_by_one(self, method: str, x: Any) -> tuple[Any, Any]:
        """FlowJAX's maps take one event and one condition."""
        if self.condition_shape is not None and self.bound is None:
            raise ValueError(
                f"expected a condition, [batch axes | {self.condition_shape}], and got none; call condition(c) first"
            )
        check_event(x, self.event_shape, "FlowJAXMap")
        apply, event = getattr(self.bijection, method), _axes("x", self.event_shape)
        if self.bound is None:
            return jnp.vectorize(apply, signature=f"({event})->({event}),()")(x)
        signature = f"({event}),({_axes('c', self.condition_shape)})->({event}),()"
        return jnp.vectorize(apply, signature=signature)(x, self.bound)


def from_flowjax(
    bijection: Any,
    *,
    domain: Any = Bijector.domain,
    codomain: Any = Bijector.codomain,
    is_increasing: Any = None,
    is_constant_jacobian: bool = False,
) -> Bijector:
    """The bijector y = bijection.transform(x).

    Its events have the bijection's `shape`, and leading axes are batch. A bijection with a `cond_shape` takes its
    condition by `condition(c)`, with batch axes too. Its arrays train, as they do in FlowJAX.

    Args:
        bijection: an object with FlowJAX's interface: `transform_and_log_det(x, condition)`, `inverse_and_log_det`,
            `shape` and `cond_shape`.
        domain, codomain, is_increasing, is_constant_jacobian: facts that FlowJAX does not declare, as in `Inline`. Give
            the codomain, if it is not the whole space, for densities that are zero outside.

    Raises:
        TypeError: for anything else.

    Example:
        from_flowjax(flowjax.bijections.Exp((3,)), codomain=numpyro.distributions.constraints.positive)
    """
    require_interface(bijection, INTERFACE, "a bijection of FlowJAX", "flowjax")
    shape = tuple(bijection.shape)
    condition_shape = None if bijection.cond_shape is None else tuple(bijection.cond_shape)
    rank = len(shape)
    facts = DeclaredFacts(rank, rank, bool(is_constant_jacobian), is_increasing, domain, codomain)
    return FlowJAXMap(Held(bijection), shape, condition_shape, facts)


def _axes(letter: str, shape: tuple[int, ...] | None) -> str:
    return ",".join(f"{letter}{k}" for k in range(len(shape or ())))
