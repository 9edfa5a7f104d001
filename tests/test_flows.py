"""The recipes.

| what | how |
| --- | --- |
| a density in two dimensions, also away from the initial weights | integrates to 1 on a grid |
| samples and their densities agree, never inverting | `sample_and_log_prob` against `log_prob` |
| conditional: `flow(c)` has the batch shape of c; density changes with c, member by member | shapes and values |
| every recipe is a stack: its structure does not depend on depth | number of leaves |
| factories under `jit` and `eval_shape` | same values, right shapes |
| NICE keeps volume | log-det exactly 0 |
| IAF is the inverse of MAF's layers | one pass each way |
| the base: given, trained, of the wrong size | `train_base` moves it; ValueError |
| the same key gives the same flow | bits |
| bad sizes and names | ValueError naming the argument |
| a trained flow fits two moons | test NLL below 0.42 nats (entropy 0.319) |
| a trained flow is a prior in a NumPyro model | NUTS finds the conjugate posterior |
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from numpyro.distributions import Normal
from numpyro.infer import MCMC, NUTS

import pushforward as pf
from pushforward import flows
from pushforward.distributions import ConditionalDistribution, TransformedDistribution

RECIPES = ["default", "iaf", "maf", "mlp", "nice", "realnvp", "spline_autoregressive", "spline_coupling"]


def build(name, key=None, dim=2, **options):
    options = {"layers": 2, "hidden_units": (8,), **options}
    return getattr(flows, name)(jax.random.key(3) if key is None else key, dim, **options)


def trained_looking(flow, key, scale=0.1):
    """The flow with noise on what trains."""
    parameters, constants = eqx.partition(flow, pf.trainable(flow))
    leaves, treedef = jax.tree.flatten(parameters)
    keys = jax.random.split(key, len(leaves))
    leaves = [a + scale * jax.random.normal(k, a.shape) for a, k in zip(leaves, keys, strict=True)]
    return eqx.combine(jax.tree.unflatten(treedef, leaves), constants)


def two_moons(n, seed):
    rng = np.random.default_rng(seed)
    angle, upper = np.pi * rng.random(n), rng.random(n) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.stack([x, y], 1) + 0.05 * rng.standard_normal((n, 2))


@pytest.mark.parametrize("name", RECIPES)
def test_density_is_normalised_and_samples_agree_with_it(name, key):
    flow = trained_looking(build(name), key)
    assert isinstance(flow, TransformedDistribution)
    assert flow.event_shape == (2,)
    assert flow.batch_shape == ()
    side = jnp.linspace(-12, 12, 601)
    grid = jnp.stack(jnp.meshgrid(side, side), -1)
    density = np.exp(np.asarray(flow.log_prob(grid), np.float64))
    # A grid of step 0.04: kinks of relu networks leave an error of second order in the step.
    assert abs(density.sum() * float(side[1] - side[0]) ** 2 - 1) < 5e-3
    x, log_prob = flow.sample_and_log_prob(key, (50,))
    assert x.shape == (50, 2)
    np.testing.assert_allclose(log_prob, flow.log_prob(x), atol=2e-4)


@pytest.mark.parametrize("name", RECIPES)
def test_conditional_flow_is_a_distribution_for_every_condition(name, key):
    flow = trained_looking(build(name, condition_dim=3), key)
    assert isinstance(flow, ConditionalDistribution)
    c = jax.random.normal(key, (4, 3))
    given = flow(c)
    assert given.batch_shape == (4,)
    assert given.sample(key, (5,)).shape == (5, 4, 2)
    x = jnp.zeros((4, 2))
    batched = given.log_prob(x)
    assert batched.shape == (4,)
    one = flow(c[2]).log_prob(x[2])
    np.testing.assert_allclose(batched[2], one, rtol=1e-5)
    assert np.unique(np.asarray(batched)).size == 4


@pytest.mark.parametrize("name", ["maf", "spline_coupling"])
def test_structure_does_not_grow_with_depth(name):
    shallow, deep = build(name, layers=1), build(name, layers=7)
    assert len(jax.tree.leaves(shallow)) == len(jax.tree.leaves(deep))


def shapes_of(flow):
    return jax.tree.map(jnp.shape, flow.bijector.layers)


def test_factories_work_under_jit_and_eval_shape(key):
    shapes = jax.eval_shape(lambda k: build("maf", k).bijector.layers, key)
    eager = build("maf", key)
    assert jax.tree.map(jnp.shape, shapes) == shapes_of(eager)
    value = jax.jit(lambda k, x: build("maf", k).log_prob(x))(key, jnp.ones(2))
    np.testing.assert_allclose(value, eager.log_prob(jnp.ones(2)), rtol=1e-6)
    # With a key from outside too, after the same flow was built eagerly.
    value = jax.jit(lambda x: build("maf", key).log_prob(x))(jnp.ones(2))
    np.testing.assert_allclose(value, eager.log_prob(jnp.ones(2)), rtol=1e-6)
    assert jax.tree.map(jnp.shape, jax.eval_shape(lambda: build("maf", key).bijector.layers)) == shapes_of(eager)
    many = jax.vmap(lambda k: build("maf", k).bijector)(jnp.stack([key, key]))
    np.testing.assert_allclose(jax.tree.leaves(many)[0][1], jax.tree.leaves(eager.bijector)[0], rtol=1e-6)


def test_the_same_key_gives_the_same_bits():
    one, two = build("spline_coupling"), build("spline_coupling")
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True))


def test_nice_keeps_volume_exactly(key):
    flow = trained_looking(build("nice"), key)
    assert np.all(np.asarray(flow.bijector.forward_log_det_jacobian(jax.random.normal(key, (9, 2)))) == 0)


def test_every_coordinate_changes_through_a_coupling_flow(key):
    flow = trained_looking(build("realnvp", dim=5), key)
    jacobian = jax.jacfwd(flow.bijector.forward)(jnp.ones(5))
    assert np.all(np.abs(jacobian - np.eye(5)[::-1] * 0).sum(1) > 0)
    assert np.all(np.asarray(flow.bijector.forward(jnp.ones(5))) != 1)


def test_base_may_be_given_and_may_train(key):
    given = flows.maf(key, 2, layers=1, hidden_units=(4,), base=Normal(jnp.zeros(2), 2.0))
    assert given.event_shape == (2,)
    assert not any(jax.tree.leaves(pf.trainable(given).base))
    trained = flows.maf(key, 2, layers=1, hidden_units=(4,), train_base=True)
    assert all(jax.tree.leaves(pf.trainable(trained).base))
    with pytest.raises(ValueError, match="dim=2"):
        flows.maf(key, 2, layers=1, hidden_units=(4,), base=Normal(jnp.zeros(3), 1.0))


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("maf", {"dim": 0}, "dim"),
        ("maf", {"dim": 2.5}, "dim"),
        ("maf", {"layers": 0}, "layers"),
        ("maf", {"permutation": "sideways"}, "permutation"),
        ("maf", {"condition_dim": -1}, "condition_dim"),
        ("realnvp", {"dim": 1}, "at least 2"),
    ],
)
def test_bad_arguments(name, arguments, words):
    with pytest.raises(ValueError, match=words):
        build(name, **arguments)


def test_default_is_documented_and_works_in_one_dimension(key):
    flow = build("default", dim=1)
    assert flow.sample(key, (3,)).shape == (3, 1)


@pytest.mark.standard_promotion  # Optax raises a float to an integer power
def test_a_flow_fits_two_moons_and_survives_saving(tmp_path):
    key = jax.random.key(0)
    flow = flows.spline_autoregressive(key, 2, layers=4, hidden_units=(64, 64))
    result = pf.fit(key, flow, two_moons(10_000, 0), epochs=25, batch_size=256, progress=False)
    test = two_moons(10_000, 1)
    nll = -float(np.mean(np.asarray(result.model.log_prob(test))))
    assert 0.30 < nll < 0.42
    pf.save(tmp_path / "moons", result.model)
    loaded = pf.load(tmp_path / "moons")
    np.testing.assert_array_equal(loaded.log_prob(test), result.model.log_prob(test))


@pytest.mark.standard_promotion  # Optax, and NumPyro's adaptation
def test_a_trained_flow_is_a_prior_that_nuts_samples(key):
    # Prior N(m, S), learnt by the flow from draws; likelihood y ~ N(theta, 0.5 I): the posterior is known.
    mean, root = np.array([1.0, -0.5]), np.array([[1.0, 0.0], [0.6, 0.5]])
    x = mean + np.random.default_rng(0).standard_normal((4000, 2)) @ root.T
    flow = flows.maf(key, 2, layers=2, hidden_units=(16,))
    flow = pf.fit(key, flow, x, epochs=20, batch_size=128, learning_rate=3e-3, progress=False).model
    y = np.array([0.0, 0.5])

    def model():
        theta = numpyro.sample("theta", flow)
        numpyro.sample("y", Normal(theta, 0.5).to_event(1), obs=y)

    mcmc = MCMC(NUTS(model), num_warmup=300, num_samples=1000, progress_bar=False)
    mcmc.run(jax.random.key(1))
    theta = np.asarray(mcmc.get_samples()["theta"])
    precision = np.linalg.inv(root @ root.T) + np.eye(2) / 0.25
    posterior = np.linalg.solve(precision, np.linalg.inv(root @ root.T) @ mean + y / 0.25)
    deviation = np.sqrt(np.diag(np.linalg.inv(precision)))
    # 1,000 draws of NUTS, about 500 independent ones: 0.05 standard deviations; the fitted prior adds as much.
    np.testing.assert_allclose(theta.mean(0), posterior, atol=0.2 * deviation.min())
    np.testing.assert_allclose(theta.std(0), deviation, rtol=0.15)
