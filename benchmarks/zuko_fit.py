"""Zuko's neural spline flow on a table, trained for a given wall-clock time.

    python -m benchmarks.zuko_fit benchmarks/.data/htru2.npz --budget 60

The flow is ``zuko.flows.NSF`` of the shape in Zuko's documentation (three transforms,
hidden (128, 128), 8 bins), trained with Adam at 1e-3. The budget starts after the imports
and covers building, training and validation; the weights with the best validation
likelihood are kept. The rate stays constant or, by default, follows a cosine over the
budget. Standardised units. Runs in the ``torch`` environment.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import zuko

from benchmarks.common import ADAM_RATE, BINS, versions


def arguments() -> argparse.Namespace:
    """What can be tuned."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--budget", type=float, required=True, help="seconds")
    parser.add_argument("--transforms", type=int, default=3)
    parser.add_argument("--hidden", type=int, nargs="+", default=[128, 128])
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=ADAM_RATE)
    parser.add_argument("--schedule", choices=("cosine", "constant"), default="cosine")
    parser.add_argument("--patience", type=int, default=50, help="epochs without improvement")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def log_prob(flow: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Log densities without gradients, in pieces."""
    with torch.inference_mode():
        return torch.cat([flow().log_prob(piece) for piece in x.split(4096)])


def batches(x: torch.Tensor, size: int) -> Iterator[torch.Tensor]:
    """One epoch in random order."""
    for index in torch.randperm(len(x)).split(size):
        yield x[index]


def train(options: argparse.Namespace, train: torch.Tensor, val: torch.Tensor) -> dict:
    """The best flow within the budget, and how the time was spent."""
    start = time.perf_counter()
    torch.manual_seed(options.seed)
    sizes = {"transforms": options.transforms, "hidden_features": options.hidden}
    flow = zuko.flows.NSF(train.shape[1], bins=BINS, **sizes)
    optimizer = torch.optim.Adam(flow.parameters(), lr=options.rate)
    best, best_epoch, best_state = -math.inf, 0, copy.deepcopy(flow.state_dict())
    spent, steps, epoch = 0.0, 0, 0
    while spent < options.budget and epoch - best_epoch < options.patience:
        epoch += 1
        for x in batches(train, options.batch):
            spent = time.perf_counter() - start
            if spent >= options.budget:
                break
            if options.schedule == "cosine":
                rate = options.rate * 0.5 * (1 + math.cos(math.pi * spent / options.budget))
                optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            loss = -flow().log_prob(x).mean()
            loss.backward()
            if loss.isfinite():
                optimizer.step()
            steps += 1
        score = float(log_prob(flow, val).mean())
        if score > best:
            best, best_epoch, best_state = score, epoch, copy.deepcopy(flow.state_dict())
        spent = time.perf_counter() - start
    flow.load_state_dict(best_state)
    record = {"val_ll": best, "best_epoch": best_epoch, "epochs": epoch, "steps": steps}
    return {"flow": flow, "record": {**record, "seconds": spent}}


def main() -> None:
    """Train and print one JSON line."""
    options = arguments()
    with np.load(options.table) as table:
        parts = {part: torch.from_numpy(table[part]) for part in ("train", "val", "test")}
        log_jacobian = float(table["log_jacobian"])
    result = train(options, parts["train"], parts["val"])
    scores = log_prob(result["flow"], parts["test"]).double()
    line = {
        "model": "zuko_nsf",
        "table": options.table.stem,
        "test_ll": float(scores.mean()),
        "test_se": float(scores.std() / len(scores) ** 0.5),
        "units": "nats, standardised",
        "log_jacobian": log_jacobian,
        **result["record"],
        "options": {k: v for k, v in vars(options).items() if k != "table"},
        "versions": versions("zuko", "torch"),
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
