"""One optimisation step on TFP's JAX substrate: jitted, buffers donated."""

import jax
import jax.numpy as jnp
import optax

from benchmarks.common import ADAM_RATE, flow_arguments
from benchmarks.harness import report_step, rows_of
from benchmarks.peers.tfpjax.model import PACKAGES, init, make_update


def main() -> None:
    """Loss, gradient and Adam update of a hand-written masked network."""
    arguments = flow_arguments(rows=512)
    optimizer = optax.adam(ADAM_RATE)
    shape = (arguments.dim, arguments.hidden)
    params = init(arguments.kind, *shape, arguments.layers, arguments.seed)
    carry = [params, optimizer.init(params)]
    update = make_update(arguments.kind, *shape, optimizer)
    compiled = jax.jit(update, donate_argnums=(0, 1))
    x = jnp.asarray(rows_of(arguments))

    def step():
        carry[0], carry[1], loss = compiled(*carry, x)
        return loss

    report_step("tfpjax", arguments, step, PACKAGES, jax.block_until_ready)


if __name__ == "__main__":
    main()
