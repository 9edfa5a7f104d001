"""The figures that a correct implementation reproduces, given to the digits stated; one test a row of the table."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import Distribution, constraints

from pushforward.bijectors import Chain, Exp, Invert, Log, NormalCDF, Scale, Shift, Sigmoid, SoftmaxCentered
from pushforward.distributions import Exponential, Gumbel, Logistic, LogNormal, Normal, TransformedDistribution, Uniform

POINTS = jnp.array([0.0, 0.5, 1.0])
# The figures have seven or eight digits; float32 holds seven.
DIGITS = {"rtol": 2e-7, "atol": 1e-7}


def test_scale():
    np.testing.assert_array_equal(Scale(2.0).forward(jnp.array([1.0, 2.0, 3.0])), [2, 4, 6])
    np.testing.assert_array_equal(Scale(2.0).inverse(jnp.array([5.0, 3.0, 1.0])), [2.5, 1.5, 0.5])


def test_chain_applies_the_last_of_its_list_first():
    chain = Chain([Shift(1.0), Scale(2.0)])
    np.testing.assert_array_equal(chain.forward(jnp.array([1.0, 2.0, 3.0])), [3, 5, 7])
    np.testing.assert_array_equal(chain.inverse(jnp.array([2.0, 5.0, 8.0])), [0.5, 2, 3.5])


def test_normal_from_uniform_by_the_inverse_of_its_cdf():
    normal = Invert(NormalCDF())(Uniform(0.0, 1.0))
    np.testing.assert_allclose(normal.log_prob(2.01), -2.938989, rtol=2e-7)


def test_standard_normal():
    flow = TransformedDistribution(Normal(0.0, 1.0), Scale(1.0))
    np.testing.assert_allclose(flow.log_prob(POINTS), [-0.9189385, -1.0439385, -1.4189385], **DIGITS)
    np.testing.assert_allclose(flow.cdf(POINTS), [0.5, 0.6914625, 0.8413447], **DIGITS)


def test_standard_normal_scaled_by_two():
    flow = Scale(2.0)(Normal(0.0, 1.0))
    np.testing.assert_allclose(flow.log_prob(2 * POINTS), [-1.6120857, -1.7370857, -2.1120858], **DIGITS)
    np.testing.assert_allclose(flow.cdf(2 * POINTS), [0.5, 0.6914625, 0.8413447], **DIGITS)


def test_exp_of_normal_is_log_normal():
    y = jnp.array([0.01, 0.5, 1.0, 7.0])
    np.testing.assert_allclose(Exp()(Normal(0.3, 0.8)).log_prob(y), LogNormal(0.3, 0.8).log_prob(y), rtol=1e-6)


def test_minus_log_of_exponential_is_gumbel():
    y = jnp.array([-2.0, -0.5, 0.5, 3.0, 20.0])
    gumbel = Chain([Scale(-1.0), Log()])(Exponential(1.0))
    np.testing.assert_allclose(gumbel.log_prob(y), Gumbel(0.0, 1.0).log_prob(y), rtol=1e-6)
    np.testing.assert_allclose(gumbel.cdf(y), Gumbel(0.0, 1.0).cdf(y), rtol=1e-6)


def test_exponential_from_uniform():
    rate = 1.7
    flow = Chain([Scale(-1 / rate), Log(), Shift(1.0), Scale(-1.0)])(Uniform(0.0, 1.0))  # -log(1 - u) / rate
    x = jnp.array([0.01, 0.3, 1.0, 4.0])
    np.testing.assert_allclose(flow.cdf(x), 1 - np.exp(-rate * x), rtol=2e-5)  # u = 1 - exp(-rate x) cancels near 0
    np.testing.assert_allclose(flow.log_prob(x), math.log(rate) - rate * x, rtol=1e-6, atol=1e-6)
    assert flow.log_prob(-0.1) == -jnp.inf


class GumbelDifferences(Distribution):
    """u_i = g_i - g_K, i < K, of K independent standard Gumbels: p(u) = (K-1)! exp(-sum u) / (1 + sum exp(-u))^K."""

    support = constraints.real_vector

    def log_prob(self, value):
        count = self.event_shape[0] + 1
        zero = jnp.zeros_like(value[..., :1])
        total = jax.nn.logsumexp(jnp.concatenate([-value, zero], -1), -1)
        return math.lgamma(count) - jnp.sum(value, -1) - count * total


def concrete_log_density(y, logits, temperature):
    """Maddison, Mnih, Teh 2017, definition 1, with respect to the first K - 1 coordinates."""
    count = y.shape[-1]
    terms = logits - temperature * jnp.log(y)
    return (
        math.lgamma(count)
        + (count - 1) * math.log(temperature)
        + jnp.sum(terms - jnp.log(y), -1)
        - count * jax.nn.logsumexp(terms, -1)
    )


def test_concrete_is_the_softmax_of_gumbel_differences():
    logits, temperature = jnp.array([0.3, -1.0, 0.6]), 0.7
    differences = GumbelDifferences((), (2,))
    concrete = Chain([SoftmaxCentered(), Scale(1 / temperature), Shift(logits[:-1] - logits[-1])])(differences)
    y = jnp.array([[0.2, 0.3, 0.5], [0.9, 0.05, 0.05], [0.01, 0.98, 0.01]])
    expected = concrete_log_density(y, logits, temperature)
    np.testing.assert_allclose(concrete.log_prob(y), expected, rtol=2e-6)


def test_concrete_of_two_classes_is_the_sigmoid_of_a_logistic():
    logits, temperature = jnp.array([0.4, -0.3]), 0.7
    relaxed = Chain([Sigmoid(), Scale(1 / temperature), Shift(logits[0] - logits[1])])(Logistic(0.0, 1.0))
    first = jnp.array([0.02, 0.5, 0.97])
    expected = concrete_log_density(jnp.stack([first, 1 - first], -1), logits, temperature)
    np.testing.assert_allclose(relaxed.log_prob(first), expected, rtol=2e-6, atol=2e-6)


def test_gumbel_softmax_chooses_with_the_probabilities_of_the_logits(key):
    logits, count = jnp.array([0.3, -1.0, 0.6]), 20_000
    gumbel = Chain([Scale(-1.0), Log()])(Exponential(1.0))
    y = jax.nn.softmax((logits + gumbel.sample(key, (count, 3))) / 0.7)
    frequencies = jnp.mean(jax.nn.one_hot(jnp.argmax(y, -1), 3), 0)
    # Four standard deviations of a frequency of `count` draws.
    np.testing.assert_allclose(frequencies, jax.nn.softmax(logits), atol=4 * 0.5 / math.sqrt(count))
