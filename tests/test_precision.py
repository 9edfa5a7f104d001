"""The digits of products on accelerators, which round the factors of float32 products unless told otherwise.

No accelerator is needed: what is looked at is what the compiler is asked for.

| what | how |
| --- | --- |
| densities with their gradients, and samples, of recipes | every product asks for all digits |
| a caller's own default, `fit(matmul_precision=...)` | networks follow it |
| bfloat16 | factors of products only: sums, exponentials and log-determinants stay as they are |
"""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward import flows, trainable
from pushforward.training.objectives import PRECISIONS, Batch, Rounded, maximum_likelihood


def precisions(function, *args) -> set[str]:
    """Those of the products of floating numbers in the compiled function."""
    text = eqx.filter_jit(function).lower(*args).as_text()
    products = [line for line in text.splitlines() if "stablehlo.dot_general" in line and "f32" in line]
    assert products
    found = [re.search(r"precision = \[(\w+), (\w+)\]", line) for line in products]
    return {name for match in found for name in (match.groups() if match else ["none"])}


def density_and_gradient(flow, x):
    parameters, rest = eqx.partition(flow, trainable(flow))
    return jax.value_and_grad(lambda p: jnp.sum(eqx.combine(p, rest).log_prob(x)))(parameters)


# Sizes of no other test: what was traced for the CPU asks for nothing, and is found again by its shapes. Clearing JAX's
# caches would do too, and cost all tests after these a minute.
ROWS = np.zeros((11, 3), np.float32)
SIZES = {"layers": 2, "hidden_units": (19,)}


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")


@pytest.mark.parametrize("recipe", ["spline_autoregressive", "realnvp", "bnaf"])
def test_products_keep_all_digits(recipe, key, as_on_a_gpu):
    flow = getattr(flows, recipe)(key, 3, **SIZES)
    assert precisions(density_and_gradient, flow, ROWS) == {"HIGHEST"}
    assert precisions(lambda flow, key: flow.sample(key, (11,)), flow, key) == {"HIGHEST"}


def test_gradients_of_samples_keep_all_digits(key, as_on_a_gpu):
    flow = flows.maf(key, 3, **SIZES, condition_dim=1)
    z = ROWS

    def gradient(flow, z):
        return jax.grad(lambda z: jnp.sum(flow(jnp.zeros((11, 1))).bijector.forward(z)))(z)

    assert precisions(gradient, flow, z) == {"HIGHEST"}


def test_networks_follow_a_default_that_is_set(key, as_on_a_gpu):
    flow = flows.nice(key, 3, **SIZES, permutation="reverse")
    with jax.default_matmul_precision("tensorfloat32"):
        assert precisions(density_and_gradient, flow, ROWS) == {"HIGH"}


def test_training_rounds_when_it_is_asked_to(key, as_on_a_gpu):
    flow = flows.nice(key, 3, **SIZES, permutation="reverse")
    loss = Rounded(maximum_likelihood, PRECISIONS["tensorfloat32"])
    batch = Batch(ROWS, None, jnp.ones(11))
    assert precisions(lambda flow: eqx.filter_value_and_grad(loss)(flow, batch, key), flow) == {"HIGH"}


@pytest.mark.parametrize("recipe", ["spline_autoregressive", "realnvp"])
def test_only_products_round_and_log_determinants_do_not(recipe, key, as_on_a_gpu):
    flow = getattr(flows, recipe)(key, 3, **SIZES, permutation="reverse")

    def terms(flow, x):
        with jax.default_matmul_precision("bfloat16"):
            return flow.bijector.inverse_and_log_det(x)

    z, log_det = eqx.filter_eval_shape(terms, flow, ROWS)
    assert z.dtype == log_det.dtype == jnp.float32
    loss = Rounded(maximum_likelihood, PRECISIONS["bfloat16"])
    batch = Batch(ROWS, None, jnp.ones(11))
    program = eqx.filter_jit(lambda flow: eqx.filter_value_and_grad(loss)(flow, batch, key))
    lines = [line for line in program.lower(flow).as_text().splitlines() if "bf16" in line]
    done = {match[1] for line in lines if (match := re.search(r"stablehlo\.(\w+)", line))}
    assert "dot_general" in done
    assert not done & {
        "add",
        "subtract",
        "multiply",
        "divide",
        "exponential",
        "log",
        "log_plus_one",
        "maximum",
        "reduce",
    }
