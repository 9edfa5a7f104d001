"""A round trip of a flow trained a little with FlowJAX."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
import paramax
from flowjax.train.losses import MaximumLikelihoodLoss

from benchmarks.common import ADAM_RATE, round_trip_arguments
from benchmarks.harness import report_round_trip
from benchmarks.peers.flowjax.model import PACKAGES, build


def main() -> None:
    """Training as in ``step``; then the bijection, row by row under ``vmap``."""
    arguments = round_trip_arguments()
    shape = (arguments.dim, arguments.hidden, arguments.layers)
    params, static = eqx.partition(
        build(arguments.kind, *shape, arguments.seed),
        eqx.is_inexact_array,
        is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable),
    )
    loss_fn, optimizer, key = MaximumLikelihoodLoss(), optax.adam(ADAM_RATE), jr.key(0)

    @jax.jit
    def update(params, state, x):
        loss, grads = jax.value_and_grad(loss_fn)(params, static, x, key=key)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    carry = [params, optimizer.init(params)]

    def step(x):
        carry[0], carry[1], loss = update(*carry, jnp.asarray(x))
        return loss

    @jax.jit
    def there_and_back(params, x):
        bijection = paramax.unwrap(eqx.combine(params, static)).bijection
        return jax.vmap(lambda row: bijection.transform(bijection.inverse(row)))(x)

    report_round_trip("flowjax", arguments, step, lambda x: there_and_back(carry[0], x), PACKAGES)


if __name__ == "__main__":
    main()
