"""Distributions under TensorFlow Probability's names: both tails against SciPy, moments, draws, edges."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
import scipy.special
import scipy.stats
from numpyro.distributions import constraints

import pushforward
from pushforward import distributions as dist
from pushforward import fit, load, save, trainable
from pushforward.bijectors import (
    Chain,
    Exp,
    GeneralizedExtremeValueCDF,
    GumbelCDF,
    Invert,
    KumaraswamyCDF,
    LambertWTail,
    Log,
    Scale,
    Shift,
    Sigmoid,
    SoftmaxCentered,
    WeibullCDF,
)
from pushforward.testing import check_distribution

NORMAL, LOGISTIC = scipy.stats.norm, scipy.stats.logistic


class Image:
    """The law of an increasing function of a SciPy variable, for those that SciPy lacks."""

    def __init__(self, base, forward, inverse, log_slope):
        self.base, self.forward, self.inverse, self.log_slope = base, forward, inverse, log_slope

    def ppf(self, q):
        return self.forward(self.base.ppf(q))

    def isf(self, q):
        return self.forward(self.base.isf(q))

    def cdf(self, y):
        return self.base.cdf(self.inverse(y))

    def sf(self, y):
        return self.base.sf(self.inverse(y))

    def logpdf(self, y):
        return self.base.logpdf(self.inverse(y)) - self.log_slope(self.inverse(y))


def logistic_of(loc, scale):
    """1 / (1 + exp(-(loc + scale x)))."""
    return (
        lambda x: scipy.special.expit(loc + scale * x),
        lambda y: (scipy.special.logit(y) - loc) / scale,
        lambda x: np.log(scale) + LOGISTIC.logpdf(loc + scale * x),
    )


def kumaraswamy(a, b):
    """Of e ~ Exponential(1): (1 - exp(-e / b))^(1 / a)."""
    return Image(
        scipy.stats.expon(),
        lambda e: (-np.expm1(-e / b)) ** (1 / a),
        lambda y: -b * np.log1p(-(y**a)),
        lambda e: (1 / a - 1) * np.log(-np.expm1(-e / b)) - e / b - np.log(a * b),
    )


def sinh_arcsinh(loc, scale, s, t):
    m = 2 / np.sinh(t * np.arcsinh(2))
    return Image(
        NORMAL,
        lambda x: loc + scale * m * np.sinh(t * (np.arcsinh(x) + s)),
        lambda y: np.sinh(np.arcsinh((y - loc) / scale / m) / t - s),
        lambda x: np.log(scale * m * t * np.cosh(t * (np.arcsinh(x) + s))) - np.log1p(x**2) / 2,
    )


def lambert_w(loc, scale, d):
    def inverse(y):
        z = (y - loc) / scale
        return np.sign(z) * np.sqrt(scipy.special.lambertw(d * z**2).real / d)

    return Image(
        NORMAL,
        lambda x: loc + scale * x * np.exp(d * x**2 / 2),
        inverse,
        lambda x: np.log(scale) + d * x**2 / 2 + np.log1p(d * x**2),
    )


# name -> (ours, SciPy's)
SCALAR = {
    "LogNormal": (lambda: dist.LogNormal(0.3, 0.8), scipy.stats.lognorm(0.8, scale=np.exp(0.3))),
    "Gumbel": (lambda: dist.Gumbel(0.3, 2.0), scipy.stats.gumbel_r(0.3, 2)),
    "Weibull": (lambda: dist.Weibull(1.7, 2.0), scipy.stats.weibull_min(1.7, scale=2)),
    "Kumaraswamy": (lambda: dist.Kumaraswamy(1.7, 2.6), kumaraswamy(1.7, 2.6)),
    "GeneralizedExtremeValue": (
        lambda: dist.GeneralizedExtremeValue(0.3, 2.0, 0.2),
        scipy.stats.genextreme(-0.2, 0.3, 2),
    ),
    "LogitNormal": (lambda: dist.LogitNormal(0.3, 0.8), Image(NORMAL, *logistic_of(0.3, 0.8))),
    "JohnsonSU": (lambda: dist.JohnsonSU(0.5, 1.3, 0.3, 2.0), scipy.stats.johnsonsu(0.5, 1.3, 0.3, 2)),
    "SinhArcsinh": (lambda: dist.SinhArcsinh(0.3, 2.0, 0.4, 1.2), sinh_arcsinh(0.3, 2, 0.4, 1.2)),
    "LambertWNormal": (lambda: dist.LambertWNormal(0.3, 2.0, 0.1), lambert_w(0.3, 2, 0.1)),
    "RelaxedBernoulli": (lambda: dist.RelaxedBernoulli(1.5, 0.4), Image(LOGISTIC, *logistic_of(0.4 / 1.5, 1 / 1.5))),
}
TAILS = np.array([1e-12, 1e-9, 1e-6, 1e-3, 0.1, 0.5])
DRAWS = 4000
# Near the upper end of (0, 1), y has lost digits of 1 - y: at 1e-12 of the upper tail it is 1 - 3e-5 for Kumaraswamy,
# 1 - 3e-3 for LogitNormal and 1 - 1e-8 for RelaxedBernoulli, whose tail is the power 1.5 of that.
NEAR_ONE = {"RelaxedBernoulli": 2e-8, "Kumaraswamy": 1e-11, "LogitNormal": 1e-12}


@jax.jit
def everything(d, lower, upper, tails, key):
    return (
        d.log_prob(lower), d.log_prob(upper), d.cdf(lower), d.survival_function(upper), d.cdf(upper),
        d.quantile(tails), d._survival_quantile(tails), d.sample(key, (DRAWS,)),
    )  # fmt: skip


@pytest.mark.parametrize("name", SCALAR)
def test_both_tails_and_draws_against_scipy(name, x64, key):
    build, reference = SCALAR[name]
    lower, upper = reference.ppf(TAILS), reference.isf(TAILS)
    found = everything(build(), lower, upper, TAILS, key)
    log_lower, log_upper, cdf, survival, near_one, quantile, upper_quantile, draws = found
    # XLA's log1p in 64 bits is a hundred units in the last place off near -0.41, its log-det as far.
    rtol, upper_rtol = 1e-12, NEAR_ONE.get(name, 1e-12)
    np.testing.assert_allclose(log_lower, reference.logpdf(lower), rtol=rtol)
    np.testing.assert_allclose(log_upper, reference.logpdf(upper), rtol=upper_rtol)
    np.testing.assert_allclose(cdf, reference.cdf(lower), rtol=rtol)
    np.testing.assert_allclose(near_one, reference.cdf(upper), rtol=rtol)
    np.testing.assert_allclose(survival, reference.sf(upper), rtol=upper_rtol)
    np.testing.assert_allclose(quantile, lower, rtol=rtol)
    np.testing.assert_allclose(upper_quantile, upper, rtol=rtol)
    assert scipy.stats.kstest(np.asarray(draws), reference.cdf).statistic < 1.95 / DRAWS**0.5  # one key in a thousand


# ------------------------------------------------------------------ the public suite

LOGITS = (0.3, -0.2, 0.5)
# Everything else that is new, in its smallest size; mixtures and LARS have files of their own.
OTHERS = {
    "GeneralizedExtremeValue, a batch of all kinds": lambda: dist.GeneralizedExtremeValue(
        0.3, 2.0, jnp.array([0.2, -0.3, 0.0])
    ),
    "RelaxedOneHotCategorical": lambda: dist.RelaxedOneHotCategorical(0.8, jnp.array(LOGITS)),
    "ExpRelaxedOneHotCategorical": lambda: dist.ExpRelaxedOneHotCategorical(0.8, jnp.array(LOGITS)),
    "MultivariateNormalTriL": lambda: dist.MultivariateNormalTriL(
        jnp.array([1.0, 2.0]), jnp.array([[1.0, 0.0], [0.5, -2.0]])
    ),
    "MultivariateNormalDiagPlusLowRank": lambda: dist.MultivariateNormalDiagPlusLowRank(
        jnp.array([1.0, 2.0]), jnp.array([1.0, 2.0]), jnp.array([[1.0], [0.5]])
    ),
    "CholeskyLKJ": lambda: dist.CholeskyLKJ(3, jnp.array([0.7, 3.0])),
    "Sample": lambda: dist.Sample(dist.LogNormal(jnp.array([0.0, 1.0]), 0.5), 2),
    "IndependentStudentT": lambda: dist.IndependentStudentT(jnp.array([3.0, 5.0]), jnp.array([1.0, 2.0])),
    "StandardGumbel": dist.StandardGumbel,
    "StandardLogistic": dist.StandardLogistic,
    "StandardMultivariateLogistic": lambda: dist.StandardMultivariateLogistic(2),
}
ALL = {name: build for name, (build, _) in SCALAR.items()} | OTHERS


@pytest.mark.parametrize("name", ALL)
def test_passes_the_public_suite(name):
    # Of the scalar ones the distribution function is compared above, in more places.
    check_distribution(ALL[name](), exempt=("cdf",) if name in SCALAR else ())


# ------------------------------------------------------------------ moments

# Exact ones against SciPy's, or a Gauss-Hermite sum of its 100 points for an image of a normal variable.
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(100)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def moments(reference):
    if isinstance(reference, Image):
        values = reference.forward(NODES)
        mean = np.sum(WEIGHTS * values)
        return mean, np.sum(WEIGHTS * (values - mean) ** 2)
    return reference.mean(), reference.var()


@pytest.mark.parametrize(
    ("build", "reference", "entropy"),
    [
        (*SCALAR["LogNormal"], True),
        (*SCALAR["Gumbel"], True),
        (*SCALAR["Weibull"], True),
        (*SCALAR["GeneralizedExtremeValue"], True),
        (lambda: dist.GeneralizedExtremeValue(0.3, 2.0, -0.7), scipy.stats.genextreme(0.7, 0.3, 2), True),
        (lambda: dist.GeneralizedExtremeValue(0.3, 2.0, 0.0), scipy.stats.gumbel_r(0.3, 2), True),
        (*SCALAR["JohnsonSU"], False),
        (lambda: dist.LambertWNormal(0.3, 2.0, 0.02), lambert_w(0.3, 2, 0.02), False),
        (lambda: dist.LambertWNormal(0.3, 2.0), scipy.stats.norm(0.3, 2), False),
        (lambda: dist.Kumaraswamy(1.0, 2.6), scipy.stats.beta(1, 2.6), True),
        (lambda: dist.Kumaraswamy(1.7, 1.0), scipy.stats.beta(1.7, 1), True),
    ],
)
def test_exact_moments(build, reference, entropy, x64):
    ours = build()
    mean, variance = moments(reference)
    np.testing.assert_allclose(ours.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(ours.variance, variance, rtol=1e-11)
    if entropy:
        np.testing.assert_allclose(ours.entropy(), reference.entropy(), rtol=1e-12)


def test_moments_of_extremes_do_not_cancel_near_zero_concentration_and_end_where_they_are_infinite(x64):
    c = jnp.array([1e-9, -1e-9, 0.1 - 1e-12, 0.1 + 1e-12, 0.5, 0.7, 1.0, 1.3])
    ours = dist.GeneralizedExtremeValue(0.0, 1.0, c)
    slope = (np.pi**2 / 6 + np.euler_gamma**2) / 2  # of the mean in c at 0
    np.testing.assert_allclose(ours.mean[:2], np.euler_gamma + slope * np.array([1e-9, -1e-9]), rtol=1e-15)
    np.testing.assert_allclose(ours.mean[2], ours.mean[3], rtol=1e-11)
    np.testing.assert_allclose(ours.variance[2], ours.variance[3], rtol=1e-10)
    np.testing.assert_array_equal(np.isfinite(ours.mean), [True] * 6 + [False] * 2)
    np.testing.assert_array_equal(np.isfinite(ours.variance), [True] * 4 + [False] * 4)


def test_moments_of_vectors():
    lower = jnp.array([[[1.0, 7.0], [0.5, -2.0]], [[2.0, 0.0], [0.0, 1.0]]])  # what is above the diagonal is not read
    covariance = jnp.tril(lower) @ jnp.matrix_transpose(jnp.tril(lower))
    ours = dist.MultivariateNormalTriL(jnp.array([1.0, 2.0]), lower)
    reference = dist.MultivariateNormal(jnp.array([1.0, 2.0]), covariance)
    np.testing.assert_allclose(ours.covariance_matrix, covariance, rtol=1e-6)
    np.testing.assert_allclose(ours.mean, reference.mean)
    np.testing.assert_allclose(ours.variance, reference.variance, rtol=1e-6)
    np.testing.assert_allclose(ours.entropy(), reference.entropy(), rtol=1e-6)
    one = jnp.ones(2)
    np.testing.assert_allclose(ours.log_prob(one), reference.log_prob(jnp.ones((2, 2))), rtol=1e-6)

    factor, weights = jnp.array([[1.0], [0.5]]), jnp.array([0.7])
    ours = dist.MultivariateNormalDiagPlusLowRank(None, jnp.array([1.0, 2.0]), factor, weights)
    scale = jnp.diag(jnp.array([1.0, 2.0])) + 0.7 * factor @ factor.T
    reference = dist.MultivariateNormal(jnp.zeros(2), scale @ scale.T)
    np.testing.assert_allclose(ours.covariance_matrix, scale @ scale.T, rtol=1e-6)
    np.testing.assert_allclose(ours.variance, reference.variance, rtol=1e-6)
    np.testing.assert_allclose(ours.log_prob(jnp.ones(2)), reference.log_prob(jnp.ones(2)), rtol=1e-6)


def test_moments_that_are_not_exact_are_refused():
    for build in (SCALAR["LogitNormal"][0], SCALAR["SinhArcsinh"][0], SCALAR["RelaxedBernoulli"][0]):
        with pytest.raises(NotImplementedError, match="sample"):
            _ = build().mean


# ------------------------------------------------------------------ what they are


def test_they_are_the_maps_of_their_names(x64, key):
    y = jax.random.uniform(key, (5,), minval=0.1, maxval=0.9)
    uniform = dist.Uniform(0.0, 1.0)
    pairs = [
        (dist.LogNormal(0.3, 0.8), Exp()(dist.Normal(0.3, 0.8))),
        (dist.Gumbel(0.0, 1.0), Chain([Scale(-1.0), Log()])(dist.Exponential(1.0))),
        (dist.Gumbel(0.3, 2.0), Invert(GumbelCDF(0.3, 2.0))(uniform)),
        (dist.Weibull(1.7, 2.0), Invert(WeibullCDF(2.0, 1.7))(uniform)),
        (dist.Kumaraswamy(1.7, 2.6), Invert(KumaraswamyCDF(1.7, 2.6))(uniform)),
        (dist.GeneralizedExtremeValue(0.3, 2.0, 0.2), Invert(GeneralizedExtremeValueCDF(0.3, 2.0, 0.2))(uniform)),
        (dist.LambertWNormal(0.3, 2.0, 0.1), LambertWTail(0.3, 2.0, 0.1)(dist.Normal(0.3, 2.0))),
        (dist.SinhArcsinh(0.3, 2.0, distribution=dist.Logistic(0.0, 1.0)), dist.Logistic(0.3, 2.0)),
        (dist.RelaxedBernoulli(0.7, 0.4), Sigmoid()(Chain([Scale(1 / 0.7), Shift(0.4)])(dist.Logistic(0.0, 1.0)))),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.log_prob(y), theirs.log_prob(y), rtol=1e-12, atol=1e-14)


def concrete(y, temperature, probs):
    """Maddison, Mnih and Teh (2017), eq. 10."""
    k, t = len(probs), temperature
    weighted = probs * y**-t
    density = scipy.special.factorial(k - 1) * t ** (k - 1)
    return np.log(density * np.prod(probs * y ** (-t - 1), axis=-1) / np.sum(weighted, axis=-1) ** k)


def test_relaxed_one_hot_categorical_is_the_softmax_of_gumbel_variables(x64, key):
    probs, t = np.array([0.5, 0.2, 0.3]), 0.8
    ours = dist.RelaxedOneHotCategorical(t, probs=probs)
    y = np.asarray(jax.random.dirichlet(key, jnp.ones(3), (6,)))
    np.testing.assert_allclose(ours.log_prob(y), concrete(y, t, probs), rtol=1e-12)
    # Logits are unnormalised, and so are probs.
    np.testing.assert_allclose(dist.RelaxedOneHotCategorical(t, np.log(probs) + 5).log_prob(y), ours.log_prob(y))
    np.testing.assert_allclose(dist.RelaxedOneHotCategorical(t, probs=7 * probs).log_prob(y), ours.log_prob(y))
    # By definition, and the largest coordinate is k with probability probs_k, whatever the temperature.
    draws = ours.sample(key, (DRAWS,))
    g = jax.random.gumbel(jax.random.key(1), (DRAWS, 3))
    direct = jax.nn.softmax((jnp.log(probs) + g) / t, axis=-1)
    for i in range(3):
        assert scipy.stats.ks_2samp(draws[:, i], direct[:, i]).statistic < 1.95 * (2 / DRAWS) ** 0.5
    share = np.bincount(np.argmax(draws, axis=-1), minlength=3) / DRAWS
    assert np.abs((share - probs) / np.sqrt(probs * (1 - probs) / DRAWS)).max() < 4
    # As a bijector: SoftmaxCentered of the differences to the last coordinate.
    differences = np.log(probs[:-1] / probs[-1])
    centred = SoftmaxCentered()(Chain([Scale(1 / t), Shift(differences)])(dist.StandardMultivariateLogistic(2)))
    np.testing.assert_allclose(centred.log_prob(y), ours.log_prob(y), rtol=1e-12)


def test_the_relaxed_kinds_agree(x64, key):
    logits = jnp.array([[0.3, -0.2], [1.0, 0.0]])
    pair, coin = dist.RelaxedOneHotCategorical(0.7, logits), dist.RelaxedBernoulli(0.7, logits[:, 0] - logits[:, 1])
    y = jnp.array([[0.2], [0.9]])
    np.testing.assert_allclose(pair.log_prob(jnp.stack([y, 1 - y], -1)), coin.log_prob(y), rtol=1e-12)
    np.testing.assert_allclose(coin.probs, pair.probs[:, 0], rtol=1e-12)
    logarithm = dist.ExpRelaxedOneHotCategorical(0.7, logits)
    x, log_prob = logarithm.sample_and_log_prob(key, (4,))
    np.testing.assert_allclose(jax.nn.logsumexp(x, axis=-1), 0, atol=1e-15)
    np.testing.assert_allclose(log_prob, pair.log_prob(jnp.exp(x)) + jnp.sum(x, -1), rtol=1e-10, atol=1e-12)
    # Off the simplex there is nothing; where exp(x) rounds to 0 there is.
    assert jnp.isneginf(logarithm.log_prob(x[0, 0] + 0.1)).all()
    cold = dist.ExpRelaxedOneHotCategorical(1e-3, logits)
    assert jnp.isfinite(cold.log_prob(cold.sample(key, (4,)))).all()


def test_multivariate_logistic_is_the_logistic_of_one_number(x64):
    x = jnp.array([-700.0, -3.0, 0.0, 1.5, 40.0])
    one = dist.StandardMultivariateLogistic(1)
    np.testing.assert_allclose(one.log_prob(x[:, None]), LOGISTIC.logpdf(x), rtol=1e-13)
    np.testing.assert_allclose(dist.StandardLogistic().log_prob(x), LOGISTIC.logpdf(x), rtol=1e-13)


def test_cholesky_lkj(x64, key):
    # D = 2: the correlation r has density proportional to (1 - r^2)^(η - 1).
    r = np.array([-0.9, 0.1, 0.6])
    factor = np.zeros((3, 2, 2))
    factor[:, 0, 0], factor[:, 1, 0], factor[:, 1, 1] = 1, r, np.sqrt(1 - r**2)
    reference = scipy.stats.beta(1.5, 1.5, loc=-1, scale=2)
    np.testing.assert_allclose(dist.CholeskyLKJ(2, 1.5).log_prob(factor), reference.logpdf(r), rtol=1e-12)
    # Every correlation of a matrix of D has the law Beta(η + D/2 - 1) on (-1, 1).
    draws = np.asarray(dist.CholeskyLKJ(4, 0.8).sample(key, (DRAWS,)))
    correlations = draws @ np.swapaxes(draws, -1, -2)
    marginal = scipy.stats.beta(1.8, 1.8, loc=-1, scale=2)
    for i, j in ((1, 0), (3, 0), (3, 2)):
        assert scipy.stats.kstest(correlations[:, i, j], marginal.cdf).statistic < 1.95 / DRAWS**0.5
    np.testing.assert_allclose(np.einsum("nii->ni", correlations), 1, rtol=1e-14)
    with jax.numpy_dtype_promotion("standard"):
        theirs = numpyro.distributions.LKJCholesky(4, 0.8).log_prob(draws[:5])
    np.testing.assert_allclose(dist.CholeskyLKJ(4, 0.8).log_prob(draws[:5]), theirs, rtol=1e-12)
    outside = np.stack([2 * np.eye(2), np.array([[1.0, 0.5], [0.0, 1.0]]), -np.eye(2)])
    assert np.isneginf(dist.CholeskyLKJ(2).log_prob(outside)).all()


def test_sample_puts_its_axes_after_the_batch(key):
    copy = dist.MultivariateNormalDiag(jnp.arange(6.0).reshape(3, 2), jnp.ones((3, 2)))
    ours = dist.Sample(copy, (4, 5))
    assert (ours.batch_shape, ours.event_shape) == ((3,), (4, 5, 2))
    y = ours.sample(key, (7,))
    assert y.shape == (7, 3, 4, 5, 2)
    by_hand = jnp.sum(copy.log_prob(jnp.moveaxis(y, 1, 3)), axis=(1, 2))
    np.testing.assert_allclose(ours.log_prob(y), by_hand, rtol=1e-6)
    np.testing.assert_allclose(ours.log_prob(y[:, :1]).shape, (7, 3))  # a value for all members of the batch
    np.testing.assert_allclose(ours.mean, jnp.broadcast_to(copy.mean[:, None, None], (3, 4, 5, 2)))
    np.testing.assert_allclose(ours.entropy(), 20 * copy.entropy(), rtol=1e-6)
    assert dist.Sample(dist.Uniform(0.0, 1.0)).log_prob(2.0) == -jnp.inf
    # Foreign or not, independent copies of a scalar are NumPyro's expand.
    scalar = dist.Sample(dist.Normal(0.3, 2.0), 2)
    np.testing.assert_allclose(
        scalar.log_prob(jnp.ones(2)), dist.Normal(0.3, 2.0).expand((2,)).to_event(1).log_prob(jnp.ones(2)), rtol=1e-6
    )


def test_student_t_base_is_of_independent_numbers(x64):
    y = jnp.array([[0.5, -3.0], [1e8, 2.0]])
    ours = dist.IndependentStudentT(jnp.array([3.0, 0.5]), jnp.array([1.0, 2.0]), jnp.array([2.0, 0.1]))
    parts = [scipy.stats.t(3, 1, 2), scipy.stats.t(0.5, 2, 0.1)]
    reference = sum(part.logpdf(y[:, i]) for i, part in enumerate(parts))
    np.testing.assert_allclose(ours.log_prob(y), reference, rtol=1e-13)
    np.testing.assert_array_equal(ours.mean, [1, np.inf])


# ------------------------------------------------------------------ draws in single precision


def test_draws_are_fine_far_out_and_never_at_an_end(key):
    count = 2_000_000
    draws = np.asarray(dist.StandardGumbel().sample(key, (count,)))
    assert np.isfinite(draws).all()
    # JAX's own draws have steps of 2^-23 of probability: 50 different values beyond 12, none beyond 16.
    above, expected = draws[draws > 12], count * np.exp(-12.0)
    assert abs(len(above) - expected) < 4 * expected**0.5
    assert len(np.unique(above)) == len(above)
    below, expected = draws[draws < -2.4], count * np.exp(-np.exp(2.4))
    assert abs(len(below) - expected) < 4 * expected**0.5


# ------------------------------------------------------------------ edges


@pytest.mark.parametrize("name", ["LogNormal", "Weibull", "Kumaraswamy", "LogitNormal", "RelaxedBernoulli"])
def test_edges_of_the_support(name):
    ours = SCALAR[name][0]()
    end = getattr(ours.support, "upper_bound", np.inf)
    y = jnp.array([-1.0, 0.0, end, np.inf, np.nan])
    np.testing.assert_array_equal(ours.log_prob(y), [-np.inf] * 4 + [np.nan])
    np.testing.assert_array_equal(ours.cdf(y), [0, 0, 1, 1, np.nan])
    np.testing.assert_array_equal(ours.survival_function(y), [1, 1, 0, 0, np.nan])
    np.testing.assert_array_equal(ours.quantile(jnp.array([0.0, 1.0, -0.1])), [0, end, np.nan])


def test_ends_of_the_generalised_extreme_value_law():
    ours = dist.GeneralizedExtremeValue(1.0, 2.0, jnp.array([0.5, -0.5, 0.0]))
    np.testing.assert_array_equal(ours.support(jnp.array(-4.0)), [False, True, True])
    np.testing.assert_array_equal(jnp.isneginf(ours.log_prob(-4.0)), [True, False, False])
    np.testing.assert_array_equal(jnp.isneginf(ours.log_prob(6.0)), [False, True, False])
    np.testing.assert_array_equal(ours.cdf(6.0)[1], 1)
    np.testing.assert_allclose(ours.quantile(jnp.array(1.0)), [np.inf, 5, np.inf])
    assert dist.GeneralizedExtremeValue(1.0, 2.0, 0.5).support.lower_bound == -3


# ------------------------------------------------------------------ shapes, what trains, words


def test_parameters_broadcast_to_the_batch_and_may_be_mapped():
    ours = dist.JohnsonSU(jnp.zeros((4, 1)), 1.0, jnp.arange(3.0), 2.0)
    assert (ours.batch_shape, ours.event_shape) == ((4, 3), ())
    assert ours.mean.shape == ours.variance.shape == ours.log_prob(0.0).shape == (4, 3)
    family = jax.vmap(lambda loc: dist.LogNormal(loc, 1.0))(jnp.arange(3.0))
    inner = []
    each = jax.vmap(lambda d: inner.append(d.batch_shape) or d.log_prob(1.0))(family)
    np.testing.assert_allclose(each, dist.LogNormal(jnp.arange(3.0), 1.0).log_prob(1.0), rtol=1e-6)
    assert inner == [()]


def test_all_parameters_train_but_not_those_of_a_foreign_distribution():
    def leaves(model):
        return jax.tree.leaves(trainable(model))

    assert leaves(dist.Weibull(1.0, 2.0)) == [True, True]
    assert leaves(pushforward.freeze(dist.Weibull(1.0, 2.0))) == [False, False]
    assert leaves(dist.SinhArcsinh(0.0, 1.0, distribution=dist.Normal(0.0, 1.0))) == [True, True, False, False]
    assert leaves(dist.SinhArcsinh(0.0, 1.0, distribution=dist.Gumbel(0.0, 1.0))) == [True] * 4
    assert leaves(dist.Sample(dist.Gumbel(0.0, 1.0), 2)) == [True, True]
    assert leaves(dist.CholeskyLKJ(3)) == [True]
    base = dist.IndependentStudentT(jnp.array([3.0, 5.0]))
    assert leaves(dist.TransformedDistribution(base, Scale(2.0), train_base=True)) == [True, True]
    assert leaves(dist.TransformedDistribution(base, Scale(2.0))) == [False, True]


def test_fit_finds_the_parameters(key):
    x = dist.Weibull(1.7, 2.0).sample(key, (2000,))
    start = dist.Weibull(1.0, 1.0)
    found = fit(key, start, x, epochs=60, batch_size=500, learning_rate=0.03, validation_fraction=0, progress=False)
    concentration, _, scale = scipy.stats.weibull_min.fit(np.asarray(x), floc=0)
    np.testing.assert_allclose(found.model.concentration, concentration, rtol=0.01)
    np.testing.assert_allclose(found.model.scale, scale, rtol=0.01)


SAVED = {name: ALL[name] for name in ("JohnsonSU", "RelaxedOneHotCategorical", "CholeskyLKJ", "Sample")} | {
    "SinhArcsinh of another law": lambda: dist.SinhArcsinh(0.3, 2.0, distribution=dist.Logistic(0.0, 1.0))
}


@pytest.mark.parametrize("name", SAVED)
def test_saved_and_loaded_they_are_the_same(name, tmp_path):
    ours = SAVED[name]()
    save(tmp_path / "model", ours)
    again = load(tmp_path / "model")
    assert type(again) is type(ours)
    y = ours.support.feasible_like(jnp.zeros(ours.shape()))
    np.testing.assert_array_equal(again.log_prob(y), ours.log_prob(y))
    assert jnp.isfinite(ours.log_prob(y)).all()
    assert repr(again) == repr(ours)


def test_repr_names_the_arguments():
    assert repr(dist.LogNormal(0.3, 1.0)) == "LogNormal(loc=0.3, scale=1)"
    assert repr(dist.LambertWNormal(0.3, 1.0)) == "LambertWNormal(loc=0.3, scale=1)"
    assert repr(pushforward.freeze(dist.CholeskyLKJ(3))) == "CholeskyLKJ(3, concentration=1, frozen=True)"
    assert repr(dist.Sample(dist.Uniform(0.0, 1.0), (2,))) == "Sample(Uniform(low=0.0, high=1.0), (2,))"


def test_validate_args_checks_traced_parameters():
    build = jax.jit(lambda scale: dist.LogNormal(0.0, scale, validate_args=True).scale)
    with pytest.raises(Exception, match="expected positive numbers"):
        build(-1.0).block_until_ready()


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: dist.LogNormal(0.0, -1.0), ValueError, "LogNormal: scale: expected positive"),
        (lambda: dist.Weibull(0.0, 1.0), ValueError, "Weibull: concentration: expected positive"),
        (lambda: dist.JohnsonSU(jnp.zeros(2), 1.0, jnp.zeros(3), 1.0), ValueError, "broadcast"),
        (lambda: dist.LambertWNormal(0.0, 1.0, -0.1), ValueError, "not negative"),
        (lambda: dist.RelaxedBernoulli(1.0), ValueError, "either logits or probs, and got neither"),
        (lambda: dist.RelaxedBernoulli(1.0, 0.0, 0.5), ValueError, "either logits or probs, and got both"),
        (lambda: dist.RelaxedBernoulli(1.0, probs=1.0), ValueError, "strictly between 0 and 1"),
        (lambda: dist.RelaxedOneHotCategorical(1.0, probs=jnp.array([0.0, 1.0])), ValueError, "above 0"),
        (lambda: dist.RelaxedOneHotCategorical(1.0, jnp.zeros(1)), ValueError, "K >= 2"),
        (lambda: dist.RelaxedOneHotCategorical(jnp.ones(2), jnp.zeros((3, 4))), ValueError, "share one"),
        (lambda: dist.SinhArcsinh(0.0, 1.0, distribution=3.0), TypeError, "NumPyro distribution"),
        (lambda: dist.MultivariateNormalTriL(), ValueError, r"loc=jnp.zeros\(D\)"),
        (lambda: dist.MultivariateNormalTriL(jnp.zeros(2), jnp.eye(3)), ValueError, "square matrix of that size"),
        (lambda: dist.MultivariateNormalTriL(jnp.zeros(2), jnp.zeros((2, 2))), ValueError, "zeros on its diagonal"),
        (lambda: dist.MultivariateNormalTriL(jnp.zeros(2), jnp.ones(2)), ValueError, "batch axes | D, D"),
        (lambda: dist.MultivariateNormalDiagPlusLowRank(jnp.zeros(2), jnp.ones(3)), ValueError, "disagree"),
        (
            lambda: dist.MultivariateNormalDiagPlusLowRank(scale_perturb_diag=jnp.ones(2)),
            ValueError,
            "came without",
        ),
        (lambda: dist.CholeskyLKJ(1), ValueError, "at least 2"),
        (lambda: dist.CholeskyLKJ(2, 0.0), ValueError, "positive"),
        (lambda: dist.Sample(3), TypeError, r"\(distribution, sample_shape\)"),
        (lambda: dist.Sample(dist.Normal(0.0, 1.0), 2).log_prob(jnp.zeros(3)), ValueError, "copies"),
        (lambda: dist.IndependentStudentT(3.0), ValueError, r"loc=jnp.zeros\(D\)"),
        (lambda: dist.IndependentStudentT(-1.0, jnp.zeros(2)), ValueError, "df: expected positive"),
    ],
)
def test_refused_with_a_cure(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_names_of_numpyro_that_stay_its_own_and_those_that_are_ours():
    ours = "Gumbel Kumaraswamy LogNormal MixtureSameFamily Weibull"
    for name in ours.split():
        assert issubclass(getattr(dist, name), dist.PytreeDistribution)
    assert dist.LogNormal(0.0, 1.0).support is constraints.positive
