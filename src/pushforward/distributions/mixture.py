"""Mixture: of distributions that may be of different kinds."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from numpyro.distributions import Distribution

from .foreign import describe
from .mixture_base import BaseMixture, check_batch, check_component, tree_of, weights_of
from .own import own


class Mixture(BaseMixture):
    """p(y) = sum_k w_k p_k(y) of different distributions, w = softmax(logits).

    log p by log-sum-exp; a draw is one of a component chosen at random. The weights train, and so do components of this
    package (flows, other mixtures): a mixture is a model for `pushforward.fit`, and a base with `train_base=True`.
    Components of NumPyro stay constant.

    Every component is compiled for itself. For many flows of one structure, `MixtureOfFlows` compiles one.

    Args:
        cat: the weights: a `Categorical` of K classes, or unnormalised log-weights of shape [batch axes | K]; None for
            equal ones.
        components: K continuous distributions with one event shape, whose batch shapes broadcast.
        validate_args: not used; what can be wrong is checked always.

    Raises:
        ValueError: if numbers or shapes do not fit, or a component is discrete.
        TypeError: for something else than distributions.
    """

    pytree_data_fields = ("logits", "components")

    def __init__(self, cat: Any, components: Sequence[Distribution], *, validate_args: bool = False):
        del validate_args
        self.components = tuple(components)
        for k, component in enumerate(self.components):
            check_component(component, f"component {k}")
        if len({tuple(c.event_shape) for c in self.components}) != 1:
            raise ValueError(
                "Mixture expects at least one component, all with the same event shape, and got "
                f"{[tuple(c.event_shape) for c in self.components]}: one value belongs to all of them. Lift scalars to "
                "vectors with .expand(...).to_event(1)."
            )
        self.logits = weights_of(cat, len(self.components))
        self.frozen = False
        check_batch(self.logits, [tuple(c.batch_shape) for c in self.components])

    def parts(self):
        """The components."""
        return list(self.components)

    def with_parts(self, change):
        """A copy with `change` applied to each component."""
        return self.tree_unflatten(self.tree_flatten()[1], (self.logits, tuple(map(change, self.components))))

    def _shapes(self):
        parts = [own(component) for component in self.components]
        return jnp.broadcast_shapes(*(tuple(p.batch_shape) for p in parts)), tuple(parts[0].event_shape)

    def _supports(self):
        return [component.support for component in self.components]

    def _each(self, function, rank, *, value=None, keys=None):
        if value is not None:
            results = [function(component, value) for component in self.components]
        elif keys is not None:
            results = [function(component, key) for component, key in zip(self.components, keys, strict=True)]
        else:
            results = [function(component) for component in self.components]
        dtype = max((r.dtype for r in results), key=lambda dtype: jnp.finfo(dtype).bits)
        return jnp.stack([r.astype(dtype) for r in jnp.broadcast_arrays(*results)])

    def __repr__(self) -> str:
        return tree_of(self, [describe(component) for component in self.components])
