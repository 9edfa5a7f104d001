"""LARS: the density against its definition, draws against the density, training, files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from pushforward import distributions as dist
from pushforward import fit, flows, freeze, load, nets, save, trainable
from pushforward.distributions import LearnedAcceptReject
from pushforward.testing import check_distribution

DRAWS = 4000


def step(x):
    """Keeps all on the right of 0, and e^-3 / (1 + e^-3) on the left."""
    return jnp.where(x > 0, 30.0, -3.0)


LEFT = np.exp(-3) / (1 + np.exp(-3))


@pytest.mark.parametrize("truncation", [2, 20])
def test_density_of_a_step_against_its_definition(truncation, key):
    lars = LearnedAcceptReject(dist.Normal(0.0, 1.0), step, truncation, num_samples=200_000)
    z = (1 + LEFT) / 2
    np.testing.assert_allclose(jnp.exp(lars.log_normalizer()), z, rtol=4 * lars.normalizer_error())
    alpha = (1 - z) ** (truncation - 1)
    weight = {side: (1 - alpha) * a / z + alpha for side, a in ((-1, LEFT), (1, 1.0))}
    for x in (-1.3, 0.7):
        expected = scipy.stats.norm.logpdf(x) + np.log(weight[np.sign(x)])
        np.testing.assert_allclose(lars.log_prob(x), expected, rtol=0.01)
    share = np.mean(lars.sample(key, (DRAWS,)) < 0)
    assert abs(share - weight[-1] / 2) < 4 * np.sqrt(weight[-1] / 2 / DRAWS)


def test_passes_the_public_suite():
    net = nets.MLP(2, 1, hidden_units=(8,), output_scale=3.0, key=jax.random.key(3))
    check_distribution(LearnedAcceptReject(dist.StandardNormal(2), net, 20, num_samples=20_000))


def test_the_normaliser_by_more_draws():
    lars = LearnedAcceptReject(dist.StandardNormal(1), lambda x: 2 * x, 10)
    more = lars.with_num_samples(100_000, jax.random.key(5))
    assert more.normalizer_error() < lars.normalizer_error() / 5
    assert abs(lars.log_normalizer() - more.log_normalizer()) < 4 * lars.normalizer_error()
    assert lars.log_prob(jnp.zeros(1)) == lars.log_prob(jnp.zeros(1))  # a function, not a draw


def test_outside_nan_and_extreme_acceptance():
    lars = LearnedAcceptReject(dist.Uniform(0.0, 1.0), lambda x: 1000 * x, 10)
    y = jnp.array([-1.0, 0.5, 2.0, jnp.nan, jnp.inf])
    np.testing.assert_array_equal(lars.log_prob(y)[jnp.array([0, 2, 3, 4])], [-np.inf, -np.inf, np.nan, -np.inf])
    never = LearnedAcceptReject(dist.Uniform(0.0, 1.0), lambda x: -1000 + 0 * x, 10)
    np.testing.assert_allclose(never.log_prob(0.5), 0, atol=1e-6)  # the last draw is kept in any case
    slope = jax.grad(lambda y: jnp.sum(lars.log_prob(y)))(y[:3])
    assert jnp.isfinite(slope).all()


@pytest.fixture(scope="module")
def rows():
    """Two modes."""
    generator = np.random.default_rng(0)
    side = np.where(np.arange(2000) % 2 == 0, -2, 2)
    return (side[:, None] + 0.5 * generator.normal(size=(2000, 1))).astype(np.float32)


def test_it_learns_two_modes_and_is_saved(rows, key, tmp_path):
    net = nets.MLP(1, 1, hidden_units=(16,), key=key)
    base = LearnedAcceptReject(dist.MultivariateNormalDiag(jnp.zeros(1), 2 * jnp.ones(1)), net, 50)
    assert sum(jax.tree.leaves(trainable(base))) == 6
    assert not any(jax.tree.leaves(trainable(freeze(base))))
    found = fit(key, base, rows, epochs=20, batch_size=200, learning_rate=0.02, progress=False).model
    single = -np.mean(scipy.stats.norm(0, rows.std()).logpdf(rows))
    assert -jnp.mean(found.log_prob(rows)) < single - 0.4  # of 0.7 that two normal distributions gain
    assert np.mean(np.abs(found.sample(key, (DRAWS,))) < 0.5) < 0.05  # 18 per cent of the single one
    save(tmp_path / "model", found)
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.log_prob(rows[:5]), found.log_prob(rows[:5]))
    np.testing.assert_array_equal(again.sample(key, (5,)), found.sample(key, (5,)))


def test_as_the_base_of_a_flow_it_trains(key):
    base = LearnedAcceptReject(dist.StandardNormal(2), nets.MLP(2, 1, hidden_units=(4,), key=key), 10)
    flow = flows.nice(key, 2, layers=1, hidden_units=(4,), base=base, train_base=True)
    assert sum(jax.tree.leaves(trainable(flow.base))) == 4
    y, log_prob = flow.sample_and_log_prob(key, (6,))
    np.testing.assert_allclose(flow.log_prob(y), log_prob, rtol=1e-4, atol=1e-4)
    slope = jax.grad(lambda flow: jnp.sum(flow.log_prob(y)), allow_int=True)(flow)
    assert all(jnp.any(weight != 0) for weight in slope.base.acceptance.weights)


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: LearnedAcceptReject(step, dist.Normal(0.0, 1.0)), TypeError, r"\(base, acceptance, truncation\)"),
        (lambda: LearnedAcceptReject(dist.Normal(jnp.zeros(2), 1.0), step), ValueError, "without batch axes"),
        (lambda: LearnedAcceptReject(dist.Categorical(logits=jnp.zeros(2)), step), ValueError, "density"),
        (lambda: LearnedAcceptReject(dist.Normal(0.0, 1.0), step, 1), ValueError, "truncation >= 2"),
        (lambda: LearnedAcceptReject(dist.Normal(0.0, 1.0), step, num_samples=0), ValueError, "num_samples >= 1"),
        (lambda: LearnedAcceptReject(dist.StandardNormal(2), step).log_prob(jnp.zeros(2)), ValueError, "one number"),
    ],
)
def test_refused_with_a_cure(build, error, words):
    with pytest.raises(error, match=words):
        build()
