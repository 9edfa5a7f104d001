"""nflows' neural spline flow on a table, trained for a given wall-clock time.

    python -m benchmarks.peers.nflows.fit benchmarks/.data/htru2.npz --budget 60

The flow is that of its authors' experiments with tables (Durkan et al. 2019; ``experiments/uci.py`` of the repository
bayesiains/nsf): steps of a random permutation, an LU linear map and a masked autoregressive rational-quadratic spline
of 8 bins on [-3, 3] from residual blocks, and a last linear map; Adam at 3e-4 down a cosine, gradients cut at norm 5,
batches of 64. Runs in the ``torch`` environment.
"""

import argparse

import torch
from nflows.distributions.normal import StandardNormal
from nflows.flows.base import Flow
from nflows.transforms.autoregressive import MaskedPiecewiseRationalQuadraticAutoregressiveTransform
from nflows.transforms.base import CompositeTransform
from nflows.transforms.lu import LULinear
from nflows.transforms.permutations import RandomPermutation

from benchmarks.common import BINS
from benchmarks.peers.nflows.model import PACKAGES, log_prob
from benchmarks.peers.torch_fit import run, torch_parser


def build(options: argparse.Namespace, dim: int) -> torch.nn.Module:
    """The flow of ``experiments/uci.py``."""

    def linear() -> list[torch.nn.Module]:
        return [RandomPermutation(dim), LULinear(dim, identity_init=True)]

    transforms: list[torch.nn.Module] = []
    for _ in range(options.transforms):
        spline = MaskedPiecewiseRationalQuadraticAutoregressiveTransform(
            dim,
            options.hidden,
            num_bins=BINS,
            tails="linear",
            tail_bound=options.bound,
            num_blocks=options.blocks,
            use_residual_blocks=True,
            dropout_probability=options.dropout,
        )
        transforms += [*linear(), spline]
    return Flow(CompositeTransform([*transforms, *linear()]), StandardNormal([dim]))


if __name__ == "__main__":
    parser = torch_parser(__doc__, rate=3e-4, clip=5.0)
    parser.add_argument("--transforms", type=int, default=10)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--blocks", type=int, default=2, help="residual blocks of a network")
    parser.add_argument("--dropout", type=float, default=0.25)
    parser.add_argument("--bound", type=float, default=3.0)
    options = parser.parse_args()
    options.batch = options.batch or 64
    run("nflows_nsf", options, build, log_prob, PACKAGES)
