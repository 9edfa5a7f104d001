"""Two moons through `pushforward.fit`: the whole process."""

import numpy as np

from benchmarks.common import ADAM_RATE, Moons, emit, moons_arguments, since_start
from benchmarks.ours import PACKAGES


def main() -> None:
    """Train, density on the grid, samples; then the test NLL."""
    arguments = moons_arguments()
    import jax

    import pushforward as pf
    from pushforward import flows

    moons = Moons(arguments.points)
    key_flow, key_fit, key_sample = (jax.random.key(3 * arguments.seed + k) for k in range(3))
    flow = flows.maf(key_flow, 2, layers=arguments.layers, hidden_units=tuple(arguments.hidden))
    imported = since_start()
    flow = pf.fit(
        key_fit,
        flow,
        moons.train,
        epochs=arguments.epochs,
        batch_size=arguments.batch,
        learning_rate=ADAM_RATE,
        schedule="constant",
        validation_fraction=0.0,
        progress=False,
    ).model
    trained = since_start()
    np.asarray(flow.log_prob(moons.grid))
    np.asarray(flow.sample(key_sample, (10_000,)))
    total = since_start()
    emit(
        "ours",
        "moons",
        [total],
        PACKAGES,
        nll=moons.raw_nll(np.asarray(flow.log_prob(moons.test))),
        nll_units="nats, raw units",
        seed=arguments.seed,
        imported_s=imported,
        trained_s=trained,
    )


if __name__ == "__main__":
    main()
