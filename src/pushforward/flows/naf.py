"""Neural autoregressive flow."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ..bijectors.deep_sigmoidal import DeepSigmoidalTransformer
from ..bijectors.transformers import InvertedTransformer
from .autoregressive import autoregressive_flow
from .common import Flow


def naf(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 5,
    hidden_units: Sequence[int] = (64, 64),
    units: int = 8,
    depth: int = 1,
    activation: Callable[[jax.Array], jax.Array] = jax.nn.relu,
    permutation: str | None = "reverse",
    residual: bool = False,
    order: str = "left-to-right",
    normalization: str | None = None,
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers x_i = logit(sum_k w_k sigmoid(a_k y_i + b_k)), parameters of y_<i (Huang et al. 2018, DSF and DDSF).

    Choose it where data leave the box of `spline_autoregressive`, the faster sibling: its steps are anywhere on the
    line. A density is one network pass. A sample, for which the paper has no method, takes a search for each
    coordinate, run inside the incremental inversion.

    Args:
        key: for the initial weights.
        dim: size D of a data vector.
        condition_dim: size of the condition; then a `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of layers.
        hidden_units: sizes of the hidden layers of each network.
        units: sigmoids of a coordinate, K.
        depth: layers of sigmoids; from 2 on they are densely connected, of about 2 K^2 parameters a coordinate each.
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
        transformer=InvertedTransformer(DeepSigmoidalTransformer(units, depth)),
    )
