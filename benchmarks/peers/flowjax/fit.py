"""FlowJAX's masked autoregressive flow of splines on a table, trained for a given number of seconds.

    python -m benchmarks.peers.flowjax.fit benchmarks/.data/htru2.npz --budget 60

Flow and training are those of the notebook "Unconditional density estimation" in FlowJAX's documentation: its
``masked_autoregressive_flow`` (8 layers of one hidden layer of 50) with ``RationalQuadraticSpline(knots=8,
interval=4)`` and its ``fit_to_data`` with Adam at a constant 1e-3 and batches of 100. Three things differ: the
validation rows are those of the table, so that all models see the same; epochs go on until the budget is spent, not up
to 100; and patience is 50 epochs, as the other peers have, not 5, which ends small tables too early. An epoch that has
begun is finished, also beyond the budget. Runs in the ``flowjax`` environment.
"""

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from flowjax.bijections import RationalQuadraticSpline
from flowjax.distributions import Normal
from flowjax.flows import masked_autoregressive_flow
from flowjax.train import fit_to_data, loops

from benchmarks.common import ADAM_RATE
from benchmarks.fit_case import clock, fit_parser, load, report, rows_to_score
from benchmarks.peers.flowjax.model import PACKAGES


class UntilSpent:
    """In place of the progress bar that ``fit_to_data`` counts its epochs with: ends when the time is up."""

    postfix = ""

    def __init__(self, epochs: range, end: float) -> None:
        """Epochs before `end`, a time of `clock`."""
        self.epochs, self.end, self.count = epochs, end, 0

    def __iter__(self) -> Iterator[int]:
        """At least one epoch."""
        for epoch in self.epochs:
            if epoch and clock() >= self.end:
                return
            self.count += 1
            yield epoch

    def set_postfix(self, values: dict[str, float]) -> None:
        """Show nothing."""

    def set_postfix_str(self, words: str) -> None:
        """Show nothing."""


def main() -> None:
    """Train and print one JSON line."""
    parser = fit_parser(__doc__)
    parser.add_argument("--rate", type=float, default=ADAM_RATE)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--patience", type=int, default=50, help="epochs without improvement")
    options = parser.parse_args()
    table = load(options.table)
    train, val = jnp.asarray(table["train"]), jnp.asarray(table["val"])

    start = clock()
    bars: list[UntilSpent] = []

    def bar(epochs: range, **_: Any) -> UntilSpent:
        bars.append(UntilSpent(epochs, start + options.budget))
        return bars[-1]

    loops.tqdm = bar
    loops.train_val_split = lambda key, arrays, val_prop: ([train], [val])
    key_flow, key_fit = jr.split(jr.key(options.seed))
    flow = masked_autoregressive_flow(
        key_flow,
        base_dist=Normal(jnp.zeros(train.shape[1])),
        transformer=RationalQuadraticSpline(knots=8, interval=4),
    )
    flow, losses = fit_to_data(
        key_fit,
        flow,
        train,
        learning_rate=options.rate,
        max_epochs=1_000_000,
        max_patience=options.patience,
        batch_size=options.batch,
    )
    seconds = clock() - start
    log_prob = eqx.filter_jit(lambda model, x: model.log_prob(x))
    report(
        "flowjax_spline_maf",
        options,
        table,
        np.asarray(log_prob(flow, rows_to_score(options, table))),
        PACKAGES,
        val_ll=float(np.mean(np.asarray(log_prob(flow, val)), dtype=np.float64)),
        seconds=seconds,
        epochs=bars[-1].count,
        best_epoch=int(np.argmin(losses["val"])) + 1,
    )


if __name__ == "__main__":
    main()
