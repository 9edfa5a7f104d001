"""A density pass and sampling with zuko; eager, without gradients."""

import torch

from benchmarks.common import flow_arguments
from benchmarks.harness import report_sampling, rows_of
from benchmarks.peers.zuko.model import PACKAGES, build, log_prob, sample

if __name__ == "__main__":
    arguments = flow_arguments(rows=1024)
    torch.manual_seed(arguments.seed)
    flow = build(arguments.kind, arguments.dim, arguments.hidden, arguments.layers).eval()
    x = torch.from_numpy(rows_of(arguments))
    with torch.inference_mode():
        report_sampling(
            "zuko",
            arguments,
            lambda: log_prob(flow, x),
            lambda: sample(flow, arguments.rows),
            PACKAGES,
        )
