"""`flows.default` with default training on a table; prints one JSON line with its wall-clock time.

    python -m benchmarks.ours.fit benchmarks/.data/htru2.npz

The time starts after the imports, as `zuko_fit`'s budget does, and covers building, compiling and training.
"""

import argparse
import json
import time
from pathlib import Path

import jax
import numpy as np

import pushforward as pf
from benchmarks.common import versions
from benchmarks.ours import PACKAGES
from pushforward import flows


def main() -> None:
    """Train on the training rows, choose on the validation rows, report the test rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with np.load(options.table) as file:
        table = dict(file)
    start = time.perf_counter()
    key_flow, key_fit = jax.random.split(jax.random.key(options.seed))
    flow = flows.default(key_flow, table["train"].shape[1])
    result = pf.fit(key_fit, flow, table["train"], validation_data=table["val"], progress=False)
    seconds = time.perf_counter() - start
    scores = np.asarray(result.model.log_prob(table["test"]), np.float64)
    line = {
        "model": "pushforward_default",
        "table": options.table.stem,
        "test_ll": scores.mean(),
        "test_se": scores.std() / len(scores) ** 0.5,
        "units": "nats, standardised",
        "log_jacobian": float(table["log_jacobian"]),
        "seconds": seconds,
        "epochs": len(result.history),
        "best_epoch": result.history.best_epoch,
        "versions": versions(*PACKAGES),
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
