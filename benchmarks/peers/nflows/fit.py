"""nflows' neural spline flow on a table, trained for a given number of seconds.

    python -m benchmarks.peers.nflows.fit benchmarks/.data/htru2.npz --budget 60

The flow has the parts of its authors' experiments with tables (Durkan et al. 2019; ``experiments/uci.py`` of the
repository bayesiains/nsf): steps of a random permutation, an LU linear map and a masked autoregressive
rational-quadratic spline of 8 bins on [-3, 3] from 2 residual blocks, and a last linear map; Adam down a cosine,
gradients cut at norm 5, batches of 64 (256 on tables of 5,000 rows and more). Their sizes (``--transforms 10 --hidden
256 --dropout 0.25 --rate 3e-4``) come to some 400 steps of training in a minute of one core, and are far too slow here:
on the validation rows of concrete they got -1.3 nats, and those below 1.4. Runs in the ``torch`` environment.
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
from benchmarks.fit_case import SMALL, load
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
    parser = torch_parser(__doc__, rate=1e-3, clip=5.0)
    parser.add_argument("--transforms", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=2, help="residual blocks of a network")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--bound", type=float, default=3.0)
    options = parser.parse_args()
    options.batch = options.batch or (64 if len(load(options.table)["train"]) < SMALL else 256)
    run("nflows_nsf", options, build, log_prob, PACKAGES)
