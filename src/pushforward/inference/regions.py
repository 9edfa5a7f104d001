"""Highest-density regions: the smallest set that holds a given share of the probability."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from ..distributions.estimate import Estimate
from .drawing import drawn


@dataclasses.dataclass(frozen=True)
class HighestDensityRegion:
    """{x: log p(x) >= level}, the smallest region of its probability (Hyndman 1996).

    Attributes:
        dist: the distribution.
        probability: the share of the probability inside.
        level: the least log-density inside, in nats, an `Estimate`.
    """

    dist: Any
    probability: float
    level: Estimate

    def contains(self, x: Any) -> jax.Array:
        """Whether rows, shape [... | event], lie inside: booleans of shape [...]; False for NaN."""
        return self.dist.log_prob(x) >= self.level.value


def highest_density_region(
    key: jax.Array, dist: Any, probability: float = 0.9, *, num_samples: int = 10_000
) -> HighestDensityRegion:
    """The region {log p >= level} that holds a share `probability`: level is the 1 - probability quantile of log p(x).

    Its error is half the distance of the order statistics one binomial standard deviation to either side.

    Args:
        key: random key.
        dist: one distribution.
        probability: between 0 and 1.
        num_samples: draws.
    """
    if not 0 < probability < 1:
        raise ValueError(
            f"highest_density_region: expected a probability between 0 and 1, and got {probability}; 0.9 holds 90 %"
        )
    log_prob = jnp.sort(drawn(key, dist, num_samples)[1])
    share = 1 - probability
    error = (share * probability / num_samples) ** 0.5
    low, level, high = jnp.quantile(
        log_prob, jnp.clip(jnp.asarray([share - error, share, share + error], log_prob.dtype), 0, 1)
    )
    return HighestDensityRegion(dist, float(probability), Estimate(level, (high - low) / 2))
