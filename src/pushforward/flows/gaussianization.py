"""Gaussianisation flow."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax

from ..bijectors import Bijector, Chain, ConditionalAffine, Householder, MarginalGaussianization, Stack
from ..nets import MLP
from .common import Flow, check_sizes, on_base, stacked


def gaussianization(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 8,
    components: int = 12,
    hidden_units: Sequence[int] = (64, 64),
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers of a rotation and a mixture of Gaussians for each coordinate (Meng et al. 2020, Gaussianization flows).

    Choose it for a good start: `fit` sets each layer from the data that reach it, so that before the first step the
    flow is a density estimate already (the iteration of Chen & Gopinath 2000), and for few rows. It has no network:
    how columns depend on each other comes from the rotations alone, and with time for training the autoregressive
    recipes fit better. A density is closed form, a sample takes a search for each coordinate and layer.

    Args:
        key: for the initial rotations.
        dim: size D of a data vector.
        condition_dim: size of the condition; then each layer is scaled and shifted by a network of the condition, a
            `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of layers.
        components: of the mixture of each coordinate.
        hidden_units: of the networks of the condition.
        base: distribution of the latents, of event shape (D,); None for the standard normal.
        train_base: whether location and scale of the base train too.

    Returns:
        A `TransformedDistribution` on R^D, or a `ConditionalDistribution`.
    """
    check_sizes(dim, condition_dim)
    options = {"condition_dim": condition_dim, "components": components, "hidden_units": tuple(hidden_units)}
    return on_base(stacked(key, layers, _layer, dim=dim, **options), dim, condition_dim, base, train_base)


def _layer(
    key: jax.Array, *, dim: int, condition_dim: int | None, components: int, hidden_units: tuple[int, ...]
) -> Bijector:
    key_rotation, key_net = jax.random.split(key)
    # A product of D reflections can be any rotation.
    reflections = eqx.filter_vmap(Householder)(jax.random.normal(key_rotation, (dim, dim)))
    parts: list[Bijector] = [MarginalGaussianization(dim, components), Stack.of_stacked(reflections, dim)]
    if condition_dim is not None:
        net = MLP(condition_dim, 2 * dim, hidden_units=hidden_units, output_scale=0.1, key=key_net)
        parts.insert(0, ConditionalAffine(net))
    return Chain(parts)
