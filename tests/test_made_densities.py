"""MADE as a density: mixtures of Gaussians, binary vectors, many orders.

| what | how |
| --- | --- |
| the mixture transformer | mpmath at 60 digits, into both tails, in both precisions; its search goes back |
| its derivatives | of the search, against those of the closed form |
| NaN, infinity, far out, equal components, gradients | values |
| zeros are near the identity, or are it | values |
| recipes: normalised, samples have the density that they say, orders, conditions | integral on a grid; Jacobian |
| binary vectors: sum to one, frequencies of draws, -inf outside, NaN through, a batch of conditions | all 2^D of them |
| masks: each a density in its order, drawn from incrementally; the ensemble their mean | all 2^D of them; Jacobian |
| fits that can fail: a law of bits whose entropy is known, constant columns | cross-entropy, before and after |
| saved and loaded | same bits |
| bad arguments | ValueError or TypeError with what to write |
"""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import pushforward as pf
from pushforward import flows
from pushforward.bijectors import Chain, Coupling, MaskedAutoregressiveFlow, MixtureTransformer, Shift
from pushforward.distributions import (
    AutoregressiveBernoulli,
    ConditionalAutoregressiveBernoulli,
    MaskEnsemble,
    StandardNormal,
    TransformedDistribution,
)
from pushforward.nets import MLP, AutoregressiveNetwork, draw_masks
from pushforward.testing import check_bijector, check_distribution
from pushforward.testing.programs import fast_jit
from pushforward.training import order_agnostic

# The widest component is not at the end of the others, the lightest is alone far out.
LOGITS, MEANS, LOG_SCALES = [0.3, -6.0, 1.0], [-1.0, 12.0, 1.5], [0.4, -1.5, -1.0]
POINTS = [-40.0, -9.0, -3.0, -0.7, 0.0, 1.4, 3.0, 6.0, 11.7, 14.0, 60.0]
PLAIN = MixtureTransformer(3, spread=False)
BITS = np.array(list(itertools.product([0, 1], repeat=4)))


def noisy(model, seed=5, scale=0.5):
    """The model with noise on what trains."""
    parameters, constants = eqx.partition(model, pf.trainable(model))
    leaves, treedef = jax.tree.flatten(parameters)
    rng = np.random.default_rng(seed)
    leaves = [a + scale * jnp.asarray(rng.standard_normal(a.shape), a.dtype) for a in leaves]
    return eqx.combine(jax.tree.unflatten(treedef, leaves), constants)


# ------------------------------------------------------------------------------------ the mixture transformer
def reference(y):
    """(x, log dx/dy) of the mixture above at 60 digits."""
    with mpmath.workdps(60):
        m, five = mpmath.mpf, mpmath.mpf(5)
        weights = [mpmath.exp(m(v)) for v in LOGITS]
        scales = [mpmath.exp(five * mpmath.tanh(m(v) / five)) for v in LOG_SCALES]
        parts = [(w / sum(weights), (m(y) - m(a)) / s, s) for w, a, s in zip(weights, MEANS, scales, strict=True)]
        lower, upper = (sum(w * mpmath.ncdf(sign * z) for w, z, _ in parts) for sign in (1, -1))
        log_tail = mpmath.log(min(lower, upper))
        start = -mpmath.sqrt(-2 * log_tail)
        x = mpmath.findroot(lambda x: mpmath.log(mpmath.ncdf(x)) - log_tail, (start, start + m("0.3")))
        x = x if lower < upper else -x
        density = sum(w * mpmath.npdf(z) / s for w, z, s in parts)
        return float(x), float(mpmath.log(density) - mpmath.log(mpmath.npdf(x)))


@fast_jit()
def both_ways(params, y):
    def forward(x):
        return PLAIN.forward_and_log_det(params, x)

    x, log_det = PLAIN.inverse_and_log_det(params, y)
    (back, back_log_det), (slope, _) = jax.jvp(forward, (x,), (jnp.ones_like(x),))
    return x, log_det, back, back_log_det, slope


@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.slow), "float64"])
def test_the_mixture_is_precise_in_both_tails_and_its_search_goes_back(dtype):
    with jax.enable_x64(dtype == "float64"):
        params = jnp.asarray(np.array([*LOGITS, *MEANS, *LOG_SCALES])[:, None], dtype)
        y = jnp.asarray(POINTS, dtype)
        x, log_det, back, back_log_det, slope = map(np.asarray, both_ways(params, y))
    expected, expected_log_det = np.array([reference(float(v)) for v in np.asarray(y)]).T
    assert x.dtype == log_det.dtype == back.dtype == dtype
    assert expected.min() < -20
    assert expected.max() > 15
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(x, expected, rtol=4 * eps, atol=32 * eps)
    # Conditions that y itself is rounded to: log-dets change by up to some tens a unit of y.
    np.testing.assert_allclose(log_det, expected_log_det, atol=60 * eps)
    slopes = np.exp(log_det.astype(np.float64))
    np.testing.assert_allclose(back, y, rtol=8 * eps, atol=(8 * eps * (1 + abs(expected)) / slopes).max())
    np.testing.assert_allclose(back_log_det, -log_det, atol=2e4 * eps)
    # The implicit derivative of the search.
    np.testing.assert_allclose(slope, 1 / slopes, rtol=2e4 * eps)


@pytest.mark.slow
def test_parameters_have_implicit_derivatives_through_the_search(x64):
    params, y = jnp.array([*LOGITS, *MEANS, *LOG_SCALES])[:, None], jnp.asarray(POINTS)

    @fast_jit()
    def derivatives(params, y):
        x, log_det = PLAIN.inverse_and_log_det(params, y)
        searched = jax.jacrev(lambda p: PLAIN.forward_and_log_det(p, x)[0])(params)
        return searched, jax.jacfwd(lambda p: PLAIN.inverse_and_log_det(p, y)[0])(params), log_det

    searched, of_inverse, log_det = derivatives(params, y)
    expected = -of_inverse[..., 0] * np.exp(-np.asarray(log_det))[:, None]  # dy/dp = -(dx/dp) / (dx/dy)
    np.testing.assert_allclose(searched[..., 0], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_the_mixture_bears_what_comes():
    at = jnp.array([-1e20, -1e3, -1e-8, 0.0, 1e-8, 1e3, 1e20, jnp.inf, -jnp.inf, jnp.nan])

    @fast_jit()
    def everything(params, at):
        def total(params, at, way):
            value, log_det = getattr(PLAIN, way)(params, at)
            return jnp.sum(jnp.where(jnp.isfinite(at), value, 0)) * 1e-3 + jnp.sum(log_det[:7]), (value, log_det)

        ways = ("forward_and_log_det", "inverse_and_log_det")
        return [jax.grad(total, (0, 1), has_aux=True)(params, at, way) for way in ways]

    wide = jnp.array([*LOGITS, *(30 * v for v in MEANS), *(4 * v for v in LOG_SCALES)])[:, None]
    # Each row has parameters of its own, of which a row that is NaN may spoil its own.
    for params in (jnp.zeros((9, 10)), jnp.tile(wide, 10)):
        for (gradients, of_at), (value, log_det) in everything(params, at):
            assert np.isfinite(gradients[:, :9]).all()
            assert np.isfinite(of_at[:7]).all()
            assert np.isfinite(value[:7]).all()
            assert np.isfinite(log_det[:7]).all()
            np.testing.assert_array_equal(value[7:], at[7:])
            if not params.any():
                np.testing.assert_allclose(value[1:6], at[1:6], rtol=1e-6, atol=1e-7)


def test_zeros_are_near_the_identity():
    x = jnp.linspace(-4, 4, 81)
    transformer = MixtureTransformer(10)
    u, _ = fast_jit()(transformer.inverse_and_log_det)(jnp.zeros((30, 1)), x)
    assert 0.6 < np.abs(np.asarray(u - x)).max() < 0.66
    assert transformer.params_per_dim == 30


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["coupling", "conditional autoregressive"])
def test_the_mixture_passes_the_suite_in_layers(kind, key):
    transformer = MixtureTransformer(3)

    if kind == "coupling":
        layer = Coupling(MLP(1, 18, hidden_units=(8,), key=key), transformer, num_masked=1)
    else:
        net = AutoregressiveNetwork(9, 3, True, 2, hidden_units=(8, 8), activation=jnp.tanh, key=key)
        layer = MaskedAutoregressiveFlow(net, transformer=transformer)
    moderate = (-30.0, -1e-8, 0.0, 1e-8, 30.0)
    check_bijector(
        layer,
        event_shape=(3,),
        condition_dim=None if kind == "coupling" else 2,
        extremes=moderate,
        output_extremes=moderate,
        numerical=True,
    )


# ------------------------------------------------------------------------------------------------ recipes
@fast_jit()
def density_and_samples(flow, grid, key):
    x, log_prob = flow.sample_and_log_prob(key, (40,))
    return flow.log_prob(grid), x, log_prob, flow.log_prob(x)


def integrates(flow, key):
    side = jnp.linspace(-15, 15, 501)
    grid = jnp.stack(jnp.meshgrid(side, side), -1)
    log_prob, x, of_x, again = density_and_samples(flow, grid, key)
    density = np.exp(np.asarray(log_prob, np.float64))
    # A grid of step 0.06 and narrowest components of 0.2.
    assert abs(density.sum() * float(side[1] - side[0]) ** 2 - 1) < 5e-3
    assert x.shape == (40, 2)
    np.testing.assert_allclose(of_x, again, atol=2e-4)


def test_made_of_mixtures_is_normalised_and_in_its_order(key):
    flow = noisy(flows.made(key, 2, components=3, hidden_units=(6,), order="right-to-left"), scale=0.15)
    assert isinstance(flow, TransformedDistribution)
    assert isinstance(flow.bijector, MaskedAutoregressiveFlow)

    side = jnp.linspace(-10, 10, 201)  # a step of 0.1, and narrowest components of 0.5
    log_prob = fast_jit()(lambda flow, x: flow.log_prob(x))(flow, jnp.stack(jnp.meshgrid(side, side), -1))
    total = np.exp(np.asarray(log_prob, np.float64)).sum() * float(side[1] - side[0]) ** 2
    assert abs(total - 1) < 5e-3
    assert flow.bijector.shift_and_log_scale_fn.input_degrees.tolist() == [2, 1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["made of mixtures", "made of Gaussians", "maf_mog"])
def test_recipes_are_normalised_and_draw_from_their_density(name, key):
    options = {"layers": 2} if name == "maf_mog" else {"order": "random"}
    options |= {"conditionals": "gaussian"} if name == "made of Gaussians" else {"components": 3}
    recipe = flows.maf_mog if name == "maf_mog" else flows.made
    integrates(noisy(recipe(key, 2, hidden_units=(6,), **options), scale=0.15), key)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [flows.made, flows.maf_mog])
def test_conditional_recipes_are_a_distribution_for_every_condition(recipe, key):
    flow = noisy(recipe(key, 2, condition_dim=3, hidden_units=(6,), components=3), scale=0.15)
    c = jax.random.normal(key, (4, 3))
    given = flow(c)
    assert given.batch_shape == (4,)
    x = given.sample(key, (5,))
    assert x.shape == (5, 4, 2)
    np.testing.assert_allclose(given.log_prob(x)[:, 2], flow(c[2]).log_prob(x[:, 2]), rtol=1e-5, atol=1e-5)
    assert np.unique(np.asarray(given.log_prob(jnp.zeros((4, 2))))).size == 4


@pytest.mark.slow
@pytest.mark.standard_promotion  # Optax raises a float to an integer power
def test_mixtures_fit_modes_that_gaussians_cannot():
    rng = np.random.default_rng(0)

    def draw(n):  # Four modes; those of the second coordinate are where the first tells.
        a = np.where(rng.random(n) < 0.5, 2.0, -2.0) + 0.2 * rng.standard_normal(n)
        b = np.where(rng.random(n) < 0.5, 1.0, -1.0) * np.abs(a) / 2 + 0.2 * rng.standard_normal(n)
        return np.stack([a, b], 1).astype(np.float32)

    entropy = 2 * (np.log(2) + 0.5 * np.log(2 * np.pi * np.e * 0.04))
    x, test = draw(6000), draw(4000)
    key = jax.random.key(0)
    losses = {}
    for name, flow in {
        "mixture": flows.made(key, 2, hidden_units=(32,)),
        "maf_mog": flows.maf_mog(key, 2, layers=2, hidden_units=(32,)),
        "gaussian": flows.made(key, 2, conditionals="gaussian", hidden_units=(32,)),
    }.items():
        options = {"epochs": 60, "batch_size": 128, "learning_rate": 5e-3, "patience": None}
        model = pf.fit(key, flow, x, progress=False, **options).model
        losses[name] = -float(np.mean(np.asarray(model.log_prob(test))))
    assert entropy - 0.05 < losses["mixture"] < entropy + 0.1
    assert entropy - 0.05 < losses["maf_mog"] < entropy + 0.1
    assert losses["gaussian"] > entropy + 1


# ------------------------------------------------------------------------------------------- binary vectors
@fast_jit("count")
def bits_of(law, key, x, count):
    return law.log_prob(x), law.sample(key, (count,))


def frequencies(draws):
    """The share of each of the 16 vectors, along the leading axis."""
    number = np.asarray(draws) @ 2 ** np.arange(3, -1, -1)
    return np.stack([np.mean(number == k, axis=0) for k in range(16)])


def test_binary_vectors_sum_to_one_and_are_drawn_by_their_probabilities(key, tmp_path):
    model = flows.made(key, 4, conditionals="bernoulli", condition_dim=2, hidden_units=(8,), order="random")
    model = noisy(model, scale=1.0)
    assert isinstance(model, ConditionalAutoregressiveBernoulli)
    assert (model.event_shape, model.condition_dim) == ((4,), 2)
    law = model(jnp.array([[0.0, 1.0], [2.0, -1.0], [-1.0, -1.0]]))
    assert (law.event_shape, law.batch_shape, law.event_dim, law.has_rsample) == ((4,), (3,), 1, False)
    assert law.support.is_discrete
    x = np.concatenate([BITS, [[0.0, 1.0, 0.5, 0.0], [0.0, np.nan, 0.5, 1.0], [0.0, np.inf, 0.0, 0.0]]])
    log_prob, draws = bits_of(law, key, jnp.asarray(x[:, None], jnp.float32), 4000)
    assert draws.dtype == jnp.int32
    assert draws.shape == (4000, 3, 4)
    probability = np.exp(np.asarray(log_prob, np.float64))
    np.testing.assert_allclose(probability[:16].sum(0), 1, atol=1e-6)
    # Far from the uniform law and from each other, so that the frequencies tell.
    assert probability[:16].max(0).min() > 3 / 16
    assert np.ptp(probability[:16], axis=1).max() > 0.1
    np.testing.assert_array_equal(log_prob[16:], np.tile([[-np.inf], [np.nan], [-np.inf]], 3))
    # Five standard deviations of a share of 4,000 draws.
    assert np.abs(frequencies(draws) - probability[:16]).max() < 5 * 0.5 / 4000**0.5
    with pytest.raises(ValueError, match=r"\(4,\)"):
        law.log_prob(np.zeros((3, 5)))
    pf.save(tmp_path / "bits", model)
    loaded = pf.load(tmp_path / "bits")
    assert all(map(np.array_equal, jax.tree.leaves(loaded), jax.tree.leaves(model)))
    assert jax.tree.structure(loaded) == jax.tree.structure(model)


# ---------------------------------------------------------------------------------------------------- masks
@fast_jit("residual", "direct", "mask_weights")
def network(key, **options):
    return AutoregressiveNetwork(
        1, 4, hidden_units=(9, 9), activation=jnp.tanh, input_order="random", key=key, **options
    )


@fast_jit()
def members(model, masks, x, key):
    numbers = jnp.arange(len(masks), dtype=jnp.int32)
    ensemble = MaskEnsemble(model, masks)
    each = jax.lax.map(lambda m: masks.of(model, m).log_prob(x), numbers)
    draws = masks.of(model, jnp.asarray(1, jnp.int32)).sample(key, (4000,))
    return each, ensemble.log_prob(x), draws, ensemble.sample(key, (4000,))


@pytest.mark.parametrize("residual", [pytest.param(False, marks=pytest.mark.slow), True])
def test_masks_are_orders_of_one_network_and_the_ensemble_their_mean(residual, key):
    model = noisy(AutoregressiveBernoulli(network(key, residual=residual)), scale=1.0)
    masks = draw_masks(key, model, 3)
    each, of_all, draws, of_ensemble = members(model, masks, jnp.asarray(BITS, jnp.float32), key)
    probability = np.exp(np.asarray(each, np.float64))
    np.testing.assert_allclose(probability.sum(1), 1, atol=1e-6)
    assert np.ptp(probability, axis=0).max() > 0.1
    np.testing.assert_allclose(of_all, np.log(probability.mean(0)), atol=1e-5)
    assert np.abs(frequencies(draws) - probability[1]).max() < 5 * 0.5 / 4000**0.5
    assert np.abs(frequencies(of_ensemble) - probability.mean(0)).max() < 5 * 0.5 / 4000**0.5
    ensemble = MaskEnsemble(model, masks)
    assert ensemble[-1].network.unit_degrees[0].tolist() == masks.unit_degrees[0][2].tolist()
    assert any(jax.tree.leaves(pf.trainable(ensemble)))
    assert not any(jax.tree.leaves(pf.trainable(ensemble).masks))


def test_a_mask_has_its_own_order_and_connections(key):
    net = noisy(network(key, residual=True, direct=True, mask_weights=True), scale=0.3)
    masks = draw_masks(key, net, 3)
    assert sorted(masks.input_degrees[2].tolist()) == [1, 2, 3, 4]
    assert {tuple(row) for row in masks.unit_degrees[0].tolist()} != {net.hidden_degrees[0]}
    fixed = draw_masks(key, net, 3, orders=False, connections=False)

    @fast_jit()
    def outputs(net, masks, fixed, x):
        masked = masks.of(net, 2)
        return jax.jacfwd(masked)(x), masked(x), masked.sorted_by_degree()(x), net(x), fixed.of(net, 1)(x)

    jacobian, of_mask, of_sorted, plain, as_built = outputs(net, masks, fixed, jnp.linspace(-1, 1, 4))
    degrees = np.asarray(masks.input_degrees[2])
    np.testing.assert_array_equal(np.asarray(jacobian != 0).any(1), degrees[:, None] > degrees[None, :])
    np.testing.assert_allclose(of_sorted, of_mask, atol=1e-6)
    assert np.abs(np.asarray(plain - of_mask)).max() > 0.1
    np.testing.assert_allclose(as_built, plain, atol=1e-6)


@pytest.mark.slow
def test_a_flow_under_a_mask_has_implicit_derivatives(key, x64):
    net = AutoregressiveNetwork(9, 4, hidden_units=(9,), activation=jnp.tanh, key=key)
    flow = MaskedAutoregressiveFlow(net, transformer=MixtureTransformer(3))
    flow = draw_masks(key, flow, 2).of(flow, 1)
    z = jnp.array([0.3, -1.2, 0.7, 0.1])
    back = jax.jacfwd(flow.inverse)(flow.forward(z))
    np.testing.assert_allclose(jax.jacfwd(flow.forward)(z) @ back, np.eye(4), atol=1e-10)
    np.testing.assert_allclose(jax.jacrev(flow.forward)(z) @ back, np.eye(4), atol=1e-10)


@pytest.mark.slow
def test_what_no_member_has_gives_no_nan_in_gradients(key):
    model = AutoregressiveBernoulli(network(key, residual=True))
    masks = draw_masks(key, model, 2)
    half = jnp.full((1, 4), 0.5)
    assert MaskEnsemble(model, masks).log_prob(half) == -np.inf
    gradient = jax.grad(lambda weights: jnp.sum(MaskEnsemble(_with(model, weights), masks).log_prob(half)))
    assert all(np.isfinite(g).all() for g in gradient(model.network.weights))


def _with(model, weights):
    return eqx.tree_at(lambda m: m.network.weights, model, weights)


@pytest.mark.slow
def test_an_ensemble_of_flows_is_a_distribution(key):
    model = noisy(flows.made(key, 2, components=2, hidden_units=(6,)), scale=0.15)
    check_distribution(MaskEnsemble(model, draw_masks(key, model, 2)), checks=["shapes", "finite", "integral", "nan"])


@pytest.mark.slow
@pytest.mark.standard_promotion  # Optax raises a float to an integer power
def test_bits_are_fitted_in_many_orders_and_survive_saving(key, tmp_path):
    # Three fair bits, their parity, and a column that is always 0: the entropy is 3 log 2.
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (4000, 5)).astype(np.float32)
    x[:, 3], x[:, 4] = x[:, :3].sum(1) % 2, 0
    model = flows.made(key, 5, conditionals="bernoulli", hidden_units=(60,), activation=jnp.tanh)
    masks = draw_masks(key, model, 4)
    result = pf.fit(
        key, model, x, loss=order_agnostic(masks), epochs=40, batch_size=100, learning_rate=2e-2, progress=False
    )
    ensemble = MaskEnsemble(result.model, masks)
    entropy = 3 * np.log(2)
    before = -float(np.mean(np.asarray(MaskEnsemble(model, masks).log_prob(x[:500]))))
    after = -float(np.mean(np.asarray(ensemble.log_prob(x[:500]))))
    assert before > 4 * np.log(2)
    assert entropy - 0.01 < after < entropy + 0.2
    pf.save(tmp_path / "bits", ensemble)
    np.testing.assert_array_equal(pf.load(tmp_path / "bits").log_prob(x[:500]), ensemble.log_prob(x[:500]))


@pytest.mark.slow
@pytest.mark.standard_promotion  # Optax raises a float to an integer power
def test_one_order_is_fitted_by_its_likelihood_given_a_condition(key):
    rng = np.random.default_rng(0)
    c = rng.choice([-1.0, 1.0], (4000, 1)).astype(np.float32)
    x = (rng.random((4000, 3)) < np.where(c > 0, 0.9, 0.2)).astype(np.float32)
    x[:, 2] = 1  # constant, which is no error for bits
    model = flows.made(key, 3, conditionals="bernoulli", condition_dim=1, hidden_units=(16,))
    model = pf.fit(key, model, x, c, epochs=30, learning_rate=1e-2, progress=False).model
    ones = np.asarray(model(jnp.array([[1.0], [-1.0]])).log_prob(jnp.ones((2, 3))))
    np.testing.assert_allclose(np.exp(ones), [0.81, 0.04], atol=0.04)


# --------------------------------------------------------------------------------------------- bad arguments
def abstract(build):
    """What `build` would build, without arrays: refused before anything is computed."""
    return jax.eval_shape(build)


def bernoulli_network(params=1, **options):
    return abstract(lambda: AutoregressiveNetwork(params, 3, hidden_units=(4,), key=jax.random.key(0), **options))


def made(dim=3, **options):
    return abstract(lambda: flows.made(jax.random.key(0), dim, **options))


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: MixtureTransformer(0), ValueError, "components"),
        (lambda: MixtureTransformer(max_log_scale=-1.0), ValueError, "max_log_scale"),
        (lambda: made(conditionals="poisson"), ValueError, "'bernoulli'"),
        (lambda: made(conditionals="bernoulli", base=StandardNormal(3)), ValueError, "base=None"),
        (lambda: made(0), ValueError, "dim"),
        (lambda: made(order="sideways"), ValueError, "input_order"),
        (lambda: AutoregressiveBernoulli(bernoulli_network(2)), ValueError, "params=1"),
        (lambda: AutoregressiveBernoulli(Shift(1.0)), TypeError, "AutoregressiveNetwork"),
        (
            lambda: AutoregressiveBernoulli(bernoulli_network(conditional=True, conditional_event_shape=2)),
            ValueError,
            "no condition bound",
        ),
        (lambda: ConditionalAutoregressiveBernoulli(bernoulli_network()), ValueError, "conditional=True"),
        (lambda: draw_masks(jax.random.key(0), bernoulli_network(), 0), ValueError, "count"),
        (
            lambda: draw_masks(jax.random.key(0), abstract(lambda: flows.maf(jax.random.key(0), 3)), 2),
            ValueError,
            "single",
        ),
        (lambda: draw_masks(jax.random.key(0), Chain([Shift(1.0)]), 2), ValueError, "single"),
        (lambda: MaskEnsemble(bernoulli_network(), None), TypeError, "draw_masks"),
        (
            lambda: MaskEnsemble(
                AutoregressiveBernoulli(bernoulli_network()),
                abstract(lambda: draw_masks(jax.random.key(0), flows.made(jax.random.key(0), 3), 2)),
            ),
            ValueError,
            "Draw masks",
        ),
        (lambda: order_agnostic(3), TypeError, "draw_masks"),
    ],
)
def test_bad_arguments(build, error, words):
    with pytest.raises(error, match=words):
        build()
