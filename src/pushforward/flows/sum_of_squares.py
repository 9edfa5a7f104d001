"""Sum-of-squares polynomial flow."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ..bijectors import InvertedTransformer, SumOfSquaresTransformer
from .autoregressive import autoregressive_flow
from .common import Flow


def sum_of_squares(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 5,
    hidden_units: Sequence[int] = (64, 64),
    polynomials: int = 3,
    degree: int = 4,
    bound: float | None = 5.0,
    activation: Callable[[jax.Array], jax.Array] = jax.nn.relu,
    permutation: str | None = "lu",
    residual: bool = False,
    order: str = "left-to-right",
    normalization: str | None = None,
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers x_i = shift + int_0^y_i of a sum of squared polynomials, parameters of y_<i (Jaini et al. 2019, SOS).

    Choose it for smooth densities: a map that is a polynomial has no knots. `spline_autoregressive` is the safer choice
    and usually fits better. A density is one network pass, a sample takes a search for each coordinate, run inside the
    incremental inversion.

    Args:
        key: for the initial weights.
        dim: size D of a data vector.
        condition_dim: size of the condition; then a `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of layers.
        hidden_units: sizes of the hidden layers of each network.
        polynomials: number of squares of a coordinate.
        degree: of the polynomials that are squared.
        bound: the polynomials act on [-bound, bound] and go on linearly outside, so data should be standardised. None
            for polynomials everywhere, as published; several layers of them overflow a little outside the data.
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
        transformer=InvertedTransformer(SumOfSquaresTransformer(polynomials, degree, bound=bound)),
    )
