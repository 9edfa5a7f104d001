"""Two moons with a hand-written loop on TFP's JAX substrate: the whole process.

A Python loop calls one jitted, donated step for each batch, which is what a user of the
substrate writes first. ``--scan`` compiles each epoch as one ``lax.scan`` instead (the
last, smaller batch is then dropped).
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.common import ADAM_RATE, Moons, emit, moons_arguments, since_start
from benchmarks.peers.tfpjax.model import PACKAGES, distribution, init, make_update


def train(arguments, x: np.ndarray):
    """Parameters after ``epochs`` passes over ``x`` in fresh random order."""
    params = init("affine", 2, arguments.hidden, arguments.layers, arguments.seed)
    optimizer = optax.adam(ADAM_RATE)
    state = optimizer.init(params)
    update = make_update("affine", 2, arguments.hidden, optimizer)
    rng, size = np.random.RandomState(arguments.seed), arguments.batch
    if arguments.scan:

        def epoch(params, state, batches):
            def body(carry, batch):
                return update(*carry, batch)[:2], None

            return jax.lax.scan(body, (params, state), batches)[0]

        epoch = jax.jit(epoch, donate_argnums=(0, 1))
        for _ in range(arguments.epochs):
            order = rng.permutation(len(x))[: len(x) // size * size].reshape(-1, size)
            params, state = epoch(params, state, x[order])
    else:
        step = jax.jit(update, donate_argnums=(0, 1))
        for _ in range(arguments.epochs):
            order = rng.permutation(len(x))
            for start in range(0, len(x), size):
                params, state, _ = step(params, state, x[order[start : start + size]])
    return jax.block_until_ready(params)


def main() -> None:
    """Train, density on the grid, samples; then the test NLL."""
    arguments = moons_arguments()
    imported = since_start()
    moons = Moons(arguments.points)
    params = train(arguments, moons.train)
    trained = since_start()
    log_prob = jax.jit(lambda p, x: distribution(p, "affine", 2, arguments.hidden).log_prob(x))
    np.asarray(log_prob(params, jnp.asarray(moons.grid)))
    sample = jax.jit(lambda p, key: distribution(p, "affine", 2, arguments.hidden).sample(10_000, seed=key))
    np.asarray(sample(params, jax.random.key(2)))
    total = since_start()
    emit(
        "tfpjax",
        "moons-scan" if arguments.scan else "moons",
        [total],
        PACKAGES,
        nll=moons.raw_nll(np.asarray(log_prob(params, jnp.asarray(moons.test)))),
        nll_units="nats, raw units",
        seed=arguments.seed,
        imported_s=imported,
        trained_s=trained,
    )


if __name__ == "__main__":
    main()
