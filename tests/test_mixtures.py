"""Mixtures: densities, tails, moments and draws against sums by hand; what trains; files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from numpyro.distributions import constraints

from pushforward import distributions as dist
from pushforward import fit, flows, freeze, load, save, trainable
from pushforward.bijectors import (
    ActNorm,
    BatchNormalization,
    Chain,
    ConditionalAffine,
    Exp,
    Scale,
    ScaleMatvecDiag,
    Shift,
)
from pushforward.nets import MLP
from pushforward.testing import check_distribution
from pushforward.training import Batch, each_member

DRAWS = 4000
WEIGHTS = np.array([0.3, 0.7])
LOGITS = np.log(WEIGHTS)


def pieces(key, count=3):
    """Small flows of one structure."""
    return [flows.realnvp(k, 2, layers=2, hidden_units=(4,)) for k in jax.random.split(key, count)]


def two_kinds():
    return dist.Mixture(LOGITS, [dist.Gumbel(0.3, 0.8), dist.Normal(-1.0, 0.5)])


def same_kind():
    return dist.MixtureSameFamily(dist.Categorical(logits=LOGITS), dist.Normal(jnp.array([-2.0, 2.0]), 0.5))


PARTS = {
    "two kinds": (two_kinds, [scipy.stats.gumbel_r(0.3, 0.8), scipy.stats.norm(-1, 0.5)]),
    "one kind": (same_kind, [scipy.stats.norm(-2, 0.5), scipy.stats.norm(2, 0.5)]),
}
# Both tails are of one component alone beyond 1e-6 or so, and there its own digits are kept.
TAILS = np.array([1e-12, 1e-6, 1e-3, 0.1, 0.5])


@jax.jit
def everything(d, y, tails, key):
    return (
        d.log_prob(y), d.cdf(y), d.survival_function(y), d.quantile(tails), d._survival_quantile(tails),
        d.mean, d.variance, d.sample(key, (DRAWS,)),
    )  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_against_sums_by_hand(name, x64, key):
    build, parts = PARTS[name]
    lower = [scipy.optimize.brentq(lambda y, q=q: total(parts, "cdf", y) / q - 1, -30, 30, xtol=1e-15) for q in TAILS]
    upper = [scipy.optimize.brentq(lambda y, q=q: total(parts, "sf", y) / q - 1, -30, 30, xtol=1e-15) for q in TAILS]
    y = np.array([*lower, *upper])
    log_prob, cdf, survival, quantile, from_above, mean, variance, draws = everything(build(), y, TAILS, key)
    np.testing.assert_allclose(log_prob, np.log(total(parts, "pdf", y)), rtol=1e-12)
    np.testing.assert_allclose(cdf, total(parts, "cdf", y), rtol=1e-12)
    np.testing.assert_allclose(survival, total(parts, "sf", y), rtol=1e-12)
    np.testing.assert_allclose(quantile, lower, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(from_above, upper, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(mean, total(parts, "mean"), rtol=1e-12)
    second = sum(w * (p.var() + p.mean() ** 2) for w, p in zip(WEIGHTS, parts, strict=True))
    np.testing.assert_allclose(variance, second - mean**2, rtol=1e-12)
    assert scipy.stats.kstest(np.asarray(draws), lambda y: total(parts, "cdf", y)).statistic < 1.95 / DRAWS**0.5


def total(parts, method, *arguments):
    return sum(w * getattr(p, method)(*arguments) for w, p in zip(WEIGHTS, parts, strict=True))


SUITE = {
    "of two kinds": lambda: dist.Mixture(LOGITS, [dist.LogNormal(0.3, 0.8), dist.Exponential(2.0)]),
    "one kind, a batch": lambda: dist.MixtureSameFamily(
        None, dist.Weibull(jnp.array([[2.0, 3.0], [1.5, 2.0]]), jnp.array([0.5, 1.0]))
    ),
    "of flows": lambda: dist.MixtureOfFlows(pieces(jax.random.key(0), 2), LOGITS),
    "Gaussian": lambda: dist.GaussianMixture(jnp.array([[-2.0, 0.0], [2.0, 1.0]]), jnp.array([[0.5, 1.0], [1.0, 0.7]])),
}


@pytest.mark.parametrize("name", SUITE)
def test_passes_the_public_suite(name):
    check_distribution(SUITE[name]())


def test_a_stack_of_flows_is_the_list_of_them(key):
    parts = pieces(key)
    logits = jnp.array([0.0, 1.0, -1.0])
    stack, listed = dist.MixtureOfFlows(parts, logits), dist.Mixture(logits, parts)
    y = jax.random.normal(key, (5, 2))
    np.testing.assert_allclose(stack.log_prob(y), listed.log_prob(y), rtol=1e-5)
    by_hand = sum(p * jnp.exp(part.log_prob(y)) for p, part in zip(stack.probs, parts, strict=True))
    np.testing.assert_allclose(stack.log_prob(y), jnp.log(by_hand), rtol=1e-5)
    np.testing.assert_allclose(stack[-1].log_prob(y), parts[-1].log_prob(y), rtol=1e-6)
    # A component that never comes up leaves no trace, in values and gradients.
    gone = dist.MixtureOfFlows(parts, jnp.array([0.0, 0.0, -jnp.inf]))
    np.testing.assert_allclose(gone.log_prob(y), dist.Mixture(None, parts[:2]).log_prob(y), rtol=1e-5)
    slope = jax.grad(lambda m: jnp.sum(m.log_prob(y)), allow_int=True)(gone)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope.components) if leaf.dtype == jnp.float32)


def test_supports():
    def support(*components):
        return dist.Mixture(None, components).support

    assert support(dist.LogNormal(), dist.Weibull(1.0, 1.0)) is constraints.positive
    assert support(dist.LogNormal(), dist.Normal(0.0, 1.0)) is constraints.real
    joined = support(dist.Uniform(0.0, 1.0), dist.Uniform(2.0, 3.0))
    assert (joined.lower_bound, joined.upper_bound) == (0, 3)
    half = support(dist.Uniform(0.0, 1.0), dist.Pareto(2.0, 1.0))
    assert half.lower_bound == 0
    ends = dist.MixtureSameFamily(None, dist.Uniform(jnp.array([0.0, 2.0]), jnp.array([1.0, 3.0]))).support
    assert (ends.lower_bound, ends.upper_bound) == (0, 3)


def test_outside_every_support_is_minus_infinity_with_zero_gradient():
    mixture = dist.Mixture(None, [dist.Uniform(0.0, 1.0), dist.Uniform(2.0, 3.0)])
    y = jnp.array([0.5, 1.5, 2.5, -1.0, jnp.nan])
    np.testing.assert_array_equal(jnp.isneginf(mixture.log_prob(y)), [False, True, False, True, False])
    assert jnp.isnan(mixture.log_prob(y)[-1])
    np.testing.assert_allclose(mixture.log_prob(0.5), np.log(0.5), rtol=1e-6)
    np.testing.assert_array_equal(jax.grad(lambda y: jnp.sum(mixture.log_prob(y)))(y[:4]), jnp.zeros(4))
    slope = jax.grad(lambda logits: dist.Mixture(logits, mixture.components).log_prob(1.5))(jnp.zeros(2))
    np.testing.assert_array_equal(slope, [0, 0])
    np.testing.assert_allclose(mixture.cdf(jnp.array([-1.0, 1.5, 2.5, 4.0])), [0, 0.5, 0.75, 1])


def test_weights_and_components_may_have_batch_axes(key):
    logits = jnp.array([[0.0, 0.0], [1.0, -1.0], [-30.0, 0.0]])
    locs = jnp.array([[-1.0, 1.0], [0.0, 4.0], [5.0, 9.0]])
    same = dist.MixtureSameFamily(logits, dist.MultivariateNormalDiag(locs[..., None], jnp.ones((3, 2, 1))))
    listed = dist.Mixture(logits, [dist.MultivariateNormalDiag(locs[:, k, None], jnp.ones((3, 1))) for k in (0, 1)])
    y = jnp.linspace(-1, 1, 5)[:, None, None] + jnp.zeros((5, 3, 1))
    assert same.batch_shape == listed.batch_shape == (3,)
    np.testing.assert_allclose(same.log_prob(y), listed.log_prob(y), rtol=1e-6)
    np.testing.assert_allclose(same.log_prob(y[:, :1]), listed.log_prob(y), rtol=1e-6)
    np.testing.assert_allclose(same.mean, listed.mean, rtol=1e-6)
    np.testing.assert_allclose(same.variance, listed.variance, rtol=1e-6)
    draws = same.sample(key, (DRAWS,))
    assert draws.shape == (DRAWS, 3, 1)
    error = np.sqrt(same.variance / DRAWS)
    assert np.abs((draws.mean(0) - same.mean) / error).max() < 4
    # Weights with a batch, components without.
    assert dist.Mixture(logits, [dist.Normal(0.0, 1.0), dist.Normal(1.0, 1.0)]).batch_shape == (3,)


def test_what_trains(key):
    def leaves(model):
        return jax.tree.leaves(trainable(model))

    assert leaves(two_kinds()) == [True, True, True, False, False]
    assert leaves(freeze(two_kinds())) == [False] * 5
    assert leaves(same_kind()) == [True, False, False]
    assert sum(leaves(dist.GaussianMixture(jnp.zeros((2, 2))))) == 3
    part = pieces(key, 1)[0]
    assert sum(leaves(dist.MixtureOfFlows([part, part]))) == 1 + sum(leaves(part))
    base = dist.GaussianMixture(jnp.zeros((2, 2)))
    assert leaves(dist.TransformedDistribution(base, Scale(2.0), train_base=True)) == [True] * 4


def two_modes(key, rows):
    """Half of the rows about (-2, -2), half about (2, 2)."""
    side = jnp.where(jnp.arange(rows) % 2 == 0, -2.0, 2.0)
    return side[:, None] + 0.5 * jax.random.normal(key, (rows, 2))


# In nats: two normal distributions of width 0.5, each with half of the rows.
ENTROPY = 2 * (0.5 * np.log(2 * np.pi * np.e) + np.log(0.5)) + np.log(2)


@pytest.mark.parametrize("kind", ["flows", "base"])
def test_a_mixture_learns_two_modes_and_is_saved(kind, key, tmp_path):
    if kind == "flows":
        starts = [dist.MultivariateNormalTriL(jnp.array(loc), jnp.eye(2)) for loc in ([-1.0, 0.0], [1.0, 0.0])]
        model = dist.MixtureOfFlows(starts)
    else:
        base = dist.GaussianMixture(jnp.array([[-1.0, 0.0], [1.0, 0.0]]))
        model = flows.nice(key, 2, layers=1, hidden_units=(4,), base=base, train_base=True)
    x = two_modes(key, 1000)
    found = fit(key, model, x, epochs=20, batch_size=100, learning_rate=0.05, progress=False).model
    loss = -jnp.mean(found.log_prob(two_modes(jax.random.key(1), 1000)))
    assert loss < ENTROPY + 0.05  # a single normal distribution has 3.2 where this has 2.1
    save(tmp_path / "model", found)
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.log_prob(x[:5]), found.log_prob(x[:5]))
    assert repr(again) == repr(found)


@pytest.mark.parametrize("kind", [dist.MixtureOfFlows, lambda flows: dist.Mixture(None, flows)], ids=["stack", "list"])
def test_layers_of_components_that_look_at_the_data_do(kind, key):
    def flow(scale):
        layers = [ActNorm(2), BatchNormalization((2,)), ScaleMatvecDiag(jnp.full(2, scale))]
        return dist.TransformedDistribution(dist.StandardNormal(2), Chain(layers))

    x = 5 + 3 * jax.random.normal(key, (200, 2))
    model = kind([flow(1.0), flow(2.0)])
    found = fit(key, model, x, epochs=1, batch_size=50, learning_rate=1e-6, validation_fraction=0, progress=False).model
    for k in (0, 1):
        part = found[k] if isinstance(found, dist.MixtureOfFlows) else found.components[k]
        act, batch = part.bijector[0], part.bijector[1]
        np.testing.assert_allclose(act.inverse(x).mean(0), 0, atol=0.3)  # a batch of 50 was standardised
        assert not np.array_equal(batch.moving_mean, jnp.zeros(2))


def test_a_mixture_given_conditions_against_its_sum(key):
    parts = [flows.realnvp(k, 2, condition_dim=1, layers=1, hidden_units=(4,)) for k in jax.random.split(key)]
    gate = MLP(1, 2, hidden_units=(4,), output_scale=1.0, key=key)
    model = dist.ConditionalMixtureOfFlows(parts, gate, LOGITS)
    c, y = jax.random.normal(key, (3, 1)), jax.random.normal(jax.random.key(1), (3, 2))
    given = model(c)
    weights = jax.nn.softmax(LOGITS + gate(c))
    assert np.ptp(weights[:, 0]) > 0.01  # they do depend on the condition
    by_hand = sum(weights[:, k] * jnp.exp(part(c).log_prob(y)) for k, part in enumerate(parts))
    np.testing.assert_allclose(given.log_prob(y), jnp.log(by_hand), rtol=1e-5)
    assert (given.batch_shape, given.event_shape, model.event_shape) == ((3,), (2,), (2,))
    assert given.sample(key, (5,)).shape == (5, 3, 2)
    np.testing.assert_allclose(given[1].log_prob(y), parts[1](c).log_prob(y), rtol=1e-6)
    assert not trainable(given).given
    assert trainable(given).logits


def test_members_of_a_conditional_mixture_are_set_from_data_and_scored_alone(key):
    x, c = 5 + 3 * jax.random.normal(key, (200, 2)), jnp.ones((200, 1))

    def flow(shift):
        layers = [ActNorm(2), ConditionalAffine(MLP(1, 4, hidden_units=(2,), key=key)), Shift(jnp.full(2, shift))]
        return dist.ConditionalDistribution(dist.StandardNormal(2), Chain(layers), 1)

    model = dist.ConditionalMixtureOfFlows([flow(0.0), flow(1.0)])
    options = {"epochs": 1, "batch_size": 200, "learning_rate": 1e-6, "validation_fraction": 0, "progress": False}
    found = fit(key, model, x, c, loss=each_member, **options)
    act = found.model.components.bijector[0]
    for k, shift in enumerate((0.0, 1.0)):
        one = jax.tree.map(lambda leaf, k=k: leaf[k], act)
        np.testing.assert_allclose(one.inverse(x).mean(0), 0, atol=1e-3)
        np.testing.assert_allclose(one.inverse(x).std(0), 1, atol=1e-3)
        assert found.model(c[0])[k].bijector[2].shift[0] == pytest.approx(shift, abs=1e-3)
    batch = Batch(x, c, jnp.ones(200))
    alone = [-jnp.mean(found.model(c)[k].log_prob(x)) for k in (0, 1)]
    np.testing.assert_allclose(each_member(found.model, batch, key), np.mean(alone), rtol=1e-5)


@pytest.mark.slow
def test_weights_follow_the_condition(key, tmp_path):
    # y is near c where c is positive, and anywhere in two modes where it is not.
    c = jax.random.uniform(key, (1500, 1), minval=-1, maxval=1)
    side = jnp.where(c > 0, 1.0, jax.random.rademacher(jax.random.key(1), c.shape, float))
    y = 2 * side + 0.3 * jax.random.normal(jax.random.key(2), c.shape)
    affine = ConditionalAffine(MLP(1, 2, hidden_units=(8,), key=key))
    starts = [
        dist.ConditionalDistribution(dist.StandardNormal(1), Chain([Shift(jnp.array([at])), affine]), 1)
        for at in (-1.0, 1.0)
    ]
    model = dist.ConditionalMixtureOfFlows(starts, MLP(1, 2, hidden_units=(16,), key=key))
    found = fit(key, model, y, c, epochs=60, batch_size=100, learning_rate=0.02, progress=False).model
    share = found(jnp.array([[-0.5], [0.5]])).probs
    np.testing.assert_allclose(jnp.min(share, axis=-1), [0.5, 0.0], atol=0.1)
    save(tmp_path / "model", found)
    np.testing.assert_array_equal(load(tmp_path / "model")(c).log_prob(y), found(c).log_prob(y))


def test_the_recipe_of_conditional_mixtures(key):
    model = flows.mixture(key, 2, condition_dim=3, components=2, recipe="realnvp", layers=1, hidden_units=(4,))
    assert isinstance(model, dist.ConditionalMixtureOfFlows)
    assert model.mixture_size == 2
    c, y = jnp.ones((4, 3)), jnp.zeros((4, 2))
    slope = jax.grad(lambda model: jnp.sum(model(c).log_prob(y)), allow_int=True)(model)
    assert all(np.any(leaf) for leaf in (*slope.gate.weights, slope.logits))
    with pytest.raises(TypeError, match=r"flow\(c\).log_prob"):
        model.log_prob(y)


def test_saved_with_foreign_components(tmp_path):
    for k, mixture in enumerate((two_kinds(), same_kind())):
        save(tmp_path / str(k), mixture)
        assert load(tmp_path / str(k)).log_prob(0.3) == mixture.log_prob(0.3)


def test_as_a_base_a_mixture_has_both_tails(x64):
    flow = Exp()(Scale(-1.0)(two_kinds()))
    q = jnp.array([1e-12, 0.3, 0.9])
    np.testing.assert_allclose(flow.cdf(flow.quantile(q)), q, rtol=1e-12)
    np.testing.assert_allclose(flow.survival_function(jnp.exp(8.0)), two_kinds().cdf(-8.0), rtol=1e-12)


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: dist.Mixture(None, []), ValueError, "at least one"),
        (lambda: dist.Mixture(None, [Exp()]), TypeError, "component 0 is a Exp"),
        (lambda: dist.Mixture(jnp.zeros(3), [dist.Gumbel()] * 2), ValueError, "2 components expects as many weights"),
        (lambda: dist.Mixture(None, [dist.Gumbel(), dist.StandardNormal(2)]), ValueError, "same event shape"),
        (lambda: dist.Mixture(None, [dist.Gumbel(jnp.zeros(k)) for k in (2, 3)]), ValueError, "must broadcast"),
        (lambda: dist.Mixture(None, [dist.Categorical(logits=jnp.zeros(2))]), ValueError, "MixtureGeneral"),
        (lambda: dist.MixtureSameFamily(None, dist.Gumbel()), ValueError, "batch axis"),
        (lambda: dist.MixtureSameFamily(jnp.zeros(3), dist.Gumbel(jnp.zeros(2))), ValueError, "as many weights"),
        (lambda: dist.MixtureOfFlows([dist.Gumbel(), dist.LogNormal()]), ValueError, "one structure"),
        (lambda: dist.MixtureOfFlows([dist.Normal(0.0, 1.0)]), TypeError, "Use Mixture"),
        (lambda: dist.MixtureOfFlows([dist.Gumbel(jnp.zeros(2))]), ValueError, "no batch axes"),
        (lambda: dist.MixtureOfFlows([dist.Gumbel()] * 2)[2], IndexError, "flow 2 of a mixture of 2"),
        (lambda: dist.ConditionalMixtureOfFlows([dist.Gumbel()]), TypeError, "Build the flows with condition_dim"),
        (lambda: dist.ConditionalMixtureOfFlows([]), ValueError, "at least one flow"),
        (lambda: dist.GaussianMixture(jnp.zeros((2, 2))).cdf(jnp.zeros(2)), NotImplementedError, "scalar"),
    ],
)
def test_refused_with_a_cure(build, error, words):
    with pytest.raises(error, match=words):
        build()
