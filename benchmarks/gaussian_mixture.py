"""The best full-covariance Gaussian mixture of 1 to 20 components on a table.

    python -m benchmarks.gaussian_mixture benchmarks/.data/htru2.npz

The number of components is chosen on validation; the test log-likelihood of that mixture
is reported in the file's standardised units. Runs in the ``torch`` environment.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from benchmarks.common import versions
from benchmarks.fit_case import clock


def main() -> None:
    """Fit all sizes and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--components", type=int, default=20, help="largest number to try")
    parser.add_argument("--n-init", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    with np.load(arguments.table) as table:
        train, val, test = (table[part].astype(np.float64) for part in ("train", "val", "test"))
        log_jacobian = float(table["log_jacobian"])
    start, best, validation = clock(), None, {}
    for components in range(1, arguments.components + 1):
        mixture = GaussianMixture(components, n_init=arguments.n_init, max_iter=500, random_state=arguments.seed).fit(
            train
        )
        validation[components] = round(float(mixture.score(val)), 4)
        if validation[components] == max(validation.values()):
            best = mixture
    scores = best.score_samples(test)
    line = {
        "model": "gaussian_mixture",
        "table": arguments.table.stem,
        "test_ll": float(scores.mean()),
        "test_se": float(scores.std(ddof=1) / len(scores) ** 0.5),
        "units": "nats, standardised",
        "log_jacobian": log_jacobian,
        "components": best.n_components,
        "val_ll": max(validation.values()),
        "val_ll_of": validation,
        "seconds": clock() - start,
        "versions": versions("scikit-learn", "numpy"),
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
