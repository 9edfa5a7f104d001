"""Layers of the recipes whose few parameters a condition moves: planar, radial, sylvester."""

from collections.abc import Callable
from typing import Any

import jax

from ..bijectors import Bijector, Conditioned
from ..nets import MLP
from .common import Flow, check_sizes, mixed, on_base, stacked


def step_layer(
    key: jax.Array,
    *,
    build: Callable[..., Bijector],
    dim: int,
    condition_dim: int | None,
    hidden_units: tuple[int, ...],
    permutation: str | None,
    **options: Any,
) -> Bijector:
    """One layer `build(key, dim, **options)`, its parameters moved by a network of the condition if there is one."""
    key_layer, key_net, key_mix = jax.random.split(key, 3)
    layer = build(key_layer, dim, **options)
    if condition_dim is not None:
        count = Conditioned.count(layer)
        layer = Conditioned(layer, MLP(condition_dim, count, hidden_units=hidden_units, output_scale=0.1, key=key_net))
    return mixed(key_mix, layer, dim, permutation)


def step_flow(
    key: jax.Array,
    dim: int,
    build: Callable[..., Bijector],
    *,
    condition_dim: int | None,
    layers: int,
    hidden_units: Any,
    base: Any,
    train_base: bool,
    permutation: str | None = None,
    **options: Any,
) -> Flow:
    """A stack of such layers on a base."""
    check_sizes(dim, condition_dim)
    bijector = stacked(
        key,
        layers,
        step_layer,
        build=build,
        dim=dim,
        condition_dim=condition_dim,
        hidden_units=tuple(hidden_units),
        permutation=permutation,
        **options,
    )
    return on_base(bijector, dim, condition_dim, base, train_base)
