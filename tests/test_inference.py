"""Entropy, information, regions and typical rows, against laws where they are known."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from pushforward import inference
from pushforward.bijectors import ScaleMatvecTriL
from pushforward.distributions import Exponential, Normal, StandardNormal, TransformedDistribution

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
    value, error = inference.mutual_information(key, pair(), [0], [1], num_samples=300, inner_samples=256)
    assert abs(value + 0.5 * np.log(1 - squared)) < SIGMAS * error < 0.3
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
