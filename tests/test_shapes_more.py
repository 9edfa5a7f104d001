"""Maps that move, sum, pad or mix entries, and vectors onto spheres and simplices: values, edges, what is refused."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.fft

from pushforward.bijectors import (
    Ascending,
    CategoricalToDiscrete,
    Cumsum,
    DiscreteCosineTransform,
    Invert,
    IteratedSigmoidCentered,
    Pad,
    Reshape,
    Sigmoid,
    Squeeze,
    Transpose,
    UnitVector,
)
from pushforward.testing import CheckFailure, check_bijector


@jax.jit
def both_ways(b, x):
    y, log_det = b.forward_and_log_det(x)
    return y, log_det, *b.inverse_and_log_det(y)


# ------------------------------------------------------------------- moved


def test_transpose():
    x = np.arange(120.0).reshape(5, 2, 3, 4)
    b = Transpose([2, 0, 1])
    np.testing.assert_array_equal(b.forward(x), np.transpose(x, (0, 3, 1, 2)))
    np.testing.assert_array_equal(b.inverse(b.forward(x)), x)
    np.testing.assert_array_equal(Transpose(rightmost_transposed_ndims=2).forward(x), np.matrix_transpose(x))
    assert b.forward_event_shape((5, 2, 3, 4)) == (5, 4, 2, 3)
    assert b.inverse_event_shape((5, 4, 2, 3)) == (5, 2, 3, 4)
    assert (b.rightmost_transposed_ndims, b.forward_min_event_ndims) == (3, 3)
    assert Transpose(rightmost_transposed_ndims=3).perm == (2, 1, 0)
    assert Transpose([]).is_increasing is True
    assert b.is_increasing is None


@pytest.mark.parametrize("mode", ["CONSTANT", "reflect", "Symmetric"])
def test_pad(mode):
    x = np.arange(24.0).reshape(2, 3, 4)
    b = Pad([(1, 2), (0, 1)], mode, axis=[-1, -2])
    y = b.forward(x)
    np.testing.assert_array_equal(y, np.pad(x, [(0, 0), (0, 1), (1, 2)], mode=mode.lower()))
    np.testing.assert_array_equal(b.inverse(y), x)
    assert b.forward_event_shape((7, 3, 4)) == (7, 4, 7)
    assert b.inverse_event_shape((7, 4, 7)) == (7, 3, 4)


def test_pad_puts_the_constant_where_it_is_told():
    np.testing.assert_array_equal(Pad().forward(jnp.array([[3.0, 4.0]])), [[3, 4, 0]])
    np.testing.assert_array_equal(Pad(axis=-2).forward(jnp.array([[3.0, 4.0]])), [[3, 4], [0, 0]])
    b = Pad([(1, 0)], constant_values=7)
    np.testing.assert_array_equal(b.forward(jnp.array([3.0, 4.0])), [7, 3, 4])
    assert b.forward_log_det_jacobian(jnp.zeros((5, 3))).shape == (5,)
    np.testing.assert_array_equal(b.forward(jnp.zeros((2, 0))), [[7], [7]])


def test_squeeze_takes_squares_as_dinh_and_glow_do():
    x = jnp.arange(32.0).reshape(4, 4, 2)
    y = Squeeze().forward(x)
    assert y.shape == (2, 2, 8)
    np.testing.assert_array_equal(y[0, 1], [*x[0:2, 2:4, 0].ravel(), *x[0:2, 2:4, 1].ravel()])
    np.testing.assert_array_equal(Squeeze().inverse(y), x)
    # TFP's Expand, for an image of 2 x 2 with 8 channels.
    expand = [Reshape((2, 2, 2, 2, 2), (2, 2, 8)), Transpose([0, 3, 1, 4, 2]), Reshape((4, 4, 2), (2, 2, 2, 2, 2))]
    want = y
    for step in expand:
        want = step.forward(want)
    np.testing.assert_array_equal(Invert(Squeeze()).forward(y), want)
    assert Squeeze(3).forward_event_shape((5, 6, 9, 1)) == (5, 2, 3, 9)
    assert Squeeze(3).inverse_event_shape((5, 2, 3, 9)) == (5, 6, 9, 1)


# ------------------------------------------------------------ summed, mixed


def test_cumsum():
    x = jnp.array([[1.0, 2.0], [2.0, -5.0], [3.0, 0.5]])
    np.testing.assert_array_equal(Cumsum().forward(x), np.cumsum(x, axis=-1))
    np.testing.assert_array_equal(Cumsum(-2).forward(x), np.cumsum(x, axis=-2))
    np.testing.assert_array_equal(Cumsum(-2).inverse(Cumsum(-2).forward(x)), x)
    assert Cumsum(-2).forward_log_det_jacobian(jnp.zeros((7, 3, 2))).shape == (7,)


def test_ascending():
    b = Ascending()
    np.testing.assert_allclose(b.inverse(jnp.array([2.0, 3.0, 4.0])), [2, 0, 0])
    y = b.forward(jnp.array([0.06428002, -1.07774478, -0.71530371]))
    np.testing.assert_allclose(y, [0.06428002, 0.40464228, 0.8936858], rtol=3e-7)
    # Not in order: no density.
    _, _, inside = b._inverse_within(jnp.array([[1.0, 2.0, 3.0], [1.0, 1.0, 3.0], [1.0, 2.0, 0.0]]))
    np.testing.assert_array_equal(inside, [True, False, False])


@pytest.mark.parametrize("size", [1, 5, 256, 257])
def test_discrete_cosine_transform(size):
    x = np.random.default_rng(size).normal(size=(3, size))
    with jax.enable_x64(True):
        two, three = jax.jit(lambda x: (DiscreteCosineTransform().forward(x), DiscreteCosineTransform(3).forward(x)))(x)
        np.testing.assert_allclose(two, scipy.fft.dct(x, norm="ortho"), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(three, scipy.fft.dct(x, type=3, norm="ortho"), rtol=1e-13, atol=1e-14)
        back = jax.jit(lambda y: DiscreteCosineTransform().inverse(y))(two)
        np.testing.assert_allclose(back, x, atol=1e-14)
    y = jax.jit(lambda x: DiscreteCosineTransform().forward(x))(np.float32(x))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, two, atol=2e-6)


# --------------------------------------------------------------- other sets


def test_unit_vector(x64):
    b = UnitVector()
    np.testing.assert_allclose(b.forward(jnp.array([2.0, 1.0, 2.0])), [0.4, 0.2, 0.4, 0.8], rtol=1e-15)
    # The log-det is that of areas: over the plane it sums to the circle's 2 pi and the sphere's 4 pi.
    t = np.tan(np.linspace(-np.pi / 2, np.pi / 2, 1001)[1:-1])
    circle = np.exp(both_ways(b, t[:, None])[1])
    assert np.sum(circle * (1 + t**2)) * np.pi / 1000 == pytest.approx(2 * np.pi * 0.999, rel=1e-12)
    sphere = np.exp(both_ways(b, np.stack([t, 0 * t], axis=-1))[1]) * np.pi * np.abs(t)
    assert np.sum(sphere * (1 + t**2)) * np.pi / 1000 == pytest.approx(4 * np.pi, rel=1e-5)


def test_the_pole_of_the_sphere():
    b = UnitVector()
    x = np.float32(np.outer([1e-30, 1e-6, 1.0, 1e4, 1e15, 1e30], [0.6, -0.8]))
    y, log_det, back, back_log_det = both_ways(b, x)
    squares = np.sum(np.float64(x) ** 2, axis=-1)
    np.testing.assert_allclose(back, x, rtol=1e-6)
    np.testing.assert_allclose(log_det, 2 * (np.log(2) - np.log1p(squares)), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(back_log_det, -log_det, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(y[:, 2], (squares - 1) / (squares + 1), rtol=1e-6, atol=1e-7)
    gradients = jax.jit(jax.grad(lambda x: sum(jnp.sum(v) for v in both_ways(b, x))))(x[1:5])
    assert np.isfinite(gradients).all()
    # No point goes to the pole itself.
    x, log_det, inside = b._inverse_within(jnp.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.6, 0.0, 0.6]]))
    np.testing.assert_array_equal(inside, [False, True, False])
    assert np.isfinite(x).all()
    assert np.isfinite(log_det).all()
    np.testing.assert_array_equal(b.forward(jnp.zeros((2, 0))), [[-1.0], [-1.0]])


def test_the_suite_asks_for_the_area():
    with pytest.raises(CheckFailure, match="`surface`"):
        check_bijector(UnitVector(), event_shape=(2,), checks=["forward_log_det"], output_extremes=())

    class Halved(UnitVector):
        def _forward_and_log_det(self, x):
            y, log_det = super()._forward_and_log_det(x)
            return y, log_det / 2

    with pytest.raises(CheckFailure, match="forward log-det against automatic differentiation"):
        check_bijector(Halved(), event_shape=(2,), checks=["forward_log_det"], surface=True, output_extremes=())


def test_iterated_sigmoid_centered():
    b = IteratedSigmoidCentered()
    np.testing.assert_allclose(b.forward(jnp.zeros(3)), [0.25] * 4, rtol=1e-6)
    np.testing.assert_array_equal(b.inverse(jnp.full(4, 0.25)), np.zeros(3))
    np.testing.assert_array_equal(b.forward(jnp.zeros((2, 0))), np.ones((2, 1)))
    # Of two probabilities it is the sigmoid, with its log-det: the measure is that of the first coordinates.
    x = jnp.array([[-3.0], [0.5], [20.0]])
    y, log_det, back, _ = both_ways(b, x)
    np.testing.assert_allclose(y[:, 0], Sigmoid().forward(x[:, 0]), rtol=3e-7)
    np.testing.assert_allclose(log_det, Sigmoid().forward_log_det_jacobian(x[:, 0]), rtol=3e-7)
    np.testing.assert_allclose(back, x, rtol=1e-6)


def test_small_sticks_keep_their_digits():
    b = IteratedSigmoidCentered()
    x = np.float32([[20.0, 15.0, -3.0], [-25.0, 1.0, 30.0], [40.0, 30.0, 10.0]])
    y, log_det, back, _ = both_ways(b, x)
    for row, found, found_log_det in zip(x, y, log_det, strict=True):
        left, want, want_log_det = mp.mpf(1), [], mp.mpf(0)
        with mp.workdps(40):
            for k, score in enumerate(row):
                z = 1 / (1 + (3 - k) * mp.exp(-mp.mpf(float(score))))
                want.append(z * left)
                want_log_det += mp.log(z * (1 - z) * left)
                left *= 1 - z
        np.testing.assert_allclose(found, [float(v) for v in [*want, left]], rtol=2e-6)
        assert float(found_log_det) == pytest.approx(float(want_log_det), rel=1e-6)
    np.testing.assert_allclose(back, x, rtol=1e-6)
    # A face of the simplex is no image.
    _, _, inside = b._inverse_within(jnp.array([[0.5, 0.25, 0.25], [0.5, 0.5, 0.0], [0.5, 0.4, 0.0]]))
    np.testing.assert_array_equal(inside, [True, False, False])


def test_categories():
    b = CategoricalToDiscrete([0.01, 0.1, 1.0, 10.0])
    places = [1, 3, 2, 1, 0]
    np.testing.assert_allclose(b.forward(places), [0.1, 10, 1, 0.1, 0.01], rtol=1e-7)
    np.testing.assert_array_equal(b.inverse(b.forward(places)), places)
    # The nearest, of two equally near the lower.
    whole = CategoricalToDiscrete([0.0, 2.0, 6.0])
    np.testing.assert_array_equal(whole.inverse([-9.0, 0.9, 1.0, 1.1, 4.0, 4.5, 99.0]), [0, 0, 0, 1, 1, 2, 2])
    assert np.isnan(whole.forward(jnp.array([-1.0, 3.0, 0.5, jnp.nan]))).all()
    assert np.isnan(whole.inverse(jnp.nan))
    np.testing.assert_array_equal(CategoricalToDiscrete([5.0]).inverse([1.0, 9.0]), [0, 0])


# ------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: Transpose(), ValueError, "got neither"),
        (lambda: Transpose([0], 1), ValueError, "got both"),
        (lambda: Transpose([0, 2]), ValueError, "once each"),
        (lambda: Transpose([[0, 1]]), ValueError, "once each"),
        (lambda: Transpose([0.0, 1.0]), TypeError, "integers as perm"),
        (lambda: Transpose(rightmost_transposed_ndims=-1), ValueError, "0 or more"),
        (lambda: Transpose(rightmost_transposed_ndims=1.5), TypeError, "integers as rightmost"),
        (lambda: jax.jit(lambda p: Transpose(p).forward(jnp.zeros((2, 2))))([1, 0]), TypeError, "traced"),
        (lambda: Pad([1, 2]), ValueError, "pairs of integers"),
        (lambda: Pad([(0, -1)]), ValueError, "pairs of integers"),
        (lambda: Pad([]), ValueError, "pairs of integers"),
        (lambda: Pad(axis=0), ValueError, "negative integers as axis"),
        (lambda: Pad(axis=[-1, -2]), ValueError, "expected 1 different"),
        (lambda: Pad([(0, 1), (0, 1)], axis=[-1, -1]), ValueError, "expected 2 different"),
        (lambda: Pad(mode="WRAP"), ValueError, "CONSTANT, REFLECT, SYMMETRIC"),
        (lambda: Pad(constant_values=[1.0, 2.0]), ValueError, "one number"),
        (lambda: Pad([(3, 0)], "REFLECT").forward(jnp.zeros(3)), ValueError, "at most 2"),
        (lambda: Pad([(0, 3)]).inverse(jnp.zeros(2)), ValueError, "at least 3"),
        (lambda: Cumsum(0), ValueError, "negative axis"),
        (lambda: Cumsum(-1.0), TypeError, "an integer"),
        (lambda: DiscreteCosineTransform(1), ValueError, "dct_type 2 or 3"),
        (lambda: Squeeze(0), ValueError, "positive integer"),
        (lambda: Squeeze().forward(jnp.zeros((4, 3, 1))), ValueError, "2 divides"),
        (lambda: Squeeze().inverse(jnp.zeros((2, 2, 6))), ValueError, "4 divides"),
        (lambda: UnitVector().inverse(jnp.zeros(0)), ValueError, "at least one number"),
        (lambda: IteratedSigmoidCentered().inverse(jnp.zeros(0)), ValueError, "at least one probability"),
        (lambda: CategoricalToDiscrete([1.0, 1.0]), ValueError, "strictly increasing"),
        (lambda: CategoricalToDiscrete([]), ValueError, "one row"),
        (lambda: CategoricalToDiscrete(3.0), ValueError, "one row"),
    ],
)
def test_refused(build, error, words):
    with pytest.raises(error, match=words):
        build()


@pytest.mark.parametrize(
    ("build", "good", "bad"),
    [
        (lambda p: Pad([(1, 0)], constant_values=7, validate_args=True).inverse(p), [7, 3], [6, 3]),
        (lambda p: Ascending(validate_args=True).inverse(p), [1, 2], [2, 1]),
        (lambda p: UnitVector(validate_args=True).inverse(p), [0.6, -0.8], [0.6, -0.7]),
        (lambda p: IteratedSigmoidCentered(validate_args=True).inverse(p), [0.25, 0.75], [0.25, 0.7]),
        (lambda p: CategoricalToDiscrete([1.0, 2.0], validate_args=True).forward(p), [0, 1], [0, 2]),
        (lambda p: CategoricalToDiscrete([1.0, 2.0], validate_args=True).inverse(p), [1, 2], [1, 1.9]),
    ],
    ids=["pad", "ascending", "sphere", "simplex", "places", "values"],
)
def test_validate_args(build, good, bad):
    run = jax.jit(build)
    assert np.isfinite(run(jnp.asarray(good, jnp.float32))).all()
    with pytest.raises(Exception, match="expected"):
        jax.block_until_ready(run(jnp.asarray(bad, jnp.float32)))
