"""A masked autoregressive flow on TFP's JAX substrate: affine or 8-bin spline.

TFP's ``AutoregressiveNetwork`` is a Keras layer and does not run there, so the masked
network is written by hand: parameters are a list of dictionaries, masks are constants.
"""

from __future__ import annotations

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tensorflow_probability.substrates import jax as tfp

from benchmarks.common import BINS
from benchmarks.peers.tfpjax.static_spline import spline

tfb, tfd = tfp.bijectors, tfp.distributions
PACKAGES = ("tfp-nightly", "jax", "optax")
Params = list[dict[str, list[jax.Array]]]


def outputs(kind: str) -> int:
    """Numbers that the network gives for each feature."""
    return 2 if kind == "affine" else 3 * BINS - 1


def masks(dim: int, hidden: list[int], out: int) -> list[np.ndarray]:
    """MADE's masks; hidden degrees are spread evenly over 1 .. dim - 1."""
    degrees = [np.arange(1, dim + 1)]
    degrees += [np.ceil(np.linspace(1e-6, dim - 1, width)).astype(int) for width in hidden]
    made = [(a[:, None] <= b[None, :]) for a, b in pairwise(degrees)]
    made.append(degrees[-1][:, None] < np.repeat(degrees[0], out)[None, :])
    return [mask.astype(np.float32) for mask in made]


def init(kind: str, dim: int, hidden: list[int], layers: int, seed: int) -> Params:
    """Glorot-uniform weights, as in TFP's own network, and zero biases."""
    sizes = [dim, *hidden, dim * outputs(kind)]
    make = jax.nn.initializers.glorot_uniform()
    keys = iter(jax.random.split(jax.random.key(seed), layers * (len(sizes) - 1)))
    return [
        {
            "w": [make(next(keys), pair) for pair in pairwise(sizes)],
            "b": [jnp.zeros(width) for width in sizes[1:]],
        }
        for _ in range(layers)
    ]


def distribution(params: Params, kind: str, dim: int, hidden: list[int]) -> tfd.Distribution:
    """The flow with ``params``: layers with a reversal between."""
    made = masks(dim, hidden, outputs(kind))

    def network(layer):
        def call(x):
            for i, (w, b, mask) in enumerate(zip(layer["w"], layer["b"], made, strict=True)):
                x = (jax.nn.relu(x) if i else x) @ (w * mask) + b
            return x.reshape(*x.shape[:-1], dim, outputs(kind))

        return call

    chain = []
    for layer in params:
        if kind == "affine":
            maf = tfb.MaskedAutoregressiveFlow(network(layer))
        else:
            net = network(layer)
            maf = tfb.MaskedAutoregressiveFlow(bijector_fn=lambda x, net=net: spline(net(x)))
        chain += [maf, tfb.Permute(np.arange(dim)[::-1])]
    base = tfd.MultivariateNormalDiag(loc=jnp.zeros(dim))
    return tfd.TransformedDistribution(base, tfb.Chain(chain[:-1]))


def make_update(kind: str, dim: int, hidden: list[int], optimizer):
    """One step of maximum likelihood, not yet compiled."""

    def update(params, state, x):
        def loss(params):
            return -jnp.mean(distribution(params, kind, dim, hidden).log_prob(x))

        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    return update
