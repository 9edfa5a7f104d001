"""MixtureSameFamily: of the members of a batch."""

from typing import Any

import jax.numpy as jnp
from numpyro.distributions import Distribution

from ..bijectors.between import between
from .foreign import describe
from .mixture_base import BaseMixture, check_batch, check_component, tree_of, weights_of
from .own import own
from .support import bounds


class MixtureSameFamily(BaseMixture):
    """p(y) = sum_k w_k p_k(y), w = softmax(logits), the components being the last batch axis of one distribution.

    Args:
        mixture_distribution: the weights: a `Categorical` of K classes, or unnormalised log-weights of shape
            [batch axes | K]; None for equal ones.
        components_distribution: a continuous distribution of batch shape [batch axes | K].
        validate_args: not used; what can be wrong is checked always.

    The weights train, and the components if they are of this package.

    Raises:
        ValueError: if there is no batch axis, or its size is not the number of weights.
        TypeError: for something else than distributions.

    In place of NumPyro's class it takes components whose support has traced ends, gives NaN for NaN, and has quantiles.
    TFP's `reparameterize` has no counterpart: draws have no derivatives.
    """

    pytree_data_fields = ("logits", "components")

    def __init__(
        self, mixture_distribution: Any, components_distribution: Distribution, *, validate_args: bool = False
    ):
        del validate_args
        check_component(components_distribution, "components_distribution")
        batch = tuple(components_distribution.batch_shape)
        if not batch:
            raise ValueError(
                "MixtureSameFamily expects components with a last batch axis that counts them, and got batch shape (): "
                "it is a single component. Give its parameters an axis of components, or use Mixture for a list."
            )
        self.components = components_distribution
        self.logits = weights_of(mixture_distribution, batch[-1])
        self.frozen = False
        check_batch(self.logits, [batch[:-1]])

    @property
    def components_distribution(self) -> Any:
        """The components, as given."""
        return self.components

    def parts(self):
        """The one distribution whose batch the components are."""
        return [self.components]

    def with_parts(self, change):
        """A copy with `change` applied to that distribution."""
        return self.tree_unflatten(self.tree_flatten()[1], (self.logits, change(self.components)))

    def _shapes(self):
        part = own(self.components)
        return tuple(part.batch_shape)[:-1], tuple(part.event_shape)

    def _supports(self):
        return [_without_axis(self.components.support)]

    def _batch_of_draws(self):
        return (*self.batch_shape, self.mixture_size)

    def _each(self, function, rank, *, value=None, keys=None):
        part = own(self.components)
        if value is not None:
            result = function(part, jnp.expand_dims(value, value.ndim - len(part.event_shape)))
        else:
            result = function(part) if keys is None else function(part, keys[0])
        # [draws | batch | K | event]
        return jnp.moveaxis(result, result.ndim - rank - 1, 0)

    def __repr__(self) -> str:
        return tree_of(self, [describe(self.components)])


def _without_axis(constraint: Any) -> Any:
    """The constraint on a value without the axis of components: ends that differ between them become the outermost."""
    lower, upper = bounds(constraint)
    if jnp.ndim(lower if lower is not None else 0) == 0 and jnp.ndim(upper if upper is not None else 0) == 0:
        return constraint
    low = -jnp.inf if lower is None else jnp.min(jnp.asarray(lower), axis=-1)
    high = jnp.inf if upper is None else jnp.max(jnp.asarray(upper), axis=-1)
    return between(low, high, closed=True)
