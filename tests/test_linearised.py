"""Derivatives through the sequential direction of masked autoregressive layers.

| what | how |
| --- | --- |
| both modes; of parameters, latents, condition | against autodiff through D sweeps of the whole network |
| orders, random degrees, residual, direct weights, condition, no hidden layer, one input, blocks in a loop | the same |
| affine, spline, inverted spline; also twice, with the derivatives of either direction | the same |
| rows do not mix, and derivatives exist under vmap | against one row at a time |
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import MaskedAutoregressiveFlow
from pushforward.bijectors.mixture_of_gaussians import MixtureTransformer
from pushforward.bijectors.transformers import AffineTransformer, InvertedTransformer, SplineTransformer
from pushforward.core import trainable
from pushforward.nets import AutoregressiveNetwork
from pushforward.testing.programs import fast_jit

from .test_made import OPTIONS, shorten_blocks

SPLINE = SplineTransformer(bins=3)


def layer(name, transformer):
    key = jax.random.key(7)
    net = AutoregressiveNetwork(transformer.params_per_dim, **OPTIONS[name], activation=jax.nn.silu, key=key)
    if net.direct_weights is not None:
        net = eqx.tree_at(lambda n: n.direct_weights, net, 0.1 * jax.random.normal(key, net.direct_weights.shape))
    # Doubled, so that a coordinate moves those after it by about as much: wrong derivatives would show.
    return jax.tree.map(
        lambda a: 2 * a.astype(jnp.float64) if jnp.issubdtype(a.dtype, jnp.floating) else a,
        MaskedAutoregressiveFlow(net, transformer=transformer),
    )


def by_sweeps(flow, x):
    """The sequential direction as D evaluations of the whole network."""

    def at(y):
        params = jnp.moveaxis(flow.shift_and_log_scale_fn(y), (-1, -2), (0, 1))
        return jnp.moveaxis(flow.transformer.forward_and_log_det(params, jnp.moveaxis(x, -1, 0))[0], 0, -1)

    return jax.lax.scan(lambda y, _: (at(y), None), jnp.zeros_like(at(x)), None, length=x.shape[-1])[0]


def both_modes(solve, flow, x, c, key):
    """The value, a directional derivative, and the gradient of a weighted sum."""
    parameters, rest = eqx.partition(flow, trainable(flow))

    def value(parameters, x, c):
        whole = eqx.combine(parameters, rest)
        return solve(whole if c is None else whole.condition(c), x)

    at = (parameters, x, c)
    leaves, treedef = jax.tree.flatten(at)
    keys = jax.random.split(key, len(leaves))
    directions = treedef.unflatten([jax.random.normal(k, a.shape, a.dtype) for k, a in zip(keys, leaves, strict=True)])
    y, tangent = jax.jvp(value, at, directions)
    weights = jnp.asarray(np.cos(7.0 * np.arange(y.size)).reshape(y.shape))
    return y, tangent, jax.vjp(value, *at)[1](weights)


# The others differ from these in nothing that a derivative sees.
AFFINE = ("linear", "random degrees", "conditional", "looped blocks")
CASES = [(name, AffineTransformer(max_log_scale=1.0)) for name in AFFINE]
CASES += [("residual", SPLINE), ("conditional, one input", SPLINE), ("right to left", InvertedTransformer(SPLINE))]
CASES += [("direct", SPLINE), *((f"direct, {name}", CASES[0][1]) for name in ("conditional", "looped blocks"))]


@pytest.mark.parametrize(("name", "transformer"), CASES)
def test_derivatives_are_those_of_sweeps_of_the_whole_network(name, transformer, x64, monkeypatch):
    shorten_blocks(name, monkeypatch)
    flow = layer(name, transformer)
    net, key = flow.shift_and_log_scale_fn, jax.random.key(1)
    x = jax.random.normal(key, (3, net.dim))
    c = None if net.condition_dim is None else jax.random.normal(key, (3, net.condition_dim))

    @fast_jit()
    def run(flow, x, c):
        return both_modes(by_sweeps, flow, x, c, key), both_modes(lambda f, x: f.forward(x), flow, x, c, key)

    want, got = run(flow, x, c)
    for a, b in zip(jax.tree.leaves(want), jax.tree.leaves(got), strict=True):
        # Relative to the largest entry: products are summed in another order.
        np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-10 * float(jnp.max(jnp.abs(a))))


@pytest.mark.parametrize(
    "transformer", [AffineTransformer(), InvertedTransformer(AffineTransformer()), MixtureTransformer(components=3)]
)
def test_second_derivatives_are_those_of_sweeps(transformer, x64):
    flow = layer("given order", transformer)
    x = jnp.array([0.3, -1.2, 0.7, 0.1])

    @fast_jit()
    def hessians(flow, x):
        solvers = by_sweeps, lambda flow, x: flow.forward(x)
        return [jax.hessian(lambda x, solve=solve: jnp.sum(jnp.sin(solve(flow, x))))(x) for solve in solvers]

    want, got = hessians(flow, x)
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10 * float(jnp.max(jnp.abs(want))))


def test_derivatives_under_vmap_and_of_one_row(x64):
    """A condition of its own for each row, weights of each member, and gradients of single rows."""
    flow = layer("conditional", AffineTransformer())
    # Halved: at full size the fourth coordinate reaches 1,900, and sin there keeps too few digits to compare to 1e-11.
    x, c = (0.5 * jax.random.normal(jax.random.key(k), shape) for k, shape in ((1, (2, 3, 4)), (2, (2, 1, 2))))

    def total(flow, x, c):
        return jnp.sum(jnp.sin(flow.condition(c).forward(x)))

    @fast_jit()
    def run(flow, x, c):
        together = jax.grad(total, argnums=1)(flow, x, c)
        mapped = jax.vmap(jax.grad(total, argnums=1), in_axes=(None, 0, 0))(flow, x, c)
        rows = jax.vmap(jax.vmap(jax.grad(total, argnums=1), in_axes=(None, 0, None)), in_axes=(None, 0, 0))
        return together, mapped, rows(flow, x, c[:, 0])

    together, mapped, single = run(flow, x, c)
    np.testing.assert_allclose(mapped, together, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(single, together, rtol=1e-11, atol=1e-12)
