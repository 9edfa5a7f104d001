"""normflows' masked autoregressive flow: affine or 8-bin spline, order permuted.

The affine layer's ``forward`` is its one-pass direction, so it is wrapped in ``Reverse``
to make the density cheap, as in the other peers. The library has no reversing
permutation for vectors; a random one takes its place.
"""

from __future__ import annotations

import normflows as nf
import torch
from normflows.flows.base import Reverse
from normflows.flows.neural_spline.autoregressive import (
    MaskedPiecewiseRationalQuadraticAutoregressive,
)

from benchmarks.common import BINS, BOUND

PACKAGES = ("normflows", "torch")


def build(kind: str, dim: int, hidden: list[int], layers: int) -> torch.nn.Module:
    """Layers with a permutation after each."""
    net = {
        "features": dim,
        "hidden_features": hidden[0],
        "num_blocks": len(hidden) - 1,
        "use_residual_blocks": False,
    }
    flows: list[torch.nn.Module] = []
    for _ in range(layers):
        if kind == "affine":
            layer = nf.flows.MaskedAffineAutoregressive(**net)
        else:
            layer = MaskedPiecewiseRationalQuadraticAutoregressive(
                num_bins=BINS, tails="linear", tail_bound=BOUND, **net
            )
        flows += [Reverse(layer), nf.flows.Permute(dim, mode="shuffle")]
    return nf.NormalizingFlow(nf.distributions.DiagGaussian(dim, trainable=False), flows)


def log_prob(flow: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Log density of each row."""
    return flow.log_prob(x)


def sample(flow: torch.nn.Module, n: int) -> torch.Tensor:
    """Draw ``n`` rows."""
    return flow.sample(n)[0]
