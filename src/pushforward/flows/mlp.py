"""The MLP flow: alternating affine maps and parametric ReLUs."""

from typing import Any

import jax
import jax.numpy as jnp

from ..bijectors import Affine, Bijector, Chain, ConditionalAffine, PReLU
from ..nets import MLP
from .common import Flow, check_sizes, on_base, stacked


def mlp(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 6,
    rank: int = 1,
    hidden_units: tuple[int, ...] = (64, 64),
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers y = A PReLU(x) + b, A triangular plus a product of rank r; piecewise affine, like a perceptron.

    The invertible cousin of a multilayer perceptron: choose it to look at how layers bend space in the plane, or as
    a small, smooth model of few parameters. Densities cost a triangular solve a layer.

    Args:
        key: for the initial weights.
        dim: size D of a data vector.
        condition_dim: size of the condition; then each layer is scaled and shifted by a network of the condition, a
            `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of layers.
        rank: r, the rank of the product added to the triangular matrix; 0 for none.
        hidden_units: of the networks of the condition.
        base: distribution of the latents, of event shape (D,); None for the standard normal.
        train_base: whether location and scale of the base train too.

    Returns:
        A `TransformedDistribution` on R^D, or a `ConditionalDistribution`.
    """
    check_sizes(dim, condition_dim)
    key_stack, key_last = jax.random.split(key)
    options = {"dim": dim, "condition_dim": condition_dim, "rank": rank, "hidden_units": tuple(hidden_units)}
    body = stacked(key_stack, layers, _layer, **options)
    return on_base(Chain([_affine(key_last, dim, rank), body]), dim, condition_dim, base, train_base)


def _layer(
    key: jax.Array, *, dim: int, condition_dim: int | None, rank: int, hidden_units: tuple[int, ...]
) -> Bijector:
    key_affine, key_net = jax.random.split(key)
    parts: list[Bijector] = [PReLU(jnp.full(dim, 0.5)), _affine(key_affine, dim, rank)]
    if condition_dim is not None:
        net = MLP(condition_dim, 2 * dim, hidden_units=hidden_units, output_scale=0.1, key=key_net)
        parts.insert(1, ConditionalAffine(net))
    return Chain(parts)


def _affine(key: jax.Array, dim: int, rank: int) -> Affine:
    """Near the identity: unit diagonal, small entries below it, a small product V V^T."""
    key_tril, key_factor = jax.random.split(key)
    lower = jnp.tril(jax.random.normal(key_tril, (dim, dim)), -1)
    return Affine(
        jnp.zeros(dim),
        scale_tril=jnp.eye(dim) + 0.1 * lower,
        scale_perturb_factor=0.1 * jax.random.normal(key_factor, (dim, rank)) if rank else None,
    )
