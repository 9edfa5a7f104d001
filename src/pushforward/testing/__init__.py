"""Layer 4: the suite that the library's own classes pass, for people who write their own.

    from pushforward.testing import check_bijector, check_distribution

    check_bijector(MyBijector(), event_shape=(3,))
    check_distribution(MyBijector()(MultivariateNormalDiag(scale_diag=jnp.ones(3))))

Each check is a small function; `BIJECTOR_CHECKS` and `DISTRIBUTION_CHECKS` name them.
"""

from .bijectors import BIJECTOR_CHECKS, check_bijector
from .distributions import DISTRIBUTION_CHECKS, check_distribution
from .failure import CheckFailure

__all__ = ["BIJECTOR_CHECKS", "DISTRIBUTION_CHECKS", "CheckFailure", "check_bijector", "check_distribution"]
