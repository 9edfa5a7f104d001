"""Radial flow."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..bijectors import Radial
from .common import Flow
from .residual_steps import step_flow


def radial(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 16,
    hidden_units: Sequence[int] = (64, 64),
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers y = x + beta / (alpha + r) (x - center), r = |x - center|: a stretch about a point (R. & M. 2015, eq. 14).

    Choose it as `planar`, in variational inference, where mass gathers in or leaves a ball; both directions are closed
    forms. A few points in the plane it moves well; in many dimensions a ball is nearly empty, and it does little.

    Args:
        key: for the initial weights.
        dim: size D of a data vector.
        condition_dim: size of the condition; then a network of the condition moves the parameters of each layer, a
            `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of layers.
        hidden_units: of the networks of the condition.
        base: distribution of the latents, of event shape (D,); None for the standard normal.
        train_base: whether location and scale of the base train too.

    Returns:
        A `TransformedDistribution` on R^D, or a `ConditionalDistribution`.
    """
    return step_flow(
        key,
        dim,
        _radial,
        condition_dim=condition_dim,
        layers=layers,
        hidden_units=hidden_units,
        base=base,
        train_base=train_base,
    )


def _radial(key: jax.Array, dim: int) -> Radial:
    """Near the identity, each layer about a point of its own."""
    key_center, key_beta = jax.random.split(key)
    center, raw_beta = jax.random.normal(key_center, (dim,)), 0.1 * jax.random.normal(key_beta)
    return Radial.from_unconstrained(center, jnp.zeros(()), raw_beta)
