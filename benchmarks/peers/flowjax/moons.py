"""Two moons with FlowJAX's own ``fit_to_data``: the whole process.

Its fit always holds out rows for validation: the default tenth, so it takes a tenth fewer
steps than the others. Patience is as long as the run, so every epoch is run.
"""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from flowjax.train import fit_to_data

from benchmarks.common import ADAM_RATE, Moons, emit, moons_arguments, since_start
from benchmarks.peers.flowjax.model import PACKAGES, build


def main() -> None:
    """Train, density on the grid, samples; then the test NLL."""
    arguments = moons_arguments()
    imported = since_start()
    moons = Moons(arguments.points)
    flow = build("affine", 2, arguments.hidden, arguments.layers, arguments.seed)
    flow, _ = fit_to_data(
        jr.key(arguments.seed + 1),
        flow,
        jnp.asarray(moons.train),
        learning_rate=ADAM_RATE,
        max_epochs=arguments.epochs,
        max_patience=arguments.epochs,
        batch_size=arguments.batch,
        show_progress=False,
    )
    trained = since_start()
    log_prob = eqx.filter_jit(lambda model, x: model.log_prob(x))
    np.asarray(log_prob(flow, moons.grid))
    sample = eqx.filter_jit(lambda model, key: model.sample(key, (10_000,)))
    np.asarray(sample(flow, jr.key(2)))
    total = since_start()
    emit(
        "flowjax",
        "moons",
        [total],
        PACKAGES,
        nll=moons.raw_nll(np.asarray(log_prob(flow, moons.test))),
        nll_units="nats, raw units",
        seed=arguments.seed,
        imported_s=imported,
        trained_s=trained,
    )


if __name__ == "__main__":
    main()
