"""What programs do, counted by the compiler: a change that makes a step or a sample do its work twice fails here.

Times depend on the machine; the operations of a compiled program do not. (Those in a loop are counted once, however
often it runs, so the sequential direction is not here.)

| what | at most |
| --- | --- |
| a density | 1.2 times its networks' products |
| value and gradient of a loss | 3.1 densities: the products once forward and twice back, and what is beside them |
| a sample of couplings | 1.2 densities |
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from pushforward import flows, trainable

DIM, HIDDEN, ROWS, LAYERS = 24, 64, 128, 2
PARAMETERS = {"maf": 2, "spline_autoregressive": 23, "realnvp": 2, "spline_coupling": 23}


def operations(fn, *args):
    return eqx.filter_jit(fn).lower(*args).compile().compiled.cost_analysis()["flops"]


def loss(parameters, constants, x):
    return -jnp.mean(eqx.combine(parameters, constants).log_prob(x))


@pytest.mark.parametrize("name", PARAMETERS)
def test_programs_do_no_more_than_they_must(name):
    sizes = {"layers": LAYERS, "hidden_units": (HIDDEN, HIDDEN), "permutation": "reverse"}
    flow, x = getattr(flows, name)(jax.random.key(0), DIM, **sizes), jnp.zeros((ROWS, DIM))
    couples = name in ("realnvp", "spline_coupling")
    numbers = DIM // 2 if couples else DIM
    weights = numbers * HIDDEN + HIDDEN * HIDDEN + HIDDEN * numbers * PARAMETERS[name]
    density = operations(lambda flow, x: flow.log_prob(x), flow, x)
    assert density < 1.2 * 2 * LAYERS * ROWS * weights
    parts = eqx.partition(flow, trainable(flow))
    assert operations(jax.value_and_grad(loss), *parts, x) < 3.1 * density
    if couples:
        assert operations(lambda flow, key: flow.sample(key, (ROWS,)), flow, jax.random.key(0)) < 1.2 * density
