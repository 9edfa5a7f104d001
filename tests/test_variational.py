"""Flows towards unnormalised densities, deep stacks in little memory, ensembles.

| what | how |
| --- | --- |
| reverse KL, with and without path gradients, forward KL, Rényi | a correlated normal, log Z known, within its error |
| path gradients vanish where the fit is perfect | the gradient at the solution is 0; the other estimator's is not |
| forward KL covers both modes | shares of two modes; reverse KL from the same start may keep one |
| steps that are not finite are skipped | losses NaN there, the model finite |
| bad arguments | ValueError naming them |
| rematerialised stacks | same values and gradients, less memory in the compiled gradient |
| an ensemble is its members trained alone | weights of `fit` on the mixture against `fit` on one |
| a mixture of flows keeps clusters apart | mass between two clusters |
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward import flows, inference
from pushforward.bijectors import ScaleMatvecTriL, Shift
from pushforward.distributions import MixtureOfFlows, StandardNormal, TransformedDistribution
from pushforward.inference.variational import _loss, _Plan
from pushforward.testing.programs import fast_jit
from pushforward.training import each_member, rematerialized

TRIL = np.array([[0.5, 0.0], [1.2, 0.8]], np.float32)
LOG_Z = 1.5


def log_normal(x):
    """A correlated normal about (1, -1), times exp(1.5)."""
    z = jnp.linalg.solve(jnp.asarray(TRIL), (x - jnp.array([1.0, -1.0])).T).T
    return -0.5 * jnp.sum(z**2, -1) - np.log(2 * np.pi * 0.4).astype(np.float32) + LOG_Z


def linear_flow(tril=None, loc=(0.0, 0.0)):
    tril = jnp.eye(2) if tril is None else jnp.asarray(tril)
    return TransformedDistribution(StandardNormal(2), Shift(jnp.array(loc))(ScaleMatvecTriL(tril)))


@pytest.mark.parametrize(
    "options",
    [{}, {"path_gradients": False}, {"divergence": "forward_kl"}, {"divergence": "renyi", "alpha": 0.5}],
    ids=["path", "score", "forward", "renyi"],
)
def test_a_normal_is_found(options, key):
    found = inference.fit_to_density(key, linear_flow(), log_normal, steps=600, learning_rate=0.05, **options)
    assert found.effective_sample_size > 0.97
    value, error = found.log_normalizer
    # At a perfect fit the weights are equal, and the error is rounding.
    assert abs(value - LOG_Z) < 5 * error + 1e-3
    mean = np.asarray(found.model.sample(key, (20_000,))).mean(0)
    np.testing.assert_allclose(mean, [1.0, -1.0], atol=0.06)
    assert found.losses.shape == (600,)
    assert np.all(np.isfinite(found.losses))


def test_path_gradients_have_no_noise_at_the_solution(key):
    model = linear_flow(TRIL, (1.0, -1.0))
    parameters, rest = eqx.partition(model, pf.trainable(model))

    def size(path):
        plan = _Plan(log_normal, "reverse_kl", path, 0.5, 64, None, "constant", None, 1)
        gradient = jax.grad(lambda p: _loss(plan, eqx.combine(p, rest), key))(parameters)
        return max(float(jnp.max(jnp.abs(g))) for g in jax.tree.leaves(gradient))

    assert size(True) < 1e-4
    assert size(False) > 1e-2


def test_forward_kl_covers_what_it_has_found(key):
    """Two modes on a wide base: each keeps its half."""

    def log_density(x):
        return jnp.logaddexp(-0.5 * jnp.sum((x - 2.0) ** 2, -1) / 0.25, -0.5 * jnp.sum((x + 2.0) ** 2, -1) / 0.25)

    flow = TransformedDistribution(
        flows.spline_coupling(key, 2, layers=2, hidden_units=(16,), permutation="reverse"),
        ScaleMatvecTriL(2.0 * jnp.eye(2)),
    )
    found = inference.fit_to_density(key, flow, log_density, divergence="forward_kl", steps=500, learning_rate=1e-2)
    x = np.asarray(found.model.sample(key, (4000,)))
    assert 0.4 < np.mean(x[:, 0] > 0) < 0.6
    value, error = found.log_normalizer
    assert abs(value - np.log(2 * 2 * np.pi * 0.25)) < 5 * error < 0.2


def test_steps_that_are_not_finite_change_nothing(key):
    def log_density(x):
        return jnp.where(jnp.any(x[:, 0] > 2.5), jnp.nan, -0.5 * jnp.sum(x**2, -1))

    found = inference.fit_to_density(key, linear_flow(), log_density, steps=40, num_samples=64)
    skipped = np.isnan(found.losses)
    assert 0 < skipped.sum() < 40
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(found.model))


def test_bad_arguments_of_fit_to_density(key):
    flow = linear_flow()
    for words, log_density, options in [
        ("divergence", log_normal, {"divergence": "kl"}),
        ("alpha", log_normal, {"divergence": "renyi", "alpha": 1}),
        ("steps", log_normal, {"steps": 0}),
        ("one number for each", lambda x: x, {}),
        ("finite at none", lambda x: jnp.full(len(x), -jnp.inf), {}),
    ]:
        with pytest.raises(ValueError, match=words):
            inference.fit_to_density(key, flow, log_density, **options)
    many = TransformedDistribution(StandardNormal(2), Shift(jnp.zeros((3, 2))))
    with pytest.raises(ValueError, match="one distribution"):
        inference.fit_to_density(key, many, log_normal)


def test_rematerialised_gradients_are_the_same_in_less_memory(key):
    flow = flows.maf(key, 4, layers=12, hidden_units=(64, 64))
    x = jax.random.normal(key, (512, 4))

    def gradient(flow, x):
        parameters, rest = eqx.partition(flow, pf.trainable(flow))
        return jax.value_and_grad(lambda p: -jnp.mean(eqx.combine(p, rest).log_prob(x)))(parameters)

    lean = rematerialized(flow)
    assert lean.bijector.rematerialized
    assert jax.tree.structure(rematerialized(lean, False)) == jax.tree.structure(flow)
    compiled = [jax.jit(gradient).lower(model, x).compile() for model in (flow, lean)]
    plain, again = (program(model, x) for program, model in zip(compiled, (flow, lean), strict=True))
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(again), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    memory = [program.memory_analysis().temp_size_in_bytes for program in compiled]
    # 12 layers keep 128 hidden units a row each; now four numbers each and one layer's units at a time.
    assert memory[1] < 0.4 * memory[0]


@pytest.mark.parametrize("name", ["realnvp", "spline_autoregressive", "circular"])
def test_a_rematerialised_flow_trains_alike(name, key):
    flow = getattr(flows, name)(key, 2, layers=2, hidden_units=(8,))
    x = jax.random.normal(key, (128, 2))
    options = {"epochs": 3, "batch_size": 64, "progress": False, "validation_fraction": 0}
    plain, lean = (pf.fit(key, model, x, **options) for model in (flow, rematerialized(flow)))
    np.testing.assert_allclose(lean.history.train_loss, plain.history.train_loss, rtol=1e-4)
    assert plain.history.train_loss[-1] < plain.history.train_loss[0]
    assert lean.model.bijector.rematerialized


def test_members_of_an_ensemble_train_as_if_alone(key):
    members = [flows.realnvp(k, 2, layers=1, hidden_units=(4,)) for k in jax.random.split(key, 2)]
    x = jax.random.normal(key, (64, 2)) ** 2
    # A plain step of gradient descent on a mean over two members is half a step on each.
    options = {"epochs": 2, "batch_size": 32, "progress": False, "validation_fraction": 0, "schedule": "constant"}
    options |= {"max_grad_norm": None, "ema_decay": None, "optimizer": _descent}
    together = pf.fit(key, MixtureOfFlows(members), x, loss=each_member, learning_rate=0.02, **options).model
    alone = pf.fit(key, members[1], x, learning_rate=0.01, **options).model
    for a, b in zip(jax.tree.leaves(together[1]), jax.tree.leaves(alone), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    with pytest.raises(TypeError, match="MixtureOfFlows"):
        pf.fit(key, members[0], x, loss=each_member, **options)


def _descent(rate):
    import optax

    return optax.sgd(rate)


@fast_jit()
def log_prob(flow, x):
    return flow.log_prob(x)


def test_a_mixture_of_flows(key):
    flow = flows.mixture(key, 2, components=2, recipe="realnvp", layers=1, hidden_units=(4,))
    assert isinstance(flow, MixtureOfFlows)
    side = (jnp.arange(200.0) + 0.5) * 0.1 - 10
    grid = jnp.stack(jnp.meshgrid(side, side), -1)
    assert abs(np.exp(np.asarray(log_prob(flow, grid), np.float64)).sum() * 0.01 - 1) < 5e-3
    for words, options in [("recipe", {"recipe": "maf"}), ("components", {"components": 0})]:
        with pytest.raises(ValueError, match=words):
            flows.mixture(key, 2, **options)
