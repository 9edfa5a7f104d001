"""One step of training with FlowJAX, for the scripts that train."""

import argparse

import equinox as eqx
import jax
import jax.random as jr
import optax
import paramax
from flowjax.train.losses import MaximumLikelihoodLoss

from benchmarks.common import ADAM_RATE
from benchmarks.peers.flowjax.model import build


class Trainer:
    """Partitioned as FlowJAX's own loop does; the static part is closed over, buffers are donated."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        """The flow that the arguments describe, untrained."""
        shape = (arguments.dim, arguments.hidden, arguments.layers)
        self.params, self.static = eqx.partition(
            build(arguments.kind, *shape, arguments.seed),
            eqx.is_inexact_array,
            is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable),
        )
        loss_fn, optimizer, key = MaximumLikelihoodLoss(), optax.adam(ADAM_RATE), jr.key(0)

        def update(params, state, x):
            loss, grads = jax.value_and_grad(loss_fn)(params, self.static, x, key=key)
            updates, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, updates), state, loss

        self._update = jax.jit(update, donate_argnums=(0, 1))
        self._state = optimizer.init(self.params)

    def step(self, x: jax.Array) -> jax.Array:
        """The loss before a step on `x`."""
        self.params, self._state, loss = self._update(self.params, self._state, x)
        return loss
