"""Entropy, information, regions and typical rows, against laws where they are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from pushforward import flows, inference
from pushforward.bijectors import Chain, ConditionalAffine, ScaleMatvecTriL
from pushforward.distributions import (
    ConditionalDistribution,
    Exponential,
    Normal,
    StandardNormal,
    TransformedDistribution,
)

TRIL = np.array([[2.0, 0.0], [0.9, 0.5]], np.float32)
SIGMAS = 5


def pair():
    """Two correlated normals."""
    return TransformedDistribution(StandardNormal(2), ScaleMatvecTriL(TRIL))


def test_entropy(key):
    value, error = inference.entropy(key, pair())
    assert abs(value - (1 + np.log(2 * np.pi))) < SIGMAS * error  # log det of the scale is log(2 * 0.5) = 0
    assert error == pytest.approx(0.01, rel=0.1)  # the variance of log p of two normals is 1
    value, error = inference.entropy(key, Exponential(2.0))
    assert abs(value - (1 - np.log(2))) < SIGMAS * error


def test_expectation_of_numbers_and_of_events(key):
    value, error = inference.expectation(key, pair(), lambda x: x[:, 0] > 2.0)
    assert abs(value - stats.norm.sf(1)) < SIGMAS * error < 0.03
    second = inference.expectation(key, pair(), lambda x: x[:, :, None] * x[:, None, :])
    assert np.all(np.abs(second.value - TRIL @ TRIL.T) < SIGMAS * second.standard_error)
    with pytest.raises(ValueError, match="first axis"):
        inference.expectation(key, pair(), lambda x: x.mean())


@pytest.mark.slow
def test_mutual_information(key):
    squared = 0.9**2 / (0.9**2 + 0.5**2)
    value, error = inference.mutual_information(key, pair(), [0], [1], num_samples=1000, inner_samples=256)
    assert abs(value + 0.5 * np.log(1 - squared)) < SIGMAS * error < 0.2
    with pytest.raises(ValueError, match="in common"):
        inference.mutual_information(key, pair(), [0], [0, 1])


def test_highest_density_region(key):
    region = inference.highest_density_region(key, pair(), 0.8)
    # -2 log p + const is chi-squared with 2 degrees.
    want = -np.log(2 * np.pi) - 0.5 * stats.chi2(2).ppf(0.8)
    assert abs(region.level.value - want) < SIGMAS * region.level.standard_error < 0.15
    x = pair().sample(key, (20_000,))
    assert np.mean(region.contains(x)) == pytest.approx(0.8, abs=0.02)
    assert not region.contains(jnp.array([jnp.nan, 0.0]))
    with pytest.raises(ValueError, match="between 0 and 1"):
        inference.highest_density_region(key, pair(), 90)


def test_typicality(key):
    wide = StandardNormal(50)
    rows = np.random.default_rng(0).standard_normal((200, 50)).astype(np.float32)
    found = inference.typicality_test(key, wide, rows)
    assert stats.kstest(found.p_values, "uniform").pvalue > 1e-3
    assert 0.01 < found.batch_p_value <= 1
    assert found.entropy == pytest.approx(25 * (1 + np.log(2 * np.pi)), abs=0.5)
    # The mode has the highest density and is not typical; nor is what is far out, or no number.
    odd = np.stack([np.zeros(50), np.full(50, 3.0), np.full(50, np.nan)]).astype(np.float32)
    assert np.all(inference.typicality_test(key, wide, odd).p_values < 2e-4)
    # A tenth more spread cannot be seen in a row, and can in two hundred.
    wider = inference.typicality_test(key, wide, 1.1 * rows)
    assert wider.batch_p_value < 0.01 < np.median(wider.p_values)


def test_one_distribution_at_a_time(key):
    with pytest.raises(ValueError, match="batch of shape"):
        inference.entropy(key, Normal(jnp.zeros(3), 1.0))
    with pytest.raises(ValueError, match="at least 2"):
        inference.entropy(key, pair(), num_samples=1)
    with pytest.raises(ValueError, match="rows"):
        inference.typicality_test(key, pair(), jnp.zeros(2))


def mixed_rows(count, correlation=0.9, seed=5):
    """Rows of two normals, the second a quarter as wide given the first."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 2))
    x[:, 1] = correlation * x[:, 0] + np.sqrt(1 - correlation**2) * x[:, 1]
    return x


def correlated(correlation=0.9):
    tril = np.array([[1.0, 0.0], [correlation, np.sqrt(1 - correlation**2)]], np.float32)
    return TransformedDistribution(StandardNormal(2), ScaleMatvecTriL(tril))


def test_goodness_of_fit_names_the_column_that_fails(key):
    x = mixed_rows(400)
    right = inference.goodness_of_fit(key, correlated(), x)
    assert right.p_value > 0.01
    assert right.failing == ()
    # The conditional of one normal given the other is known.
    want = stats.norm.cdf((x - 0.9 * x[:, ::-1]) / np.sqrt(1 - 0.9**2))
    assert np.abs(right.pit - want).max() < 2e-4
    assert right.latent.shape == (3,)

    x[:, 1] = np.abs(x[:, 1])
    wrong = inference.goodness_of_fit(key, StandardNormal(2), x)
    assert wrong.failing == (1,)
    assert wrong.p_value < 1e-6
    assert "failing columns: 1 (" in repr(wrong)


def test_goodness_of_fit_sees_columns_that_do_not_go_together(key):
    """Both marginals are right, and the wrong correlation shows in the conditionals."""
    found = inference.goodness_of_fit(key, correlated(0.6), mixed_rows(400))
    assert found.marginal.min() > 0.01
    assert set(found.failing) == {0, 1}


def test_goodness_of_fit_counts_impossible_rows_and_refuses_others(key):
    x = mixed_rows(60)
    x[::2] = np.nan
    assert inference.goodness_of_fit(key, correlated(), x).p_value < 1e-6
    for bad in (x[:0], x[:, :1], x[0]):
        with pytest.raises(ValueError, match="expected rows of shape"):
            inference.goodness_of_fit(key, correlated(), bad)
    with pytest.raises(ValueError, match="one distribution on vectors"):
        inference.goodness_of_fit(key, Normal(0.0, 1.0), x)


SLOPE = np.array([[1.0, -0.5]], np.float32)


def _shift(c):
    mean = c @ SLOPE
    return mean, jnp.zeros_like(mean)


def steered():
    """y = c (1, -0.5) + correlated noise: for each c another normal."""
    bijector = Chain([ConditionalAffine(_shift), ScaleMatvecTriL(0.5 * TRIL)])
    return ConditionalDistribution(StandardNormal(2), bijector, 1)


def steered_rows(count, seed=0):
    rng = np.random.default_rng(seed)
    c = 20 * rng.standard_normal((count, 1))
    return c, c @ SLOPE + 0.5 * rng.standard_normal((count, 2)) @ TRIL.T


def test_goodness_of_fit_with_a_condition_for_each_row(key):
    c, y = steered_rows(300)
    right = inference.goodness_of_fit(key, steered(), y, c)
    assert right.p_value > 0.01
    assert right.failing == ()
    # y given c and the other column is a normal that is known.
    noise = (y - c @ SLOPE) / 0.5
    covariance = TRIL @ TRIL.T
    for d, other in ((0, 1), (1, 0)):
        mean = noise[:, other] * covariance[d, other] / covariance[other, other]
        variance = covariance[d, d] - covariance[d, other] ** 2 / covariance[other, other]
        want = stats.norm.cdf((noise[:, d] - mean) / np.sqrt(variance))
        assert np.abs(right.pit[:, d] - want).max() < 1e-3
    # Rows of other conditions have the right columns over all, and for each condition the wrong ones.
    wrong = inference.goodness_of_fit(key, steered(), y, np.roll(c, 1, axis=0))
    assert wrong.p_value < 1e-6
    assert set(wrong.failing) == {0, 1}
    with pytest.raises(ValueError, match=r"expected condition=, that of each row"):
        inference.goodness_of_fit(key, steered(), y)
    for model, condition in ((steered(), c[:-1]), (steered(), c[:, 0]), (correlated(), c)):
        with pytest.raises(ValueError, match="a conditional model and a condition for each row"):
            inference.goodness_of_fit(key, model, y, condition)
    with pytest.raises(ValueError, match="a conditional model and a condition for each row"):
        inference.goodness_of_fit(key, steered(), 1.0, c)
    with pytest.raises(ValueError, match="expected finite conditions"):
        inference.goodness_of_fit(key, steered(), y, np.where(c == c[0], np.nan, c))
    with pytest.raises(ValueError, match="num_samples: expected at least 2, and got 0"):
        inference.goodness_of_fit(key, steered(), y, c, num_samples=0)
    # A function serves as well as a model.
    flow = steered()
    again = inference.goodness_of_fit(key, lambda c: flow(c), y[:50], c[:50])
    np.testing.assert_allclose(again.pit, right.pit[:50], atol=1e-3)


def test_goodness_of_fit_refuses_bits(key):
    bits = np.zeros((4, 3))
    for options in ({}, {"condition_dim": 1}):
        model = flows.made(key, 3, conditionals="bernoulli", hidden_units=(4,), **options)
        with pytest.raises(ValueError, match="a continuous distribution, and got a discrete one"):
            inference.goodness_of_fit(key, model, bits, np.zeros((4, 1)) if options else None)


@pytest.mark.slow
@pytest.mark.parametrize("conditional", [False, True])
def test_goodness_of_fit_seldom_rejects_the_right_density(conditional, key):
    p_values = []
    for seed in range(300):
        draws = jax.random.fold_in(key, seed)
        if conditional:
            c, y = steered_rows(50, seed)
            p_values.append(inference.goodness_of_fit(draws, steered(), y, c, num_samples=99 * 50).p_value)
        else:
            x = correlated().sample(jax.random.fold_in(draws, 1), (50,))
            p_values.append(inference.goodness_of_fit(draws, correlated(), x, num_samples=2000).p_value)
    p = np.asarray(p_values)
    # Corrected p-values of dependent tests are too large, about twofold here, and never too small. Four standard errors
    # of 300 draws above, and three below half of the level.
    for level in (0.05, 0.2, 0.5):
        assert level / 4 - 0.01 < np.mean(p < level) < level + 4 * np.sqrt(level * (1 - level) / 300)


def test_c2st(key):
    x = mixed_rows(2000)
    right = inference.c2st(key, correlated(), x)
    assert abs(right.accuracy - 0.5) < SIGMAS * right.standard_error
    assert right.standard_error == pytest.approx(0.5 / np.sqrt(2000), rel=0.01)
    assert right.p_value > 0.001
    # The same marginals, another correlation: no test of single columns sees it.
    wrong = inference.c2st(key, correlated(0.5), x)
    assert wrong.p_value < 1e-6
    assert wrong.accuracy > 0.57
    assert wrong.auc > wrong.accuracy
    assert wrong.scores.shape == wrong.held_out.shape == (1000,)
    # Rows far from where the two differ are told apart least: the two densities cross, here by their ratio.
    ratio = np.asarray(correlated().log_prob(x) - correlated(0.5).log_prob(x))[wrong.held_out]
    assert np.corrcoef(ratio, wrong.scores)[0, 1] > 0.7


def test_c2st_takes_a_table_and_refuses_what_it_cannot_use(key):
    first, second = mixed_rows(200), mixed_rows(300, seed=6)
    assert inference.c2st(key, second, first).p_value > 0.001
    assert inference.c2st(key, second + np.array([0.0, 3.0]), first).p_value < 1e-6
    with pytest.raises(ValueError, match="not finite"):
        inference.c2st(key, second, np.where(first > 2, np.nan, first))
    with pytest.raises(ValueError, match="same columns"):
        inference.c2st(key, second, first[:, :1])
    with pytest.raises(ValueError, match="at least 40 rows"):
        inference.c2st(key, second[:39], first)


def test_guesses_of_c2st_are_those_of_a_coin_when_nothing_differs():
    """p-values are uniform: 60 of them against their distribution."""
    rng = np.random.default_rng(0)
    p = [inference.c2st(jax.random.key(i), *rng.standard_normal((2, 200, 2)), epochs=20).p_value for i in range(60)]
    # Of 200 guesses the accuracy has steps, so a p-value may be one step, 0.06, too large or too small.
    assert stats.kstest(p, "uniform").statistic < 0.06 + 1.63 / np.sqrt(60)
