"""nflows' masked autoregressive flow: affine or 8-bin spline, order reversed.

``num_blocks=len(hidden) - 1`` without residual blocks gives the same hidden layers as
everywhere else: one initial masked layer and one masked layer a block.
"""

from __future__ import annotations

import torch
from nflows.distributions.normal import StandardNormal
from nflows.flows.base import Flow
from nflows.transforms.autoregressive import (
    MaskedAffineAutoregressiveTransform,
    MaskedPiecewiseRationalQuadraticAutoregressiveTransform,
)
from nflows.transforms.base import CompositeTransform
from nflows.transforms.permutations import ReversePermutation

from benchmarks.common import BINS, BOUND

PACKAGES = ("nflows", "torch")


def build(kind: str, dim: int, hidden: list[int], layers: int) -> torch.nn.Module:
    """Layers with a reversal before each."""
    net = {
        "features": dim,
        "hidden_features": hidden[0],
        "num_blocks": len(hidden) - 1,
        "use_residual_blocks": False,
    }
    transforms: list[torch.nn.Module] = []
    for _ in range(layers):
        transforms.append(ReversePermutation(features=dim))
        if kind == "affine":
            transforms.append(MaskedAffineAutoregressiveTransform(**net))
        else:
            spline = MaskedPiecewiseRationalQuadraticAutoregressiveTransform
            transforms.append(spline(num_bins=BINS, tails="linear", tail_bound=BOUND, **net))
    return Flow(CompositeTransform(transforms), StandardNormal([dim]))


def log_prob(flow: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Log density of each row."""
    return flow.log_prob(x)


def sample(flow: torch.nn.Module, n: int) -> torch.Tensor:
    """Draw ``n`` rows."""
    return flow.sample(n)
