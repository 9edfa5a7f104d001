"""The digits of products on accelerators, which round the factors of float32 products unless told otherwise.

No accelerator is needed: what is looked at is what the compiler is asked for.

| what | how |
| --- | --- |
| densities with their gradients, and samples, of recipes | every product asks for all digits |
| a caller's own default | networks follow it |
"""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from pushforward import flows, trainable


def precisions(function, *args) -> set[str]:
    """Those of the products of floating numbers in the compiled function."""
    text = eqx.filter_jit(function).lower(*args).as_text()
    products = [line for line in text.splitlines() if "stablehlo.dot_general" in line and "f32" in line]
    assert products
    return {match for line in products for match in re.findall(r"precision = \[(\w+), \w+\]", line) or ["none"]}


def density_and_gradient(flow, x):
    parameters, rest = eqx.partition(flow, trainable(flow))
    return jax.value_and_grad(lambda p: jnp.sum(eqx.combine(p, rest).log_prob(x)))(parameters)


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")


@pytest.mark.parametrize("recipe", ["spline_autoregressive", "realnvp", "bnaf"])
def test_products_keep_all_digits(recipe, key, as_on_a_gpu):
    flow = getattr(flows, recipe)(key, 3, layers=2, hidden_units=(16,))
    assert precisions(density_and_gradient, flow, jnp.zeros((8, 3))) == {"HIGHEST"}
    assert precisions(lambda flow, key: flow.sample(key, (8,)), flow, key) == {"HIGHEST"}


def test_gradients_of_samples_keep_all_digits(key, as_on_a_gpu):
    flow = flows.maf(key, 3, layers=2, hidden_units=(16,), condition_dim=1)
    z = jnp.zeros((8, 3))

    def gradient(flow, z):
        return jax.grad(lambda z: jnp.sum(flow(jnp.zeros((8, 1))).bijector.forward(z)))(z)

    assert precisions(gradient, flow, z) == {"HIGHEST"}


def test_networks_follow_a_default_that_is_set(key, as_on_a_gpu):
    flow = flows.nice(key, 3, layers=2, hidden_units=(16,), permutation="reverse")
    with jax.default_matmul_precision("tensorfloat32"):
        assert precisions(density_and_gradient, flow, jnp.zeros((8, 3))) == {"HIGH"}
