"""Masked autoregressive and coupling flows on TFP's JAX substrate: affine or 8-bin spline.

TFP's ``AutoregressiveNetwork`` and ``real_nvp_default_template`` are made of Keras or TF
layers and do not run there, so the networks are written by hand: parameters are a list of
dictionaries, masks are constants.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tensorflow_probability.substrates import jax as tfp

from benchmarks.common import COUPLINGS, parameters_of
from benchmarks.peers.tfpjax.static_spline import spline

tfb, tfd = tfp.bijectors, tfp.distributions
PACKAGES = ("tfp-nightly", "jax", "optax")
Params = list[dict[str, list[jax.Array]]]


def masks(kind: str, dim: int, hidden: list[int]) -> list[np.ndarray | None]:
    """None for couplings; MADE's masks otherwise: hidden degrees are spread evenly over 1 .. dim - 1."""
    if kind in COUPLINGS:
        return [None] * (len(hidden) + 1)
    degrees = [np.arange(1, dim + 1)]
    degrees += [np.ceil(np.linspace(1e-6, dim - 1, width)).astype(int) for width in hidden]
    made = [(a[:, None] <= b[None, :]) for a, b in pairwise(degrees)]
    made.append(degrees[-1][:, None] < np.repeat(degrees[0], parameters_of(kind))[None, :])
    return [mask.astype(np.float32) for mask in made]


def init(kind: str, dim: int, hidden: list[int], layers: int, seed: int) -> Params:
    """Glorot-uniform weights, as in TFP's own networks, and zero biases.

    The last weights of couplings are a tenth of that: ten layers of unbounded scales overflow otherwise.
    """
    stay, move = (dim // 2, dim - dim // 2) if kind in COUPLINGS else (dim, dim)
    sizes = [stay, *hidden, move * parameters_of(kind)]
    make = jax.nn.initializers.glorot_uniform()
    keys = iter(jax.random.split(jax.random.key(seed), layers * (len(sizes) - 1)))
    last = 0.1 if kind in COUPLINGS else 1.0
    scales = [1.0] * len(hidden) + [last]
    return [
        {
            "w": [scale * make(next(keys), pair) for scale, pair in zip(scales, pairwise(sizes), strict=True)],
            "b": [jnp.zeros(width) for width in sizes[1:]],
        }
        for _ in range(layers)
    ]


def distribution(params: Params, kind: str, dim: int, hidden: list[int]) -> tfd.Distribution:
    """The flow with ``params``: layers with a reversal between."""
    made = masks(kind, dim, hidden)

    def network(layer):
        def call(x):
            for i, (w, b, mask) in enumerate(zip(layer["w"], layer["b"], made, strict=True)):
                x = (jax.nn.relu(x) if i else x) @ (w if mask is None else w * mask) + b
            return x.reshape(*x.shape[:-1], -1, parameters_of(kind))

        return call

    chain = []
    for layer in params:
        chain += [make_layer(kind, dim, network(layer)), tfb.Permute(np.arange(dim)[::-1])]
    base = tfd.MultivariateNormalDiag(loc=jnp.zeros(dim))
    return tfd.TransformedDistribution(base, tfb.Chain(chain[:-1]))


def make_layer(kind: str, dim: int, net: Callable[[jax.Array], jax.Array]) -> tfb.Bijector:
    """The layer whose parameters ``net`` gives, with those of a feature along the last axis."""
    if kind == "affine":
        return tfb.MaskedAutoregressiveFlow(net)
    if kind == "spline":
        return tfb.MaskedAutoregressiveFlow(bijector_fn=lambda x: spline(net(x)))
    if kind == "spline_coupling":
        return tfb.RealNVP(dim // 2, bijector_fn=lambda x, _: spline(net(x)))

    def shift_and_log_scale(x: jax.Array, _: int) -> tuple[jax.Array, jax.Array]:
        parameters = net(x)
        return parameters[..., 0], parameters[..., 1]

    return tfb.RealNVP(dim // 2, shift_and_log_scale_fn=shift_and_log_scale)


def make_update(kind: str, dim: int, hidden: list[int], optimizer):
    """One step of maximum likelihood, not yet compiled."""

    def update(params, state, x):
        def loss(params):
            return -jnp.mean(distribution(params, kind, dim, hidden).log_prob(x))

        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    return update
