"""Training of the PyTorch peers on a table within a budget of seconds: Adam, eager, the best validation weights kept.

The rate follows a cosine over the budget or stays constant. Training ends with the budget, or after `--patience` epochs
(and at least 1,000 steps) without a better validation likelihood.
"""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Callable, Iterator

import torch

from benchmarks.fit_case import clock, fit_parser, load, report, rows_to_score

LEAST_STEPS = 1000
Build = Callable[[argparse.Namespace, int], torch.nn.Module]
Log = Callable[[torch.nn.Module, torch.Tensor], torch.Tensor]


def torch_parser(description: str, *, rate: float, clip: float | None) -> argparse.ArgumentParser:
    """Arguments of a PyTorch fit script."""
    parser = fit_parser(description)
    parser.add_argument("--batch", type=int, help="rows in a step")
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--clip", type=float, default=clip, help="longest gradient")
    parser.add_argument("--schedule", choices=("cosine", "constant"), default="cosine")
    parser.add_argument("--patience", type=int, default=50, help="epochs without improvement")
    return parser


def run(model: str, options: argparse.Namespace, build: Build, log_prob: Log, packages: tuple[str, ...]) -> None:
    """Train, and print the JSON line."""
    torch.set_num_threads(1)
    table = load(options.table)
    parts = {part: torch.from_numpy(table[part]) for part in ("train", "val")}
    flow, record = train(options, build, log_prob, **parts)
    scores = score(flow, log_prob, torch.from_numpy(rows_to_score(options, table)))
    report(model, options, table, scores.double().numpy(), packages, **record)


def score(flow: torch.nn.Module, log_prob: Log, x: torch.Tensor) -> torch.Tensor:
    """Log densities without gradients and without dropout, in pieces."""
    flow.eval()
    with torch.inference_mode():
        scores = torch.cat([log_prob(flow, piece) for piece in x.split(4096)])
    flow.train()
    return scores


def batches(x: torch.Tensor, size: int) -> Iterator[torch.Tensor]:
    """One epoch in random order."""
    for index in torch.randperm(len(x)).split(size):
        yield x[index]


def train(
    options: argparse.Namespace, build: Build, log_prob: Log, train: torch.Tensor, val: torch.Tensor
) -> tuple[torch.nn.Module, dict]:
    """The best flow within the budget, and how the time was spent."""
    start = clock()
    torch.manual_seed(options.seed)
    flow = build(options, train.shape[1])
    optimizer = torch.optim.Adam(flow.parameters(), lr=options.rate)
    best, best_epoch, best_step, best_state = -math.inf, 0, 0, copy.deepcopy(flow.state_dict())
    spent, steps, epoch = 0.0, 0, 0
    while spent < options.budget and (epoch - best_epoch < options.patience or steps - best_step < LEAST_STEPS):
        epoch += 1
        for x in batches(train, options.batch):
            spent = clock() - start
            if spent >= options.budget:
                break
            if options.schedule == "cosine":
                rate = options.rate * 0.5 * (1 + math.cos(math.pi * spent / options.budget))
                optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            loss = -log_prob(flow, x).mean()
            loss.backward()
            if options.clip is not None:
                torch.nn.utils.clip_grad_norm_(flow.parameters(), options.clip)
            if loss.isfinite():
                optimizer.step()
            steps += 1
        value = float(score(flow, log_prob, val).mean())
        if value > best:
            best, best_epoch, best_step, best_state = value, epoch, steps, copy.deepcopy(flow.state_dict())
        spent = clock() - start
    flow.load_state_dict(best_state)
    return flow, {"val_ll": best, "seconds": spent, "epochs": epoch, "best_epoch": best_epoch, "steps": steps}
