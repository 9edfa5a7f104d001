"""NICE: additive coupling."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ..bijectors.transformers import AdditiveTransformer
from .common import Flow
from .coupling import coupling_flow


def nice(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 8,
    hidden_units: Sequence[int] = (64, 64),
    activation: Callable[[jax.Array], jax.Array] = jax.nn.relu,
    permutation: str | None = "reverse",
    residual: bool = False,
    normalization: str | None = None,
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers y_a = x_a, y_b = x_b + t(x_a) with a permutation between (Dinh, Krueger & Bengio 2015).

    Every layer keeps volume: the log-determinant is exactly 0. Choose it to teach; `realnvp` costs the same and
    fits better. Densities and samples are one network pass each.

    Args:
        key: for the initial weights.
        dim: size D of a data vector, at least 2.
        condition_dim: size of the condition; then a `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of layers.
        hidden_units: sizes of the hidden layers of each network.
        activation: of the hidden layers.
        permutation: between layers: "reverse", "random", "lu" (a learnable linear map) or None.
        residual: whether each entry of `hidden_units`, all equal then, is a residual block of two layers.
        normalization: of the data before each layer: "actnorm" (a scale and a shift set by the first data of `fit`),
            "batchnorm" (running statistics) or None.
        base: distribution of the latents, of event shape (D,); None for the standard normal.
        train_base: whether location and scale of the base train too.

    Returns:
        A `TransformedDistribution` on R^D, or a `ConditionalDistribution`.
    """
    return coupling_flow(
        key,
        dim,
        condition_dim=condition_dim,
        layers=layers,
        hidden_units=hidden_units,
        activation=activation,
        permutation=permutation,
        residual=residual,
        normalization=normalization,
        base=base,
        train_base=train_base,
        transformer=AdditiveTransformer(),
    )
