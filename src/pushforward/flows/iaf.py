"""Inverse autoregressive flow."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from .autoregressive import autoregressive_flow
from .common import Flow, bounded_affine


def iaf(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 5,
    hidden_units: Sequence[int] = (64, 64),
    activation: Callable[[jax.Array], jax.Array] = jax.nn.relu,
    permutation: str | None = "reverse",
    residual: bool = False,
    order: str = "left-to-right",
    normalization: str | None = None,
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers y_i = (x_i - mu_i(x_<i)) exp(-alpha_i(x_<i)), the inverse of `maf`'s (Kingma et al. 2016).

    Choose it where sampling and the density of one's own samples must be fastest: posteriors of variational inference,
    students of distillation. A sample with its density is one network pass; the density of given data about two passes'
    time (incremental inversion), with implicit derivatives. Log-scales are bounded as in `maf`.

    Args:
        key: for the initial weights.
        dim: size D of a data vector.
        condition_dim: size of the condition; then a `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of layers.
        hidden_units: sizes of the hidden layers of each network.
        activation: of the hidden layers.
        permutation: between layers: "reverse", "random", "lu" (a learnable linear map) or None.
        residual: whether each entry of `hidden_units`, all equal then, is a residual block of two layers.
        order: of the coordinates within a layer, "left-to-right", "right-to-left" or "random".
        normalization: of the data before each layer: "actnorm" (a scale and a shift set by the first data of `fit`),
            "batchnorm" (running statistics) or None.
        base: distribution of the latents, of event shape (D,); None for the standard normal.
        train_base: whether location and scale of the base train too.

    Returns:
        A `TransformedDistribution` on R^D, or a `ConditionalDistribution`.
    """
    return autoregressive_flow(
        key,
        dim,
        condition_dim=condition_dim,
        layers=layers,
        hidden_units=hidden_units,
        activation=activation,
        permutation=permutation,
        residual=residual,
        order=order,
        normalization=normalization,
        base=base,
        train_base=train_base,
        inverted=True,
        transformer=bounded_affine(layers),
    )
