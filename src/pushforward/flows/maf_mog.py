"""Masked autoregressive flow on mixtures of Gaussians."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ..bijectors import Chain
from ..bijectors.mixture_of_gaussians import MixtureTransformer
from .autoregressive import autoregressive_layer, check_order
from .common import Flow, bounded_affine, check_sizes, on_base, single, stacked


def maf_mog(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 5,
    components: int = 10,
    hidden_units: Sequence[int] = (64, 64),
    activation: Callable[[jax.Array], jax.Array] = jax.nn.relu,
    permutation: str | None = "reverse",
    residual: bool = False,
    order: str = "left-to-right",
    normalization: str | None = None,
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """The layers of `maf` on what `made` makes of the base, mixtures of Gaussians (Papamakarios et al. 2017, MAF MoG).

    Choose it in place of `maf` for data of several modes, which affine layers cannot tear apart: one more layer, of
    mixtures, does that. `spline_autoregressive` does it in every layer, and usually fits better.

    Args:
        key: for the initial weights.
        dim: size D of a data vector.
        condition_dim: size of the condition; then a `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of affine layers, on top of the one of mixtures.
        components: Gaussians in each mixture.
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
    check_sizes(dim, condition_dim)
    check_order(order)
    options = {
        "dim": dim,
        "condition_dim": condition_dim,
        "hidden_units": tuple(hidden_units),
        "activation": activation,
        "residual": residual,
        "order": order,
        "normalization": normalization,
    }
    key_affine, key_mixture = jax.random.split(key)
    affine = stacked(
        key_affine,
        layers,
        autoregressive_layer,
        transformer=bounded_affine(layers),
        permutation=permutation,
        **options,
    )
    mixture = single(
        key_mixture, autoregressive_layer, transformer=MixtureTransformer(components), permutation=None, **options
    )
    return on_base(Chain([affine, mixture]), dim, condition_dim, base, train_base)
