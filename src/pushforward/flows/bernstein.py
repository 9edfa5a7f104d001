"""Bernstein polynomial flow."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ..bijectors import BernsteinTransformer, InvertedTransformer
from .autoregressive import autoregressive_flow
from .common import Flow


def bernstein(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 5,
    hidden_units: Sequence[int] = (64, 64),
    degree: int = 16,
    bound: float = 5.0,
    activation: Callable[[jax.Array], jax.Array] = jax.nn.relu,
    permutation: str | None = "lu",
    residual: bool = False,
    order: str = "left-to-right",
    normalization: str | None = None,
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers x_i = a Bernstein polynomial of y_i, parameters of y_<i (Ramasinghe et al. 2021).

    Choose it for smooth densities on a box, where its numbers are good-natured: coefficients are values, and small
    errors in them stay small. Sharp edges it resolves less well than the splines of `spline_autoregressive`. A density
    is one network pass, a sample takes a search for each coordinate, run inside the incremental inversion.

    Args:
        key: for the initial weights.
        dim: size D of a data vector.
        condition_dim: size of the condition; then a `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of layers.
        hidden_units: sizes of the hidden layers of each network.
        degree: of the polynomials.
        bound: the polynomials act on [-bound, bound] and go on linearly outside, so data should be standardised.
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
        transformer=InvertedTransformer(BernsteinTransformer(degree, bound)),
    )
