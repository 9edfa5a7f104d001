"""Both tails of NumPyro's scalar distributions, as bases, against SciPy out to 1e-12."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from pushforward import distributions
from pushforward.bijectors import Scale
from pushforward.distributions.tails import cumulative, quantile, survival, survival_quantile

# name -> (arguments of NumPyro's class, SciPy's)
BASES = {
    "Beta": ((0.7, 3.0), scipy.stats.beta(0.7, 3)),
    "Cauchy": ((0.3, 2.0), scipy.stats.cauchy(0.3, 2)),
    "Chi2": ((3.0,), scipy.stats.chi2(3)),
    "Exponential": ((2.0,), scipy.stats.expon(scale=0.5)),
    "Gamma": ((0.7, 2.0), scipy.stats.gamma(0.7, scale=0.5)),
    "HalfCauchy": ((2.0,), scipy.stats.halfcauchy(scale=2)),
    "HalfNormal": ((2.0,), scipy.stats.chi(1, scale=2)),  # its halfnorm loses the lower tail
    "InverseGamma": ((3.0, 2.0), scipy.stats.invgamma(3, scale=2)),
    "Laplace": ((0.3, 2.0), scipy.stats.laplace(0.3, 2)),
    "Logistic": ((0.3, 2.0), scipy.stats.logistic(0.3, 2)),
    "Normal": ((0.3, 2.0), scipy.stats.norm(0.3, 2)),
    "Pareto": ((2.0, 2.5), scipy.stats.pareto(2.5, scale=2)),
    "StudentT": ((3.0, 0.3, 2.0), scipy.stats.t(3, 0.3, 2)),
    "Uniform": ((-1.0, 2.0), scipy.stats.uniform(-1, 3)),
}
TAILS = np.array([1e-12, 1e-9, 1e-6, 1e-3, 0.1, 0.5])
# Next to an end of the support, x is that end and a rounding: its distance from there has lost digits.
ROUNDED = {"Uniform": 1e-4, "Pareto": 1e-9}


@jax.jit
def everything(dist, lower, upper, tails):
    return (
        cumulative(dist, lower), survival(dist, upper), survival(dist, lower), cumulative(dist, upper),
        quantile(dist, tails), survival_quantile(dist, tails), quantile(dist, 1 - tails),
    )  # fmt: skip


# Their quantiles are found by a search, which takes long to compile.
SEARCHED = {"Beta", "Chi2", "Gamma", "InverseGamma", "StudentT"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SEARCHED else ()) for name in BASES]
)
def test_both_tails_against_scipy(name, x64):
    arguments, reference = BASES[name]
    dist = getattr(distributions, name)(*map(jnp.float64, arguments))
    lower, upper = reference.ppf(TAILS), reference.isf(TAILS)
    near_lower, near_upper, far_lower, far_upper, q_lower, q_upper, q_near_one = everything(dist, lower, upper, TAILS)
    rtol = ROUNDED.get(name, 2e-14)
    np.testing.assert_allclose(near_lower, reference.cdf(lower), rtol=rtol)
    np.testing.assert_allclose(near_upper, reference.sf(upper), rtol=rtol)
    np.testing.assert_allclose(far_lower, reference.sf(lower), rtol=2e-14)
    np.testing.assert_allclose(far_upper, reference.cdf(upper), rtol=2e-14)
    np.testing.assert_allclose(q_lower, lower, rtol=2e-14)
    np.testing.assert_allclose(q_upper, upper, rtol=2e-14)
    # 1 - 1e-12 as a float is not 1e-12 from 1; its own distance is exact.
    np.testing.assert_allclose(q_near_one, reference.isf(1 - (1 - TAILS)), rtol=2e-14)


def test_survival_function_of_a_flow_has_digits_where_the_difference_has_none(x64):
    flow = Scale(-2.0)(distributions.Normal(0.0, 1.0))
    y = np.array([14.0, 40.0, -1.0])
    # exp(-200), for which the exponent is rounded to 200 roundings of the result.
    np.testing.assert_allclose(flow.survival_function(y), scipy.stats.norm(0, 2).sf(y), rtol=1e-13)
    assert 1 - flow.cdf(y)[1] == 0


@pytest.mark.slow
def test_the_distribution_function_of_student_s_t_has_the_density_as_its_slope_at_the_median(x64):
    dist = distributions.StudentT(jnp.float64(3.0), jnp.float64(0.3), jnp.float64(2.0))
    x = 0.3 + np.array([0.0, 1e-9, -1e-5, 1e-3, -2.0, 30.0])
    slope = jax.vmap(jax.grad(lambda x: cumulative(dist, x)))(jnp.asarray(x))
    np.testing.assert_allclose(slope, scipy.stats.t(3, 0.3, 2).pdf(x), rtol=1e-10)
