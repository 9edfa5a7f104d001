"""A round trip of a flow trained a little."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from benchmarks.common import ADAM_RATE, round_trip_arguments
from benchmarks.harness import report_round_trip
from benchmarks.ours import PACKAGES
from benchmarks.ours.model import flow
from pushforward import trainable


def main() -> None:
    """Training as in ``step``; then the two directions as two programs, as who scores and samples calls them."""
    arguments = round_trip_arguments()
    model = flow(arguments)
    parameters, constants = eqx.partition(model, trainable(model))
    optimizer = optax.adam(ADAM_RATE)
    carry = [parameters, optimizer.init(parameters)]

    @jax.jit
    def update(parameters, state, x):
        def loss(parameters):
            return -jnp.mean(eqx.combine(parameters, constants).log_prob(x))

        value, gradient = jax.value_and_grad(loss)(parameters)
        updates, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state, value

    def step(x):
        carry[0], carry[1], value = update(*carry, jnp.asarray(x))
        return value

    to_latents = jax.jit(lambda parameters, x: eqx.combine(parameters, constants).bijector.inverse(x))
    to_data = jax.jit(lambda parameters, z: eqx.combine(parameters, constants).bijector.forward(z))
    report_round_trip(
        "ours", arguments, step, lambda x: to_data(carry[0], to_latents(carry[0], jnp.asarray(x))), PACKAGES
    )


if __name__ == "__main__":
    main()
