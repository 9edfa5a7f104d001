"""What every fit script shares: its arguments, its table, and the JSON line that it prints.

A script has ``--budget`` seconds after its imports for building, compiling, training and validation; it keeps the
weights that did best on the validation rows, and only then sees the test rows. Seconds are those in which the process
has its one core (`clock`): on a quiet machine the same as those on the wall, and a neighbour takes none of them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import versions

clock = time.process_time
SMALL = 5000  # a table of fewer training rows is small: smaller batches, for most peers


def fit_parser(description: str) -> argparse.ArgumentParser:
    """Arguments of every fit script."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("table", type=Path, help="benchmarks/.data/NAME.npz")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validation-only", action="store_true", help="for tuning: leave the test rows alone")
    return parser


def load(path: Path) -> dict[str, Any]:
    """The arrays of a table: train, val, test, log_jacobian."""
    with np.load(path) as file:
        return dict(file)


def report(
    model: str, options: argparse.Namespace, table: dict[str, Any], scores: Any, packages: tuple[str, ...], **more: Any
) -> None:
    """Print the one JSON line; ``scores`` are the log densities of the test rows (of the validation rows for tuning).

    ``more`` holds at least ``val_ll`` and ``seconds``.
    """
    scores = np.asarray(scores, np.float64)
    part = "val" if options.validation_only else "test"
    line = {
        "model": model,
        "table": options.table.stem,
        f"{part}_ll": float(scores.mean()),
        f"{part}_se": float(scores.std(ddof=1) / len(scores) ** 0.5),
        "units": "nats, standardised",
        "log_jacobian": float(table["log_jacobian"]),
        **more,
        "options": {name: value for name, value in vars(options).items() if name != "table"},
        "versions": versions(*packages),
    }
    print(json.dumps(line), flush=True)


def rows_to_score(options: argparse.Namespace, table: dict[str, Any]) -> np.ndarray:
    """The test rows, or for tuning the validation rows."""
    return table["val" if options.validation_only else "test"]
