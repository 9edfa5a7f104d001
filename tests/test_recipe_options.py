"""What the layered recipes have in common beyond their sizes: residual blocks, orders, normalisation.

| what | how |
| --- | --- |
| options of autoregressive and of coupling recipes | every one of them has them, off by default |
| residual blocks, any order and ActNorm together, with a condition | draws have the density told with them |
| residual blocks | two masked layers each: more weights; the flow still depends on what it did |
| the order | which entries of the Jacobian are 0, "random" for each key another |
| ActNorm | `fit` sets it from the data: rows around 300 come to the base as standard ones |
| batch normalisation | running statistics of the data, used for single rows, before `fit` too |
| names that are none | ValueError naming the argument |
"""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward import flows
from pushforward.bijectors import ActNorm, BatchNormalization

from .test_flows import trained_looking

AUTOREGRESSIVE = (
    "default", "maf", "iaf", "spline_autoregressive", "naf", "umnn", "bernstein", "sum_of_squares", "maf_mog"
)  # fmt: skip
COUPLING = ("nice", "realnvp", "spline_coupling")


def build(name, dim=3, **options):
    return getattr(flows, name)(jax.random.key(5), dim, **{"layers": 2, "hidden_units": (8, 8), **options})


def part(flow, kind):
    return next(leaf for leaf in jax.tree.leaves(flow, is_leaf=lambda a: isinstance(a, kind)) if isinstance(leaf, kind))


@pytest.mark.parametrize("name", AUTOREGRESSIVE + COUPLING)
def test_options_are_there_and_off(name):
    told = {key: p.default for key, p in inspect.signature(getattr(flows, name)).parameters.items()}
    assert told["residual"] is False
    assert told["normalization"] is None
    assert told.get("order", "left-to-right") == "left-to-right"
    assert ("order" in told) == (name in AUTOREGRESSIVE)


@pytest.mark.parametrize("name", AUTOREGRESSIVE + COUPLING)
def test_draws_have_the_density_told_with_them(name, key):
    options = {"residual": True, "normalization": "actnorm", "condition_dim": 2}
    if name in AUTOREGRESSIVE:
        options["order"] = "random"
    flow = trained_looking(build(name, **options), key, scale=0.05)
    given = flow(jnp.array([0.5, -1.0]))
    x, log_prob = jax.jit(lambda given, key: given.sample_and_log_prob(key, (20,)))(given, key)
    again = jax.jit(lambda given, x: given.log_prob(x))(given, x)
    np.testing.assert_allclose(log_prob, again, atol=2e-3)
    jacobian = jax.vmap(jax.jacfwd(given.bijector.inverse))(x)
    z = given.bijector.inverse(x)
    by_hand = given.base.log_prob(z) + np.linalg.slogdet(np.asarray(jacobian, np.float64))[1]
    np.testing.assert_allclose(again, by_hand, atol=2e-3)


@pytest.mark.parametrize("name", ["maf", "realnvp", "made"])
def test_residual_blocks_are_two_layers_each(name):
    options = {"conditionals": "gaussian"} if name == "made" else {"layers": 1}
    count = {}
    for residual in (False, True):
        flow = getattr(flows, name)(jax.random.key(0), 4, hidden_units=(16, 16), residual=residual, **options)
        count[residual] = sum(a.size for a in jax.tree.leaves(flow) if a.ndim == 3 and a.shape[-2:] == (16, 16))
        count[residual] = count[residual] or sum(
            a.size for a in jax.tree.leaves(flow) if a.ndim == 2 and a.shape == (16, 16)
        )
    assert count == {False: 16 * 16, True: 4 * 16 * 16}


def test_the_order_says_which_coordinates_matter(key):
    def depends(order, seed):
        flow = flows.maf(
            jax.random.key(seed), 5, layers=1, hidden_units=(32,), permutation=None, order=order, residual=True
        )
        return np.asarray(jax.jacfwd(flow.bijector.inverse)(jnp.arange(5.0) / 3)) != 0

    below = np.tril(np.ones((5, 5), bool))
    np.testing.assert_array_equal(depends("left-to-right", 0), below)
    np.testing.assert_array_equal(depends("right-to-left", 0), below.T)
    drawn = [depends("random", seed) for seed in (0, 1)]
    for matrix in drawn:
        place = np.argsort(matrix.sum(1))
        np.testing.assert_array_equal(matrix[np.ix_(place, place)], below)
    assert not np.array_equal(*drawn)


ROWS = (np.random.default_rng(3).standard_normal((2048, 2)) * [30, 0.01] + [300, -4]).astype(np.float32)


@pytest.mark.parametrize("name", ["maf", "realnvp"])
def test_actnorm_is_set_by_the_data(name, key):
    flow = build(name, dim=2, normalization="actnorm")
    assert part(flow, ActNorm).initialized is False
    # A rate that vanishes leaves what the data set.
    model = pf.fit(key, flow, ROWS, epochs=1, batch_size=2048, learning_rate=1e-12, progress=False).model
    np.testing.assert_allclose(part(model, ActNorm).loc[0], [300, -4], rtol=0.02)
    z = np.asarray(model.bijector.inverse(ROWS))
    # Each layer is given standard rows, and moves them by what its initial weights do; both within a third.
    assert np.all(np.abs(z.mean(0)) < 0.35)
    assert np.all(np.abs(np.log(z.std(0))) < 0.35)


def test_batch_normalisation_runs_along(key):
    flow = build("maf", dim=2, normalization="batchnorm")
    assert np.isfinite(flow.log_prob(jnp.ones(2)))
    model = pf.fit(key, flow, ROWS, epochs=40, batch_size=256, progress=False).model
    layer = part(model, BatchNormalization)
    assert layer.inference
    np.testing.assert_allclose(layer.moving_mean[0], [300, -4], rtol=0.05)
    np.testing.assert_allclose(np.sqrt(layer.moving_variance[0]), [30, 0.01], rtol=0.15)
    one, many = model.log_prob(ROWS[0]), model.log_prob(ROWS)
    np.testing.assert_allclose(one, many[0], rtol=1e-4)
    # A narrow column comes out as wide as the others, whatever is added to variances.
    inside = (ROWS - layer.moving_mean[0]) / np.sqrt(layer.moving_variance[0] + layer.epsilon)
    np.testing.assert_allclose(inside.std(0), 1, rtol=0.15)


def test_actnorm_of_a_conditional_flow_is_set_by_the_data(key):
    flow = build("realnvp", dim=2, condition_dim=1, normalization="actnorm")
    c = np.linspace(-1, 1, len(ROWS))[:, None]
    model = pf.fit(key, flow, ROWS, c, epochs=1, batch_size=2048, learning_rate=1e-12, progress=False).model
    np.testing.assert_allclose(part(model, ActNorm).loc[0], [300, -4], rtol=0.02)
    z = np.asarray(model(c).bijector.inverse(ROWS))
    assert np.all(np.abs(z.mean(0)) < 0.35)
    assert np.all(np.abs(np.log(z.std(0))) < 0.35)


@pytest.mark.parametrize("name", ["maf", "realnvp"])
def test_other_names_are_told(name):
    with pytest.raises(ValueError, match="normalization is 'actnorm', 'batchnorm' or None, and got 'layer'"):
        build(name, normalization="layer")


@pytest.mark.parametrize("name", ["maf", "maf_mog", "made"])
@pytest.mark.parametrize("order", ["middle", [2, 1, 3]])
def test_other_orders_are_told(name, order):
    with pytest.raises(ValueError, match="order is 'left-to-right', 'right-to-left' or 'random', and got"):
        getattr(flows, name)(jax.random.key(0), 3, order=order)
