"""One optimisation step: loss, gradient and Adam update, jitted, buffers donated."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from benchmarks.common import ADAM_RATE, flow_arguments
from benchmarks.harness import report_step, rows_of
from benchmarks.ours import PACKAGES
from benchmarks.ours.model import flow
from pushforward import trainable


def main() -> None:
    """The step as a hand-written loop has it; `pushforward.fit` runs the same inside one compiled loop."""
    arguments = flow_arguments(rows=512)
    model = flow(arguments)
    parameters, constants = eqx.partition(model, trainable(model))
    optimizer = optax.adam(ADAM_RATE)
    carry = [parameters, optimizer.init(parameters)]

    def loss(parameters, x):
        return -jnp.mean(eqx.combine(parameters, constants).log_prob(x))

    def update(parameters, state, x):
        value, gradient = jax.value_and_grad(loss)(parameters, x)
        updates, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state, value

    compiled = jax.jit(update, donate_argnums=(0, 1))
    x = jnp.asarray(rows_of(arguments))

    def step():
        carry[0], carry[1], value = compiled(*carry, x)
        return value

    report_step("ours", arguments, step, PACKAGES, jax.block_until_ready)


if __name__ == "__main__":
    main()
