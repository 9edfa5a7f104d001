"""Training the flows of a mixture side by side, each for itself: a deep ensemble."""

from typing import Any

import jax
import jax.numpy as jnp

from ..distributions import ConditionalMixtureOfFlows, MixtureOfFlows
from .objectives import Batch, maximum_likelihood


def each_member(model: Any, batch: Batch, key: jax.Array) -> jax.Array:
    """The mean over the flows of a mixture of  - sum_n w_n log p_k(x_n) / sum_n w_n,  for the `loss` of `fit`.

    No flow sees the others, so with different keys they become an ensemble (Lakshminarayanan, Pritzel & Blundell 2017),
    trained in one program: small flows cost little more than one. The result is their mixture, whose density is the
    mean of theirs; its weights do not train. (With the likelihood of the mixture itself, the default loss, they share
    the data out among themselves.)

    Example:
        members = [flows.maf(key, 2) for key in jax.random.split(key, 5)]
        result = pushforward.fit(key, MixtureOfFlows(members), x, loss=each_member)

    Args:
        model: a `MixtureOfFlows`; for rows with conditions a `ConditionalMixtureOfFlows`, whose gate stays as it is.
        batch: the rows and their weights.
        key: not used.

    Raises:
        TypeError: for another model.
    """
    if not isinstance(model, MixtureOfFlows if batch.condition is None else ConditionalMixtureOfFlows):
        raise TypeError(
            f"each_member: expected a MixtureOfFlows, or with conditions a ConditionalMixtureOfFlows, and got "
            f"{type(model).__name__}; it trains flows of one structure side by side. Build "
            "MixtureOfFlows([flow, flow, ...])."
        )
    return jnp.mean(jax.vmap(lambda flow: maximum_likelihood(flow, batch, key))(model.components))
