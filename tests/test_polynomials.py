"""Monotone polynomials against NumPy's and SciPy's, their numerical inverse, and inside flow layers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import Polynomial
from scipy.interpolate import BPoly

from pushforward import flows
from pushforward.bijectors import (
    BernsteinPolynomial,
    BernsteinTransformer,
    Coupling,
    InvertedTransformer,
    MaskedAutoregressiveFlow,
    SumOfSquaresPolynomial,
    SumOfSquaresTransformer,
)
from pushforward.nets import MLP, AutoregressiveNetwork
from pushforward.solvers import invert_monotone

from .layers import check_layer

LEAST = 1e-3


@eqx.filter_jit
def both(bijector, x):
    """(forward, inverse) with log-dets."""
    return bijector.forward_and_log_det(x), bijector.inverse_and_log_det(x)


@pytest.mark.usefixtures("x64")
def test_sum_of_squares_is_the_integral_of_its_slope():
    raw = np.random.default_rng(0).standard_normal(1 + 2 * 4)
    slope = Polynomial([LEAST])
    for part in raw[1:].reshape(2, 4):
        slope += (1 - LEAST) / 2 * (Polynomial(part) + 1) ** 2
    x = np.linspace(-2.5, 2.5, 41)
    (y, log_slope), (back, inverse_log_slope) = both(SumOfSquaresPolynomial(raw, degree=3), x)
    np.testing.assert_allclose(y, raw[0] + slope.integ()(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(log_slope, np.log(slope(x)), rtol=0, atol=1e-11)
    np.testing.assert_allclose(raw[0] + slope.integ()(np.asarray(back)), x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(inverse_log_slope, -np.log(slope(np.asarray(back))), rtol=0, atol=1e-10)


@pytest.mark.usefixtures("x64")
def test_a_bounded_sum_of_squares_is_linear_outside():
    """Inside it is the polynomial of u / bound, stretched by the bound; outside its slope is that at the end.

    Its coefficients are bounded softly.
    """
    bound = 2.0
    free, bounded = SumOfSquaresTransformer(2, 3), SumOfSquaresTransformer(2, 3, bound=bound)
    raw = jnp.asarray(np.random.default_rng(0).standard_normal((9, 1)))
    shift, unshifted = raw[0], (5 * jnp.tanh(0.3 * raw / 5)).at[0].set(0)
    x = jnp.linspace(-2, 2, 33)
    (y, log_slope), (want, want_log_slope) = (
        bounded.forward_and_log_det(raw, x),
        free.forward_and_log_det(unshifted, x / bound),
    )
    np.testing.assert_allclose(y, shift + bound * want, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(log_slope, want_log_slope, rtol=0, atol=1e-12)
    far = jnp.array([-1e6, -3.0, -2.0, 2.0, 3.0, 1e6])
    ends = np.where(far < 0, 0, -1)
    y_far, log_far = bounded.forward_and_log_det(raw, far)
    np.testing.assert_allclose(y_far, y[ends] + np.exp(log_slope)[ends] * (far - x[ends]), rtol=1e-13)
    np.testing.assert_allclose(log_far, log_slope[ends], rtol=0, atol=1e-12)
    for at, images, logs in ((x, y, log_slope), (far, y_far, log_far)):
        back, back_log = bounded.inverse_and_log_det(raw, images)
        np.testing.assert_allclose(back, at, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(back_log, -logs, rtol=0, atol=1e-10)
    ends = bounded.forward_and_log_det(raw, jnp.array([-jnp.inf, jnp.inf]))[0]
    np.testing.assert_array_equal(ends, [-np.inf, np.inf])
    with pytest.raises(ValueError, match="bound"):
        SumOfSquaresTransformer(bound=0.0)


def test_the_integral_does_not_cancel():
    """Where terms of the antiderivative are thousands of times the value, of which float32 would leave little."""
    t = SumOfSquaresTransformer(polynomials=1, degree=4)
    raw = jnp.array([0.0, 0.0, -4.0, 6.0, -4.0, 1.0])  # (1 - u)^4, squared
    x = jnp.array([0.9, 1.0, 2.0, 3.0])
    got = jax.jit(t.forward_and_log_det)(raw[:, None], x)[0]
    exact = LEAST * np.asarray(x) + (1 - LEAST) * (1 + (np.asarray(x, np.float64) - 1) ** 9) / 9
    np.testing.assert_allclose(got, exact, rtol=1e-6)


@pytest.mark.usefixtures("x64")
def test_bernstein_is_that_of_scipy_and_linear_outside():
    raw, bound, n = np.random.default_rng(1).standard_normal(8), 2.0, 7
    slopes = LEAST + np.log1p(np.exp(raw[1:] + np.log(np.expm1(1 - LEAST))))
    coefficients = raw[0] - bound + 2 * bound / n * np.concatenate([[0], np.cumsum(slopes)])
    curve = BPoly(coefficients[:, None], [-bound, bound])
    x = np.linspace(-2, 2, 33)
    (y, log_slope), (back, _) = both(BernsteinPolynomial(raw, bound=bound), x)
    np.testing.assert_allclose(y, curve(x), rtol=0, atol=1e-13)
    np.testing.assert_allclose(log_slope, np.log(curve.derivative()(x)), rtol=0, atol=1e-12)
    inside = (x > coefficients[0]) & (x < coefficients[-1])
    np.testing.assert_allclose(curve(np.asarray(back))[inside], x[inside], rtol=0, atol=1e-13)
    far = np.array([-1e6, -3.0, -2.0, 2.0, 3.0, 1e6])
    want = np.where(far < 0, coefficients[0] + slopes[0] * (far + bound), coefficients[-1] + slopes[-1] * (far - bound))
    (y, log_slope), _ = both(BernsteinPolynomial(raw, bound=bound), far)
    np.testing.assert_allclose(y, want, rtol=1e-14)
    np.testing.assert_allclose(log_slope, np.log(np.where(far < 0, slopes[0], slopes[-1])), rtol=0, atol=1e-14)
    np.testing.assert_allclose(both(BernsteinPolynomial(raw, bound=bound), y)[1][0], far, rtol=1e-13)


@pytest.mark.parametrize(
    "transformer", [SumOfSquaresTransformer(2, 2), BernsteinTransformer(5, 2.0)], ids=["sum of squares", "Bernstein"]
)
def test_hard_points(transformer):
    """Zeros are the identity; NaN and infinities keep their place; large parameters keep gradients finite."""
    special = np.array([np.nan, -np.inf, np.inf, -1e3, -2.0, 0.0, 1e-8, 2.0, 1e3])
    grid = np.linspace(-1.9, 1.9, 20)
    sizes = np.repeat([0.0, 1.0, 30.0], len(special) + len(grid))
    x = np.tile(np.concatenate([special, grid]), 3).astype(np.float32)
    raw = sizes * np.random.default_rng(2).standard_normal((transformer.params_per_dim, len(x)))

    def run(raw, x):
        values = transformer.forward_and_log_det(raw, x), transformer.inverse_and_log_det(raw, x)
        return sum(jnp.sum(jnp.where(jnp.isfinite(a), a, 0)) for a in jax.tree.leaves(values)), values

    (_, values), gradients = jax.jit(jax.value_and_grad(run, (0, 1), has_aux=True))(raw.astype(np.float32), x)
    ordinary = np.isfinite(x)
    for value, log_slope in values:
        np.testing.assert_array_equal(np.isnan(value), np.isnan(x))
        np.testing.assert_array_equal(value[np.isinf(x)], x[np.isinf(x)])
        assert np.all(np.isfinite(value[ordinary]))
        assert np.all(np.isfinite(log_slope[ordinary]))
        zero = ordinary & (sizes == 0)
        np.testing.assert_allclose(value[zero], x[zero], rtol=1e-6, atol=2e-6)
        np.testing.assert_allclose(log_slope[zero], 0, atol=2e-6)
    for gradient in gradients:
        assert np.all(np.isfinite(gradient[..., ordinary]))


# ------------------------------------------------------------------------------------------------------- the solver


@pytest.mark.parametrize("with_slope", [False, True])
def test_inverse_of_a_monotone_function(with_slope):
    """x^3 + x / 10, to the rounding of the right-hand side, with implicit derivatives."""
    options = {"slope": lambda x: 3 * x * x + 0.1} if with_slope else {}

    def solve(y):
        return invert_monotone(lambda x: x**3 + x / 10, y, **options)

    y = jnp.asarray(np.concatenate([np.linspace(-30, 30, 50), [1e-20, -1e15, 1e30, 0.0]]), jnp.float32)
    x, slope = jax.jit(lambda y: jax.jvp(solve, (y,), (jnp.ones_like(y),)))(y)
    exact = np.asarray(x, np.float64)
    np.testing.assert_allclose(exact**3 + exact / 10, y, rtol=2e-6, atol=1e-30)
    np.testing.assert_allclose(slope, 1 / (3 * exact**2 + 0.1), rtol=1e-5)


@pytest.mark.parametrize("with_slope", [False, True])
def test_right_hand_sides_beyond_the_range_give_the_ends(with_slope):
    options = {"slope": lambda x: -2 * x} if with_slope else {}
    y = jnp.array([-9.0, 0.0, 0.75, 1.0, 7.0, jnp.nan])
    x = jax.jit(lambda y: invert_monotone(lambda x: 1 - x * x, y, lower=0.0, upper=1.0, increasing=False, **options))(y)
    np.testing.assert_allclose(x, [1.0, 1.0, 0.5, 0.0, 0.0, np.nan], rtol=1e-6, atol=1e-20)


SOLVERS = {
    "doubling": {},
    "bounded": {"lower": -5.0, "upper": 5.0},
    "slope": {"slope": True},
    "slope, moving ends": {"slope": True, "upper": lambda y, a: 1 + jnp.abs(y) + a, "lower": lambda y, a: -3 - a},
}


@pytest.mark.parametrize("name", SOLVERS)
def test_second_derivatives_in_a_loop_are_those_of_the_root(name, x64):
    """Where JAX drops the rule that first derivatives go by; x + a x^3 = y solved for x three times in a row."""

    def root(y, a):
        options = {key: end(y, a) if callable(end) else end for key, end in SOLVERS[name].items()}
        if "slope" in options:
            options["slope"] = lambda x: 1 + 3 * a * x * x
        return invert_monotone(lambda x: x + a * x**3, y, **options)

    def looped(at):
        return jax.lax.scan(lambda x, _: (root(x, at[1]), None), at[0], None, length=3)[0]

    def by_hand(at):
        x = at[0]
        for _ in range(3):  # Newton's steps from near the root, which converge with all their derivatives
            start, a = jax.lax.stop_gradient(root(x, at[1])), at[1]
            for _ in range(4):
                start = start - (start + a * start**3 - x) / (1 + 3 * a * start**2)
            x = start
        return x

    at = jnp.array([1.3, 0.7])
    want = jax.hessian(by_hand)(at)
    modes = jax.jacfwd, jax.jacrev
    for outer in modes:
        for inner in modes:
            np.testing.assert_allclose(jax.jit(outer(inner(looped)))(at), want, rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["planar", "sylvester"])
def test_hessians_of_many_layers_are_right(name, key, x64):
    flow = getattr(flows, name)(key, 2, layers=16)
    flow = jax.tree.map(lambda a: a.astype(jnp.float64) if a.dtype == jnp.float32 else a, flow)
    x = jnp.array([0.3, -0.4])
    modes = jax.jacfwd, jax.jacrev
    want, *others = (jax.jit(outer(inner(flow.log_prob)))(x) for inner in modes for outer in modes)
    for got in others:
        np.testing.assert_allclose(got, want, atol=1e-10)
    assert np.abs(want + np.eye(2)).max() > 1e-2  # not what a map without curvature would have


# ------------------------------------------------------------------------------------------------------ flow layers


def test_coupling_layer_round_trip(key):
    transformer = BernsteinTransformer(degree=5, bound=3.0)
    net = MLP(1, 2 * transformer.params_per_dim, hidden_units=(8,), key=key, output_scale=1.0)
    check_layer(Coupling(net, transformer, num_masked=1), "forward", key)


def test_autoregressive_layer_round_trip(key):
    transformer = InvertedTransformer(SumOfSquaresTransformer(polynomials=2, degree=1))
    net = AutoregressiveNetwork(transformer.params_per_dim, 3, hidden_units=(8,), activation=jnp.tanh, key=key)
    check_layer(MaskedAutoregressiveFlow(net, transformer=transformer), "inverse", key)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: SumOfSquaresPolynomial(np.zeros(7)), r"\[..., 5 K \+ 1\], and got shape \(7,\)"),
        (lambda: SumOfSquaresPolynomial(np.zeros(1)), "K >= 1 is the number of polynomials"),
        (lambda: BernsteinPolynomial(0.0), r"expected params of shape \[..., K \+ 1\], and got shape \(\)"),
        (lambda: BernsteinPolynomial(np.zeros(4), bound=0.0), "bound > 0"),
        (lambda: BernsteinTransformer(degree=101), "from 1 to 100"),
        (lambda: SumOfSquaresTransformer(polynomials=0), "polynomials >= 1"),
        (lambda: SumOfSquaresTransformer(min_slope=0.0), "0 < min_slope < 1"),
        (lambda: BernsteinTransformer(min_slope=1.0), "0 < min_slope < 1"),
    ],
)
def test_wrong_arguments_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_layers_of_bounded_sums_of_squares_stay_finite_beside_the_data():
    flow = flows.sum_of_squares(jax.random.key(0), 8)
    x = 5 * np.random.default_rng(0).standard_normal((512, 8), dtype=np.float32)
    assert np.isfinite(jax.jit(flow.log_prob)(x)).all()


@pytest.mark.parametrize("kind", [BernsteinPolynomial, SumOfSquaresPolynomial])
def test_parameters_may_have_more_axes_than_x(kind):
    params = jnp.asarray(np.random.default_rng(2).standard_normal((2, 3, 11)), jnp.float32)
    x = jnp.array([-0.5, 0.2, 1.0])
    for direction in ("forward_and_log_det", "inverse_and_log_det"):
        y, log_det = getattr(kind(params), direction)(x)
        assert y.shape == log_det.shape == (2, 3)
        for k in range(2):
            np.testing.assert_allclose(y[k], getattr(kind(params[k]), direction)(x)[0], rtol=1e-5, atol=1e-5)
