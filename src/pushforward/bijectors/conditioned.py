"""Conditioned: any bijector, its parameters moved by a network of the condition."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core import as_callable, constant_field, replace, trainable
from .base import Bijector


class Conditioned(Bijector):
    """y = f(x; theta + net(c)), f any bijector, theta its parameters, c the bound condition.

    inverse and log-det: those of f at these parameters. It makes a flow of every layer that has parameters and takes no
    condition; with few parameters, as planar and radial flows have, this is amortised inference (Rezende & Mohamed
    2015, section 4.2). Parameters are those that train, which are free of constraints (a scale's logarithm, say); a row
    of conditions gives each row parameters of its own, so f must allow batch axes in them, as all of ours do.

    Args:
        bijector: f, with parameters without batch axes.
        net: maps c of shape [..., condition size] to [..., `Conditioned.count(bijector)`], the parameters one after
            another in the order of the fields of f.
        validate_args: check values, also under `jit`.

    Raises:
        TypeError: if f is no bijector.
        ValueError: if f has no parameters; on use without a condition bound, or with a net of another size.
    """

    bijector: Bijector
    net: Any
    bound: Any = constant_field()

    def __init__(self, bijector: Bijector, net: Callable[[Any], Any], *, validate_args: bool = False):
        if not isinstance(bijector, Bijector):
            raise TypeError(f"Conditioned expects a bijector, and got {type(bijector).__name__}")
        if not self.count(bijector):
            raise ValueError(
                f"Conditioned: expected a bijector with parameters, and {type(bijector).__name__} has none that train; "
                "there is nothing for the condition to move. Use it as it is."
            )
        self.bijector = bijector
        self.net = as_callable(net)
        self.bound = None
        self.validate_args = validate_args

    @staticmethod
    def count(bijector: Bijector) -> int:
        """How many numbers a network must give for this bijector."""
        return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(eqx.filter(bijector, trainable(bijector))))

    @property
    def forward_min_event_ndims(self) -> Any:
        """That of the bijector."""
        return self.bijector.forward_min_event_ndims

    @property
    def inverse_min_event_ndims(self) -> Any:
        """That of the bijector."""
        return self.bijector.inverse_min_event_ndims

    @property
    def is_constant_jacobian(self) -> bool:
        """As the bijector."""
        return self.bijector.is_constant_jacobian

    @property
    def domain(self) -> Any:
        """That of the bijector."""
        return self.bijector.domain

    @property
    def codomain(self) -> Any:
        """That of the bijector."""
        return self.bijector.codomain

    def condition(self, c):
        """The map with `c` bound."""
        return replace(self, bound=jnp.asarray(c))

    def batch_shape(self, event_shape):
        """The batch axes of the bound condition."""
        return () if self.bound is None else self.bound.shape[:-1]

    def _forward_and_log_det(self, x):
        return self._moved().forward_and_log_det(x)

    def _inverse_and_log_det(self, y):
        return self._moved().inverse_and_log_det(y)

    def _forward_event_shape(self, shape):
        return self.bijector.forward_event_shape(shape)

    def _inverse_event_shape(self, shape):
        return self.bijector.inverse_event_shape(shape)

    def _moved(self) -> Bijector:
        """The bijector at theta + net(c)."""
        if self.bound is None:
            raise ValueError(
                "Conditioned has no condition bound, so its parameters are not defined; bind one first: flow(c) or "
                "bijector.condition(c)"
            )
        parameters, rest = eqx.partition(self.bijector, trainable(self.bijector))
        leaves, treedef = jax.tree.flatten(parameters)
        change, size = self.net(self.bound), sum(leaf.size for leaf in leaves)
        if change.shape[-1] != size:
            raise ValueError(
                f"Conditioned: expected a net that gives {size} numbers, one for each parameter of "
                f"{type(self.bijector).__name__}, and got shape {change.shape}; Conditioned.count(bijector) is the size"
            )
        ends = np.cumsum([leaf.size for leaf in leaves])
        moved = [
            leaf + change[..., end - leaf.size : end].reshape(*change.shape[:-1], *leaf.shape)
            for leaf, end in zip(leaves, ends, strict=True)
        ]
        return eqx.combine(jax.tree.unflatten(treedef, moved), rest)
