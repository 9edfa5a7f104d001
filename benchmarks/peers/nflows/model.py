"""nflows' flows: autoregressive (order reversed) or coupling (mask alternating), affine or 8-bin spline.

``num_blocks=len(hidden) - 1`` without residual blocks gives the same hidden layers as
everywhere else: one initial masked layer and one masked layer a block. Couplings get its
plain perceptron instead of its residual network, for the same reason.
"""

from __future__ import annotations

import torch
from nflows.distributions.normal import StandardNormal
from nflows.flows.base import Flow
from nflows.nn.nets import MLP
from nflows.transforms.autoregressive import (
    MaskedAffineAutoregressiveTransform,
    MaskedPiecewiseRationalQuadraticAutoregressiveTransform,
)
from nflows.transforms.base import CompositeTransform
from nflows.transforms.coupling import AffineCouplingTransform, PiecewiseRationalQuadraticCouplingTransform
from nflows.transforms.permutations import ReversePermutation
from nflows.utils.torchutils import create_alternating_binary_mask

from benchmarks.common import BINS, BOUND, COUPLINGS

PACKAGES = ("nflows", "torch")
SPLINE = {"num_bins": BINS, "tails": "linear", "tail_bound": BOUND}


class Network(MLP):
    """nflows' perceptron, called as a coupling calls its network."""

    def __init__(self, hidden: list[int], features_in: int, features_out: int) -> None:
        """The width is read by the splines, which scale their initial bins by it."""
        super().__init__([features_in], [features_out], hidden)
        self.hidden_features = hidden[-1]

    def forward(self, inputs: torch.Tensor, context: None = None) -> torch.Tensor:
        """No context."""
        return super().forward(inputs)


def coupling(kind: str, dim: int, hidden: list[int], number: int) -> torch.nn.Module:
    """Layer ``number``, which moves every other feature."""
    mask = create_alternating_binary_mask(dim, even=number % 2 == 0)

    def network(features_in: int, features_out: int) -> Network:
        return Network(hidden, features_in, features_out)

    if kind == "affine_coupling":
        return AffineCouplingTransform(mask, network)
    return PiecewiseRationalQuadraticCouplingTransform(mask, network, **SPLINE)


def build(kind: str, dim: int, hidden: list[int], layers: int) -> torch.nn.Module:
    """Layers with a reversal before each; couplings with alternating masks."""
    net = {
        "features": dim,
        "hidden_features": hidden[0],
        "num_blocks": len(hidden) - 1,
        "use_residual_blocks": False,
    }
    transforms: list[torch.nn.Module] = []
    for number in range(layers):
        if kind in COUPLINGS:
            transforms.append(coupling(kind, dim, hidden, number))
            continue
        transforms.append(ReversePermutation(features=dim))
        if kind == "affine":
            transforms.append(MaskedAffineAutoregressiveTransform(**net))
        else:
            transforms.append(MaskedPiecewiseRationalQuadraticAutoregressiveTransform(**SPLINE, **net))
    return Flow(CompositeTransform(transforms), StandardNormal([dim]))


def log_prob(flow: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Log density of each row."""
    return flow.log_prob(x)


def sample(flow: torch.nn.Module, n: int) -> torch.Tensor:
    """Draw ``n`` rows."""
    return flow.sample(n)


def round_trip(flow: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """From data to latents and back."""
    return flow._transform.inverse(flow.transform_to_noise(x))[0]
