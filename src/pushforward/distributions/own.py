"""Any distribution in this package's terms."""

from typing import Any

from numpyro.distributions import Distribution

from ..bijectors import Identity
from .base import PytreeDistribution
from .foreign import with_array_leaves
from .transformed import TransformedDistribution


def own(dist: Distribution) -> Any:
    """`dist` itself if it is of this package, else its image under the identity.

    That is -inf outside the support and NaN for NaN, casts parameters to the value, and has both tails.
    """
    if isinstance(dist, PytreeDistribution):
        return dist
    return TransformedDistribution(with_array_leaves(dist), Identity())
