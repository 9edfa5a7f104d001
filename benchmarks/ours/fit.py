"""`flows.default` with default training on a table; prints one JSON line with its seconds.

    python -m benchmarks.ours.fit benchmarks/.data/htru2.npz

Time starts after the imports, as the peers' budgets do, and covers building, compiling and training. There is no
budget to set: training ends by itself, and the seconds tell whether it kept within.
"""

import jax
import numpy as np

import pushforward as pf
from benchmarks.fit_case import clock, fit_parser, load, report, rows_to_score
from benchmarks.ours import PACKAGES
from pushforward import flows


def main() -> None:
    """Train on the training rows, choose on the validation rows, report the test rows."""
    options = fit_parser(__doc__).parse_args()
    table = load(options.table)
    start = clock()
    key_flow, key_fit = jax.random.split(jax.random.key(options.seed))
    flow = flows.default(key_flow, table["train"].shape[1])
    result = pf.fit(key_fit, flow, table["train"], validation_data=table["val"], progress=False)
    seconds = clock() - start
    report(
        "pushforward_default",
        options,
        table,
        np.asarray(result.model.log_prob(rows_to_score(options, table))),
        PACKAGES,
        val_ll=float(np.mean(np.asarray(result.model.log_prob(table["val"])), dtype=np.float64)),
        seconds=seconds,
        epochs=len(result.history),
        best_epoch=result.history.best_epoch,
    )


if __name__ == "__main__":
    main()
