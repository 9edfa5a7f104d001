"""Distribution functions: SciPy's values, ends of domains, concentrations near 0, mixtures, any NumPyro law."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.distributions import biject_to, constraints
from scipy import special, stats

from pushforward import trainable
from pushforward.bijectors import (
    CDF,
    Chain,
    Exp,
    FrechetCDF,
    GeneralizedExtremeValueCDF,
    GeneralizedPareto,
    GompertzCDF,
    GumbelCDF,
    Invert,
    KumaraswamyCDF,
    MixtureOfLogisticsCDF,
    MoyalCDF,
    RayleighCDF,
    Scale,
    Shift,
    ShiftedGompertzCDF,
    Sigmoid,
    Softplus,
    WeibullCDF,
)
from pushforward.core.elementary import log_one_minus, power, scaled_expm1, scaled_log1p
from pushforward.distributions import Normal, TransformedDistribution, Uniform
from pushforward.testing.programs import fast_jit

INF = np.inf


@fast_jit()
def observe(table):
    """name -> (y, log-det, x, log-det) of forward at the first points and of inverse at the second."""
    return {name: (*b.forward_and_log_det(x), *b.inverse_and_log_det(y)) for name, (b, x, y) in table.items()}


# ------------------------------------------------------------------ SciPy's values

X, P = np.array([0.05, 0.4, 1.3, 2.9]), np.array([1e-9, 0.03, 0.5, 0.999])
LAWS = {
    "Weibull": (lambda: WeibullCDF(1.5, 0.7), stats.weibull_min(0.7, scale=1.5)),
    "Rayleigh": (lambda: RayleighCDF(0.6), stats.rayleigh(scale=0.6)),
    "Frechet": (lambda: FrechetCDF(-0.5, 1.5, 2.3), stats.invweibull(2.3, loc=-0.5, scale=1.5)),
    "Gumbel": (lambda: GumbelCDF(0.3, 1.5), stats.gumbel_r(0.3, 1.5)),
    "Moyal": (lambda: MoyalCDF(0.3, 1.5), stats.moyal(0.3, 1.5)),
    "Gompertz": (lambda: GompertzCDF(0.4, 1.7), stats.gompertz(0.4, scale=1 / 1.7)),
    "extreme value": (lambda: GeneralizedExtremeValueCDF(0.3, 1.5, 0.4), stats.genextreme(-0.4, 0.3, 1.5)),
    "bounded extreme value": (lambda: GeneralizedExtremeValueCDF(0.3, 1.5, -0.4), stats.genextreme(0.4, 0.3, 1.5)),
    "transformed": (
        lambda: CDF(TransformedDistribution(Normal(0.3, 1.5), Chain([Exp()]))),
        stats.lognorm(1.5, scale=np.exp(0.3)),
    ),
}


@pytest.fixture(scope="module")
def observed():
    with jax.enable_x64(True):
        table = {name: (build(), jnp.asarray(X), jnp.asarray(P)) for name, (build, _) in LAWS.items()}
        return jax.device_get(observe(table))


@pytest.mark.parametrize("name", LAWS)
def test_scipy(observed, name):
    y, log_det, x, inverse_log_det = observed[name]
    law = LAWS[name][1]
    np.testing.assert_allclose(y, law.cdf(X), rtol=1e-11)
    np.testing.assert_allclose(log_det, law.logpdf(X), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(x, law.ppf(P), rtol=1e-11)
    np.testing.assert_allclose(inverse_log_det, -law.logpdf(law.ppf(P)), rtol=1e-11, atol=1e-11)


def test_without_scipy(x64):
    """Figures of the laws that SciPy lacks, by their formulas, and the softplus and sigmoid of GeneralizedPareto."""
    x = np.array([0.1, 0.5, 0.9])
    y, log_det, back, _ = observe({"": (KumaraswamyCDF(1.5, 0.7), jnp.asarray(x), jnp.asarray(x))})[""]
    np.testing.assert_allclose(y, 1 - (1 - x**1.5) ** 0.7, rtol=1e-14)
    np.testing.assert_allclose(log_det, np.log(1.5 * 0.7 * x**0.5 * (1 - x**1.5) ** -0.3), rtol=1e-13)
    np.testing.assert_allclose(back, (1 - (1 - x) ** (1 / 0.7)) ** (1 / 1.5), rtol=1e-13)

    y, log_det, back, _ = observe({"": (ShiftedGompertzCDF(0.4, 1.7), jnp.asarray(x), jnp.asarray(x))})[""]
    q = np.exp(-1.7 * x)
    np.testing.assert_allclose(y, (1 - q) * np.exp(-q / 0.4), rtol=1e-14)
    np.testing.assert_allclose(log_det, np.log(1.7 * q * np.exp(-q / 0.4) * (1 + (1 - q) / 0.4)), rtol=1e-13)
    lambert = 0.4 * special.lambertw(x * np.exp(1 / 0.4) / 0.4).real
    np.testing.assert_allclose(back, -np.log1p(-lambert) / 1.7, rtol=1e-13)

    c = jnp.array([0.3, 0.0, -0.5])
    y, log_det, *_ = observe({"": (GeneralizedPareto(1.0, 2.0, c), jnp.asarray(x), jnp.full(3, 2.0))})[""]
    for i, b in enumerate((Softplus(low=1.0), Softplus(low=1.0), Sigmoid(1.0, 5.0))):
        want = b.forward_and_log_det(jnp.asarray(x[i]))
        np.testing.assert_allclose([y[i], log_det[i]], want, rtol=1e-14)


# -------------------------------------------------------------- the ends of domains

# bijector; (x, y, log-det) of forward; (y, x, log-det) of inverse.
ENDS = {
    "WeibullCDF below the exponential": (
        WeibullCDF(2.0, 0.5),
        [(0.0, 0, INF), (-1.0, 0, -INF), (INF, 1, -INF)],
        [(0.0, 0, -INF), (1.0, INF, INF)],
    ),
    "WeibullCDF, exponential": (
        WeibullCDF(2.0, 1.0),
        [(0.0, 0, -np.log(2)), (-1.0, 0, -INF), (INF, 1, -INF)],
        [(0.0, 0, np.log(2)), (1.0, INF, INF)],
    ),
    "WeibullCDF beyond it": (
        WeibullCDF(2.0, 3.0),
        [(0.0, 0, -INF), (-1.0, 0, -INF), (INF, 1, -INF)],
        [(0.0, 0, INF), (1.0, INF, INF)],
    ),
    "RayleighCDF": (
        RayleighCDF(2.0),
        [(0.0, 0, -INF), (-1.0, 0, -INF), (INF, 1, -INF)],
        [(0.0, 0, INF), (1.0, INF, INF)],
    ),
    "FrechetCDF": (
        FrechetCDF(1.0, 2.0, 3.0),
        [(1.0, 0, -INF), (0.0, 0, -INF), (INF, 1, -INF)],
        [(0.0, 1, INF), (1.0, INF, INF)],
    ),
    "GumbelCDF": (GumbelCDF(1.0, 2.0), [(-INF, 0, -INF), (INF, 1, -INF)], [(0.0, -INF, INF), (1.0, INF, INF)]),
    "MoyalCDF": (MoyalCDF(1.0, 2.0), [(-INF, 0, -INF), (INF, 1, -INF)], [(0.0, -INF, INF), (1.0, INF, INF)]),
    "GompertzCDF": (
        GompertzCDF(2.0, 3.0),
        [(0.0, 0, np.log(6)), (-1.0, 0, -INF), (INF, 1, -INF)],
        [(0.0, 0, -np.log(6)), (1.0, INF, INF)],
    ),
    "ShiftedGompertzCDF": (
        ShiftedGompertzCDF(0.5, 3.0),
        [(0.0, 0, np.log(3) - 2), (-1.0, 0, -INF), (INF, 1, -INF)],
        [(0.0, 0, 2 - np.log(3)), (1.0, INF, INF)],
    ),
    "KumaraswamyCDF, steep at the ends": (
        KumaraswamyCDF(0.5, 0.5),
        [(0.0, 0, INF), (1.0, 1, INF), (-1.0, 0, -INF), (2.0, 1, -INF)],
        [(0.0, 0, -INF), (1.0, 1, -INF)],
    ),
    "KumaraswamyCDF, uniform": (
        KumaraswamyCDF(),
        [(0.0, 0, 0), (1.0, 1, 0), (-1.0, 0, -INF), (2.0, 1, -INF)],
        [(0.0, 0, 0), (1.0, 1, 0)],
    ),
    "KumaraswamyCDF, flat at the ends": (
        KumaraswamyCDF(2.0, 3.0),
        [(0.0, 0, -INF), (1.0, 1, -INF)],
        [(0.0, 0, INF), (1.0, 1, INF)],
    ),
    "GeneralizedExtremeValueCDF of concentration 0": (
        GeneralizedExtremeValueCDF(1.0, 2.0),
        [(-INF, 0, -INF), (INF, 1, -INF)],
        [(0.0, -INF, INF), (1.0, INF, INF)],
    ),
    "GeneralizedExtremeValueCDF of concentration 1/2": (
        GeneralizedExtremeValueCDF(1.0, 2.0, 0.5),
        [(-3.0, 0, -INF), (-9.0, 0, -INF), (-INF, 0, -INF), (INF, 1, -INF)],
        [(0.0, -3, INF), (1.0, INF, INF)],
    ),
    "GeneralizedExtremeValueCDF of concentration -1/2": (
        GeneralizedExtremeValueCDF(1.0, 2.0, -0.5),
        [(5.0, 1, -INF), (9.0, 1, -INF), (INF, 1, -INF), (-INF, 0, -INF)],
        [(0.0, -INF, INF), (1.0, 5, INF)],
    ),
    "GeneralizedExtremeValueCDF of concentration -1": (
        GeneralizedExtremeValueCDF(1.0, 2.0, -1.0),
        [(3.0, 1, -np.log(2)), (9.0, 1, -INF)],
        [(1.0, 3, np.log(2))],
    ),
    "GeneralizedExtremeValueCDF of concentration -2": (
        GeneralizedExtremeValueCDF(1.0, 2.0, -2.0),
        [(2.0, 1, INF), (9.0, 1, -INF)],
        [(1.0, 2, -INF)],
    ),
    "MixtureOfLogisticsCDF": (
        MixtureOfLogisticsCDF([0.0, 1.0], [0.0, 1.0], [1.0, 2.0]),
        [(-INF, 0, -INF), (INF, 1, -INF)],
        [(0.0, -INF, INF), (1.0, INF, INF)],
    ),
    "MixtureOfLogisticsCDF with logit": (
        MixtureOfLogisticsCDF([0.0, 1.0], [0.0, 1.0], [1.0, 2.0], logit=True),
        [(-INF, -INF, -np.log(2)), (INF, INF, -np.log(2))],
        [(-INF, -INF, np.log(2)), (INF, INF, np.log(2))],
    ),
    "CDF on an interval": (
        CDF(dist.Uniform(1.0, 3.0)),
        [(0.0, 0, -INF), (1.0, 0, -np.log(2)), (3.0, 1, -np.log(2)), (9.0, 1, -INF), (INF, 1, -INF)],
        [(0.0, 1, np.log(2)), (1.0, 3, np.log(2))],
    ),
    "CDF on a half-line": (
        CDF(dist.Exponential(2.0)),
        [(-1.0, 0, -INF), (INF, 1, -INF)],
        [(1.0, INF, INF)],
    ),
}


@pytest.fixture(scope="module")
def at_ends():
    table = {name: (b, *(jnp.array([r[0] for r in rows]) for rows in both)) for name, (b, *both) in ENDS.items()}
    return jax.device_get(observe(table))


@pytest.mark.parametrize("name", ENDS)
def test_ends(at_ends, name):
    seen = at_ends[name]
    for rows, got in zip(ENDS[name][1:], (seen[:2], seen[2:]), strict=True):
        want = np.array(rows)[:, 1:].T
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)


def test_gradients_by_parameters_at_the_ends():
    @fast_jit()
    def gradients(bijectors):
        def total(bijectors):
            shape_laws, unit = bijectors
            x = jnp.array([0.0, 1e-30, 1.0, 50.0])
            values = [jnp.sum(b.forward(x)) for b in shape_laws]
            values += [jnp.sum(b.forward_log_det_jacobian(jnp.array([1.0, 50.0]))) for b in shape_laws]
            return sum(values) + jnp.sum(unit.forward(jnp.array([0.0, 0.3, 1.0])))

        return jax.grad(total)(bijectors)

    laws = [WeibullCDF(2.0, 0.5), WeibullCDF(2.0, 1.0), RayleighCDF(1.0), FrechetCDF(0.0, 1.0, 2.0)]
    laws += [GompertzCDF(0.1, 0.1), ShiftedGompertzCDF(0.1, 0.1), GeneralizedExtremeValueCDF(0.0, 1.0, -0.02)]
    for leaf in jax.tree.leaves(gradients((laws, KumaraswamyCDF(0.5, 0.5)))):
        assert np.isfinite(leaf).all()


# ---------------------------------------------------- concentrations near 0, at 50 digits


def test_extreme_values_of_small_concentration():
    """Value, log-density and their derivatives in c, through c = 0 and across the change of formula."""
    c = np.float32([0, 1e-30, -1e-30, 1e-12, -1e-8, 1e-4, -0.01, 0.05, -0.05, 0.08, 0.2, -0.2])
    x = np.float32(1.75)

    @jax.jit
    def look(c):
        outputs = jax.vmap(lambda c: GeneralizedExtremeValueCDF(0.0, 1.0, c).forward_and_log_det(x))(c)
        slopes = [
            jax.vmap(jax.grad(lambda c, k=k: GeneralizedExtremeValueCDF(0.0, 1.0, c).forward_and_log_det(x)[k]))(c)
            for k in (0, 1)
        ]
        back = jax.vmap(lambda c: GeneralizedExtremeValueCDF(0.0, 1.0, c).inverse(0.8))(c)
        back_slope = jax.vmap(jax.grad(lambda c: GeneralizedExtremeValueCDF(0.0, 1.0, c).inverse(0.8)))(c)
        return *outputs, *slopes, back, back_slope

    def g(c):
        return mp.log1p(c * mp.mpf(1.75)) / c if c else mp.mpf(1.75)

    def z(c):
        gumbel = -mp.log(-mp.log(mp.mpf(float(np.float32(0.8)))))
        return mp.expm1(c * gumbel) / c if c else gumbel

    references = [lambda c: mp.exp(-mp.exp(-g(c))), lambda c: -(1 + c) * g(c) - mp.exp(-g(c))]
    with mp.workdps(80):

        def slope(fn):
            # Across c = 0, where the formula has no value of its own.
            return lambda c: (fn(c + mp.mpf(10) ** -25) - fn(c - mp.mpf(10) ** -25)) / (2 * mp.mpf(10) ** -25)

        functions = [*references, *map(slope, references), z, slope(z)]
        for got, fn in zip(look(c), functions, strict=True):
            want = [float(fn(mp.mpf(float(v)))) for v in c]
            np.testing.assert_allclose(got, want, rtol=5e-6)


def test_second_derivatives_through_zero(x64):
    def second(fn):
        return jax.jit(jax.vmap(jax.grad(jax.grad(fn, argnums=1), argnums=1)))

    x, c = jnp.full(3, 1.5), jnp.array([0.0, 1e-9, -1e-3])
    with mp.workdps(60):
        for fn, series in (
            (scaled_log1p, lambda x, c: sum((-1) ** n * x ** (n + 1) * c**n / (n + 1) for n in range(30))),
            (scaled_expm1, lambda x, c: sum(x ** (n + 1) * c**n / mp.factorial(n + 1) for n in range(30))),
        ):
            want = [float(mp.diff(lambda c, s=series: s(mp.mpf(1.5), c), float(v), 2)) for v in c]
            np.testing.assert_allclose(second(fn)(x, c), want, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers(dtype):
    x = np.array([1e-37, 3e-20, 0.3, 0.7071, 1.0, 1.4, 5e11, 3e38, 0.9, 2.0], dtype)
    k = np.array([0.7, -1.3, 40.0, 200.0, 3.0, -200.0, 3.1, 0.9, -1e3, 1e9], dtype)
    with jax.enable_x64(dtype is np.float64), mp.workdps(50):
        got = jax.jit(power)(x, k)
        slopes = jax.vmap(jax.grad(power, argnums=(0, 1)))(x, k)
        want = [mp.mpf(float(a)) ** mp.mpf(float(b)) for a, b in zip(x, k, strict=True)]
        largest = mp.mpf(float(np.finfo(dtype).max))
        for i, (value, right) in enumerate(zip(got, want, strict=True)):
            if right > largest:
                assert np.isinf(value)
                continue
            allowed = (4 + abs(k[i])) * np.finfo(dtype).eps * right + np.finfo(dtype).tiny
            assert abs(mp.mpf(float(value)) - right) <= allowed, (x[i], k[i])
            by_x, by_k = (
                float(max(min(right * float(k[i]) / float(x[i]), largest), -largest)),
                float(right * mp.log(mp.mpf(float(x[i])))),
            )
            np.testing.assert_allclose([s[i] for s in slopes], [by_x, by_k], rtol=1e-4, atol=1e-30)


def test_log_one_minus():
    log_p = np.float32([-1e-30, -1e-7, -0.3, -0.36, -1.0, -20.0, -90.0])
    got = jax.jit(log_one_minus)(np.exp(log_p), log_p)
    with mp.workdps(50):
        want = [float(mp.log(-mp.expm1(mp.mpf(float(v))))) for v in log_p]
    np.testing.assert_allclose(got, want, rtol=5e-7, atol=1e-38)


# ------------------------------------------------------------------------- mixtures


def test_mixture_of_logistics_is_numpyros(x64):
    logits, locs, scales = jnp.array([0.3, -0.5, 1.1]), jnp.array([-2.0, 0.5, 3.0]), jnp.array([0.4, 1.5, 0.9])
    law = dist.MixtureSameFamily(dist.Categorical(logits=logits), dist.Logistic(locs, scales))
    x = jnp.linspace(-9.0, 9.0, 13)
    plain, logit = (MixtureOfLogisticsCDF(logits, locs, scales, logit=flag) for flag in (False, True))
    seen = observe({"plain": (plain, x, law.cdf(x)), "logit": (logit, x, special.logit(law.cdf(x)))})
    y, log_det, back, _ = seen["plain"]
    np.testing.assert_allclose(y, law.cdf(x), rtol=1e-13)
    np.testing.assert_allclose(log_det, law.log_prob(x), rtol=1e-13)
    np.testing.assert_allclose(back, x, rtol=1e-11, atol=1e-13)
    y, log_det, back, _ = seen["logit"]
    np.testing.assert_allclose(y, special.logit(law.cdf(x)), rtol=1e-11)
    cdf = law.cdf(x)
    np.testing.assert_allclose(log_det, law.log_prob(x) - jnp.log(cdf * (1 - cdf)), rtol=1e-9)
    np.testing.assert_allclose(back, x, rtol=1e-9, atol=1e-13)


def test_mixture_batches():
    """Each element has its own mixture, the last axis of the parameters; here as a network of Flow++ gives them."""
    logits, locs, log_scales = jax.random.normal(jax.random.key(0), (3, 5, 4, 6))
    mixture = MixtureOfLogisticsCDF(logits, locs, log_scales=log_scales, logit=True)
    layer = Chain([Shift(0.5), Scale(log_scale=-0.2), mixture])
    x = jnp.ones((2, 5, 4))
    y, log_det = jax.jit(lambda b, x: b.forward_and_log_det(x, 1))(layer, x)
    assert (y.shape, log_det.shape) == ((2, 5, 4), (2, 5))
    one = jax.tree.map(lambda a: a[2, 3], mixture)
    np.testing.assert_allclose(y[1, 2, 3], np.exp(-0.2) * one.forward(1.0) + 0.5, rtol=1e-6)
    assert mixture.batch_shape(()) == (5, 4)


# ---------------------------------------------------------------- of any distribution


def test_cdf_is_quiet_and_does_not_train():
    law = dist.HalfNormal(jnp.array([1.0, 2.0]), validate_args=True)
    b = CDF(law)
    assert b.domain is constraints.positive
    assert not any(jax.tree.leaves(trainable(b)))
    # NumPyro's validation would make -inf of this, with a warning.
    assert np.isnan(b.forward_log_det_jacobian([jnp.nan, 1.0])[0])
    assert repr(CDF(dist.Gamma(2.0, jnp.ones(3)))) == "CDF(distribution=Gamma(concentration=2, rate=f32[3]))".replace(
        "concentration=2", "concentration=f32[1]"
    )
    flow = CDF(TransformedDistribution(Normal(0.0, 1.0), Scale(2.0)))
    assert any(jax.tree.leaves(trainable(flow)))


def test_slope_where_the_formula_has_none():
    """NumPyro's distribution function of Student's law has the derivative 0 times infinity at its centre."""
    slope = jax.grad(CDF(dist.StudentT(4.0, 0.5, 2.0)).forward)(0.5)
    assert float(slope) == pytest.approx(stats.t(4, 0.5, 2.0).pdf(0.5), rel=1e-6)


def test_derivatives_of_a_quantile_found_by_bisection(x64):
    """By rate dx = -x / rate, by y dx = dy / p(x); of Beta there is none by the parameters, and none is asked for."""

    @fast_jit()
    def look(rate, y):
        def x_of(rate, y):
            return CDF(dist.Gamma(2.5, rate)).inverse(y)

        x, slopes = jax.value_and_grad(x_of, argnums=(0, 1))(rate, y)
        beta = CDF(dist.Beta(2.0, 1.5))
        b_slope, second = jax.value_and_grad(jax.grad(beta.inverse))(y)
        return x, slopes, beta.inverse_and_log_det(y), b_slope, second

    x, (by_rate, by_y), (b, log_det), b_slope, second = look(1.7, 0.3)
    law = stats.gamma(2.5, scale=1 / 1.7)
    np.testing.assert_allclose([x, by_rate, by_y], [law.ppf(0.3), -x / 1.7, 1 / law.pdf(x)], rtol=1e-7)
    law = stats.beta(2.0, 1.5)
    np.testing.assert_allclose([b, b_slope, log_det], [law.ppf(0.3), 1 / law.pdf(b), -law.logpdf(b)], rtol=1e-7)
    # d/dy (1 / p(x)) = -p'(x) / p(x)^3, p'(x) / p(x) = 1 / x - 1 / (2 (1 - x)).
    np.testing.assert_allclose(second, -(1 / b - 0.5 / (1 - b)) * b_slope**2, rtol=1e-7)


# -------------------------------------------------------------------- as distributions


def test_densities(x64):
    x = jnp.array([-1.0, 0.0, 0.5, 40.0])

    @jax.jit
    def log_probs(x):
        laws = [WeibullCDF(2.0, 1.0), GeneralizedExtremeValueCDF(0.0, 1.0, jnp.array([0.5, -0.5]))]
        weibull, extreme = (TransformedDistribution(Uniform(0.0, 1.0), Invert(b)) for b in laws)
        return weibull.log_prob(x), extreme.log_prob(x[:, None])

    weibull, extreme = log_probs(x)
    # At 0, too, where SciPy and TensorFlow Probability have the density of an exponential law.
    np.testing.assert_allclose(weibull, stats.expon(scale=2).logpdf(x), rtol=1e-13)
    want = np.stack([stats.genextreme(c).logpdf(x) for c in (-0.5, 0.5)], axis=-1)
    np.testing.assert_allclose(extreme, want, rtol=1e-12)


def test_one_number_against_batched_ends():
    """The point put in place of one outside the domain has the axes of the ends."""
    ends = jnp.array([1.0, 2.0, 3.0])
    laws = TransformedDistribution(Uniform(0.0, 1.0), Invert(FrechetCDF(ends, 1.0, 2.0)))
    np.testing.assert_allclose(laws.log_prob(2.5), stats.invweibull(2, loc=ends).logpdf(2.5), rtol=1e-6)
    y, log_det = CDF(dist.Uniform(0.0, ends)).forward_and_log_det(1.5)
    np.testing.assert_allclose([y, log_det], [[1, 0.75, 0.5], [-np.inf, -np.log(2), -np.log(3)]], rtol=1e-6)


def test_domain_of_extreme_values():
    def domain(c):
        return GeneralizedExtremeValueCDF(1.0, 2.0, c).domain

    assert domain(0.0) is constraints.real
    above, below = domain(0.5), domain([-0.5, -1.0])
    assert isinstance(above, constraints.greater_than_eq)
    assert float(above.lower_bound) == -3.0
    assert isinstance(below, constraints.less_than_eq)
    np.testing.assert_array_equal(below.upper_bound, [5, 3])
    # So NumPyro knows coordinates for them.
    assert np.isfinite(biject_to(above)(0.0))
    for mixed in (domain([0.5, 0.0, -0.5]), jax.jit(lambda c: domain(c).feasible_like(c))(jnp.array([0.5, 0.0, -0.5]))):
        point = mixed if isinstance(mixed, jax.Array) else mixed.feasible_like(jnp.zeros((2, 3)))
        np.testing.assert_array_equal(jnp.broadcast_to(point, (2, 3)), [[-2, 0, 4]] * 2)
    np.testing.assert_array_equal(domain([0.5, 0.0, -0.5])(jnp.array([-3.0, -1e30, 5.0])), True)
    np.testing.assert_array_equal(domain([0.5, 0.0, -0.5])(jnp.array([-3.1, 0.0, 5.1])), [False, True, False])

    ends = GeneralizedPareto(1.0, 2.0, [0.5, -0.5]).codomain
    np.testing.assert_array_equal(ends(jnp.array([[1.0, 1.0], [9.0, 4.9], [9.0, 5.0]])), [[0, 0], [1, 1], [1, 0]])
    assert isinstance(GeneralizedPareto(1.0, 2.0, -0.5).codomain, constraints.open_interval)
    # scale / |c| overflows: there is no upper end.
    assert isinstance(GeneralizedPareto(1.0, 2.0, -1e-38).codomain, constraints.greater_than)


def test_half_precision():
    laws = [WeibullCDF(1.5, 0.7), KumaraswamyCDF(1.5, 0.7), MoyalCDF(), GeneralizedExtremeValueCDF(0.0, 1.0, 0.2)]
    run = fast_jit()(lambda x: [(*b.forward_and_log_det(x), b.inverse(b.forward(x))) for b in laws])
    for dtype in (jnp.bfloat16, jnp.float16):
        x = jnp.array([0.25, 0.75], dtype)
        for y, log_det, back in run(x):
            assert (y.dtype, log_det.dtype, back.dtype) == (dtype, jnp.float32, dtype)
            np.testing.assert_allclose(back.astype(float), x.astype(float), rtol=0.1)


# ------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: WeibullCDF(scale=0.0), ValueError, "WeibullCDF: scale: expected positive"),
        (lambda: WeibullCDF(concentration=[1.0, -1.0]), ValueError, "concentration: expected positive"),
        (lambda: WeibullCDF([1.0, 2.0], [1.0, 2.0, 3.0]), ValueError, r"scale \(2,\), concentration \(3,\)"),
        (lambda: RayleighCDF(jnp.nan), ValueError, "positive"),
        (lambda: FrechetCDF(scale=-1.0), ValueError, "positive"),
        (lambda: FrechetCDF(loc="a"), TypeError, "FrechetCDF: loc"),
        (lambda: GumbelCDF(0.0, [1.0, 0.0]), ValueError, "positive"),
        (lambda: MoyalCDF([1.0, 2.0], [1.0, 2.0, 3.0]), ValueError, "broadcast"),
        (lambda: GompertzCDF(1.0, 0.0), ValueError, "GompertzCDF: rate"),
        (lambda: ShiftedGompertzCDF(-1.0, 1.0), ValueError, "concentration"),
        (lambda: KumaraswamyCDF(1.0, 0.0), ValueError, "concentration0"),
        (lambda: GeneralizedExtremeValueCDF(0.0, -1.0), ValueError, "positive"),
        (lambda: GeneralizedPareto(0.0, -1.0, 1.0), ValueError, "positive"),
        (lambda: MixtureOfLogisticsCDF([0.0], [0.0]), ValueError, "neither"),
        (lambda: MixtureOfLogisticsCDF([0.0], [0.0], [1.0], log_scales=[0.0]), ValueError, "both"),
        (lambda: MixtureOfLogisticsCDF(0.0, 0.0, 1.0), ValueError, "K >= 1"),
        (lambda: MixtureOfLogisticsCDF([0.0, 1.0], [0.0] * 3, 1.0), ValueError, "broadcast"),
        (lambda: MixtureOfLogisticsCDF([0.0], [0.0], [-1.0]), ValueError, "positive"),
        (lambda: CDF(Exp()), TypeError, "expects a NumPyro distribution, and got Exp"),
        (lambda: CDF(dist.Poisson(2.0)), ValueError, "discrete"),
        (lambda: CDF(dist.Normal(0.0, jnp.ones(3)).to_event(1)), ValueError, r"events of shape \(3,\)"),
        (lambda: CDF(dist.VonMises(0.0, 1.0)), ValueError, "VonMises, which has none"),
    ],
)
def test_refused(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_validated_under_jit():
    run = jax.jit(lambda scale, x: WeibullCDF(scale, validate_args=True).forward(x))
    assert float(run(1.0, 0.0)) == 0.0
    for scale, x, words in ((-1.0, 1.0, "WeibullCDF: scale: expected positive"), (1.0, -1.0, "expected values in")):
        with pytest.raises(Exception, match=words):
            run(scale, x).block_until_ready()


def test_built_under_transformations(key):
    """Constructors meet values that are not known."""
    scales = jnp.exp(jax.random.normal(key, (3,)))
    y = jax.vmap(lambda s: GumbelCDF(0.0, s).forward(1.0))(scales)
    np.testing.assert_allclose(y, GumbelCDF(0.0, scales).forward(1.0), rtol=1e-6)
    built = jax.eval_shape(lambda s: MixtureOfLogisticsCDF(jnp.zeros(3), jnp.zeros(3), s), scales)
    assert built.raw_scales.shape == (3,)
    assert jax.vmap(lambda a: CDF(dist.Gamma(a, 1.0)).forward(1.0))(scales).shape == (3,)
