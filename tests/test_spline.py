"""The rational-quadratic spline: against its formulae, at its knots and ends, in its tails, and its derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import RationalQuadraticSpline, SplineTransformer
from pushforward.bijectors.spline_kernel import evaluate

WIDTHS, HEIGHTS, SLOPES = np.array([0.2, 0.7, 0.4, 0.7]), np.array([0.6, 0.3, 0.9, 0.2]), np.array([0.4, 2.5, 0.9])
TRANSFORMER = SplineTransformer(bins=4, bound=3.0)
DIRECTIONS = ("forward", "inverse")


def formula(x, widths, heights, slopes, start):
    """(y, dy/dx) as in Durkan et al. 2019, eqs. 4 and 5, for one number, in plain Python floats."""
    knots_x, knots_y = (start + np.concatenate([[0], np.cumsum(sizes)]) for sizes in (widths, heights))
    d = np.concatenate([[1], slopes, [1]])
    if not knots_x[0] < x < knots_x[-1]:
        return x, 1.0
    k = np.searchsorted(knots_x, x, side="right") - 1
    w, h = widths[k], heights[k]
    s, xi = h / w, (x - knots_x[k]) / w
    q = s + (d[k + 1] + d[k] - 2 * s) * xi * (1 - xi)
    y = knots_y[k] + h * (s * xi**2 + d[k] * xi * (1 - xi)) / q
    return y, s**2 * (d[k + 1] * xi**2 + 2 * s * xi * (1 - xi) + d[k] * (1 - xi) ** 2) / q**2


def plain(raw, x, t):
    """The spline of a transformer in automatic derivatives only, for one number: cumulative sums and a gather."""
    k = t.bins
    sizes = [2 * t.bound * (least + (1 - k * least) * jax.nn.softmax(part)) for part, least in zip(
        (raw[:k], raw[k : 2 * k]), (t.min_bin_width, t.min_bin_height), strict=True
    )]  # fmt: skip
    knots = [jnp.concatenate([jnp.zeros(1), jnp.cumsum(part)]) - t.bound for part in sizes]
    d = t.min_slope + jax.nn.softplus(raw[2 * k :] + np.log(np.expm1(1 - t.min_slope)))
    d = jnp.concatenate([jnp.ones(1), d, jnp.ones(1)])
    i = jnp.sum(x >= knots[0]) - 1
    w, h = sizes[0][i], sizes[1][i]
    s, xi = h / w, (x - knots[0][i]) / w
    q = s + (d[i + 1] + d[i] - 2 * s) * xi * (1 - xi)
    y = knots[1][i] + h * (s * xi**2 + d[i] * xi * (1 - xi)) / q
    return y, jnp.log(s**2 * (d[i + 1] * xi**2 + 2 * s * xi * (1 - xi) + d[i] * (1 - xi) ** 2) / q**2)


# Compiled whole: one by one, its hundred operations take longer to compile.
RUN = {name: jax.jit(getattr(TRANSFORMER, f"{name}_and_log_det")) for name in DIRECTIONS}


GRADIENTS = {
    name: jax.jit(jax.grad(lambda raw, at, run=run: sum(jnp.sum(v) for v in run(raw, at)), (0, 1)))
    for name, run in RUN.items()
}


@eqx.filter_jit
def forward(spline, x):
    return spline.forward_and_log_det(x)


@eqx.filter_jit
def inverse(spline, y):
    return spline.inverse(y)


def draw(key, *shape, scale=1.0):
    return scale * jax.random.normal(key, (TRANSFORMER.params_per_dim, *shape))


@pytest.mark.usefixtures("x64")
def test_values_are_those_of_the_formula():
    spline = RationalQuadraticSpline(WIDTHS, HEIGHTS, SLOPES)
    x = np.concatenate([np.linspace(-1.5, 1.5, 61), -1 + np.cumsum(WIDTHS)])
    y, log_det = forward(spline, x)
    want = np.array([formula(v, WIDTHS, HEIGHTS, SLOPES, -1) for v in x])
    np.testing.assert_allclose(y, want[:, 0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(log_det, np.log(want[:, 1]), rtol=0, atol=1e-13)
    np.testing.assert_allclose(inverse(spline, y), x, rtol=0, atol=1e-14)


@pytest.mark.usefixtures("x64")
def test_curve_passes_its_knots_with_the_given_slopes():
    spline = RationalQuadraticSpline(WIDTHS, HEIGHTS, SLOPES, range_min=-2.5)
    knots_x, knots_y = (-2.5 + np.cumsum(sizes)[:-1] for sizes in (WIDTHS, HEIGHTS))
    for side in (-1e-9, 0, 1e-9):
        y, log_det = forward(spline, knots_x + side)
        np.testing.assert_allclose(y, knots_y, rtol=0, atol=1e-8)
        np.testing.assert_allclose(np.exp(log_det), SLOPES, rtol=1e-7)
    ends = np.array([-2.5, -0.5])
    np.testing.assert_array_equal(forward(spline, ends)[0], ends)
    np.testing.assert_array_equal(inverse(spline, ends), ends)
    just_inside = np.array([-2.5 + 1e-9, -0.5 - 1e-9])
    np.testing.assert_allclose(forward(spline, just_inside)[1], 0, atol=1e-7)


def test_what_is_read_is_what_was_given():
    spline = RationalQuadraticSpline(WIDTHS, HEIGHTS, 0.7)
    np.testing.assert_allclose(spline.bin_widths, WIDTHS, rtol=1e-6)
    np.testing.assert_allclose(spline.bin_heights, HEIGHTS, rtol=1e-6)
    np.testing.assert_allclose(spline.knot_slopes, [0.7, 0.7, 0.7], rtol=1e-6)


def test_one_bin_is_the_identity():
    spline = RationalQuadraticSpline([2.0], [2.0], 0.3)
    x = jnp.linspace(-2, 2, 9)
    np.testing.assert_allclose(forward(spline, x)[0], x, atol=1e-6)


@pytest.mark.parametrize("bins", [1, 2, 8])
def test_zero_parameters_give_the_identity(bins):
    t = SplineTransformer(bins=bins)
    x = jnp.linspace(-6, 6, 101)
    for direction in DIRECTIONS:
        y, log_det = jax.jit(getattr(t, f"{direction}_and_log_det"))(jnp.zeros((t.params_per_dim, 101)), x)
        np.testing.assert_allclose(y, x, atol=2e-6)  # knots at ±5 carry half an ulp of 5
        np.testing.assert_allclose(log_det, 0, atol=2e-6)


def test_bijector_from_unconstrained_numbers_is_the_transformer(key):
    params = jax.random.normal(key, (5, 11))
    x = jnp.linspace(-4, 4, 5)
    got = RationalQuadraticSpline.from_unconstrained(params, bound=3.0).forward_and_log_det(x)
    want = RUN["forward"](params.T, x)
    np.testing.assert_allclose(
        got, want, atol=2e-5
    )  # the knots agree to rounding; slopes here multiply that by up to 10


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_derivatives_of_first_and_second_order(direction, key):
    """The hand-written rules against automatic derivatives of the formulae (implicit ones for the inverse)."""
    t = SplineTransformer(bins=2, bound=3.0)
    raw, at = jax.random.normal(key, (t.params_per_dim, 6)), jnp.linspace(-2.9, 2.9, 6)

    def mine(v):
        value, log_slope = getattr(t, f"{direction}_and_log_det")(v[:-1], v[-1])
        return jnp.sin(value) + 0.7 * log_slope

    def reference(v):
        x = v[-1]
        if direction == "inverse":
            x = jax.lax.stop_gradient(t.inverse_and_log_det(v[:-1], v[-1])[0])
            for _ in range(2):  # Newton: one step makes first derivatives exact, two make second ones exact
                y, log_slope = plain(v[:-1], x, t)
                x = x - (y - v[-1]) / jnp.exp(log_slope)
        y, log_slope = plain(v[:-1], x, t)
        return jnp.sin(y) + 0.7 * log_slope if direction == "forward" else jnp.sin(x) - 0.7 * log_slope

    def derivatives(f):
        """The gradient, and in one direction the derivative (forward mode) and that of the gradient."""

        def along(v, u):
            return jax.jvp(f, (v,), (u,)), jax.jvp(jax.grad(f), (v,), (u,))

        return jax.jit(jax.vmap(along))

    v = jnp.concatenate([raw, at[None]]).T
    u = jax.random.normal(jax.random.fold_in(key, 1), v.shape)
    got, want = (jax.tree.leaves(derivatives(f)(v, u)) for f in (mine, reference))
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9 * float(jnp.max(jnp.abs(b))))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_tails_are_the_identity_and_leave_the_parameters_alone(direction, key):
    at = jnp.array([-jnp.inf, -1e30, -3.0, 3.0, 3.5, jnp.inf])
    raw = draw(key, 6, scale=2.0)
    value, log_det = RUN[direction](raw, at)
    np.testing.assert_array_equal(value, at)
    np.testing.assert_array_equal(log_det, 0)
    by_raw, by_at = jax.jit(jax.grad(lambda *a: sum(jnp.sum(v[1:-1]) for v in RUN[direction](*a)), (0, 1)))(raw, at)
    np.testing.assert_array_equal(by_raw, 0)
    np.testing.assert_array_equal(by_at, [0, 1, 1, 1, 1, 0])


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_nan_goes_through_and_stays_in_its_place(direction, key):
    at = jnp.array([0.3, jnp.nan, -4.0])
    value, log_det = RUN[direction](draw(key, 3), at)
    np.testing.assert_array_equal(jnp.isnan(value), [False, True, False])
    np.testing.assert_array_equal(jnp.isnan(log_det), [False, True, False])


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("size", [1e2, 1e3, 1e6])
def test_extreme_parameters_stay_finite_with_finite_gradients(direction, size, key):
    raw = size * jnp.sign(draw(key, 200))
    at = jnp.linspace(-3.1, 3.1, 200)
    value, log_det = RUN[direction](raw, at)
    gradients = GRADIENTS[direction](raw, at)
    for a in (value, log_det, *gradients):
        assert bool(jnp.all(jnp.isfinite(a)))
    assert float(jnp.max(jnp.abs(value))) <= 3.1 + 1e-6


def test_round_trip_in_float32(key):
    t, keys = SplineTransformer(), jax.random.split(key)
    x = 3 * jax.random.normal(keys[0], (10_000,))
    raw = 0.5 * jax.random.normal(keys[1], (t.params_per_dim, 10_000))
    y, log_det = jax.jit(t.forward_and_log_det)(raw, x)
    back, inverse_log_det = jax.jit(t.inverse_and_log_det)(raw, y)
    # Rounding y moves x by the slope of the inverse, so the bound holds where that is at most 1.
    error = jnp.abs(back - x) * jnp.minimum(1, jnp.exp(log_det))
    assert float(jnp.max(error)) < 5e-6  # some ulps of 5, the largest number inside the box
    assert float(jnp.percentile(jnp.abs(back - x), 99)) < 1e-5
    assert float(jnp.max(jnp.abs(log_det + inverse_log_det) * jnp.minimum(1, jnp.exp(log_det)))) < 1e-5


def test_curve_increases_across_knots(key):
    """Through 10,000 neighbouring float32 numbers around every knot, no step down by more than the knots' rounding."""
    raw = draw(key)
    widths = RationalQuadraticSpline.from_unconstrained(raw, bound=3.0).bin_widths
    for knot in np.asarray(-3 + jnp.cumsum(widths)[:-1]):
        around = (knot.view(np.int32) + np.arange(-5000, 5000, dtype=np.int32)).view(np.float32)
        x = jnp.sort(jnp.asarray(around))
        for direction in DIRECTIONS:
            y, _ = RUN[direction](raw[:, None], x)
            assert float(jnp.min(jnp.diff(y))) > -2e-6  # ulps of 3, the size of the box


def test_root_does_not_cancel():
    """Where b < 0 in the quadratic, the usual root loses digits: here all of float32's would be gone."""
    shape = {"left": 0.0, "low": 0.0, "width": 1.0, "height": 1.0, "slope": 1e-3, "next_slope": 1e4}
    rho = np.linspace(0.01, 0.99, 99)

    def solve(dtype):
        arguments = [jnp.asarray(v, dtype) for v in (rho, *shape.values())]
        return jax.jit(evaluate, static_argnums=0)("inverse", *arguments)[0]

    with jax.enable_x64(True):
        exact = np.asarray(solve(np.float64))
    np.testing.assert_allclose(solve(np.float32), exact, rtol=3e-6)


def test_parameters_broadcast(key):
    spline = RationalQuadraticSpline(jnp.ones((3, 1, 4)) / 2, jnp.asarray(HEIGHTS), jnp.ones((2, 1)))
    assert spline.batch_shape(()) == (3, 2)
    x = jax.random.normal(key, (5, 1, 1))
    y, log_det = forward(spline, x)
    assert y.shape == log_det.shape == (5, 3, 2)
    np.testing.assert_array_equal(y, jnp.broadcast_to(y[:, :1, :1], y.shape))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1.0, -1.0], [1.0, 1.0], [1.0]), "positive bin_widths"),
        (([1.0, 1.0], [1.0, 1.0], [0.0]), "positive knot_slopes"),
        (([1.0, 1.0], [1.0, 2.0], [1.0]), "equal sums"),
        (([1.0, 1.0, 1.0], [1.0, 2.0], [1.0]), "K bin_widths"),
        (([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]), "knots between bins"),
        ((np.ones((2, 3)), np.ones((4, 3)), 1.0), "do not broadcast"),
    ],
)
def test_wrong_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        RationalQuadraticSpline(*arguments)


@pytest.mark.parametrize(
    "options",
    [{"bins": 0}, {"bound": 0.0}, {"bins": 8, "min_bin_width": 0.2}, {"min_bin_height": 0}, {"min_slope": 1.0}],
)
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=f"{list(options)[-1]}"):
        SplineTransformer(**options)
    with pytest.raises(ValueError, match="3 K - 1"):
        RationalQuadraticSpline.from_unconstrained(jnp.zeros(9))


def test_values_are_checked_under_jit_on_request():
    def forward(heights):
        return RationalQuadraticSpline(jnp.ones(2), heights, 1.0, validate_args=True).forward(0.5)

    assert float(jax.jit(forward)(jnp.ones(2))) == 0.5
    with pytest.raises(Exception, match="equal sums"):
        jax.jit(forward)(jnp.array([1.0, 2.0])).block_until_ready()
