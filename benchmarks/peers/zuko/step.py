"""One optimisation step with zuko: loss, gradient, Adam update; eager."""

import torch

from benchmarks.common import flow_arguments
from benchmarks.harness import report_step, rows_of
from benchmarks.peers.torch_loop import make_step
from benchmarks.peers.zuko.model import PACKAGES, build, log_prob

if __name__ == "__main__":
    arguments = flow_arguments(rows=512)
    torch.manual_seed(arguments.seed)
    flow = build(arguments.kind, arguments.dim, arguments.hidden, arguments.layers)
    x = torch.from_numpy(rows_of(arguments))
    step = make_step(flow, lambda rows: log_prob(flow, rows))
    report_step("zuko", arguments, lambda: step(x), PACKAGES)
