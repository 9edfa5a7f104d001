"""Planar, radial and Sylvester layers: their formulae, what keeps them invertible, hard points, batches."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import Planar, Radial, Sylvester
from pushforward.bijectors.residual_step import above_minus_one, from_above_minus_one, log_slope, one_plus


@eqx.filter_jit
def run(bijector, x):
    """(y, log-det), and back again."""
    y, log_det = bijector.forward_and_log_det(x)
    return (y, log_det), bijector.inverse_and_log_det(y)


@eqx.filter_jit
def gradients(bijector, x):
    """Of values and log-dets in both directions, by the parameters and by x."""

    def total(bijector, x):
        values = bijector.forward_and_log_det(x), bijector.inverse_and_log_det(x)
        return sum(jnp.sum(a) for a in jax.tree.leaves(values))

    return jax.grad(total)(bijector, x), jax.grad(total, 1)(bijector, x)


def finite(tree):
    return all(bool(jnp.all(jnp.isfinite(a))) for a in jax.tree.leaves(tree))


def test_products_go_above_minus_one():
    with jax.enable_x64(True):
        x = np.array([-1e6, -3.0, -1.0, -1e-9, 0.0, 1e-9, 2.0, 1e6])
        m = np.asarray(above_minus_one(x))
        np.testing.assert_allclose(m, np.where(x < 0, x / (1 - x), x), rtol=1e-15)
        np.testing.assert_allclose(one_plus(x), np.where(x < 0, 1 / (1 - x), 1 + x), rtol=1e-15)
        np.testing.assert_allclose(from_above_minus_one(m), x, rtol=1e-9)
        assert np.all(m > -1)
        slopes = jax.vmap(jax.grad(above_minus_one))(jnp.asarray(x))
        np.testing.assert_allclose(slopes, np.where(x < 0, 1 / (1 - x) ** 2, 1), rtol=1e-9)


def test_log_slope_keeps_its_digits():
    """log(1 + m sech^2) in float32 against float64 and an independent form: tanh^2 + (1 + m) sech^2."""
    a, x = (
        g.ravel() for g in np.meshgrid([0.0, 1e-6, 1e-3, 0.1, 1, 5, 20, 100], [-1e5, -30, -1, -1e-4, 0, 1e-4, 3, 1e4])
    )
    a, x = a.astype(np.float32).astype(np.float64), x.astype(np.float32).astype(np.float64)
    whole = np.where(x < 0, 1 / (1 - x), 1 + x)
    sech = 2 * np.exp(-a) / (1 + np.exp(-2 * a))
    m = np.where(x < 0, x / (1 - x), x)
    exact = np.where(m * sech**2 > -0.5, np.log1p(m * sech**2), np.log(np.tanh(a) ** 2 + whole * sech**2))
    got = jax.jit(log_slope)(jnp.asarray(a, jnp.float32), jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(got, exact, rtol=2e-6, atol=1e-30)


# ----------------------------------------------------------------------------------------------------------- planar


def test_planar_is_its_formula():
    w, u, b, x = np.array([1.0, -2.0, 0.5]), np.array([0.3, -0.1, 0.8]), 0.4, np.array([0.2, 0.7, -1.0])
    (y, log_det), _ = run(Planar(w, u, b), x)
    a = w @ x + b
    np.testing.assert_allclose(y, x + u * np.tanh(a), rtol=1e-6)
    np.testing.assert_allclose(log_det, np.log(1 + (w @ u) / np.cosh(a) ** 2), rtol=1e-5)
    # The product of w and u is positive: u is the parameter as it stands.
    np.testing.assert_array_equal(Planar(w, u, b).constrained_direction, np.float32(u))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("product", [-0.5, -1.0, -1e3, -1e6])
def test_planar_is_invertible_for_every_direction(product):
    w, across = np.array([0.6, 0.8, 0.0]), np.array([0.8, -0.6, 2.0])
    planar = Planar(w, product * w + across, -0.2)
    u = np.asarray(planar.constrained_direction)
    np.testing.assert_allclose(w @ u, product / (1 - product), rtol=1e-14)
    np.testing.assert_allclose(u - w * (w @ u), across, rtol=0, atol=1e-15 * max(1, abs(product)))  # left as it is
    x = np.random.default_rng(0).standard_normal((20, 3))
    x[0] = 0.2 * w  # on the plane, where the slope is least
    (_, log_det), (back, inverse_log_det) = run(planar, x)
    np.testing.assert_allclose(log_det[0], np.log(1 / (1 - product)), rtol=1e-12)
    # A rounding of y moves x by up to 1 - product times as much.
    np.testing.assert_allclose(back, x, atol=1e-14 * (1 - product))
    np.testing.assert_allclose(inverse_log_det[1:], -log_det[1:], rtol=1e-12 * (1 - product))


def test_extreme_planar_layers_have_finite_gradients():
    w, x = np.array([0.6, 0.8, 0.0]), np.array([[0.12, 0.16, 0.0], [1.0, 2.0, 3.0], [-1e3, 1e3, 0.0]])
    stack = Planar(w, np.array([[-1e6], [-1.0], [0.0], [1e6]]) * w, -0.2)
    assert finite(gradients(stack, x[:, None]))


def test_planar_of_a_zero_weight_is_a_translation():
    planar, x = Planar(np.zeros(2), np.array([1.0, -2.0]), 0.5), np.array([0.3, 0.4])
    (y, log_det), (back, _) = run(planar, x)
    np.testing.assert_allclose(y, [0.3 + np.tanh(0.5), 0.4 - 2 * np.tanh(0.5)], rtol=1e-6)
    np.testing.assert_array_equal(log_det, 0)
    np.testing.assert_allclose(back, [0.3, 0.4], rtol=1e-6)
    assert finite(gradients(planar, x))


# ----------------------------------------------------------------------------------------------------------- radial


def test_radial_is_its_formula_and_says_what_was_given():
    center, alpha, beta, x = np.array([0.5, -1.0, 0.2]), 0.8, -0.6, np.array([1.0, 1.0, -1.0])
    radial = Radial(center, alpha, beta)
    np.testing.assert_allclose([radial.alpha, radial.beta], [alpha, beta], rtol=1e-6)
    (y, log_det), (back, _) = run(radial, x)
    r = np.linalg.norm(x - center)
    h = 1 / (alpha + r)
    np.testing.assert_allclose(y, x + beta * h * (x - center), rtol=1e-6)
    slopes = 1 + beta * h, 1 + beta * h - beta * h**2 * r
    np.testing.assert_allclose(log_det, 2 * np.log(slopes[0]) + np.log(slopes[1]), rtol=1e-5)
    np.testing.assert_allclose(back, x, rtol=1e-5)


@pytest.mark.parametrize(("alpha", "share"), [(1.0, -1 + 1e-4), (1e-3, 1e3), (50.0, -0.5), (1.0, 0.0)])
def test_radial_at_its_center_and_far_out(alpha, share):
    center = np.array([0.5, -1.0, 0.25])
    direction = np.array([0.36, 0.48, 0.8])
    x = (center + np.array([[0], [1e-4], [1e-2], [1], [1e3], [1e15], [1e30]]) * direction).astype(np.float32)
    radial = Radial(center, alpha, share * alpha)
    (y, log_det), (back, inverse_log_det) = run(radial, x)
    assert finite((y, log_det, back, inverse_log_det, gradients(radial, x)))
    np.testing.assert_array_equal(y[0], x[0])
    np.testing.assert_allclose(log_det[0], 3 * np.log1p(share), rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(log_det[-2:], 0, atol=1e-6)
    # Inside, rounding y moves x by up to 1 / (1 + share) times as much.
    np.testing.assert_allclose(back, x, rtol=1e-5, atol=4e-7 / (1 + share))
    np.testing.assert_allclose(inverse_log_det[3:], -log_det[3:], atol=1e-3)


# -------------------------------------------------------------------------------------------------------- Sylvester


def draw(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def dense(outer, inner, bias, q, x):
    """(y, log-det) by matrices, in NumPy."""
    product = np.diag(outer) * np.diag(inner)
    r = np.triu(outer, 1) + np.diag(np.diag(outer) / (1 + np.maximum(-product, 0)))
    a = np.triu(inner) @ q.T @ x + bias
    jacobian = np.eye(len(x)) + q @ r @ np.diag(1 / np.cosh(a) ** 2) @ np.triu(inner) @ q.T
    sign, log_det = np.linalg.slogdet(jacobian)
    assert sign == 1
    return x + q @ r @ np.tanh(a), log_det


def reflections(vectors):
    q = np.eye(vectors.shape[-1])
    for v in vectors:
        q = q @ (np.eye(len(v)) - 2 * np.outer(v, v) / (v @ v))
    return q


FORMS = {
    "orthogonal": (2, {"orthogonal": (4, 2)}, lambda o: np.linalg.qr(o["orthogonal"])[0]),
    "householder": (3, {"householder": (2, 4)}, lambda o: reflections(o["householder"])[:, :3]),
    "triangular": (4, {}, lambda o: np.eye(4)),
    "reversed": (4, {"reverse": True}, lambda o: np.eye(4)[::-1]),
}


@pytest.mark.parametrize("form", FORMS)
def test_sylvester_is_its_formula_with_parameters_of_its_own_for_every_row(form):
    m, shapes, basis = FORMS[form]
    outer, inner, bias, x = draw((2, m, m), (2, m, m), (2, m), (5, 2, 4))
    options = {n: shape if shape is True else draw((2, *shape), seed=1)[0] for n, shape in shapes.items()}
    layer = Sylvester(outer, inner, bias, **options)
    assert layer.size == 4
    assert layer.batch_shape((4,)) == (2,)
    (y, log_det), (back, inverse_log_det) = run(layer, x)
    for k in range(2):
        q = basis({n: v if v is True else np.asarray(v[k], np.float64) for n, v in options.items()})
        if form == "orthogonal":  # of the two signs of a column, the one with a positive diagonal of the other factor
            q = q * np.sign(np.diag(q.T @ options["orthogonal"][k]))
        row = [np.asarray(v[k], np.float64) for v in (outer, inner, bias)]
        want = [dense(*row, q, v) for v in np.asarray(x[:, k], np.float64)]
        np.testing.assert_allclose(y[:, k], [w[0] for w in want], rtol=1e-5, atol=2e-5)
        np.testing.assert_allclose(log_det[:, k], [w[1] for w in want], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(back, x, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(inverse_log_det, -log_det, rtol=1e-3, atol=1e-4)


def test_sylvester_of_one_unit_is_planar():
    direction, (x,) = np.array([0.6, 0.0, -0.8]), draw((4, 3))
    layer = Sylvester([[1.5]], [[-2.0]], [0.3], orthogonal=direction[:, None])
    planar = Planar(-2.0 * direction, 1.5 * direction, 0.3)
    for got, want in zip(jax.tree.leaves(run(layer, x)), jax.tree.leaves(run(planar, x)), strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (
            lambda: Planar(np.ones(3), np.ones(2)),
            r"weight and direction of shape \[..., D\], and got \(3,\) and \(2,\)",
        ),
        (lambda: Planar(1.0, np.ones(2)), "both are vectors"),
        (lambda: Planar(np.ones((2, 3)), np.ones((4, 3))), "broadcast"),
        (lambda: Radial(1.0), "and got a number"),
        (lambda: Radial(np.ones(2), -1.0), "alpha: expected positive"),
        (lambda: Radial(np.ones(2), 1.0, -1.0), "beta > -alpha"),
        (lambda: Radial(np.ones((2, 2)), np.ones(3)), "broadcast"),
        (lambda: Sylvester(np.ones((2, 3)), np.ones((2, 2))), r"outer and inner of shape \[..., M, M\]"),
        (lambda: Sylvester(np.eye(2), np.eye(2), np.ones(3)), "bias of shape"),
        (lambda: Sylvester(np.eye(2), np.eye(2), orthogonal=np.ones((3, 3))), "M = 2 <= D"),
        (lambda: Sylvester(np.eye(3), np.eye(3), householder=np.ones((1, 2))), "M = 3 <= D"),
        (lambda: Sylvester(np.eye(2), np.eye(2), householder=np.zeros((1, 2))), "not zero"),
        (lambda: Sylvester(np.eye(2), np.eye(2), householder=np.ones((1, 2)), reverse=True), "at most one"),
        (lambda: run(Planar(np.ones(3), np.ones(3)), np.ones(2)), "events of shape"),
    ],
)
def test_wrong_arguments_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()
