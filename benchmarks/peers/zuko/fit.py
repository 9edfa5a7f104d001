"""Zuko's neural spline flow on a table, trained for a given number of seconds.

    python -m benchmarks.peers.zuko.fit benchmarks/.data/htru2.npz --budget 60

The flow is ``zuko.flows.NSF`` as the README of Zuko 1.6 builds it (three transforms, hidden layers of 3 x 128, 8 bins),
trained with Adam at 1e-3 as there and in its tutorial "Train from data", which takes batches of 64; on tables of 5,000
rows and more batches are of 256. Runs in the ``torch`` environment.
"""

import argparse

import torch
import zuko

from benchmarks.common import ADAM_RATE, BINS
from benchmarks.fit_case import SMALL, load
from benchmarks.peers.torch_fit import run, torch_parser
from benchmarks.peers.zuko.model import PACKAGES, log_prob


def build(options: argparse.Namespace, dim: int) -> torch.nn.Module:
    """Fully autoregressive, the order reversed between transforms."""
    return zuko.flows.NSF(dim, bins=BINS, transforms=options.transforms, hidden_features=options.hidden)


if __name__ == "__main__":
    parser = torch_parser(__doc__, rate=ADAM_RATE, clip=None)
    parser.add_argument("--transforms", type=int, default=3)
    parser.add_argument("--hidden", type=int, nargs="+", default=[128, 128, 128])
    options = parser.parse_args()
    options.batch = options.batch or (64 if len(load(options.table)["train"]) < SMALL else 256)
    run("zuko_nsf", options, build, log_prob, PACKAGES)
