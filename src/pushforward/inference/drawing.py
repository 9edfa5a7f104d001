"""Draws and their log-densities, of flows and of any NumPyro distribution."""

from typing import Any

import jax
import jax.numpy as jnp


def drawn(key: jax.Array, dist: Any, count: int) -> tuple[jax.Array, jax.Array]:
    """(draws [count | event], log-densities [count]), from one pass where the distribution can give both at once.

    Raises:
        ValueError: if the distribution is a batch of several, or fewer than two draws are asked for.
    """
    if tuple(dist.batch_shape) != ():
        raise ValueError(
            f"expected one distribution, and got a batch of shape {tuple(dist.batch_shape)}; ask for one at a time"
        )
    if count < 2:
        raise ValueError(f"num_samples: expected at least 2, and got {count}; the error is told from their spread")
    if hasattr(dist, "sample_and_log_prob"):
        return dist.sample_and_log_prob(key, (count,))
    x = dist.sample(key, (count,))
    return x, jnp.asarray(dist.log_prob(x))
