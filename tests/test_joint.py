"""Marginals and conditionals of a joint density, against laws whose own are known."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from pushforward import flows
from pushforward.bijectors import Bijector, Chain, Exp, ScaleMatvecTriL, Shift
from pushforward.distributions import (
    Conditional,
    Independent,
    Marginal,
    Mixture,
    MultivariateNormal,
    Normal,
    StandardNormal,
    TransformedDistribution,
)

TRIL = np.array([[1.0, 0, 0, 0], [0.6, 0.8, 0, 0], [-0.5, 0.4, 1.2, 0], [0.3, -0.9, 0.5, 0.7]], np.float32)
MEAN = np.array([1.0, -2.0, 0.5, 3.0], np.float32)
COVARIANCE = TRIL @ TRIL.T
# Estimates with their errors: six standard errors are passed once in 500 million.
SIGMAS = 6


class Banana(Bijector):
    """y = (x_0 + x_1^2 / 4, x_1)."""

    forward_min_event_ndims = 1

    def _forward_and_log_det(self, x):
        return jnp.stack([x[..., 0] + x[..., 1] ** 2 / 4, x[..., 1]], -1), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return jnp.stack([y[..., 0] - y[..., 1] ** 2 / 4, y[..., 1]], -1), jnp.zeros((), y.dtype)


def normal():
    return TransformedDistribution(StandardNormal(4), Chain([Shift(MEAN), ScaleMatvecTriL(TRIL)]))


def banana():
    """x_1 ~ N(0, 2), x_0 | x_1 ~ N(x_1^2 / 4, 1 / 4)."""
    return TransformedDistribution(StandardNormal(2), Chain([Banana(), ScaleMatvecTriL(np.diag([0.25, 2.0]))]))


def conditioned(given):
    """(columns left, mean, covariance) of the normal's conditional."""
    a, values = list(given), np.array(list(given.values()))
    b = [k for k in range(4) if k not in a]
    gain = COVARIANCE[np.ix_(b, a)] @ np.linalg.inv(COVARIANCE[np.ix_(a, a)])
    return b, MEAN[b] + gain @ (values - MEAN[a]), COVARIANCE[np.ix_(b, b)] - gain @ COVARIANCE[np.ix_(a, b)]


@pytest.fixture(scope="module")
def conditional():
    return normal().conditional({3: 1.5, 1: -3.5})


def test_the_conditional_of_a_normal(conditional):
    b, mean, covariance = conditioned({3: 1.5, 1: -3.5})
    assert conditional.free == tuple(b) == (0, 2)
    value, error = conditional.log_normalizer
    want = stats.multivariate_normal(MEAN[[3, 1]], COVARIANCE[np.ix_([3, 1], [3, 1])]).logpdf([1.5, -3.5])
    assert abs(value - want) < SIGMAS * error < 0.05
    assert conditional.effective_sample_size > 3000
    for fn, true in ((lambda x: x, mean), (lambda x: (x - mean) ** 2, np.diag(covariance))):
        found = conditional.expectation(fn)
        assert np.all(np.abs(found.value - true) < SIGMAS * found.standard_error)
        assert np.all(found.standard_error < 0.05)
    np.testing.assert_allclose(conditional.mean, mean, atol=0.1)
    np.testing.assert_allclose(conditional.variance, np.diag(covariance), rtol=0.15)
    x = np.float32([[0.0, 0.0], [1.0, -1.0]])
    want = stats.multivariate_normal(mean, covariance).logpdf(x)
    np.testing.assert_allclose(conditional.log_prob(x), want, atol=SIGMAS * float(error) + 1e-4)


def test_quantiles_of_the_conditional(conditional):
    _, mean, covariance = conditioned({3: 1.5, 1: -3.5})
    q = np.array([0.05, 0.5, 0.9])
    value, error = conditional.quantile(q)
    want = mean + np.sqrt(np.diag(covariance)) * stats.norm.ppf(q)[:, None]
    assert value.shape == error.shape == (3, 2)
    assert np.all(np.abs(value - want) < SIGMAS * error)
    assert np.all(error < 0.1)


def test_samples_of_the_conditional(conditional, key):
    _, mean, covariance = conditioned({3: 1.5, 1: -3.5})
    x = np.asarray(conditional.sample(key, (2, 2000)))
    assert x.shape == (2, 2000, 2)
    x = x.reshape(-1, 2)
    for k in range(2):
        law = stats.norm(mean[k], np.sqrt(covariance[k, k]))
        assert stats.kstest(x[:, k], law.cdf).pvalue > 1e-3
    assert len(np.unique(x, axis=0)) > 3500


def test_two_modes_are_both_kept(key):
    """Given x_0 = 4, x_1 is near 4 or near -4."""
    found = Conditional(banana(), {0: 4.0})
    grid = np.linspace(-8, 8, 4001)
    density = stats.norm(grid**2 / 4, 0.25).pdf(4.0) * stats.norm(0, 2).pdf(grid)
    total = np.trapezoid(density, grid)
    value, error = found.log_normalizer
    assert abs(value - np.log(total)) < SIGMAS * error < 0.2
    x = np.asarray(found.sample(key, (4000,)))[:, 0]
    assert np.mean(x > 0) == pytest.approx(0.5, abs=0.08)
    spread = np.sqrt(np.trapezoid(density * (np.abs(grid) - 4) ** 2, grid) / total)
    assert np.sqrt(np.mean((np.abs(x) - 4) ** 2)) == pytest.approx(spread, rel=0.15)


def test_marginals_of_a_normal(key):
    marginal = normal().marginal([2, -4])
    law = stats.multivariate_normal(MEAN[[2, 0]], COVARIANCE[np.ix_([2, 0], [2, 0])])
    x = np.asarray(marginal.sample(key, (24,)))
    assert x.shape == (24, 2)
    value, error = marginal.estimate_log_prob(x.reshape(2, 12, 2))
    z = (value.reshape(-1) - law.logpdf(x)) / error.reshape(-1)
    assert value.shape == error.shape == (2, 12)
    # 24 standard normal numbers: their mean square lies between 0.3 and 2.2 in all but 1 of 1000 cases.
    assert 0.3 < np.mean(z**2) < 2.2
    assert np.max(error) < 0.1
    assert stats.kstest(np.asarray(marginal.sample(key, (2000,)))[:, 1], stats.norm(1, 1).cdf).pvalue > 1e-3


def test_a_marginal_passes_nan_on_and_ends_at_infinity():
    value, _ = Marginal(normal(), [0]).estimate_log_prob([[np.nan], [np.inf], [1.0]])
    assert np.isnan(value[0])
    assert value[1] == -np.inf
    assert value[2] == pytest.approx(stats.norm(1, 1).logpdf(1.0), abs=0.2)


def test_a_marginal_of_all_columns_is_the_joint_density():
    flow = normal()
    x = np.float32([[1.0, 2.0, 3.0, 4.0]])
    value, error = Marginal(flow, [3, 2, 1, 0]).estimate_log_prob(x)
    np.testing.assert_allclose(value, flow.log_prob(x[:, ::-1]), rtol=1e-6)
    assert error == 0


def test_any_numpyro_distribution_on_vectors_will_do():
    found = Conditional(MultivariateNormal(jnp.zeros(2), jnp.array([[1.0, 0.9], [0.9, 1.0]])), {1: 2.0})
    mean, error = found.expectation(lambda x: x)
    assert abs(mean[0] - 1.8) < SIGMAS * error[0] < 0.1


def test_outside_of_the_support_there_is_nothing_to_condition_on():
    positive = TransformedDistribution(StandardNormal(2), Exp())
    with pytest.raises(ValueError, match="zero at every draw"):
        Conditional(positive, {0: -1.0})


REFUSED = {
    "a scalar law": (lambda f: Marginal(Normal(0.0, 1.0), [0]), "on vectors"),
    "a batch": (lambda f: Conditional(Normal(jnp.zeros((3, 2)), 1.0).to_event(1), {0: 1.0}), "bind one condition"),
    "twice": (lambda f: Marginal(f, [1, 1]), "each once"),
    "not there": (lambda f: Conditional(f, {4: 1.0}), "out of 0 to 3"),
    "no columns": (lambda f: Marginal(f, []), "at least one column"),
    "a name": (lambda f: Marginal(f, ["age"]), "as integers"),
    "a list": (lambda f: Conditional(f, [1.0]), "mapping"),
    "everything": (lambda f: Conditional(f, {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}), "none is left"),
    "nan": (lambda f: Conditional(f, {0: float("nan")}), "finite numbers"),
    "few draws": (lambda f: Marginal(f, [0], num_samples=1), "at least 2"),
    "wrong width": (lambda f: Marginal(f, [0]).log_prob(jnp.zeros((3, 2))), r"\[..., 1\]"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, words = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=words):
        call(normal())


def test_mixtures_and_flows_of_other_kinds_have_them_too(key):
    halves = [Independent(Normal(jnp.array(m), 0.3), 1) for m in ([-2.0, -2.0], [2.0, 2.0])]
    mixture = Mixture(jnp.zeros(2), halves)
    given = mixture.conditional({0: 2.0})
    assert abs(given.mean[0] - 2) < 0.05
    found = mixture.marginal([1]).estimate_log_prob(jnp.array([[2.0]]))
    exact = jnp.log(0.5) + Normal(2.0, 0.3).log_prob(2.0)
    assert abs(found.value[0] - exact) < 5 * found.standard_error[0] + 1e-3
    flow = flows.mixture(key, 2, components=2, layers=1, hidden_units=(8,))
    assert flow.conditional({1: 0.0}, num_samples=256).event_shape == (1,)
    bits = flows.made(key, 3, conditionals="bernoulli", hidden_units=(8,))
    with pytest.raises(ValueError, match="whole numbers"):
        bits.conditional({0: 1.0})
