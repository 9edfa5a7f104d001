"""Splines made of transformers: against their formulae, at hard points, on the circle, and inside flow layers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.special import softmax

from pushforward.bijectors import (
    CircularSpline,
    CircularSplineTransformer,
    Coupling,
    CubicSpline,
    CubicSplineTransformer,
    InvertedTransformer,
    LinearRationalSpline,
    LinearRationalSplineTransformer,
    LinearSpline,
    LinearSplineTransformer,
    MaskedAutoregressiveFlow,
    QuadraticSpline,
    QuadraticSplineTransformer,
)
from pushforward.bijectors.cubic_spline import _slope, _solve, _value
from pushforward.distributions import TransformedDistribution, Uniform
from pushforward.nets import MLP, AutoregressiveNetwork

from .layers import check_layer

K, BOUND, LEAST = 4, 2.0, 1e-3
TRANSFORMERS = {
    "linear": LinearSplineTransformer(K, BOUND),
    "quadratic": QuadraticSplineTransformer(K, BOUND),
    "cubic": CubicSplineTransformer(K, BOUND),
    "linear rational": LinearRationalSplineTransformer(K, BOUND),
    "circular": CircularSplineTransformer(K),
}


@eqx.filter_jit
def forward(spline, x):
    return spline.forward_and_log_det(x)


def shares(raw):
    """Knots in [0, 1]."""
    return np.concatenate([[0], np.cumsum(LEAST + (1 - len(raw) * LEAST) * softmax(raw))])


def softplus_slopes(raw):
    return LEAST + np.log1p(np.exp(raw + np.log(np.expm1(1 - LEAST))))


# ------------------------------------------------------------------- the formulae, in NumPy, on the unit interval


def linear(raw, x):
    knots = shares(raw)
    k = np.minimum((x * len(raw)).astype(int), len(raw) - 1)
    return np.interp(x, np.linspace(0, 1, len(raw) + 1), knots), len(raw) * np.diff(knots)[k]


def quadratic(raw, x):
    """The integral of a density that is linear between its values at the knots."""
    knots = shares(raw[:K])
    ends = len(raw) == 2 * K - 1
    parts = np.exp(raw[K:])
    weights = (np.diff(knots, prepend=0) + np.diff(knots, append=1)) / 2
    if ends:
        weights = weights[1:-1]
    density = LEAST + (1 - LEAST) * parts * weights.sum() / (weights @ parts)
    density = np.concatenate([[1], density, [1]]) if ends else density
    areas = np.diff(knots) * (density[1:] + density[:-1]) / 2
    slope = np.interp(x, knots, density)
    k = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, K - 1)
    before = np.concatenate([[0], np.cumsum(areas)])[k]
    return before + (x - knots[k]) * (density[k] + slope) / 2, slope


def cubic(raw, x):
    """SciPy's cubic through the knots with slopes of Steffen (1990)."""
    knots_x, knots_y = shares(raw[:K]), shares(raw[K : 2 * K])
    w, s = np.diff(knots_x), np.diff(knots_y) / np.diff(knots_x)
    parabola = (s[:-1] * w[1:] + s[1:] * w[:-1]) / (w[:-1] + w[1:])
    inner = 2 * np.minimum(np.minimum(s[:-1], s[1:]), parabola / 2)
    at_ends = LEAST + (3 - 2 * LEAST) / (1 + np.exp(-raw[2 * K :]) * (2 - LEAST) / (1 - LEAST))
    curve = CubicHermiteSpline(knots_x, knots_y, np.concatenate([[at_ends[0] * s[0]], inner, [at_ends[1] * s[-1]]]))
    return curve(x), curve.derivative()(x)


def linear_rational(raw, x):
    """Dolatabadi et al. 2020: two homographic pieces a bin, with the weights of their algorithm."""
    knots_x, knots_y = shares(raw[:K]), shares(raw[K : 2 * K])
    slopes = np.concatenate([[1], softplus_slopes(raw[2 * K : 3 * K - 1]), [1]])
    middles = 0.025 + 0.95 / (1 + np.exp(-raw[3 * K - 1 :]))
    k = np.clip(np.searchsorted(knots_x, x, side="right") - 1, 0, K - 1)
    width, a, b = np.diff(knots_x)[k], knots_y[k], knots_y[k + 1]
    l, phi = middles[k], (x - knots_x[k]) / width
    w_a, w_b = 1, np.sqrt(slopes[k] / slopes[k + 1])
    w_c = (l * w_a * slopes[k] + (1 - l) * w_b * slopes[k + 1]) * width / (b - a)
    c = ((1 - l) * w_a * a + l * w_b * b) / ((1 - l) * w_a + l * w_b)
    first = phi <= l
    low, high = w_a * (l - phi) + w_c * phi, w_c * (1 - phi) + w_b * (phi - l)
    y = np.where(first, (w_a * a * (l - phi) + w_c * c * phi) / low, (w_c * c * (1 - phi) + w_b * b * (phi - l)) / high)
    top = np.where(first, l * w_a * w_c * (c - a) / low**2, (1 - l) * w_b * w_c * (b - c) / high**2)
    return y, top / width


def circular(raw, x):
    """The rational-quadratic curve (Durkan et al. 2019, eqs. 4 and 5), the last slope at both ends; no rotation."""
    knots_x, knots_y = shares(raw[:K]), shares(raw[K : 2 * K])
    d = softplus_slopes(raw[2 * K : 3 * K])
    d = np.concatenate([d[-1:], d])
    k = np.clip(np.searchsorted(knots_x, x, side="right") - 1, 0, K - 1)
    w, h = np.diff(knots_x)[k], np.diff(knots_y)[k]
    s, xi = h / w, (x - knots_x[k]) / w
    q = s + (d[k + 1] + d[k] - 2 * s) * xi * (1 - xi)
    y = knots_y[k] + h * (s * xi**2 + d[k] * xi * (1 - xi)) / q
    return y, s**2 * (d[k + 1] * xi**2 + 2 * s * xi * (1 - xi) + d[k] * (1 - xi) ** 2) / q**2


FORMULAE = {
    "linear": (linear, LinearSpline, K),
    "quadratic": (quadratic, QuadraticSpline, 2 * K - 1),
    "quadratic unit": (quadratic, QuadraticSpline, 2 * K + 1),
    "cubic": (cubic, CubicSpline, 2 * K + 2),
    "linear rational": (linear_rational, LinearRationalSpline, 4 * K - 1),
    "circular": (circular, CircularSpline, 3 * K + 1),
}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", FORMULAE)
def test_values_are_those_of_the_formula(name):
    formula, cls, size = FORMULAE[name]
    raw = np.random.default_rng(3).standard_normal(size)
    unit = np.linspace(0.0, 1, 60, endpoint=False) + 1 / 180  # no knots of equal bins
    start, span = (-np.pi, 2 * np.pi) if name == "circular" else (0, 1) if "unit" in name else (-BOUND, 2 * BOUND)
    options = {} if name == "circular" else {"bound": None if "unit" in name else BOUND}
    if name == "circular":
        raw[-1] = 0
    y, log_slope = forward(cls(raw, **options), start + span * unit)
    want, slope = formula(raw, unit)
    np.testing.assert_allclose(y, start + span * want, rtol=0, atol=1e-13)
    np.testing.assert_allclose(log_slope, np.log(slope), rtol=0, atol=1e-12)


# ----------------------------------------------------------------------------------------------------- hard points


def everything(transformer):
    """One program: both directions, back again, and the gradients of all of it."""

    def run(raw, x):
        def total(raw, x):
            forward, inverse = transformer.forward_and_log_det(raw, x), transformer.inverse_and_log_det(raw, x)
            back = transformer.inverse_and_log_det(raw, forward[0])
            finite = [jnp.where(jnp.isfinite(a), a, 0) for a in jax.tree.leaves((forward, inverse))]
            return sum(jnp.sum(a) for a in finite), (forward, inverse, back)

        return jax.value_and_grad(total, (0, 1), has_aux=True)(raw, x)

    return jax.jit(run)


SPECIAL = (np.nan, -1e30, -BOUND, -1e-8, 0.0, BOUND, 1e30)
SIZES = (0.0, 1.0, 1e2, 1e6)


@pytest.fixture(scope="module", params=TRANSFORMERS)
def hard(request):
    """(name, size of the parameters in each column, x, values, gradients) at special points and on a grid."""
    transformer = TRANSFORMERS[request.param]
    grid = np.linspace(-1.9, 1.9, 50)
    x = np.tile(np.concatenate([SPECIAL, grid]), len(SIZES)).astype(np.float32)
    size = np.repeat(SIZES, len(SPECIAL) + len(grid))
    raw = size * np.random.default_rng(0).standard_normal((transformer.params_per_dim, len(x)))
    (_, values), gradients = everything(transformer)(raw.astype(np.float32), x)
    return request.param, size, x, jax.device_get(values), jax.device_get(gradients)


def test_zero_parameters_give_the_identity(hard):
    name, size, x, values, _ = hard
    inside = (size == 0) & (np.abs(x) <= (3 if name == "circular" else np.inf))
    for value, log_slope in values:
        np.testing.assert_allclose(value[inside], x[inside], atol=2e-6)
        np.testing.assert_allclose(log_slope[inside], 0, atol=2e-6)


def test_nan_goes_through_and_stays_in_its_place(hard):
    _, _, x, values, _ = hard
    for value in jax.tree.leaves(values):
        np.testing.assert_array_equal(np.isnan(value), np.isnan(x))


def test_extreme_parameters_stay_finite_with_finite_gradients(hard):
    name, _, x, values, (by_raw, by_x) = hard
    for a in (*jax.tree.leaves(values), by_raw.sum(0), by_x):
        assert np.all(np.isfinite(a) | np.isnan(x))
    end = np.pi if name == "circular" else BOUND
    inside = np.abs(x) <= BOUND
    assert np.all(np.abs(values[0][0][inside]) <= end * (1 + 1e-6))


def test_tails_are_the_identity_and_leave_the_parameters_alone(hard):
    name, _, x, values, (by_raw, by_x) = hard
    outside = np.abs(x) > 1e3
    if name == "circular":
        outside &= False
    for value, log_slope in values:
        np.testing.assert_array_equal(value[outside], x[outside])
        np.testing.assert_array_equal(log_slope[outside], 0)
    np.testing.assert_array_equal(by_raw[:, outside], 0)
    np.testing.assert_array_equal(by_x[outside], 2)  # of both directions


def test_round_trip_in_float32(hard):
    _, size, x, ((_, log_slope), _, (back, back_log_slope)), _ = hard
    ordinary = (size == 1) & (np.abs(x) <= BOUND)
    # Rounding y moves x by the slope of the inverse, so the bound holds where that is at most 1.
    slope = np.minimum(1, np.exp(log_slope[ordinary]))
    assert np.max(np.abs(back - x)[ordinary] * slope) < 3e-6  # some ulps of the side of the box
    assert np.percentile(np.abs(log_slope + back_log_slope)[ordinary], 90) < 1e-4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cubic_root_keeps_its_digits(dtype):
    """Over all slopes and heights, and near double and triple roots: the residual is some roundings of the height."""
    near_0, near_3 = np.logspace(-6, 0, 13), 3 - np.logspace(-3, 0, 7)
    ends = np.concatenate([near_0, near_3, [1.5]])
    height = np.concatenate([np.logspace(-12, -1, 23), [0.2, 0.3, 0.4, 0.45, 0.499, 0.5]])
    with jax.enable_x64(dtype == np.float64):
        r, e0, e1 = (jnp.asarray(a.ravel(), dtype) for a in np.meshgrid(height, ends, ends))
        t = jax.jit(_solve)(r, e0, e1)
        residual, slope = np.asarray(_value(t, e0, e1) - r), np.asarray(_slope(t, e0, e1))
        r, eps = np.asarray(r), np.finfo(dtype).eps
    assert t.dtype == dtype
    assert np.max(np.abs(residual) / r) < 8 * eps
    assert np.min(slope) > -4 * eps


# ------------------------------------------------------------------------------------------------------- the circle


@pytest.mark.usefixtures("x64")
def test_circle_is_smooth_across_the_seam_and_turns():
    raw = np.random.default_rng(1).standard_normal(3 * K + 1)
    raw[-1] = 2.0
    spline = CircularSpline(raw)
    x = np.array([np.pi - 1e-9, -np.pi + 1e-9, 1.0, 1.0 + 2 * np.pi, 1.0 - 4 * np.pi])
    y, log_slope = forward(spline, x)
    np.testing.assert_allclose(y[0], y[1], atol=1e-7)
    np.testing.assert_allclose(log_slope[0], log_slope[1], atol=1e-6)
    np.testing.assert_allclose(y[:2], -np.pi + 2.0, atol=1e-7)  # the seam goes where it is turned to
    np.testing.assert_allclose(y[3:], y[2], atol=1e-14)
    np.testing.assert_allclose(log_slope[3:], log_slope[2], atol=1e-13)
    # A bijection of the circle: the slopes integrate to a turn, and all of it is reached once.
    fine = -np.pi + (np.arange(40_000) + 0.5) * (2 * np.pi / 40_000)
    y, log_slope = forward(spline, fine)
    np.testing.assert_allclose(np.mean(np.exp(log_slope)), 1, rtol=1e-6)
    assert np.sum(np.diff(y) < 0) == 1
    assert np.all((y >= -np.pi) & (y <= np.pi))


def test_density_on_the_unit_interval_is_made_of_steps():
    raw = jnp.array([0.3, -1.0, 0.8, 0.0])
    law = TransformedDistribution(Uniform(0.0, 1.0), LinearSpline(raw, bound=None))
    assert law.support.lower_bound == 0
    assert law.support.upper_bound == 1
    heights = np.diff(shares(np.asarray(raw, np.float64)))
    middles = np.cumsum(heights) - heights / 2
    # A bin of height q holds a quarter of the mass.
    np.testing.assert_allclose(jnp.exp(law.log_prob(middles.astype(np.float32))), 0.25 / heights, rtol=1e-5)
    assert law.log_prob(jnp.array(1.5)) == -jnp.inf


# ------------------------------------------------------------------------------------------------------ flow layers


def test_coupling_layer_round_trip(key):
    transformer = CubicSplineTransformer(bins=3, bound=3.0)
    net = MLP(1, 2 * transformer.params_per_dim, hidden_units=(8,), key=key, output_scale=1.0)
    check_layer(Coupling(net, transformer, num_masked=1), "forward", key)


def test_autoregressive_layer_round_trip(key):
    transformer = InvertedTransformer(LinearRationalSplineTransformer(bins=3, bound=3.0))
    net = AutoregressiveNetwork(transformer.params_per_dim, 3, hidden_units=(8,), activation=jnp.tanh, key=key)
    check_layer(MaskedAutoregressiveFlow(net, transformer=transformer), "inverse", key)


# -------------------------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: LinearSpline(0.5), r"expected params of shape \[..., K\], and got shape \(\)"),
        (lambda: QuadraticSpline(np.zeros(6)), r"\[..., 2 K - 1\], and got shape \(6,\); K >= 3"),
        (lambda: QuadraticSpline(np.zeros(3)), "K >= 3"),
        (lambda: QuadraticSpline(np.zeros(6), bound=None), r"\[..., 2 K \+ 1\]"),
        (lambda: CubicSpline(np.zeros(2)), r"\[..., 2 K \+ 2\]"),
        (lambda: LinearRationalSpline(np.zeros((2, 8))), r"\[..., 4 K - 1\], and got shape \(2, 8\)"),
        (lambda: CircularSpline(np.zeros(6)), r"\[..., 3 K \+ 1\]"),
        (lambda: CubicSpline(np.zeros(10), bound=-1.0), "bound > 0"),
        (lambda: LinearSplineTransformer(bins=0), "at least one bin"),
        (lambda: QuadraticSplineTransformer(bins=2), "at least 3 bins on the line"),
        (lambda: LinearRationalSplineTransformer(bins=4, min_bin_height=0.3), "min_bin_height < 1 / bins = 0.25"),
        (lambda: CircularSplineTransformer(min_slope=1.0), "min_slope < 1"),
    ],
)
def test_wrong_arguments_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_parameters_broadcast(key):
    spline = CubicSpline(jax.random.normal(key, (3, 1, 8)))
    assert spline.batch_shape(()) == (3, 1)
    y, log_det = forward(spline, jnp.zeros((5, 1, 2)))
    assert y.shape == log_det.shape == (5, 3, 2)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_second_derivatives_in_a_loop_are_right(name, direction, x64):
    """Where JAX drops rules of derivatives, as in a `Stack` of many layers: of gradients against forward alone."""
    transformer = TRANSFORMERS[name]
    params = 0.5 * jax.random.normal(jax.random.key(0), (transformer.params_per_dim, 1))

    def value(at):
        def body(carry, _):
            x, total = carry
            x, log_det = getattr(transformer, f"{direction}_and_log_det")((1 + at[1]) * params, x)
            return (x, total + log_det), None

        (x, total), _ = jax.lax.scan(body, (at[:1], jnp.zeros(1)), None, length=2)
        return jnp.sum(jnp.sin(x) + total)

    at = jnp.array([0.37, 0.1])
    want = jax.jit(jax.jacfwd(jax.jacfwd(value)))(at)
    assert np.all(np.isfinite(want))
    np.testing.assert_allclose(jax.jit(jax.hessian(value))(at), want, rtol=1e-9, atol=1e-12)
