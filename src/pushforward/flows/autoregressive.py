"""Layers of the masked autoregressive recipes: maf, maf_mog, made, iaf, spline_autoregressive."""

from collections.abc import Callable
from typing import Any

import jax

from ..bijectors import Bijector, Invert, MaskedAutoregressiveFlow
from ..bijectors.transformers import Transformer
from ..nets import AutoregressiveNetwork
from .common import Flow, check_sizes, mixed, on_base, stacked


def autoregressive_layer(
    key: jax.Array,
    *,
    dim: int,
    condition_dim: int | None,
    transformer: Transformer,
    hidden_units: tuple[int, ...],
    activation: Callable[[jax.Array], jax.Array],
    permutation: str | None,
    inverted: bool = False,
    residual: bool = False,
    order: str = "left-to-right",
    normalization: str | None = None,
    direct: bool = False,
    mask_weights: bool = False,
) -> Bijector:
    """One masked autoregressive layer after a map that mixes the coordinates, before one that normalises them."""
    key_net, key_mix = jax.random.split(key)
    net = AutoregressiveNetwork(
        transformer.params_per_dim,
        dim,
        conditional=condition_dim is not None,
        conditional_event_shape=condition_dim,
        hidden_units=hidden_units,
        input_order=order,
        activation=activation,
        residual=residual,
        output_scale=0.3,
        direct=direct,
        mask_weights=mask_weights,
        key=key_net,
    )
    layer: Bijector = MaskedAutoregressiveFlow(net, transformer=transformer)
    return mixed(key_mix, Invert(layer) if inverted else layer, dim, permutation, normalization)


def check_order(order: Any) -> None:
    """`ValueError` for what is no order of the recipes."""
    if order not in ("left-to-right", "right-to-left", "random"):
        raise ValueError(
            f"order is 'left-to-right', 'right-to-left' or 'random', and got {order!r}; for another one build the "
            "layers: AutoregressiveNetwork(input_order=...)"
        )


def autoregressive_flow(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None,
    layers: int,
    hidden_units: Any,
    order: str,
    base: Any,
    train_base: bool,
    **options: Any,
) -> Flow:
    """A stack of autoregressive layers on a base."""
    check_sizes(dim, condition_dim)
    check_order(order)
    bijector = stacked(
        key,
        layers,
        autoregressive_layer,
        dim=dim,
        condition_dim=condition_dim,
        hidden_units=tuple(hidden_units),
        order=order,
        **options,
    )
    return on_base(bijector, dim, condition_dim, base, train_base)
