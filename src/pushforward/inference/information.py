"""Entropy, expectations, and the information that columns have of each other."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..distributions.estimate import Estimate, mean_of
from ..distributions.joint import Marginal
from .drawing import drawn


def entropy(key: jax.Array, dist: Any, *, num_samples: int = 10_000) -> Estimate:
    """H = -E[log p(x)] in nats, of a continuous distribution the differential entropy, in the units of its rows.

    Args:
        key: random key.
        dist: one distribution.
        num_samples: draws.
    """
    return mean_of(-drawn(key, dist, num_samples)[1])


def expectation(
    key: jax.Array, dist: Any, fn: Callable[[jax.Array], jax.Array], *, num_samples: int = 10_000
) -> Estimate:
    """E[fn(x)]: a moment, a probability, a mean of anything.

    Args:
        key: random key.
        dist: one distribution.
        fn: from draws, shape [draws | event], to numbers or booleans, shape [draws, ...].
        num_samples: draws.
    """
    values = jnp.asarray(fn(drawn(key, dist, num_samples)[0]))
    if values.shape[:1] != (num_samples,):
        raise ValueError(
            f"expectation: expected fn to keep the {num_samples} draws as the first axis, and got shape "
            f"{values.shape}; let it work on all rows at once, x[:, 0] and not x[0]"
        )
    is_floating = jnp.issubdtype(values.dtype, jnp.floating)
    return mean_of(values if is_floating else values.astype(jnp.result_type(float)))


def mutual_information(
    key: jax.Array,
    dist: Any,
    first: Sequence[int],
    second: Sequence[int],
    *,
    num_samples: int = 1000,
    inner_samples: int = 1024,
) -> Estimate:
    """I(x_A; x_B) = E[log p(x_A, x_B) - log p(x_A) - log p(x_B)] in nats: what A tells of B; 0 if nothing.

    The marginal densities are themselves estimated (`flow.marginal`). The logarithm of an unbiased estimate of relative
    error s is too low by s^2 / 2 on average, which is added back.

    Args:
        key: random key.
        dist: one distribution on vectors.
        first, second: two groups of columns without a column in common; columns in neither are integrated out.
        num_samples: draws of rows, for the outer mean.
        inner_samples: weighted draws for each marginal density at each row.
    """
    outer_key, inner_key = jax.random.split(key)
    size = dist.event_shape[-1]
    groups = [[c % size for c in group] for group in (first, second)]
    if set(groups[0]) & set(groups[1]):
        raise ValueError(
            f"mutual_information: expected two groups without a column in common, and got {list(first)} and "
            f"{list(second)}; a column knows everything of itself"
        )
    x, _ = drawn(outer_key, dist, num_samples)

    def log_density(columns: list[int]) -> jax.Array:
        marginal = Marginal(dist, columns, key=inner_key, num_samples=inner_samples)
        value, error = marginal.estimate_log_prob(x[:, np.asarray(columns)])
        return value + error**2 / 2

    return mean_of(log_density([*groups[0], *groups[1]]) - log_density(groups[0]) - log_density(groups[1]))
