"""Distributions: densities and distribution functions against SciPy, shapes, sampling, supports, what trains."""

import math
import os
import subprocess
import sys
import textwrap

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
import scipy.stats
from numpyro.distributions import biject_to, constraints

from pushforward import distributions, freeze, trainable
from pushforward.bijectors import (
    Bijector,
    Chain,
    Exp,
    FillTriangular,
    Identity,
    Invert,
    Log,
    Logit,
    NormalCDF,
    Permute,
    Reshape,
    Scale,
    ScaleMatvecTriL,
    Shift,
    Sigmoid,
    SoftmaxCentered,
    Softplus,
    Split,
)
from pushforward.core import constant_field, replace
from pushforward.distributions import (
    Categorical,
    ConditionalDistribution,
    Exponential,
    MixtureSameFamily,
    MultivariateNormal,
    MultivariateNormalDiag,
    Normal,
    StandardNormal,
    TransformedDistribution,
    Uniform,
    VonMises,
)


class Counting(Bijector):
    """x + 1, which notes when it is traced, and in which direction."""

    forward_min_event_ndims = 0
    is_constant_jacobian = True
    calls = []  # noqa: RUF012 - shared on purpose

    def _forward_and_log_det(self, x):
        self.calls.append("forward")
        return x + 1, jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        self.calls.append("inverse")
        return y - 1, jnp.zeros((), y.dtype)


@pytest.fixture
def counting():
    Counting.calls.clear()
    return Counting()


class ShiftedByCondition(Bijector):
    """x + weights @ c, on vectors."""

    weights: jax.Array
    bound: jax.Array | None = constant_field(default=None)

    forward_min_event_ndims = 1
    is_constant_jacobian = True

    def condition(self, c):
        return replace(self, bound=c)

    def _forward_and_log_det(self, x):
        return x + self._shift(), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return y - self._shift(), jnp.zeros((), y.dtype)

    def _shift(self):
        return jnp.einsum("ij,...j->...i", self.weights, self.bound)


def affine(scale=2.0, shift=1.0):
    return Chain([Shift(shift), Scale(scale)])


# ------------------------------------------------------------------ against SciPy

# name -> (distribution of ours, SciPy's)
REFERENCES = {
    "decreasing": (lambda: affine(scale=-2.0)(Normal(0.0, 1.0)), scipy.stats.norm(1, 2)),
    "log-normal": (lambda: Exp()(Normal(0.3, 0.8)), scipy.stats.lognorm(0.8, scale=math.exp(0.3))),
    "reciprocal log-normal": (
        lambda: Chain([Exp(), Scale(-1.0)])(Normal(0.3, 0.8)),
        scipy.stats.lognorm(0.8, scale=math.exp(-0.3)),
    ),
    "logistic": (lambda: Logit()(Uniform(0.0, 1.0)), scipy.stats.logistic()),
    "gumbel": (lambda: Chain([Scale(-1.0), Log()])(Exponential(1.0)), scipy.stats.gumbel_r()),
    "pareto": (lambda: Exp()(Exponential(2.5)), scipy.stats.pareto(2.5)),
    "flow of a flow": (lambda: Scale(-1.0)(affine(-2.0)(Normal(0.0, 1.0))), scipy.stats.norm(-1, 2)),
}
# In both tails out to 1e-12; the upper ones by the survival function, since 1 - 1e-12 has lost digits.
TAILS = np.array([1e-12, 1e-9, 1e-6, 1e-3, 0.1, 0.5])


def quantiles(reference):
    return np.concatenate([reference.ppf(TAILS), reference.isf(TAILS)])


@pytest.mark.parametrize("name", REFERENCES)
def test_density_and_distribution_function_against_scipy(name, x64):
    build, reference = REFERENCES[name]
    flow, y = build(), quantiles(reference)
    # Relative errors in the tails: y itself is rounded, and the density changes by exp(dy) times its slope there.
    np.testing.assert_allclose(flow.log_prob(y), reference.logpdf(y), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(flow.cdf(y), reference.cdf(y), rtol=1e-9)
    np.testing.assert_allclose(flow.quantile(TAILS), reference.ppf(TAILS), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(flow.icdf(flow.cdf(y[:6])), y[:6], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["log-normal", "logistic", "gumbel"])
def test_density_in_single_precision_reaches_the_tails(name):
    build, reference = REFERENCES[name]
    y = quantiles(reference).astype(np.float32)
    # About ten roundings of terms that are as large as the density's logarithm.
    np.testing.assert_allclose(build().log_prob(y), reference.logpdf(y.astype(float)), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", ["decreasing", "log-normal", "gumbel"])
def test_samples_follow_the_distribution_function(name, key):
    build, reference = REFERENCES[name]
    count = 4000
    distance = scipy.stats.kstest(np.asarray(build().sample(key, (count,))), reference.cdf).statistic
    assert distance < 1.95 / math.sqrt(count)  # exceeded by one key in a thousand


@pytest.mark.parametrize(
    "build",
    [
        lambda: Softplus()(affine()(Normal(0.0, 1.0))),
        lambda: Chain([Shift(3.0), Scale(-2.0), Sigmoid()])(Normal(0.3, 0.7)),
        lambda: Invert(NormalCDF())(Uniform(0.0, 1.0)),
    ],
    ids=["half line", "reversed interval", "line"],
)
def test_density_integrates_to_one(build, x64):
    flow = build()
    lower, upper = (float(b) for b in flow.icdf(jnp.array([1e-9, 1 - 1e-9])))
    ends = getattr(flow.support, "lower_bound", lower), getattr(flow.support, "upper_bound", upper)
    # Equal steps of probability resolve every part of the density; the outermost step goes to the end of the support.
    grid = np.concatenate([[ends[0]], np.asarray(flow.icdf(jnp.linspace(1e-9, 1 - 1e-9, 20_001))), [ends[1]]])
    middle = (grid[1:] + grid[:-1]) / 2
    assert abs(np.sum(np.exp(flow.log_prob(middle)) * np.diff(grid)) - 1) < 1e-4


def test_density_is_the_slope_of_the_distribution_function(x64):
    flow = Chain([Exp(), Scale(-0.7)])(Normal(0.2, 1.3))
    y = jnp.array([-1.0, 0.1, 1.0, 5.0])
    slope = jax.vmap(jax.grad(flow.cdf))(y)
    np.testing.assert_allclose(slope, jnp.exp(flow.log_prob(y)), rtol=1e-10)


# ------------------------------------------------------------------ supports


def test_outside_the_support_is_minus_infinity_with_zero_gradient():
    flow = Exp()(Normal(0.0, 1.0))
    y = jnp.array([-1.0, 0.0, 2.0, jnp.inf, -jnp.inf])
    with numpyro.validation_enabled(False):
        np.testing.assert_array_equal(jnp.isneginf(flow.log_prob(y)), [True, True, False, True, True])
    gradient = jax.grad(lambda y: jnp.sum(flow.log_prob(y)))(y)
    np.testing.assert_allclose(gradient, [0, 0, -(1 + math.log(2)) / 2, 0, 0], rtol=1e-6)


@pytest.mark.parametrize("validation", [True, False])
def test_the_base_s_support_masks_whatever_its_formula_gives(validation):
    flow = Shift(1.0)(Uniform(0.0, 1.0))  # NumPyro's formula has density 1 everywhere
    with numpyro.validation_enabled(validation):
        np.testing.assert_array_equal(flow.log_prob(jnp.array([0.5, 1.5, 2.5])), [-jnp.inf, 0, -jnp.inf])
        np.testing.assert_array_equal(flow.cdf(jnp.array([0.5, 1.25, 2.5])), [0, 0.25, 1])


@pytest.mark.parametrize("validation", [True, False])
def test_nan_passes_through(validation):
    value = jnp.array([[jnp.nan, -1.0], [0.5, jnp.nan], [jnp.nan, jnp.inf], [1.0, 2.0]])
    flow = TransformedDistribution(Normal(0.0, 1.0), Exp(), event_shape=(2,))
    with numpyro.validation_enabled(validation):
        np.testing.assert_array_equal(jnp.isnan(flow.log_prob(value)), [True, True, True, False])
    assert jnp.isnan(Exp()(Normal(0.0, 1.0)).cdf(jnp.nan))


def test_an_event_is_outside_if_any_coordinate_is():
    flow = TransformedDistribution(Normal(0.0, 1.0), Exp(), event_shape=(3,))
    assert jnp.isneginf(flow.log_prob(jnp.array([1.0, -1.0, 1.0])))
    assert jnp.isfinite(flow.log_prob(jnp.array([1.0, 2.0, 1.0])))


@pytest.mark.parametrize(
    ("flow", "support"),
    [
        (Exp()(Normal(0.0, 1.0)), constraints.positive),
        (TransformedDistribution(StandardNormal(2), Scale(2.0)), constraints.real_vector),
        (Identity()(Normal(jnp.zeros(2), 1.0).to_event(1)), constraints.real_vector),
        (Chain([Scale(2.0), Sigmoid()])(Normal(0.0, 1.0)), constraints.interval(0.0, 2.0)),
        (Chain([Shift(1.0), Scale(-2.0)])(Uniform(0.0, 1.0)), constraints.interval(-1.0, 1.0)),
        (Log()(Uniform(0.0, 1.0)), constraints.less_than(0.0)),
        (Log()(Exponential(1.0)), constraints.real),
        (Scale(-2.0)(Exponential(1.0)), constraints.less_than(0.0)),
        (Invert(Chain([Log(), Shift(-3.0)]))(Normal(0.0, 1.0)), constraints.greater_than(3.0)),
        (SoftmaxCentered()(StandardNormal(2)), constraints.simplex),
        (
            TransformedDistribution(Normal(jnp.zeros(3), 1.0), Chain([Permute([2, 0, 1]), Exp()])),
            constraints.independent(constraints.positive, 1),
        ),
    ],
    ids=lambda value: "" if isinstance(value, TransformedDistribution) else str(value),
)
def test_support(flow, support):
    assert flow.support.eq(support)
    assert flow.support.event_dim == flow.event_dim
    # What NumPyro does with it: coordinates in which every point is inside.
    transform = biject_to(flow.support)
    z = jnp.linspace(-1.2, 0.9, math.prod(transform.inverse_shape(flow.event_shape)))
    inside = transform(z.reshape(transform.inverse_shape(flow.event_shape)))
    assert jnp.all(jnp.isfinite(flow.log_prob(inside)))


def test_support_is_known_under_jit_and_where_a_bound_is_traced():
    closed_over = Exp()(Normal(0.0, 1.0))

    @jax.jit
    def bounds(scale):
        traced = Chain([Shift(scale), Exp()])(Normal(0.0, 1.0)).support
        assert closed_over.support is constraints.positive
        assert Scale(scale)(Exponential(1.0)).support is constraints.real  # either side, by the sign
        return traced.lower_bound

    assert bounds(1.5) == 1.5


def test_inverse_of_a_chain_is_minus_infinity_outside_the_domain_of_an_inner_part():
    flow = Invert(Chain([Log(), Shift(-3.0)]))(Normal(0.0, 1.0))
    assert jnp.isneginf(flow.log_prob(2.0))
    np.testing.assert_allclose(flow.log_prob(4.0), Normal(0.0, 1.0).log_prob(0.0))


# ------------------------------------------------------------------ shapes


@pytest.mark.parametrize(
    ("build", "batch", "event"),
    [
        (lambda: Exp()(Normal(0.0, 1.0)), (), ()),
        (lambda: Exp()(Normal(jnp.zeros(3), 1.0)), (3,), ()),
        (lambda: Scale(jnp.ones(4))(Normal(jnp.zeros((3, 1)), 1.0)), (3, 4), ()),
        (lambda: Exp()(Normal(jnp.zeros((4, 3)), 1.0).to_event(1)), (4,), (3,)),
        (lambda: TransformedDistribution(Normal(0.0, 1.0), Exp(), event_shape=(3,)), (), (3,)),
        (lambda: TransformedDistribution(Normal(0.0, 1.0), Exp(), event_shape=(3,), batch_shape=(2,)), (2,), (3,)),
        (lambda: TransformedDistribution(StandardNormal(3), Scale(2.0), batch_shape=(5, 2)), (5, 2), (3,)),
        # A map of vectors makes an event of the base's last batch axis.
        (lambda: Permute([2, 0, 1])(Normal(jnp.zeros((4, 3)), 1.0)), (4,), (3,)),
        (lambda: Reshape((2, 3))(StandardNormal(6)), (), (2, 3)),
        (lambda: FillTriangular()(StandardNormal(6)), (), (3, 3)),
        (lambda: TransformedDistribution(Normal(0.0, 1.0), SoftmaxCentered(), event_shape=(2,)), (), (3,)),
        # A parameter as wide as the event does not make a batch, one with more axes does.
        (lambda: Scale(jnp.ones(3))(StandardNormal(3)), (), (3,)),
        (lambda: Scale(jnp.ones((5, 1, 3)))(StandardNormal(3)), (5, 1), (3,)),
        (lambda: Scale(jnp.ones(3))(MultivariateNormalDiag(jnp.zeros((2, 3)))), (2,), (3,)),
        (lambda: MultivariateNormalDiag(jnp.zeros((2, 3)), jnp.ones((4, 1, 3))), (4, 2), (3,)),
        (lambda: StandardNormal((2, 3)), (), (2, 3)),
    ],
)
def test_shapes(build, batch, event, key):
    flow = build()
    assert (flow.batch_shape, flow.event_shape, flow.event_dim) == (batch, event, len(event))
    y = jax.eval_shape(lambda key: flow.sample(key, (7, 2)), key)
    assert y.shape == flow.shape((7, 2)) == (7, 2, *batch, *event)
    assert jax.eval_shape(flow.log_prob, y).shape == (7, 2, *batch)


def test_base_noise_is_independent_for_each_member_of_a_batch(key):
    flow = TransformedDistribution(Normal(jnp.zeros((3, 1)), 1.0), Scale(jnp.array([1.0, -2.0, 3.0, 4.0])))
    y = flow.sample(key, (4000,)).reshape(4000, 12)
    correlation = np.corrcoef(y.T) - np.eye(12)
    assert np.abs(correlation).max() < 4.5 / math.sqrt(4000)  # 66 pairs, standard deviation 1/sqrt(n) each
    np.testing.assert_allclose(y.std(0), np.tile([1, 2, 3, 4], 3), rtol=0.06)  # 5 standard deviations of a std


def test_a_batch_equals_vmap_equals_a_loop(key):
    scales, locs = jnp.array([0.5, -2.0, 3.0]), jnp.array([0.0, 1.0, -1.0])
    flow, y = Exp()(Scale(scales)(Normal(locs, jnp.array([1.0, 2.0, 0.5])))), jnp.array([0.3, 1.0, 2.5])
    batched = flow.log_prob(y)
    mapped = jax.vmap(lambda flow, y: flow.log_prob(y))(flow, y)
    members = zip(scales, locs, (1.0, 2.0, 0.5), y, strict=True)
    loop = [Exp()(Scale(s)(Normal(m, d))).log_prob(v) for s, m, d, v in members]
    np.testing.assert_allclose(mapped, batched, rtol=1e-6)
    np.testing.assert_allclose(jnp.stack(loop), batched, rtol=1e-6)
    # NumPyro stores the batch shape; inside vmap ours is that of the leaves, and so are the samples.
    inner = []
    samples = jax.vmap(lambda flow, key: inner.append(flow.batch_shape) or flow.sample(key, (2,)))
    assert samples(flow, jax.random.split(key, 3)).shape == (3, 2)
    assert inner == [()]


def test_a_family_built_by_vmap():
    shifts, y = jnp.arange(6.0).reshape(3, 2), jnp.ones((3, 2))
    family = jax.vmap(lambda shift: TransformedDistribution(StandardNormal(2), Shift(shift)))(shifts)
    each = jax.vmap(lambda flow, y: flow.log_prob(y))(family, y)
    np.testing.assert_allclose(each, StandardNormal(2).log_prob(y - shifts), rtol=1e-6)


def test_log_det_is_summed_over_the_whole_event():
    flow = TransformedDistribution(Normal(0.0, 1.0), Scale(2.0), event_shape=(2, 3))
    expected = Normal(0.0, 2.0).to_event(0).log_prob(jnp.ones((2, 3))).sum()
    np.testing.assert_allclose(flow.log_prob(jnp.ones((2, 3))), expected, rtol=1e-6)


def test_split_and_joined_events():
    halves = Chain([Invert(Split([1, 2])), Split([1, 2])])
    flow = halves(StandardNormal(3))
    np.testing.assert_allclose(flow.log_prob(jnp.arange(3.0)), StandardNormal(3).log_prob(jnp.arange(3.0)), rtol=1e-6)


# ------------------------------------------------------------------ sampling


@pytest.mark.parametrize(
    "flow",
    [
        Chain([Scale(2.0), Sigmoid(), affine(-0.5)])(Normal(0.3, 1.2)),
        Scale(jnp.array([1.0, 3.0]))(Normal(jnp.zeros((3, 1)), 1.0)),
        SoftmaxCentered()(MultivariateNormalDiag(jnp.array([0.3, -0.2]), jnp.array([0.5, 2.0]))),
        affine()(Exp()(Normal(jnp.zeros((3, 1)), 1.0)).expand((3, 2)).to_event(1)),
        Shift(1.0)(MixtureSameFamily(Categorical(probs=jnp.array([0.3, 0.7])), Normal(jnp.array([-2.0, 2.0]), 0.5))),
    ],
    ids=["scalar", "batch", "simplex", "flow of an expanded flow", "mixture"],
)
def test_sample_and_log_prob_agree(flow, key):
    y, log_prob = flow.sample_and_log_prob(key, (50,))
    np.testing.assert_allclose(y, flow.sample(key, (50,)), rtol=1e-6, atol=1e-6)  # another program, fused otherwise
    assert log_prob.shape == (50, *flow.batch_shape)
    # The inverse starts from a rounded y.
    np.testing.assert_allclose(log_prob, flow.log_prob(y), rtol=2e-4, atol=2e-4)


def test_sample_and_log_prob_never_invert(counting, key):
    inner = TransformedDistribution(Normal(jnp.zeros((3, 1)), 1.0), counting)
    flow = TransformedDistribution(inner, counting, batch_shape=(3, 2))
    y, log_prob = flow.sample_and_log_prob(key, (4,))
    assert set(counting.calls) == {"forward"}
    np.testing.assert_allclose(log_prob, Normal(2.0, 1.0).log_prob(y), rtol=1e-6, atol=1e-6)
    # NumPyro's own way to the same.
    y, intermediates = flow.to_event(1).sample_with_intermediates(key, (4,))
    np.testing.assert_allclose(flow.to_event(1).log_prob(y, intermediates), jnp.sum(log_prob, -1), rtol=1e-6)
    assert set(counting.calls) == {"forward"}


def test_sample_shape_may_be_an_integer_and_the_key_of_either_kind():
    flow = Exp()(Normal(0.0, 1.0))
    assert flow.sample(jax.random.key(0), 3).shape == (3,)
    np.testing.assert_array_equal(flow.sample(jax.random.PRNGKey(0), 3), flow.sample(jax.random.key(0), (3,)))


# ------------------------------------------------------------------ compilation


def test_second_call_finds_the_compiled_program(counting, key):
    for loc, scale in ((0.0, 1.0), (0.3, 2.0)):  # other parameters, the same structure
        flow = TransformedDistribution(Normal(loc, scale).expand((2,)).to_event(1), counting)
        flow.log_prob(jnp.ones((3, 2))), flow.sample(key, (3,)), flow.sample_and_log_prob(key, (3,))
        if loc == 0.0:
            traced = len(counting.calls)
    assert len(counting.calls) - traced <= 1  # the shapes of the new object, which are abstract
    flow.log_prob(jnp.zeros((3, 2))), flow.sample(jax.random.key(1), (3,))
    assert len(counting.calls) - traced <= 1


def test_methods_agree_under_jit_and_grad():
    flow = affine()(Normal(0.5, 1.5))
    y = jnp.array([0.3, 2.0])
    np.testing.assert_allclose(jax.jit(lambda flow, y: flow.log_prob(y))(flow, y), flow.log_prob(y), rtol=1e-6)
    gradient = jax.grad(lambda flow: jnp.sum(flow.log_prob(y)))(flow)
    z = (y - 1) / 2
    np.testing.assert_allclose(gradient.base.loc, jnp.sum((z - 0.5) / 1.5**2), rtol=1e-5)
    np.testing.assert_allclose(gradient.bijector[0].shift, jnp.sum((z - 0.5) / 1.5**2 / 2), rtol=1e-5)


def test_leaf_order_and_program_do_not_depend_on_the_hash_seed():
    program = """
        import hashlib, jax, jax.numpy as jnp
        from pushforward.bijectors import Chain, Scale, Shift
        from pushforward.distributions import MultivariateNormalDiag, TransformedDistribution
        base = MultivariateNormalDiag(jnp.zeros(3), jnp.ones(3))
        flow = TransformedDistribution(base, Chain([Shift(jnp.ones(3)), Scale(2.0)]), train_base=True)
        print([jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(flow)])
        text = jax.jit(lambda flow, y: flow.log_prob(y)).lower(flow, jnp.ones(3)).as_text()
        print(hashlib.sha256(text.encode()).hexdigest())
    """
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = (run.communicate(timeout=120)[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert first == second
    assert first.startswith("['.base.loc', '.base.raw_scale', '.bijector.bijectors[0].shift'")


# ------------------------------------------------------------------ dtypes


def test_dtype_of_the_value_decides(x64):
    flow = TransformedDistribution(Normal(jnp.float32(0.3), jnp.float32(1.0)), Scale(jnp.float32(2.0)))

    def dtype(method, value):
        return jax.eval_shape(method, value).dtype

    assert dtype(flow.log_prob, jnp.float64(0.5)) == dtype(flow.cdf, jnp.float64(0.5)) == jnp.float64
    assert dtype(flow.log_prob, jnp.float32(0.5)) == jnp.float32
    assert dtype(flow.log_prob, jnp.bfloat16(0.5)) == jnp.float32
    assert dtype(flow.log_prob, jnp.int32(1)) == jnp.float32  # integers take the model's


def test_samples_have_the_dtype_of_the_model(x64, key):
    for dtype in (jnp.float32, jnp.float64):
        flow = TransformedDistribution(Uniform(0.0, 1.0), Chain([Scale(jnp.asarray(2.0, dtype)), Sigmoid()]))
        y, log_prob = jax.eval_shape(flow.sample_and_log_prob, key)
        assert y.dtype == log_prob.dtype == jax.eval_shape(flow.sample, key).dtype == dtype
    single = TransformedDistribution(StandardNormal(2), Scale(jnp.float32(2.0)))
    assert single.sample(key).dtype == single.log_prob(jnp.zeros(2, jnp.float32)).dtype == jnp.float32


# ------------------------------------------------------------------ moments


def test_moments_of_affine_maps(key):
    flow = TransformedDistribution(Normal(1.0, 3.0), affine(-2.0, 0.5), event_shape=(2,), batch_shape=(4,))
    np.testing.assert_allclose(flow.mean, jnp.full((4, 2), -1.5))
    np.testing.assert_allclose(flow.variance, jnp.full((4, 2), 36.0), rtol=1e-6)
    np.testing.assert_allclose(flow.entropy(), jnp.full(4, 2 * scipy.stats.norm(0, 6).entropy()), rtol=1e-6)


def test_moments_of_a_triangular_map():
    lower = jnp.array([[1.0, 0.0], [2.0, -3.0]])
    flow = TransformedDistribution(MultivariateNormalDiag(jnp.ones(2), jnp.array([1.0, 2.0])), ScaleMatvecTriL(lower))
    covariance = lower @ jnp.diag(jnp.array([1.0, 4.0])) @ lower.T
    np.testing.assert_allclose(flow.mean, lower @ jnp.ones(2))
    np.testing.assert_allclose(flow.variance, jnp.diag(covariance), rtol=1e-6)
    np.testing.assert_allclose(flow.entropy(), MultivariateNormal(jnp.zeros(2), covariance).entropy(), rtol=1e-6)


@pytest.mark.parametrize("what", ["mean", "variance", "entropy"])
def test_what_is_not_exact_is_refused_with_a_cure(what):
    flow = Exp()(Normal(0.0, 1.0))
    with pytest.raises(NotImplementedError, match="sample"):
        flow.entropy() if what == "entropy" else getattr(flow, what)


def test_distribution_functions_of_vectors_are_refused():
    flow = TransformedDistribution(StandardNormal(2), Scale(2.0))
    with pytest.raises(NotImplementedError, match="monotone map of a scalar"):
        flow.cdf(jnp.zeros(2))
    with pytest.raises(NotImplementedError, match="VonMises has none"):
        Scale(2.0)(VonMises(0.0, 1.0)).cdf(0.3)


def test_quantiles_that_numpyro_lacks_are_solved_for(x64):
    mixture = MixtureSameFamily(Categorical(probs=jnp.array([0.3, 0.7])), Normal(jnp.array([-2.0, 2.0]), 0.5))
    for flow in (Exp()(mixture), Scale(-1.0)(mixture)):
        q = jnp.array([1e-6, 0.3, 0.5, 0.999])  # of the mirrored one, 1 - cdf keeps ten digits of 1e-6
        np.testing.assert_allclose(flow.cdf(flow.quantile(q)), q, rtol=1e-9)


def test_quantiles_at_the_ends_and_outside():
    flow = Chain([Scale(-2.0), Sigmoid()])(Normal(0.0, 1.0))
    np.testing.assert_array_equal(flow.quantile(jnp.array([0.0, 1.0, -0.1, 1.1])), [-2, 0, jnp.nan, jnp.nan])
    np.testing.assert_array_equal(flow.cdf(jnp.array([-jnp.inf, -2.0, 0.0, jnp.inf])), [0, 0, 1, 1])


def test_direction_may_differ_between_members_of_a_batch():
    flow = Scale(jnp.array([2.0, -2.0]))(Exponential(1.0))
    np.testing.assert_allclose(flow.cdf(jnp.array(-1.0)), [0, math.exp(-0.5)], rtol=1e-6)
    np.testing.assert_allclose(flow.quantile(jnp.array(0.3)), [-2 * math.log(0.7), 2 * math.log(0.3)], rtol=1e-6)


# ------------------------------------------------------------------ what trains


def test_what_trains():
    base = MultivariateNormalDiag(jnp.zeros(2), jnp.ones(2))

    def leaves(model):
        return jax.tree.leaves(trainable(model))

    assert leaves(TransformedDistribution(Normal(jnp.zeros(2), jnp.ones(2)), Scale(2.0))) == [False, False, True]
    assert leaves(TransformedDistribution(base, Scale(2.0))) == [False, False, True]
    assert leaves(TransformedDistribution(base, Scale(2.0), train_base=True)) == [True, True, True]
    assert leaves(freeze(TransformedDistribution(base, Scale(2.0), train_base=True))) == [False, False, False]
    assert leaves(TransformedDistribution(freeze(base), Scale(2.0), train_base=True)) == [False, False, True]
    assert leaves(base) == [True, True]


@pytest.mark.parametrize("base", [Normal(jnp.zeros(2), 1.0), StandardNormal(2)])
def test_a_base_that_cannot_train_is_refused(base):
    with pytest.raises(ValueError, match="MultivariateNormalDiag"):
        TransformedDistribution(base, Scale(2.0), train_base=True)


def test_partition_combine_and_tree_at_keep_the_distribution(key):
    flow = TransformedDistribution(Uniform(0.0, 1.0), affine(), event_shape=(2,))
    parameters, constants = eqx.partition(flow, trainable(flow))
    again = eqx.combine(parameters, constants)
    np.testing.assert_array_equal(again.log_prob(jnp.full(2, 1.5)), flow.log_prob(jnp.full(2, 1.5)))
    moved = eqx.tree_at(lambda flow: flow.bijector[0].shift, flow, jnp.asarray(5.0))
    np.testing.assert_allclose(moved.mean, jnp.full(2, 6.0))
    placeholders = jax.tree.unflatten(jax.tree.structure(flow), [object()] * len(jax.tree.leaves(flow)))
    assert isinstance(placeholders, TransformedDistribution)


# ------------------------------------------------------------------ normal bases


def test_multivariate_normal_diag():
    loc, scale = jnp.array([0.5, -1.0, 2.0]), jnp.array([1e-4, 1.0, 300.0])
    ours, y = MultivariateNormalDiag(loc, scale), jnp.array([[0.5, 0.0, 10.0], [0.5001, 3.0, -500.0]])
    theirs = Normal(loc, scale).to_event(1)
    np.testing.assert_allclose(ours.scale_diag, scale, rtol=1e-6)  # raw_scale = -9.2 for 1e-4: ten roundings
    # 0.5001 - 0.5 over 1e-4: the difference of rounded numbers.
    np.testing.assert_allclose(ours.log_prob(y), theirs.log_prob(y), rtol=1e-5)
    np.testing.assert_allclose(ours.mean, theirs.mean)
    np.testing.assert_allclose(ours.variance, theirs.variance, rtol=1e-6)
    np.testing.assert_allclose(ours.entropy(), theirs.entropy(), rtol=3e-6)
    samples = ours.sample(jax.random.key(0), (4000,))
    assert max(scipy.stats.kstest((samples[:, i] - loc[i]) / scale[i], "norm").statistic for i in range(3)) < 0.031


@pytest.mark.parametrize(
    ("arguments", "scale"),
    [
        ({"loc": [0.0, 0.0]}, [1, 1]),
        ({"scale_diag": [2.0, 3.0]}, [2, 3]),
        ({"loc": [0.0, 0.0], "scale_identity_multiplier": 0.5}, [0.5, 0.5]),
        ({"scale_diag": [2.0, 3.0], "scale_identity_multiplier": 0.5}, [2.5, 3.5]),
        ({"loc": [0.0, 0.0], "scale_identity_multiplier": [0.5, 2.0]}, [[0.5, 0.5], [2, 2]]),
    ],
)
def test_multivariate_normal_diag_takes_tfp_s_arguments(arguments, scale):
    normal = MultivariateNormalDiag(**arguments)
    np.testing.assert_allclose(normal.scale_diag, scale, rtol=1e-6)
    assert (normal.batch_shape, normal.event_shape) == (np.shape(scale)[:-1], (2,))
    np.testing.assert_array_equal(normal.loc, [0, 0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "loc=jnp.zeros"),
        ({"loc": 0.0}, "scalar"),
        ({"loc": [0.0], "scale_diag": [-1.0]}, "positive"),
        ({"loc": [0.0, 0.0], "scale_diag": [1.0, 1.0, 1.0]}, "shape"),
    ],
)
def test_multivariate_normal_diag_refuses(arguments, words):
    with pytest.raises(ValueError, match=words):
        MultivariateNormalDiag(**arguments)


def test_standard_normal():
    y = jnp.array([[0.5, -2.0], [jnp.nan, 0.0], [jnp.inf, 0.0]])
    log_prob = StandardNormal(2).log_prob(y)
    np.testing.assert_allclose(log_prob, [scipy.stats.norm.logpdf([0.5, -2.0]).sum(), jnp.nan, -jnp.inf], rtol=1e-6)
    np.testing.assert_allclose(StandardNormal(2).entropy(), 2 * scipy.stats.norm.entropy(), rtol=1e-6)
    assert jax.tree.leaves(StandardNormal(2)) == []
    np.testing.assert_allclose(StandardNormal(()).log_prob(0.3), scipy.stats.norm.logpdf(0.3), rtol=1e-6)


# ------------------------------------------------------------------ conditional


@pytest.fixture
def conditional():
    weights = jnp.array([[1.0, 0.0, 2.0], [0.0, -1.0, 0.5]])
    return ConditionalDistribution(StandardNormal(2), Chain([ShiftedByCondition(weights), Scale(2.0)]), 3)


def test_a_condition_makes_an_ordinary_distribution(conditional, key):
    c = jax.random.normal(key, (5, 4, 3))
    flow = conditional(c)
    assert isinstance(flow, TransformedDistribution)
    assert (flow.batch_shape, flow.event_shape, conditional.event_shape) == ((5, 4), (2,), (2,))
    y = flow.sample(key)
    expected = Normal(c @ conditional.bijector[0].weights.T, 2.0).to_event(1).log_prob(y)
    np.testing.assert_allclose(flow.log_prob(y), expected, rtol=1e-5)
    np.testing.assert_allclose(jax.vmap(jax.vmap(lambda c, y: conditional(c).log_prob(y)))(c, y), expected, rtol=1e-5)
    assert conditional.condition(c[0, 0]).batch_shape == ()
    assert flow.sample(key, (6,)).shape == (6, 5, 4, 2)


def test_what_trains_in_a_conditional_distribution():
    base = MultivariateNormalDiag(jnp.zeros(2))
    bijector = ShiftedByCondition(jnp.ones((2, 3)))

    def leaves(model):
        return jax.tree.leaves(trainable(model))

    assert leaves(ConditionalDistribution(base, bijector, 3)) == [False, False, True]
    assert leaves(ConditionalDistribution(base, bijector, 3, train_base=True)) == [True, True, True]
    assert leaves(freeze(ConditionalDistribution(base, bijector, 3, train_base=True))) == [False, False, False]
    # A bound condition is data.
    assert leaves(ConditionalDistribution(base, bijector, 3, train_base=True)(jnp.ones(3))) == [True, True, True, False]


@pytest.mark.parametrize("call", ["log_prob", "sample", "sample_and_log_prob"])
def test_unbound_use_says_what_to_write(conditional, call):
    with pytest.raises(TypeError, match=rf"flow\(c\)\.{call}"):
        getattr(conditional, call)(jnp.zeros(2))


@pytest.mark.parametrize("shape", [(), (2,), (3, 1)])
def test_conditions_of_another_size_are_refused(conditional, shape):
    with pytest.raises(ValueError, match=r"\[batch axes \| 3\], and got"):
        conditional(jnp.zeros(shape))


# ------------------------------------------------------------------ words


def test_repr_is_a_tree(conditional):
    flow = TransformedDistribution(Normal(0.0, 1.0), affine(), event_shape=(3,))
    assert repr(flow) == textwrap.dedent(
        """\
        TransformedDistribution(event_shape=(3,))
        ├─ base: Normal(loc=0.0, scale=1.0)
        └─ bijector: Chain
           ├─ applied 1: Scale(scale=2)
           └─ applied 2: Shift(shift=1)"""
    )
    assert repr(conditional).startswith("ConditionalDistribution(base=StandardNormal((2,)), condition_dim=3")
    assert "MultivariateNormalDiag(loc=f32[2]" in repr(Scale(2.0)(MultivariateNormalDiag(jnp.zeros(2))))
    assert "Normal(loc=0.0, scale=1.0).expand((2,)).to_event(1)" in repr(
        Scale(2.0)(Normal(0.0, 1.0).expand([2]).to_event(1))
    )


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: TransformedDistribution(Scale(2.0), Normal(0.0, 1.0)), TypeError, "in this order"),
        (lambda: TransformedDistribution(Normal(0.0, 1.0), [Scale(2.0)]), TypeError, "Chain"),
        (lambda: TransformedDistribution(Normal(0.0, 1.0), Permute([0, 1])), ValueError, "event_shape="),
        (lambda: TransformedDistribution(StandardNormal(3), Split([1, 2])), TypeError, "Invert"),
        (lambda: TransformedDistribution(Categorical(probs=jnp.ones(3) / 3), Exp()), ValueError, "Dequantise"),
        (lambda: TransformedDistribution(StandardNormal(3), Exp(), event_shape=(2,)), ValueError, "to_event"),
        (lambda: ConditionalDistribution(StandardNormal(3), Exp(), 0), ValueError, "condition_dim"),
        (lambda: Exp()(Normal(0.0, 1.0)).sample(1000), TypeError, "random key"),
        (lambda: Exp()(StandardNormal(3)).log_prob(jnp.zeros((3, 2))), ValueError, r"\| \(3,\)\], and got \(3, 2\)"),
        (lambda: Exp()(StandardNormal(3)).log_prob(0.0), ValueError, "one event"),
        (lambda: Exp()(Normal(jnp.zeros(3), 1.0)).log_prob(jnp.zeros(2)), ValueError, "batch shape"),
        (lambda: Exp()(Normal(0.0, 1.0)).log_prob("text"), TypeError, "numbers"),
    ],
)
def test_errors_name_the_argument_and_the_cure(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_the_distributions_people_expect_are_here():
    expected = (
        "Normal Uniform Exponential Logistic MultivariateNormal MixtureGeneral Categorical Beta Cauchy HalfNormal"
    )
    for name in [*expected.split(), "Gamma", "Laplace", "StudentT", "Independent"]:
        assert getattr(distributions, name) is getattr(numpyro.distributions, name)
        assert name in distributions.__all__
