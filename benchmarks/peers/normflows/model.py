"""normflows' flows: autoregressive (order permuted) or coupling (halves swapped), affine or 8-bin spline.

The affine autoregressive layer's ``forward`` is its one-pass direction, so it is wrapped in
``Reverse`` to make the density cheap, as in the other peers; the spline's too, as in the
library's own wrapper. The library has no reversing permutation for vectors; a random one
takes its place. Couplings get its plain perceptron, so that networks have the same sizes.
"""

from __future__ import annotations

import normflows as nf
import torch
from normflows.flows.base import Reverse
from normflows.flows.neural_spline.autoregressive import (
    MaskedPiecewiseRationalQuadraticAutoregressive,
)
from normflows.flows.neural_spline.coupling import PiecewiseRationalQuadraticCoupling
from normflows.utils.masks import create_alternating_binary_mask

from benchmarks.common import BINS, BOUND, COUPLINGS

PACKAGES = ("normflows", "torch")
SPLINE = {"num_bins": BINS, "tails": "linear", "tail_bound": BOUND}


class Network(nf.nets.MLP):
    """normflows' perceptron, called as a spline coupling calls its network."""

    def __init__(self, hidden: list[int], features_in: int, features_out: int) -> None:
        """The width is read by the splines, which scale their initial bins by it."""
        super().__init__([features_in, *hidden, features_out])
        self.hidden_features = hidden[-1]

    def forward(self, inputs: torch.Tensor, context: None = None) -> torch.Tensor:
        """No context."""
        return super().forward(inputs)


def coupling(kind: str, dim: int, hidden: list[int], number: int) -> list[torch.nn.Module]:
    """The affine block is followed by a swap of the halves; spline couplings alternate their masks."""
    if kind == "affine_coupling":
        stay = dim - dim // 2  # the block splits as ``torch.chunk`` does
        network = nf.nets.MLP([stay, *hidden, 2 * (dim - stay)])
        return [nf.flows.AffineCouplingBlock(network), nf.flows.Permute(dim, mode="swap")]
    mask = create_alternating_binary_mask(dim, even=number % 2 == 0)

    def make(features_in: int, features_out: int) -> Network:
        return Network(hidden, features_in, features_out)

    return [Reverse(PiecewiseRationalQuadraticCoupling(mask, make, **SPLINE))]


def build(kind: str, dim: int, hidden: list[int], layers: int) -> torch.nn.Module:
    """Layers with a permutation after each."""
    net = {
        "features": dim,
        "hidden_features": hidden[0],
        "num_blocks": len(hidden) - 1,
        "use_residual_blocks": False,
    }
    flows: list[torch.nn.Module] = []
    for number in range(layers):
        if kind in COUPLINGS:
            flows += coupling(kind, dim, hidden, number)
            continue
        if kind == "affine":
            layer = nf.flows.MaskedAffineAutoregressive(**net)
        else:
            layer = MaskedPiecewiseRationalQuadraticAutoregressive(**SPLINE, **net)
        flows += [Reverse(layer), nf.flows.Permute(dim, mode="shuffle")]
    return nf.NormalizingFlow(nf.distributions.DiagGaussian(dim, trainable=False), flows)


def log_prob(flow: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Log density of each row."""
    return flow.log_prob(x)


def sample(flow: torch.nn.Module, n: int) -> torch.Tensor:
    """Draw ``n`` rows."""
    return flow.sample(n)[0]


def round_trip(flow: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """From data to latents and back."""
    return flow.forward(flow.inverse(x))
