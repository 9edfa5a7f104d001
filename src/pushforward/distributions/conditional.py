"""ConditionalDistribution: a distribution for every condition."""

from abc import abstractmethod
from typing import Any, NoReturn

import jax.numpy as jnp
from numpyro.distributions import Distribution

from ..bijectors import Bijector
from ..core import Module, numeric_inputs, static_field
from .transformed import TransformedDistribution


class NeedsCondition:
    """A distribution for every condition: the event's shape, and what it says when it is asked without a condition."""

    condition_dim: int

    @abstractmethod
    def condition(self, c: Any) -> Any:
        """The distribution given the condition `c`, of shape [batch axes | condition_dim]."""

    def __call__(self, c: Any) -> Any:
        """The same as `condition(c)`."""
        return self.condition(c)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one event, the same for every condition."""
        return self(jnp.zeros(self.condition_dim)).event_shape

    @property
    def event_dim(self) -> int:
        """The rank of one event."""
        return len(self.event_shape)

    def log_prob(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Only with a condition: `flow(c).log_prob(y)`."""
        self._unbound("log_prob(y)")

    def sample(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Only with a condition: `flow(c).sample(key, sample_shape)`."""
        self._unbound("sample(key, sample_shape)")

    def sample_and_log_prob(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Only with a condition: `flow(c).sample_and_log_prob(key, sample_shape)`."""
        self._unbound("sample_and_log_prob(key, sample_shape)")

    def _unbound(self, call: str) -> NoReturn:
        raise TypeError(
            f"expected a condition, and {call.split('(')[0]} was called without one: this is a different "
            f"distribution for every c of shape [batch axes | {self.condition_dim}]. Write flow(c).{call}."
        )


class ConditionalDistribution(NeedsCondition, Module):
    """y = f(x; c), x ~ base: `flow(c)` is the `TransformedDistribution` of y given c.

    `flow(c).batch_shape == c.shape[:-1]` (broadcast against the base's): one distribution for each condition, so that
    `flow(c).log_prob(y)` scores row i of y under condition i.

    Args:
        base: a NumPyro distribution.
        bijector: a map some part of which takes a condition.
        condition_dim: the number of entries of a condition.
        train_base: as in `TransformedDistribution`.
    """

    base: Any
    bijector: Bijector
    condition_dim: int = static_field()
    train_base: bool = static_field()

    def __init__(self, base: Distribution, bijector: Bijector, condition_dim: int, *, train_base: bool = False):
        TransformedDistribution(base, bijector, train_base=train_base)  # for its checks
        if isinstance(condition_dim, bool) or not isinstance(condition_dim, int) or condition_dim < 1:
            raise ValueError(
                f"condition_dim is the number of entries of a condition, a positive integer, and got {condition_dim!r}"
            )
        # A base that may train says so itself; freezing it is how it says that it does not.
        holds = not train_base and hasattr(base, "_with_frozen")
        self.base = base._with_frozen(True) if holds else base
        self.bijector = bijector
        self.condition_dim = condition_dim
        self.train_base = bool(train_base)

    def condition(self, c: Any) -> TransformedDistribution:
        """The distribution given the condition `c`.

        Args:
            c: array of shape [batch axes | condition_dim].

        Raises:
            ValueError: if the last axis is not of size `condition_dim`.
        """
        c = numeric_inputs(c, (self.base, self.bijector))
        if c.ndim < 1 or c.shape[-1] != self.condition_dim:
            raise ValueError(
                f"expected a condition of shape [batch axes | {self.condition_dim}], and got {c.shape}: its last axis "
                f"holds the {self.condition_dim} numbers that the distribution was built for (condition_dim). "
                "Add the axis with c[..., None], or build the distribution with another condition_dim."
            )
        flow = TransformedDistribution(self.base, self.bijector.condition(c), train_base=self.train_base)
        return flow._with_frozen(True) if self.frozen else flow
