"""Layers of the coupling recipes: nice, realnvp, spline_coupling."""

from collections.abc import Callable
from typing import Any

import jax

from ..bijectors import Bijector, Coupling
from ..bijectors.transformers import Transformer
from ..nets import MLP, ResidualMLP
from .common import Flow, check_sizes, mixed, on_base, stacked


def coupling_layer(
    key: jax.Array,
    *,
    dim: int,
    condition_dim: int | None,
    transformer: Transformer,
    hidden_units: tuple[int, ...],
    activation: Callable[[jax.Array], jax.Array],
    permutation: str | None,
    residual: bool,
    normalization: str | None,
) -> Bijector:
    """One coupling layer, the first half of the coordinates steering the second, after a map that mixes them."""
    key_net, key_mix = jax.random.split(key)
    stay = dim // 2
    net = (ResidualMLP if residual else MLP)(
        stay,
        (dim - stay) * transformer.params_per_dim,
        hidden_units=hidden_units,
        activation=activation,
        condition_dim=condition_dim,
        output_scale=0.1,
        key=key_net,
    )
    return mixed(key_mix, Coupling(net, transformer, num_masked=stay), dim, permutation, normalization)


def coupling_flow(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None,
    layers: int,
    hidden_units: Any,
    base: Any,
    train_base: bool,
    **options: Any,
) -> Flow:
    """A stack of coupling layers on a base."""
    check_sizes(dim, condition_dim)
    if dim < 2:
        raise ValueError(
            f"dim: a coupling layer needs at least 2 coordinates, one to steer the other, and got {dim}; for one "
            "coordinate use flows.spline_autoregressive"
        )
    bijector = stacked(
        key,
        layers,
        coupling_layer,
        dim=dim,
        condition_dim=condition_dim,
        hidden_units=tuple(hidden_units),
        **options,
    )
    return on_base(bijector, dim, condition_dim, base, train_base)
