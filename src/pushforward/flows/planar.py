"""Planar flow."""

from collections.abc import Sequence
from typing import Any

import jax

from ..bijectors import Planar
from .common import Flow
from .residual_steps import step_flow


def planar(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 16,
    hidden_units: Sequence[int] = (64, 64),
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers y = x + u tanh(w^T x + b): a step across a plane (Rezende & Mohamed 2015, eq. 10).

    Choose it as a posterior in variational inference, where 2 D + 1 parameters a layer can come from an encoder: draws
    and their own density are closed forms. It bends slowly, one direction a layer: for densities of data take an
    autoregressive recipe, which fits better, and whose density needs no search.

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
        _planar,
        condition_dim=condition_dim,
        layers=layers,
        hidden_units=hidden_units,
        base=base,
        train_base=train_base,
    )


def _planar(key: jax.Array, dim: int) -> Planar:
    """Near the identity, each layer with a plane of its own."""
    key_weight, key_direction, key_bias = jax.random.split(key, 3)
    return Planar(
        jax.random.normal(key_weight, (dim,)),
        0.1 * jax.random.normal(key_direction, (dim,)),
        jax.random.normal(key_bias),
    )
