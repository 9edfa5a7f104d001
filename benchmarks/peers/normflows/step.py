"""One optimisation step with normflows: loss, gradient, Adam update; eager."""

import torch

from benchmarks.common import flow_arguments
from benchmarks.harness import report_step, rows_of
from benchmarks.peers.normflows.model import PACKAGES, build, log_prob
from benchmarks.peers.torch_loop import make_step

if __name__ == "__main__":
    arguments = flow_arguments(rows=512)
    torch.manual_seed(arguments.seed)
    flow = build(arguments.kind, arguments.dim, arguments.hidden, arguments.layers)
    x = torch.from_numpy(rows_of(arguments))
    step = make_step(flow, lambda rows: log_prob(flow, rows))
    report_step("normflows", arguments, lambda: step(x), PACKAGES)
