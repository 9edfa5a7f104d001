"""One optimisation step with FlowJAX: its likelihood loss, jitted, buffers donated."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
import paramax
from flowjax.train.losses import MaximumLikelihoodLoss

from benchmarks.common import ADAM_RATE, flow_arguments
from benchmarks.harness import report_step, rows_of
from benchmarks.peers.flowjax.model import PACKAGES, build


def main() -> None:
    """Partition as FlowJAX's own loop does; the static part is closed over."""
    arguments = flow_arguments(rows=512)
    shape = (arguments.dim, arguments.hidden, arguments.layers)
    params, static = eqx.partition(
        build(arguments.kind, *shape, arguments.seed),
        eqx.is_inexact_array,
        is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable),
    )
    loss_fn, optimizer, key = MaximumLikelihoodLoss(), optax.adam(ADAM_RATE), jr.key(0)

    def update(params, state, x):
        loss, grads = jax.value_and_grad(loss_fn)(params, static, x, key=key)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    compiled = jax.jit(update, donate_argnums=(0, 1))
    carry = [params, optimizer.init(params)]
    x = jnp.asarray(rows_of(arguments))

    def step():
        carry[0], carry[1], loss = compiled(*carry, x)
        return loss

    report_step("flowjax", arguments, step, PACKAGES, jax.block_until_ready)


if __name__ == "__main__":
    main()
