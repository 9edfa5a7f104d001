"""Kullback-Leibler divergences: exact ones against formulae and estimates, refusals instead of a wrong number."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
import scipy.integrate

from pushforward import distributions as dist
from pushforward.bijectors import AbsoluteValue, Chain, Exp, Logit, Permute, Scale, Shift, Sigmoid, SoftmaxCentered
from pushforward.distributions import Normal, estimate_kl_divergence, kl_divergence

ROOT_27 = 27**0.5


def array(*values):
    return jnp.array(values, float)


def of_normals(mean_p, scale_p, mean_q, scale_q):
    return np.log(scale_q / scale_p) + (scale_p**2 + (mean_p - mean_q) ** 2) / (2 * scale_q**2) - 0.5


def test_shifted_distributions_are_not_equal(x64):
    """Not 0, as one finds where a structure is taken for its parameters."""
    one, other = Shift(1.0)(Normal(0.0, 1.0)), Shift(1.0 + ROOT_27)(Normal(0.0, 1.0))
    for p, q in ((one, other), (Exp()(one), Exp()(other)), (Shift(ROOT_27)(Normal(0.0, 1.0)), Normal(0.0, 1.0))):
        np.testing.assert_allclose(kl_divergence(p, q), 13.5, rtol=1e-14)
    assert kl_divergence(one, Shift(1.0)(Normal(0.0, 1.0))) == 0
    with pytest.raises(NotImplementedError, match=r"Shift of Logistic.*estimate_kl_divergence\(key, p, q"):
        kl_divergence(Shift(1.0)(dist.Logistic(0.0, 1.0)), Shift(2.0)(dist.Logistic(0.0, 1.0)))


# name -> (p, q); the values are compared with estimates, and those with a formula with that.
KNOWN = {
    "log-normal, a batch": lambda: (dist.LogNormal(0.3, 0.8), dist.LogNormal(array(0.3, 1), 1.2)),
    "scaled before a sigmoid": lambda: (
        Chain([Sigmoid(), Scale(2.0)])(Normal(0.0, 1.0)), dist.LogitNormal(1.0, 6.0)),
    "triangular and diagonal": lambda: (
        dist.MultivariateNormalTriL(array(1, 2), array([1, 0], [0.5, 2])),
        dist.MultivariateNormalDiag(array(0, 1), array(2, 1))),
    "low rank and NumPyro's": lambda: (
        dist.MultivariateNormalDiagPlusLowRank(array(1, 2), array(1, 2), array([1], [0.5])),
        dist.MultivariateNormal(array(0, 1), scale_tril=array([1, 0], [0.3, 1]))),
    "permuted": lambda: (
        Permute([1, 0])(dist.MultivariateNormalDiag(array(0, 1), array(1, 2))),
        dist.MultivariateNormalDiag(array(1, 0), array(1.5, 1))),
    "expanded and made an event": lambda: (
        dist.LogNormal(0.3, 1.2).expand((2,)).to_event(1), dist.LogNormal(array(0, 1), array(1, 2)).to_event(1)),
    "lifted to an event": lambda: (
        dist.TransformedDistribution(Normal(0.0, 1.0), Exp(), event_shape=(2,)),
        dist.LogNormal(array(0, 1), array(1, 2)).to_event(1)),
    "on the simplex": lambda: (
        SoftmaxCentered()(dist.MultivariateNormalDiag(array(0, 1), array(1, 0.5))),
        SoftmaxCentered()(dist.StandardNormal(2))),
    "in the registry": lambda: (dist.Gamma(2.0, 3.0), dist.Gamma(1.5, 2.0)),
    "a flow of a flow": lambda: (
        Exp()(Shift(0.5)(Scale(-2.0)(Normal(0.0, 1.0)))), Exp()(Scale(0.5)(Shift(1.0)(Normal(0.0, 4.0))))),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_exact_and_estimated_agree(name, key, x64):
    p, q = KNOWN[name]()
    exact = kl_divergence(p, q)
    estimate, error = estimate_kl_divergence(key, p, q, 4000)
    assert exact.shape == estimate.shape == error.shape == jnp.broadcast_shapes(p.batch_shape, q.batch_shape)
    assert np.all(np.abs(estimate - exact) < 4 * error + 1e-14)  # p and q may be one distribution
    assert np.all(error < 0.1 * exact + 0.02)


def test_against_formulae(x64):
    p, q = KNOWN["log-normal, a batch"]()
    np.testing.assert_allclose(kl_divergence(p, q), of_normals(0.3, 0.8, np.array([0.3, 1]), 1.2), rtol=1e-13)
    p, q = KNOWN["a flow of a flow"]()
    np.testing.assert_allclose(kl_divergence(p, q), of_normals(0.5, 2, 0.5, 2), atol=1e-15)
    p, q = KNOWN["permuted"]()
    by_hand = of_normals(1, 2, 1, 1.5) + of_normals(0, 1, 0, 1)
    np.testing.assert_allclose(kl_divergence(p, q), by_hand, rtol=1e-13)
    # NumPyro's registry, under a map that both share.
    p, q = dist.Beta(1.0, 2.0), dist.Beta(2.0, 2.5)
    np.testing.assert_allclose(kl_divergence(Logit()(p), Logit()(q)), kl_divergence(p, q), rtol=1e-13)
    by_quadrature = scipy.integrate.quad(lambda x: 2 * (1 - x) * (np.log(2 * (1 - x)) - q.log_prob(x)), 0, 1)[0]
    np.testing.assert_allclose(kl_divergence(p, q), by_quadrature, rtol=1e-8)


def test_gradients_and_jit(x64):
    value, slope = jax.jit(jax.value_and_grad(lambda p, q: kl_divergence(p, q)))(
        dist.LogNormal(0.3, 0.8), dist.LogNormal(1.0, 1.2)
    )
    np.testing.assert_allclose(value, of_normals(0.3, 0.8, 1, 1.2), rtol=1e-13)
    np.testing.assert_allclose(slope.loc, (0.3 - 1) / 1.2**2, rtol=1e-13)
    # Traced parameters of an outer map cannot be seen to be equal, unless they are one array.
    inner = dist.Logistic(0.0, 1.0)
    with pytest.raises(NotImplementedError, match="known to be equal"):
        jax.jit(lambda a, b: kl_divergence(Scale(a)(inner), Scale(b)(inner)))(2.0, 2.0)
    beta = dist.Beta(1.0, 2.0), dist.Beta(2.0, 2.5)
    shared = jax.jit(lambda outer: kl_divergence(*map(outer, beta)))(Scale(2.0))
    np.testing.assert_allclose(shared, kl_divergence(*beta), rtol=1e-13)


REFUSED = {
    "another scale": lambda: (dist.Gumbel(0.0, 1.0), dist.Gumbel(0.0, 2.0)),
    "a series": lambda: (numpyro.distributions.Kumaraswamy(1.0, 2.0), dist.Beta(1.0, 2.0)),
    # |x| joins two points: what it takes away is not the same for both.
    "a map that is not injective": lambda: (AbsoluteValue()(Normal(1.0, 1.0)), AbsoluteValue()(Normal(0.0, 1.0))),
    "other maps": lambda: (dist.LogNormal(0.0, 1.0), dist.LogitNormal(0.0, 1.0)),
    "mixtures": lambda: (dist.GaussianMixture(array([0], [1])), dist.GaussianMixture(array([0], [2]))),
    "not in the registry": lambda: (dist.StudentT(3.0, 0.0, 1.0), dist.StudentT(4.0, 0.0, 1.0)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unknown_ones_are_refused(name, key):
    with pytest.raises(NotImplementedError, match="estimate_kl_divergence"):
        kl_divergence(*REFUSED[name]())


def test_estimates_are_infinite_where_the_other_density_is_zero(key):
    estimate, error = estimate_kl_divergence(key, Normal(0.0, 1.0), dist.LogNormal(0.0, 1.0), 100)
    assert estimate == error == jnp.inf
    estimate, error = estimate_kl_divergence(key, dist.Logistic(0.0, 1.0), dist.Logistic(array(0, 1), 1.0), 2000)
    assert (estimate[0], error[0]) == (0, 0)
    assert abs(estimate[1] - 0.16395) < 4 * error[1]  # by quadrature


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda key: kl_divergence(Normal(0.0, 1.0), Exp()), TypeError, "two distributions"),
        (lambda key: kl_divergence(Normal(0.0, 1.0), dist.StandardNormal(2)), ValueError, "one variable"),
        (
            lambda key: estimate_kl_divergence(key, Normal(0.0, 1.0), Normal(0.0, 1.0), 1),
            ValueError,
            "num_samples >= 2",
        ),
    ],
)
def test_refused_arguments(call, error, words, key):
    with pytest.raises(error, match=words):
        call(key)
