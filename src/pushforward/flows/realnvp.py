"""RealNVP: affine coupling."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from .common import Flow, bounded_affine
from .coupling import coupling_flow


def realnvp(
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
    """Layers y_a = x_a, y_b = x_b exp(s(x_a)) + t(x_a) with a permutation between (Dinh, Sohl-Dickstein & Bengio 2017).

    Choose it where densities and samples must be fast and `spline_coupling` is too slow: both are one pass.

    Log-scales are softly bounded, by 10 / layers and at most 5: so a trip to the latents and back keeps digits far from
    the data too.

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
        transformer=bounded_affine(layers),
    )
