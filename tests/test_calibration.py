"""Statistics of a report: Kolmogorov-Smirnov tests, and the Gaussian and mixture that a flow is measured against."""

import numpy as np
import pytest
import scipy.stats

from pushforward.diagnostics import (
    best_mixture,
    calibration,
    distance_pit,
    gaussian_nll,
    holm,
    ks_p_value,
    pit,
    score,
    two_samples,
)


@pytest.mark.parametrize("rows", [1, 2, 3, 10, 37, 140, 500, 501, 3000, 100_000])
def test_p_values_are_those_of_scipy(rows):
    d = np.array([0.3, 0.45, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 3.0, 6.0]) / np.sqrt(rows)
    d = d[d < 1]
    ours = np.array([ks_p_value(x, rows) for x in d])
    theirs = scipy.stats.kstwo.sf(d, rows)
    # Exact up to 500 rows and where p < 0.02; between, the limit with its correction is good to four digits.
    exact = (rows <= 500) | (theirs < 0.02)
    np.testing.assert_allclose(ours[exact], theirs[exact], rtol=1e-6)
    np.testing.assert_allclose(ours[~exact], theirs[~exact], atol=1e-4)


def test_p_value_at_the_ends():
    assert ks_p_value(0.0, 10) == 1.0
    assert ks_p_value(1.0, 10) == 0.0
    assert ks_p_value(0.05, 10) == 1.0


def test_statistics_are_those_of_scipy():
    rng = np.random.default_rng(0)
    z, other = rng.normal(size=(200, 2)), rng.normal(size=(300, 2)) * 1.3
    tests = calibration(z)
    # SciPy itself uses an expansion, good to five digits, above 140 rows.
    for k in range(2):
        known = scipy.stats.kstest(z[:, k], "norm")
        np.testing.assert_allclose([tests.statistic[k], tests.p_value[k]], [known.statistic, known.pvalue], rtol=1e-5)
    both = two_samples(z, other)
    for k in range(2):
        known = scipy.stats.ks_2samp(z[:, k], other[:, k], method="asymp")
        np.testing.assert_allclose([both.statistic[k], both.p_value[k]], [known.statistic, known.pvalue], rtol=1e-6)


def test_p_values_are_uniform_when_the_model_is_right():
    rng = np.random.default_rng(1)
    tests = [calibration(rng.normal(size=(150, 3)), distance=True) for _ in range(150)]
    p = np.stack([test.p_value for test in tests])
    assert p.shape == (150, 4)
    for k in range(4):
        assert scipy.stats.kstest(p[:, k], "uniform").pvalue > 0.001
    # Corrected, one of a hundred reports has a p-value below 0.01: of 150 six or more would be a chance of 1 in 250.
    assert sum(test.overall < 0.01 for test in tests) < 6


@pytest.mark.parametrize(
    "spoil",
    [lambda z: z + np.array([0.0, 0.3]), lambda z: z * [1.0, 1.4], lambda z: z * [1.0, 0.5]],
    ids=["shifted", "wide", "narrow"],
)
def test_p_values_are_tiny_when_the_model_is_wrong(spoil):
    z = np.random.default_rng(2).normal(size=(2000, 2))
    tests = calibration(spoil(z))
    assert tests.corrected[1] < 1e-6
    assert tests.corrected[0] > 0.01


def test_distance_finds_dependence_that_no_coordinate_shows():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(2000, 3))
    spread = np.where(rng.random(2000) < 0.5, 1.0, -1.0)[:, None] * np.abs(z[:, :1])
    together = np.concatenate([z[:, :1], spread, z[:, 2:]], axis=1)
    tests = calibration(together, distance=True)
    assert np.min(tests.p_value[:3]) > 0.001
    assert tests.p_value[3] < 1e-6


@pytest.mark.parametrize("size", [1, 2, 3, 8, 21])
def test_distance_is_chi_squared(size):
    z = np.random.default_rng(4).normal(size=(50, size)) * np.linspace(0.05, 4, 50)[:, None]
    np.testing.assert_allclose(distance_pit(z), scipy.stats.chi2.cdf(np.sum(z**2, axis=1), size), atol=1e-12)


def test_rows_that_are_not_finite_count_as_extreme():
    z = np.random.default_rng(5).normal(size=(100, 1))
    z[:40] = np.nan
    assert calibration(z).overall < 1e-6
    np.testing.assert_array_equal(pit(np.array([-np.inf, 0.0, np.inf])), [0.0, 0.5, 1.0])


def test_holm():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.5])), [0.04, 0.09, 0.09, 0.5])


def test_refusals_name_the_shape():
    with pytest.raises(ValueError, match=r"got \(3,\)"):
        calibration(np.zeros(3))
    with pytest.raises(ValueError, match=r"\(2, 1\) and \(2, 2\)"):
        two_samples(np.zeros((2, 1)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="two rows at least"):
        gaussian_nll(np.zeros((1, 2)), np.zeros((1, 2)))


def _three(rng, rows):
    """Three Gaussians, and the log density of each row."""
    means, scales = np.array([[0.0, 0.0], [5.0, 1.0], [-5.0, 3.0]]), np.array([1.0, 0.1])
    x = means[rng.integers(3, size=rows)] + rng.normal(size=(rows, 2)) * scales
    each = [scipy.stats.multivariate_normal(m, np.diag(scales**2)).pdf(x) for m in means]
    return x, np.log(np.mean(each, axis=0))


def test_gaussian_is_that_of_scipy():
    rng = np.random.default_rng(6)
    train, test = (rng.normal(size=(n, 3)) * [1.0, 0.01, 50.0] + 7 for n in (500, 100))
    nll, error = gaussian_nll(train, test)
    known = scipy.stats.multivariate_normal(np.mean(train, axis=0), np.cov(train.T, bias=True)).logpdf(test)
    # 10^-6 is added to standardised variances.
    np.testing.assert_allclose([nll, error], score(known), rtol=1e-3)


def test_best_mixture_finds_the_mixture():
    rng = np.random.default_rng(7)
    train, validation, (test, truth) = _three(rng, 3000)[0], _three(rng, 800)[0], _three(rng, 800)
    found = best_mixture(train, validation, test)
    assert found.components == 3
    np.testing.assert_allclose(found.log_density, truth, atol=0.5)
    # Seventeen parameters learnt from 3,000 rows cost about 17 / 6000 nats.
    assert abs(found.nll + np.mean(truth)) < 0.02
    assert (found.nll, found.standard_error) == score(found.log_density)
    assert found.nll < gaussian_nll(train, test)[0] - 1


def test_mixture_does_not_depend_on_units():
    rng = np.random.default_rng(8)
    train, validation, test = (_three(rng, n)[0] for n in (1500, 400, 400))
    units = np.array([1e-8, 1e6])
    plain, scaled = (best_mixture(*(x * u + 1e9 * (u > 1) for x in (train, validation, test))) for u in (1.0, units))
    assert plain.components == scaled.components
    np.testing.assert_allclose(plain.nll + np.sum(np.log(units)), scaled.nll, atol=1e-4)


def test_mixture_given_columns_is_the_conditional():
    rng = np.random.default_rng(9)
    train, validation, (test, truth) = _three(rng, 3000)[0], _three(rng, 800)[0], _three(rng, 800)
    given = np.mean([scipy.stats.norm(m, 0.1).pdf(test[:, 1]) for m in (0.0, 1.0, 3.0)], axis=0)
    found = best_mixture(train, validation, test, given=1)
    assert abs(found.nll + np.mean(truth - np.log(given))) < 0.02


def test_mixture_survives_repeated_rows():
    x = np.repeat(np.arange(6.0).reshape(3, 2) ** 2, 40, axis=0)
    assert np.all(np.isfinite(best_mixture(x, x, x).log_density))
