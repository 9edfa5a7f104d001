"""GaussianMixture: a base with several modes, all of which train."""

from typing import Any

from .mixture_same_family import MixtureSameFamily
from .normal import MultivariateNormalDiag


class GaussianMixture(MixtureSameFamily):
    """p(y) = sum_k w_k prod_i Normal(y_i; loc_ki, scale_ki), w = softmax(logits).

    Weights, locations and scales train, by themselves or as the base of a flow with `train_base=True`: one continuous
    map cannot tear a normal distribution into separate modes, so a flow for multimodal data is better off with several
    to begin with. Components that start at the same place stay together: give different ones.

    Args:
        loc: means, shape [K, D].
        scale_diag: standard deviations, positive, shape [K, D]; None for ones.
        logits: unnormalised log-weights, shape [K]; None for equal ones.

    Raises:
        ValueError: if `loc` has no axis of components, shapes do not fit, or a scale is not positive.
    """

    pytree_data_fields = MixtureSameFamily.pytree_data_fields

    def __init__(self, loc: Any, scale_diag: Any = None, logits: Any = None):
        super().__init__(logits, MultivariateNormalDiag(loc, scale_diag))

    @property
    def loc(self) -> Any:
        """Means, of shape [K, D]."""
        return self.components.loc

    @property
    def scale_diag(self) -> Any:
        """Standard deviations, of shape [K, D]."""
        return self.components.scale_diag
