"""Neural autoregressive flows: the scalar maps by other means, and the recipes in both directions.

| what | how |
| --- | --- |
| deep sigmoids | the formula in NumPy; the asymptotes far out, in float32, by hand |
| the quadrature | polynomials |
| the monotonic integral | SciPy's quadrature; linear outside of its box; its slope is the integrand |
| NaN, infinities, far points, large parameters | values keep their place, gradients are finite |
| recipes, conditional, after a perturbation (slow) | integral 1 on a grid, round trips, log-dets |
| their derivatives in both directions (slow, but of one layer) | forward(inverse(x)) = x has none but 1 by x |
| block networks | structure, norms; far points, where tanh is flat, have an inverse, for many networks |
| fits (slow) | two moons: 0.5 nats better than the Gaussian; the same bits after saving |
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

import pushforward as pf
from pushforward import flows
from pushforward.bijectors import (
    BlockNeuralAutoregressive,
    DeepSigmoidalTransformer,
    MonotonicIntegralTransformer,
)
from pushforward.bijectors.block_neural_autoregressive import solve_by_coordinates
from pushforward.bijectors.monotonic_integral import clenshaw_curtis
from pushforward.nets import BlockAutoregressiveNetwork
from pushforward.testing.programs import fast_jit

from .test_flows import two_moons

LEAST = 1e-3


def positive(raw):
    return LEAST + np.log1p(np.exp(raw + np.log(np.expm1(1 - LEAST))))


def softmax(raw):
    e = np.exp(raw - raw.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def perturbed(module, scale, seed=5):
    """With noise on what trains; NumPy's, which compiles nothing."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda a, trains: a + scale * rng.standard_normal(a.shape).astype(a.dtype) if trains else a,
        module,
        pf.trainable(module),
    )


@fast_jit("transformer")
def map_of(transformer, raw, x):
    """Forward with the log-det, and the slope by autodiff."""
    (y, log_slope), (slope, _) = jax.jvp(lambda x: transformer.forward_and_log_det(raw, x), (x,), (jnp.ones_like(x),))
    return y, log_slope, slope


@fast_jit("transformer")
def both(transformer, raw, x):
    """(forward, inverse) with log-dets, and the gradients of the finite ones."""

    def run(raw, x):
        values = transformer.forward_and_log_det(raw, x), transformer.inverse_and_log_det(raw, x)
        return sum(jnp.sum(jnp.where(jnp.isfinite(a), a, 0)) for a in jax.tree.leaves(values)), values

    (_, values), gradients = jax.value_and_grad(run, (0, 1), has_aux=True)(raw, x)
    return *values, gradients


# ------------------------------------------------------------------------------------------------- deep sigmoids


@pytest.mark.usefixtures("x64")
def test_dense_sigmoids_are_those_of_the_formula():
    k, transformer = 3, DeepSigmoidalTransformer(units=3, depth=2)
    raw = np.random.default_rng(0).standard_normal(transformer.params_per_dim)
    a1, b1, w1, a2, b2, u2, w2 = np.split(raw, np.cumsum([k, k, k * k, k, k, k * k]))
    x = np.linspace(-6, 6, 25)
    h = softmax(w1.reshape(k, k)) @ sigmoid(positive(a1)[:, None] * x + b1[:, None])
    h = np.log(h) - np.log1p(-h)
    s = softmax(w2) @ sigmoid(positive(a2)[:, None] * (softmax(u2.reshape(k, k)) @ h) + b2[:, None])
    y, log_slope, slope = map_of(transformer, raw[:, None], x)
    np.testing.assert_allclose(y, np.log(s) - np.log1p(-s), rtol=0, atol=1e-12)
    np.testing.assert_allclose(log_slope, np.log(slope), rtol=0, atol=1e-12)


def test_both_tails_of_sigmoids_are_precise():
    """S = 0.3 s(x / 2) + 0.7 s(4 x - 40): beyond all steps the flattest unit is left, and between them a plateau."""
    transformer = DeepSigmoidalTransformer(units=2)
    slopes = np.log(np.expm1(np.array([0.5, 4.0]) - LEAST)) - np.log(np.expm1(1 - LEAST))
    raw = np.concatenate([slopes, [0, -40], np.log([0.3, 0.7])]).astype(np.float32)
    x = np.array([-2000, -60, 5, 60, 2000], np.float32)
    y, log_slope, _ = map_of(transformer, raw[:, None], x)
    # In float64, of 1 - S the last term alone; at 5, S = 0.3 s(2.5), and of s(-20) nothing is left in float32.
    share = 0.3 * sigmoid(2.5)
    middle = np.log(share / (1 - share)), np.log(0.3 * sigmoid(2.5) * sigmoid(-2.5) / 2 / share / (1 - share))
    want = [-1000 + np.log(0.3), -30 + np.log(0.3), middle[0], 30 - np.log(0.3), 1000 - np.log(0.3)]
    np.testing.assert_allclose(y, want, rtol=3e-7)
    np.testing.assert_allclose(log_slope, [np.log(0.5)] * 2 + [middle[1]] + [np.log(0.5)] * 2, rtol=0, atol=2e-6)


# --------------------------------------------------------------------------------------------- monotonic integrals


@pytest.mark.parametrize("count", [2, 3, 8, 17, 32])
def test_quadrature_is_exact_for_polynomials(count):
    nodes, weights = clenshaw_curtis(count)
    assert np.all(weights > 0)
    for degree in range(count):
        np.testing.assert_allclose(weights @ nodes**degree, 1 / (degree + 1), rtol=1e-13)


@pytest.mark.usefixtures("x64")
def test_the_integral_is_that_of_the_integrand():
    m, transformer = 3, MonotonicIntegralTransformer(units=3, bound=2.0)
    raw = np.random.default_rng(1).standard_normal(transformer.params_per_dim)
    shift, v, c, log_s, offset = np.split(raw, np.cumsum([1, 1, m, m]))
    width = 4 / m
    s, places = np.exp(np.log(4) * np.tanh(log_s / np.log(4))) / width, width * (np.arange(m) - 1 + offset)

    def g(t):
        return float(positive(v[0] + c @ np.tanh(s * (np.clip(t, -2, 2) - places))))

    x = np.linspace(-3, 3, 13)
    want = [shift[0] + quad(g, 0, t, points=[np.sign(t) * 2] if abs(t) > 2 else None, epsabs=1e-12)[0] for t in x]
    y, log_slope, slope = map_of(transformer, raw[:, None], x)
    np.testing.assert_allclose(y, want, rtol=0, atol=1e-8)
    np.testing.assert_allclose(log_slope, [np.log(g(t)) for t in x], rtol=0, atol=1e-13)
    np.testing.assert_allclose(slope, np.exp(log_slope), rtol=1e-12)


# ------------------------------------------------------------------------------------------------------ hard points


@pytest.mark.parametrize(
    "transformer",
    [DeepSigmoidalTransformer(2), MonotonicIntegralTransformer(2, nodes=8)],
    ids=["sigmoids", "integral"],
)
def test_hard_points(transformer):
    """Zeros are the identity; NaN and infinities keep their place; large parameters keep gradients finite."""
    special = np.array([np.nan, -np.inf, np.inf, -1e3, -5.0, 0.0, 1e-8, 5.0, 1e3])
    grid = np.linspace(-4.9, 4.9, 20)
    sizes = np.repeat([0.0, 1.0, 30.0], len(special) + len(grid))
    x = np.tile(np.concatenate([special, grid]), 3).astype(np.float32)
    raw = sizes * np.random.default_rng(2).standard_normal((transformer.params_per_dim, len(x)))
    *values, gradients = both(transformer, raw.astype(np.float32), x)
    ordinary = np.isfinite(x)
    for value, log_slope in values:
        np.testing.assert_array_equal(np.isnan(value), np.isnan(x))
        np.testing.assert_array_equal(value[np.isinf(x)], x[np.isinf(x)])
        assert np.all(np.isfinite(value[ordinary]))
        assert np.all(np.isfinite(log_slope[ordinary]))
        zero = ordinary & (sizes == 0)
        np.testing.assert_allclose(value[zero], x[zero], rtol=1e-6, atol=4e-6)
        np.testing.assert_allclose(log_slope[zero], 0, atol=2e-6)
    for gradient in gradients:
        assert np.all(np.isfinite(gradient[..., ordinary]))


# ---------------------------------------------------------------------------------------------------------- recipes

SMALL = {"naf": {"units": 3}, "umnn": {"units": 3, "nodes": 12}, "bnaf": {}}


@fast_jit()
def observe(parameters, rest, c, grid, x):
    """Densities on a grid, x through the flow and back, and the gradients of forward(inverse(x)) and a log-density."""

    def there_and_back(parameters, c, x):
        flow = eqx.combine(parameters, rest)(c)
        z, log_det = flow.bijector.inverse_and_log_det(x)
        y, back_log_det = flow.bijector.forward_and_log_det(z)
        weights = jnp.asarray(np.cos(1.0 + np.arange(x.size)).reshape(x.shape), x.dtype)
        return jnp.sum(weights * y), (z, log_det, y, back_log_det, weights)

    (_, seen), gradients = jax.value_and_grad(there_and_back, (0, 1, 2), has_aux=True)(parameters, c, x)
    flow = eqx.combine(parameters, rest)(c)
    jacobian = jax.vmap(jax.jacfwd(flow.bijector.inverse))(x)
    return flow.log_prob(grid), seen, gradients, jacobian


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_recipe_in_both_directions(name, key):
    flow = getattr(flows, name)(key, 2, condition_dim=2, layers=1, hidden_units=(8,), permutation=None, **SMALL[name])
    flow = perturbed(flow, 0.1)
    parameters, rest = eqx.partition(flow, pf.trainable(flow))
    side = jnp.linspace(-20, 20, 401)
    grid, x = jnp.stack(jnp.meshgrid(side, side), -1), 2 * jax.random.normal(key, (6, 2))
    log_prob, seen, gradients, jacobian = observe(parameters, rest, jnp.array([0.5, -1.0]), grid, x)
    z, log_det, y, back_log_det, weights = seen
    # A grid of step 0.1: kinks of relu networks leave an error of second order in the step.
    assert abs(np.exp(np.asarray(log_prob, np.float64)).sum() * 0.1**2 - 1) < 2e-3
    assert np.abs(z - x).max() > 0.1
    np.testing.assert_allclose(y, x, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], rtol=0, atol=1e-5)
    np.testing.assert_allclose(back_log_det, -log_det, rtol=0, atol=1e-5)
    *of_constants, of_x = gradients
    np.testing.assert_allclose(of_x, weights, rtol=0, atol=2e-5)
    # Sums of dozens of terms that cancel; with the inverse's part alone they are of the size 1.
    for gradient in jax.tree.leaves(of_constants):
        np.testing.assert_allclose(gradient, 0, atol=1e-4)


# --------------------------------------------------------------------------------------------------- block networks


@pytest.mark.usefixtures("x64")
def test_block_network_is_triangular_and_has_an_inverse_where_tanh_is_flat(key):
    layer = perturbed(BlockNeuralAutoregressive(BlockAutoregressiveNetwork(4, (3, 2), key=key)), 0.5)
    x = np.random.default_rng(0).standard_normal((7, 4)) * np.array([1, 1, 1, 10, 100, 1e4, 1e8])[:, None]

    @fast_jit()
    def run(layer, x):
        def there_and_back(layer, x):
            y, log_det = layer.forward_and_log_det(x)
            back, back_log_det = layer.inverse_and_log_det(y)
            return jnp.sum(back[:4]), (y, log_det, back, back_log_det)

        gradients, values = jax.grad(there_and_back, (0, 1), has_aux=True)(layer, x)
        return *values, gradients, jax.vmap(jax.jacfwd(layer.inverse))(values[0]), layer.net.layers()

    y, log_det, back, back_log_det, gradients, jacobian, layers = run(layer, x)
    np.testing.assert_allclose(gradients[1], np.r_[np.ones((4, 4)), np.zeros((3, 4))], rtol=0, atol=1e-12)
    for gradient in jax.tree.leaves(gradients[0]):
        np.testing.assert_allclose(gradient, 0, atol=1e-12)
    np.testing.assert_allclose(back, x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(back_log_det, np.linalg.slogdet(jacobian)[1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(log_det, -back_log_det, rtol=0, atol=1e-12)
    assert np.all(np.triu(jacobian, 1) == 0)
    assert np.all(np.abs(np.asarray(jacobian)[0][np.tril_indices(4)]) > 0)
    # Far out x is (1 - a) y, to what f adds, which is bounded.
    flat = np.asarray(y)[-1] * (1 - sigmoid(np.asarray(layer.net.raw_gate)))
    np.testing.assert_allclose(flat, x[-1], rtol=1e-6)
    # Rows have the norm of their scale, and the blocks on the diagonal are exponentials.
    for (weight, log_block), log_scale in zip(layers, layer.net.log_scales, strict=True):
        np.testing.assert_allclose(np.linalg.norm(weight, axis=1), np.exp(log_scale), rtol=1e-12)
        blocks = np.split(np.asarray(weight), 4)
        for d, rows in enumerate(blocks):
            np.testing.assert_allclose(np.split(rows, 4, axis=1)[d], np.exp(log_block[d]), rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_a_root_at_the_end_of_its_bracket_is_found_by_every_program(key):
    """Where all units are flat, the root is the end of the bracket but for rounding, which compilers do differently."""

    @fast_jit()
    def run(net, x):
        return jnp.abs(net.columns(solve_by_coordinates(net, x))[0] - x)

    net = BlockAutoregressiveNetwork(3, (3,), key=key)
    x = np.repeat([[-30.0, -10.0, -6.0, 6.0, 10.0, 30.0]], 3, axis=0)
    for seed in range(50):
        assert np.max(run(perturbed(net, 0.1, seed), x)) < 1e-12


# ------------------------------------------------------------------------------------------------------------- fits


@pytest.mark.slow
@pytest.mark.standard_promotion  # Optax raises a float to an integer power
@pytest.mark.parametrize(
    ("name", "options", "rate"),
    [
        ("naf", {"layers": 3}, 3e-3),
        ("naf", {"layers": 2, "units": 4, "depth": 2}, 3e-3),
        ("umnn", {"layers": 2}, 3e-3),
        ("bnaf", {}, 1e-2),
    ],
)
def test_fit_beats_a_gaussian_and_survives_saving(name, options, rate, key, tmp_path):
    flow = getattr(flows, name)(key, 2, **options)
    model = pf.fit(key, flow, two_moons(5_000, 0), epochs=20, batch_size=128, learning_rate=rate, progress=False).model
    test = two_moons(5_000, 1)
    gaussian = np.log(2 * np.pi) + np.linalg.slogdet(np.cov(test.T))[1] / 2 + 1
    nll = -float(np.mean(np.asarray(model.log_prob(test))))
    print(f"{name}: {nll:.4f}, Gaussian {gaussian:.4f}")
    # The entropy is 0.319. A Gaussian has 1.86.
    assert 0.30 < nll < gaussian - 1.2
    sample = model.sample(key, (2_000,))
    np.testing.assert_allclose(np.mean(sample, 0), np.mean(test, 0), atol=0.08)
    np.testing.assert_allclose(np.cov(sample.T), np.cov(test.T), atol=0.08)
    pf.save(tmp_path / "model", model)
    loaded = pf.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.log_prob(test), model.log_prob(test))
    np.testing.assert_array_equal(loaded.sample(key, (10,)), model.sample(key, (10,)))


# -------------------------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda key: DeepSigmoidalTransformer(units=0), ValueError, "units >= 1"),
        (lambda key: DeepSigmoidalTransformer(depth=1.5), ValueError, "depth >= 1"),
        (lambda key: DeepSigmoidalTransformer(min_slope=1.0), ValueError, "0 < min_slope < 1"),
        (lambda key: MonotonicIntegralTransformer(nodes=1), ValueError, "nodes >= 2"),
        (lambda key: MonotonicIntegralTransformer(bound=0.0), ValueError, "bound > 0"),
        (lambda key: MonotonicIntegralTransformer(min_slope=0.0), ValueError, "0 < min_slope < 1"),
        (lambda key: BlockAutoregressiveNetwork(3, (), key=key), ValueError, "at least one hidden layer"),
        (lambda key: BlockAutoregressiveNetwork(3, (0,), key=key), ValueError, "positive sizes"),
        (lambda key: BlockNeuralAutoregressive(jnp.tanh), TypeError, "expected a BlockAutoregressiveNetwork"),
    ],
)
def test_wrong_arguments_are_refused(build, error, words, key):
    with pytest.raises(error, match=words):
        build(key)


def test_inputs_that_do_not_fit_are_refused(key):
    net = BlockAutoregressiveNetwork(3, (1,), condition_dim=1, key=key)
    with pytest.raises(ValueError, match="no condition bound"):
        net(jnp.zeros(3))
    with pytest.raises(ValueError, match=r"expected shape \[\.\.\., 1\]"):
        net.condition(np.zeros(2, np.float32))
    with pytest.raises(ValueError, match=r"expected an input of shape \[\.\.\., 3\]"):
        net.condition(np.zeros(1, np.float32))(jnp.zeros(2))
