"""`pushforward.fit`, on models small enough that the right answer is known.

what trains          maximum likelihood is found; weights count rows; conditions reach the model; frozen parts stay
what an epoch is     every row once, the part-filled batch with its share; chunks of any length give the same bits
determinism          same key, same bits; another key, others
compilation          a second run of the same structure compiles nothing, whatever its numbers
validation           held-out rows, given rows; the best weights come back; patience
numbers              schedule, clipping, averages, optimisers: one step checked against the formula
guard                skipped steps change nothing and are counted; a run that cannot recover stops, saying what to do
layers with data     ActNorm sets itself, BatchNormalization keeps statistics, the result is in inference mode
bfloat16             products of networks are rounded while they train, sums, parameters and validation are not
bad input            one sentence that names what is wrong and where, before anything is traced
input kinds          lists, integers, float64, wide and deep rows; small and one-row batches; no epochs
people               progress, callbacks, Ctrl-C, the history as text and CSV
parts                orders are permutations, each epoch its own; parameters survive packing
"""

import csv
import itertools
import os
import signal
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import pushforward as pf
from pushforward import distributions
from pushforward.bijectors import ActNorm, BatchNormalization, Chain, MaskedAutoregressiveFlow, Shift
from pushforward.core import Module, freeze, replace
from pushforward.nets import AutoregressiveNetwork
from pushforward.nets.products import layer_product
from pushforward.training import EpochRecord, History, TrainingDivergedError, fit, maximum_likelihood
from pushforward.training.layout import take_apart
from pushforward.training.pace import Pace
from pushforward.training.progress import Reporter
from pushforward.training.shuffle import epoch_order, split_order

TRACES = itertools.count()


class Gaussian(Module):
    """N(loc, exp(log_scale)^2) on vectors, independent coordinates: the least that `fit` trains."""

    loc: jax.Array
    log_scale: jax.Array

    def log_prob(self, x):
        next(TRACES)
        z = (x - self.loc) * jnp.exp(-self.log_scale)
        return jnp.sum(-0.5 * z**2 - self.log_scale - 0.5 * jnp.log(2 * jnp.pi), -1)


class Regression(Module):
    """y | c ~ N(slope c, 1): a conditional model of one column."""

    slope: jax.Array

    def __call__(self, c):
        return Gaussian(c * self.slope, jnp.zeros(1))


def gaussian(dim=2):
    return Gaussian(jnp.zeros(dim), jnp.zeros(dim))


def table(rows=200, dim=2, seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, (rows, dim)).astype(np.float32)


def leaves(result):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(result.model)]


def losses(result):
    return [(r.train_loss, r.validation_loss) for r in result.history]


def same(a, b):
    return losses(a) == losses(b) and all(np.array_equal(p, q) for p, q in zip(leaves(a), leaves(b), strict=True))


def traces_in(run):
    before = next(TRACES)
    run()
    return next(TRACES) - before - 1


def quadratic(model, batch, key):
    """A loss whose gradient is known: half the squared distance of loc to the weighted mean, and 0 for log_scale."""
    mean = jnp.sum(batch.weight[:, None] * batch.x, 0) / jnp.sum(batch.weight)
    return 0.5 * jnp.sum((model.loc - mean) ** 2)


QUICK = {"progress": False, "validation_fraction": 0.0, "max_grad_norm": None, "ema_decay": None}
ONE_STEP = {"epochs": 1, "batch_size": 10_000, "loss": quadratic, **QUICK}


# ------------------------------------------------------------------------------------------------ what trains


def test_maximum_likelihood_is_found(key):
    x = table()
    result = fit(key, gaussian(), x, epochs=300, batch_size=64, learning_rate=0.05, **QUICK)
    # Adam with a rate that goes to 0 ends within a few thousandths of the optimum, which is the sample's moments.
    np.testing.assert_allclose(result.model.loc, x.mean(0), atol=0.01)
    np.testing.assert_allclose(jnp.exp(result.model.log_scale), x.std(0), atol=0.02)
    optimum = np.log(x.std(0)).sum() + 1 + np.log(2 * np.pi)
    assert abs(result.history[-1].train_loss - optimum) < 0.01


def test_weights_count_rows(key):
    x = table(50)
    weight = np.arange(50) % 3  # some of them 0
    weighted = fit(key, gaussian(), x, sample_weight=weight, optimizer=optax.sgd(1.0), **ONE_STEP)
    np.testing.assert_allclose(weighted.model.loc, np.average(x, axis=0, weights=weight), rtol=1e-5)
    x[weight == 0] = 1e6
    again = fit(key, gaussian(), x, sample_weight=weight, optimizer=optax.sgd(1.0), **ONE_STEP)
    np.testing.assert_allclose(again.model.loc, weighted.model.loc, rtol=1e-6)


def test_condition_reaches_the_model(key):
    c = np.random.default_rng(0).normal(size=(200, 1))
    y = 3 * c + 0.1 * np.random.default_rng(1).normal(size=(200, 1))
    result = fit(key, Regression(jnp.zeros(1)), y, c, epochs=100, batch_size=50, learning_rate=0.1, progress=False)
    np.testing.assert_allclose(result.model.slope, 3.0, atol=0.05)
    given = fit(key, Regression(jnp.zeros(1)), y, c, validation_data=(y[:20], c[:20]), epochs=1, progress=False)
    expected = -Regression(given.model.slope)(c[:20].astype(np.float32)).log_prob(y[:20].astype(np.float32)).mean()
    np.testing.assert_allclose(given.history[0].validation_loss, expected, rtol=1e-5)


def test_frozen_parts_stay(key):
    shift = Shift(jnp.ones(2))
    model = distributions.TransformedDistribution(
        distributions.StandardNormal((2,)), Chain([freeze(shift), Shift(jnp.zeros(2))])
    )
    trained = fit(key, model, table(), epochs=2, **QUICK).model.bijector
    np.testing.assert_array_equal(trained.bijectors[0].shift, shift.shift)
    assert np.all(np.asarray(trained.bijectors[1].shift) != 0)


def test_the_model_given_is_left_alone(key):
    model = gaussian()
    fit(key, model, table(), epochs=1, **QUICK)
    np.testing.assert_array_equal(model.loc, np.zeros(2))
    fit(key, model, table(), epochs=1, optimizer=optax.adam, **QUICK)
    np.testing.assert_array_equal(model.loc, np.zeros(2))


# ------------------------------------------------------------------------------------------- what an epoch is


@pytest.mark.parametrize("batch_size", [10, 103, 1000])
def test_an_epoch_sees_every_row_once(key, batch_size):
    x = table(103)
    # With a vanishing learning rate the parameters stay, so that the epoch's mean is that of all rows.
    result = fit(key, gaussian(), x, epochs=1, batch_size=batch_size, learning_rate=1e-30, **QUICK)
    np.testing.assert_allclose(result.history[0].train_loss, -gaussian().log_prob(x).mean(), rtol=1e-6)
    weight = np.linspace(0, 2, 103)
    weighted = fit(
        key, gaussian(), x, sample_weight=weight, epochs=1, batch_size=batch_size, learning_rate=1e-30, **QUICK
    )
    expected = -np.average(gaussian().log_prob(x), weights=weight)
    np.testing.assert_allclose(weighted.history[0].train_loss, expected, rtol=1e-5)


def test_training_and_validation_rows_divide_the_table(key):
    x = table(103)
    result = fit(
        key, gaussian(), x, epochs=1, batch_size=10, learning_rate=1e-30, validation_fraction=0.3, progress=False
    )
    record, total = result.history[0], -gaussian().log_prob(x).sum()
    np.testing.assert_allclose(72 * record.train_loss + 31 * record.validation_loss, total, rtol=1e-5)


def test_chunks_of_any_length_give_the_same_bits(key, monkeypatch):
    arguments = {"epochs": 3, "batch_size": 7, "ema_decay": 0.9, "progress": False}
    whole = fit(key, gaussian(), table(), **arguments)
    lengths = itertools.cycle([1, 5, 2])

    def measured(self, steps, seconds):
        self.steps = next(lengths)

    monkeypatch.setattr(Pace, "measured", measured)
    assert same(whole, fit(key, gaussian(), table(), **arguments))


# ------------------------------------------------------------------------------------------------ determinism


def test_same_key_same_bits(key):
    arguments = {"epochs": 3, "batch_size": 32, "progress": False}
    first = fit(key, gaussian(), table(), **arguments)
    assert same(first, fit(key, gaussian(), table(), **arguments))
    other = fit(jax.random.key(1), gaussian(), table(), **arguments)
    assert losses(first) != losses(other)


def test_the_objective_draws_from_a_new_key_at_each_step(key):
    def noisy(model, batch, key):
        return quadratic(model, batch, key) + jax.random.normal(key)

    arguments = {**ONE_STEP, "loss": noisy, "epochs": 4}
    drawn = [r.train_loss for r in fit(key, gaussian(), table(), **arguments).history]
    assert len(set(np.round(drawn, 3))) == 4


# ------------------------------------------------------------------------------------------------ compilation


def test_a_second_run_compiles_nothing(key):
    x = table(90)
    assert traces_in(lambda: fit(key, gaussian(), x, epochs=2, batch_size=16, progress=False)) > 0
    numbers = {"epochs": 3, "learning_rate": 0.1, "max_grad_norm": 1.0, "patience": 1}
    assert traces_in(lambda: fit(key, gaussian(), x + 1, batch_size=16, progress=False, **numbers)) == 0


# ------------------------------------------------------------------------------------------------- validation


def test_the_best_weights_come_back(key):
    # The start is the optimum for the validation rows, and training leads away from it.
    x, near_zero = table(200), np.random.default_rng(1).normal(0, 1, (100, 2))
    result = fit(
        key,
        gaussian(),
        x,
        validation_data=near_zero,
        epochs=50,
        patience=3,
        batch_size=50,
        learning_rate=0.1,
        progress=False,
    )
    history = result.history
    assert history.stopped == result.stopped == "patience"
    assert len(history) == history.best_epoch + 3 < 50
    best = min(history.validation_loss)
    np.testing.assert_allclose(-result.model.log_prob(near_zero.astype(np.float32)).mean(), best, rtol=1e-5)
    last = fit(key, gaussian(), x, epochs=len(history), batch_size=50, learning_rate=0.1, **QUICK)
    assert -last.model.log_prob(near_zero.astype(np.float32)).mean() > best + 0.1


def test_validation_rows_wider_than_one_batch(key):
    x, held_out = table(20), table(5000, seed=1)
    result = fit(key, gaussian(), x, validation_data=held_out, epochs=1, batch_size=20, progress=False)
    np.testing.assert_allclose(result.history[0].validation_loss, -result.model.log_prob(held_out).mean(), rtol=1e-5)


# ---------------------------------------------------------------------------------------------------- numbers


def test_schedules(key):
    arguments = {"epochs": 4, "batch_size": 50, "learning_rate": 0.1, **QUICK}  # 4 steps an epoch

    def rates(**changes):
        return [r.learning_rate for r in fit(key, gaussian(), table(), **(arguments | changes)).history]

    at_ends = np.array([3, 7, 11, 15]) / 16
    np.testing.assert_allclose(rates(), 0.05 * (1 + np.cos(np.pi * at_ends)), rtol=1e-5)
    np.testing.assert_allclose(rates(schedule="constant"), [0.1] * 4, rtol=1e-6)
    np.testing.assert_allclose(rates(schedule=lambda step: 1.0 / (1 + step)), 1 / (1 + 16 * at_ends), rtol=1e-6)


def test_one_step_follows_the_formula(key):
    x = table()
    mean = x.mean(0)
    plain = fit(key, gaussian(), x, optimizer=optax.sgd(0.5), **ONE_STEP).model
    np.testing.assert_allclose(plain.loc, 0.5 * mean, rtol=1e-5)
    np.testing.assert_array_equal(plain.log_scale, np.zeros(2))
    clipped = fit(key, gaussian(), x, optimizer=optax.sgd(0.5), **(ONE_STEP | {"max_grad_norm": 0.1})).model
    np.testing.assert_allclose(clipped.loc, 0.5 * 0.1 * mean / np.linalg.norm(mean), rtol=1e-5)
    averaged = fit(key, gaussian(), x, optimizer=optax.sgd(0.5), **(ONE_STEP | {"ema_decay": 0.9})).model
    np.testing.assert_allclose(averaged.loc, 0.9 * 0.5 * mean, rtol=1e-5)  # the decay starts at 1/10
    rate = fit(key, gaussian(), x, optimizer=optax.sgd, learning_rate=0.25, **ONE_STEP).model
    np.testing.assert_allclose(rate.loc, 0.25 * mean, rtol=1e-5)
    adam = fit(key, gaussian(), x, learning_rate=0.25, **ONE_STEP).model
    np.testing.assert_allclose(
        adam.loc, 0.25 * np.sign(mean), rtol=1e-5
    )  # Adam's first step has the length of its rate


def test_the_average_takes_every_eighth_step_and_the_last_of_an_epoch(key):
    # A gradient of -1 and a rate of 1: the parameters of step t are t. Eleven steps an epoch: groups of 8 and 3.
    arguments = {"loss": lambda model, batch, key: -jnp.sum(model.loc), "optimizer": optax.sgd(1.0), "batch_size": 1}
    result = fit(key, gaussian(), table(11), epochs=3, **(QUICK | {"ema_decay": 0.7}), **arguments)
    average = 0.0
    for step, size in ((8, 8), (11, 3), (19, 8), (22, 3), (30, 8), (33, 3)):
        average += (1 - min(0.7, step / (9 + step)) ** size) * (step - average)
    np.testing.assert_allclose(result.model.loc, [average] * 2, rtol=1e-5)


def test_packed_adam_is_adam(key):
    arguments = {"epochs": 3, "batch_size": 32, "learning_rate": 0.1, **QUICK}
    packed = fit(key, gaussian(), table(), **arguments)
    tree = fit(key, gaussian(), table(), optimizer=optax.adam, **arguments)
    for a, b in zip(leaves(packed), leaves(tree), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)  # the same formula, fused in another way


# ------------------------------------------------------------------------------------------------------ guard


def spoilt_value(model, batch, key):
    bad = jnp.any(batch.x[:, 0] > 50)
    return maximum_likelihood(model, batch, key) * jnp.where(bad, jnp.nan, 1.0)


def spoilt_gradient(model, batch, key):
    bad = jnp.any(batch.x[:, 0] > 50)
    # At 0 the root is finite and its derivative is not.
    return maximum_likelihood(model, batch, key) + jnp.sqrt(jnp.where(bad, 0.0, 1e-9) * jnp.sum(model.loc**2 + 1))


def spoilt_loss_alone(model, batch, key):
    bad = jnp.any(batch.x[:, 0] > 50)
    return maximum_likelihood(model, batch, key) + jnp.where(bad, jnp.inf, 0.0)


@pytest.mark.parametrize("loss", [spoilt_value, spoilt_gradient, spoilt_loss_alone])
@pytest.mark.parametrize("optimizer", [None, optax.adam])
def test_skipped_steps_change_nothing_and_are_counted(key, loss, optimizer):
    x = table(64)
    x[:3] = 100.0
    arguments = {"epochs": 3, "batch_size": 1, "loss": loss, "optimizer": optimizer, **QUICK, "ema_decay": 0.9}
    result = fit(key, gaussian(), x, learning_rate=0.01, **arguments)
    assert [record.skipped for record in result.history] == [3, 3, 3]
    # The outliers, skipped, have no influence.
    assert np.all(np.abs(result.model.loc) < 2)
    still = fit(key, gaussian(), x, learning_rate=1e-30, **arguments)
    np.testing.assert_allclose(still.history.train_loss, -gaussian().log_prob(x[3:]).mean(), rtol=1e-4)


def test_a_gradient_that_is_not_finite_is_skipped(key):
    def steep(model, batch, key):
        return jnp.sum(jnp.sqrt(jnp.abs(model.loc)))  # finite at 0, where its derivative is not

    with pytest.raises(TrainingDivergedError, match="epoch 1"):
        fit(key, gaussian(), table(), loss=steep, epochs=100, batch_size=20, **QUICK)


def test_a_run_that_cannot_recover_stops(key):
    with pytest.raises(TrainingDivergedError, match=r"epoch 2: 20 steps.*Lower learning_rate") as caught:
        # The first step leaves for where the density underflows.
        fit(key, gaussian(), table(200), batch_size=10, learning_rate=1e30, schedule="constant", epochs=9, **QUICK)
    assert isinstance(caught.value.history, History)
    held_out = table(20)

    def unseen(model, batch, key):
        return jnp.where(batch.x.shape[0] == 20, jnp.inf, maximum_likelihood(model, batch, key))

    with pytest.raises(TrainingDivergedError, match="validation loss was not finite after any of 3 epochs"):
        fit(key, gaussian(), table(), loss=unseen, validation_data=held_out, batch_size=7, epochs=3, progress=False)


# ------------------------------------------------------------------------------------------- layers with data


def test_layers_that_look_at_data(key):
    x = 5 + 3 * table(500)
    net = AutoregressiveNetwork(2, 2, hidden_units=[8], activation=jnp.tanh, key=key)
    bijector = Chain([ActNorm(2), BatchNormalization(2, momentum=0.9), MaskedAutoregressiveFlow(net)])
    model = distributions.TransformedDistribution(distributions.StandardNormal((2,)), bijector)
    result = fit(key, model, x, epochs=3, batch_size=50, learning_rate=1e-30, **QUICK)
    norm, batch_norm, _ = result.model.bijector.bijectors
    # A rate that vanishes leaves what ActNorm set: the moments of the data.
    np.testing.assert_allclose(norm.loc, x.mean(0), rtol=1e-3)
    np.testing.assert_allclose(norm.scale, x.std(0), rtol=1e-3)
    assert batch_norm.inference
    assert np.all(np.asarray(batch_norm.moving_mean) != 0)
    np.testing.assert_allclose(batch_norm.moving_variance, 1, atol=0.2)
    assert not model.bijector.bijectors[1].inference


def test_statistics_of_a_conditional_model_hold_no_condition(key):
    c = table(100, 1)
    net = AutoregressiveNetwork(2, 2, conditional=True, conditional_event_shape=1, hidden_units=[8], key=key)
    bijector = Chain([BatchNormalization(2), MaskedAutoregressiveFlow(net), ActNorm(2)])
    model = distributions.ConditionalDistribution(distributions.StandardNormal((2,)), bijector, 1)
    trained = fit(key, model, table(100), c, epochs=1, **QUICK).model
    batch_norm, layer, norm = trained.bijector.bijectors
    assert batch_norm.initialized
    assert norm.initialized
    assert np.all(np.asarray(batch_norm.moving_mean) != 0)
    assert layer.shift_and_log_scale_fn.bound is None
    assert trained(c).log_prob(table(100)).shape == (100,)


def test_frozen_statistics_stay_and_are_used(key):
    x = 5 + 3 * table(200)
    layer = BatchNormalization(2, momentum=0.9).update_statistics(jnp.asarray(x))
    bijector = Chain([freeze(Chain([replace(layer, inference=True)])), Shift(jnp.zeros(2))])
    model = distributions.TransformedDistribution(distributions.StandardNormal((2,)), bijector)
    result = fit(key, model, x, epochs=2, batch_size=50, learning_rate=1e-30, **QUICK)
    kept = result.model.bijector.bijectors[0].bijectors[0]
    np.testing.assert_array_equal(kept.moving_mean, layer.moving_mean)
    np.testing.assert_array_equal(kept.moving_variance, layer.moving_variance)
    # The loss is that of the fixed map, not of one that centres each batch.
    np.testing.assert_allclose(result.history.train_loss[0], -np.mean(model.log_prob(x)), rtol=1e-4)


# ------------------------------------------------------------------------------------------- bfloat16 products


def product_of_a_layer(model, batch, key):
    return jnp.mean(layer_product(model.loc[None], batch.x.T))


def test_networks_multiply_in_bfloat16_while_they_train_only(key):
    # 1 + 2^-9 is 1 in bfloat16. A sum of 257 ones, were it in bfloat16, would be 256.
    near_one = 1 + 2.0**-9
    model = Gaussian(jnp.full(257, near_one), jnp.zeros(257))
    x = np.full((8, 257), near_one, np.float32)
    options = {"loss": product_of_a_layer, "epochs": 1, "learning_rate": 1e-12, "progress": False}
    narrow = fit(key, model, x, validation_data=x, matmul_precision="bfloat16", **options)
    wide = fit(key, model, x, validation_data=x, **options)
    assert narrow.history.train_loss == [257.0]
    np.testing.assert_allclose(
        [*wide.history.train_loss, *narrow.history.validation_loss], 257 * near_one**2, rtol=1e-6
    )
    assert {leaf.dtype for leaf in leaves(narrow)} == {np.dtype(np.float32)}


def test_a_network_trains_in_fewer_digits(key):
    x = table(400, 3)
    flow = pf.flows.maf(key, 3, layers=2, hidden_units=(16,))
    options = {"epochs": 5, "batch_size": 64, "progress": False}
    narrow, middle, wide = (
        fit(key, flow, x, matmul_precision=p, **options) for p in ("bfloat16", "tensorfloat32", None)
    )
    assert narrow.history.train_loss != wide.history.train_loss
    # On a CPU, tests' platform, float32 is not rounded to it.
    assert middle.history.train_loss == wide.history.train_loss
    np.testing.assert_allclose(narrow.history.validation_loss, wide.history.validation_loss, atol=0.05)


# -------------------------------------------------------------------------------------------------- bad input


def spoil(row, column, value):
    x = table()
    x[row, column] = value
    x[row + 5, column] = value
    return x


def constant_column():
    x = table()
    x[:, 1] = 1.0
    return x


BAD = {
    "nan": ((spoil(7, 1, np.nan),), {}, ValueError, r"x: .*nan in row 7, column 1 .*2 of 200 rows"),
    "inf": ((spoil(100, 0, np.inf),), {}, ValueError, r"inf in row 100, column 0"),
    "overflow": ((table().astype(np.float64) * 1e300,), {}, ValueError, "too large for float32"),
    "rank": ((np.zeros(5),), {}, ValueError, r"expected an array of shape \(rows, 2\), and got \(5,\)"),
    "width": ((table(dim=3),), {}, ValueError, r"expected an array of shape \(rows, 2\), and got \(200, 3\)"),
    "no rows": ((np.zeros((0, 2)),), {}, ValueError, "at least one row"),
    "text": (([["a", "b"], ["c", "d"]],), {}, TypeError, "dtype <U1"),
    "ragged": (([[1.0, 2.0], [3.0]],), {}, TypeError, "array of numbers"),
    "complex": ((table() * 1j,), {}, TypeError, "complex64"),
    "one row": ((table(1),), {}, ValueError, "at least two different rows"),
    "identical": ((np.ones((9, 2)),), {}, ValueError, "9 identical"),
    "constant": ((constant_column(),), {}, ValueError, r"column 1 is constant \(value 1.0\)"),
    "condition": ((table(), table()), {}, ValueError, "takes no condition"),
    "weight rows": ((table(),), {"sample_weight": np.ones(3)}, ValueError, r"200 rows, and got shape \(3,\)"),
    "weight below 0": ((table(),), {"sample_weight": -np.ones(200)}, ValueError, "-1.0 in row 0"),
    "weights 0": ((table(),), {"sample_weight": np.zeros(200)}, ValueError, "all weights are 0"),
    "weight nan": ((table(),), {"sample_weight": np.full(200, np.nan)}, ValueError, "sample_weight: .*nan in row 0"),
    "loss": ((table(),), {"loss": "mse"}, ValueError, "maximum_likelihood"),
    "loss kind": ((table(),), {"loss": 3}, TypeError, "loss"),
    "schedule": ((table(),), {"schedule": "linear"}, ValueError, "cosine"),
    "optimizer": ((table(),), {"optimizer": "adam"}, TypeError, "optimizer"),
    "two rates": ((table(),), {"optimizer": optax.sgd(1.0), "learning_rate": 0.1}, ValueError, "own learning rate"),
    "epochs": ((table(),), {"epochs": -1}, ValueError, "epochs"),
    "batch": ((table(),), {"batch_size": 0}, ValueError, "batch_size"),
    "rate": ((table(),), {"learning_rate": -1.0}, ValueError, "learning_rate"),
    "fraction": ((table(),), {"validation_fraction": 1.0}, ValueError, "validation_fraction"),
    "fraction of few": ((table(2),), {"validation_fraction": 0.9}, ValueError, "leaves none"),
    "validation width": ((table(),), {"validation_data": table(dim=1)}, ValueError, "validation_data: .*rows, 2"),
    "clip": ((table(),), {"max_grad_norm": 0}, ValueError, "max_grad_norm"),
    "average": ((table(),), {"ema_decay": 1.0}, ValueError, "ema_decay"),
    "precision": ((table(),), {"matmul_precision": "half"}, ValueError, "matmul_precision: .*bfloat16.*'half'"),
    "patience": ((table(),), {"patience": 0}, ValueError, "patience"),
    "resume": ((table(),), {"resume": True}, ValueError, "checkpoint"),
    "progress": ((table(),), {"progress": "bar"}, TypeError, "progress"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_before_training(key, case):
    positional, named, error, words = BAD[case]
    model = _WithShape(jnp.zeros(2), jnp.zeros(2))

    def run():
        with pytest.raises(error, match=words):
            fit(key, model, *positional, **named)

    assert traces_in(run) == 0


class _WithShape(Gaussian):
    event_shape = (2,)


def test_models_that_do_not_fit(key):
    with pytest.raises(ValueError, match="got none"):
        fit(key, Regression(jnp.zeros(1)), table(dim=1))
    with pytest.raises(ValueError, match="one row for each of the 200"):
        fit(key, Regression(jnp.zeros(1)), table(dim=1), table(3))
    with pytest.raises(TypeError, match="log_prob"):
        fit(key, Shift(jnp.zeros(())).shift, table())
    with pytest.raises(ValueError, match="none: it holds no floating arrays"):
        fit(key, freeze(gaussian()), table())
    with pytest.raises(TypeError, match=r"jax\.random\.key"):
        fit(0, gaussian(), table())
    batch_of_models = Gaussian(jnp.zeros((3, 1, 2)), jnp.zeros((3, 1, 2)))
    with pytest.raises(ValueError, match="one log-density for each"):
        fit(key, batch_of_models, table(), **QUICK)
    with pytest.raises(ValueError, match="one floating number"):
        fit(key, gaussian(), table(), loss=lambda model, batch, key: model.log_prob(batch.x), **QUICK)
    flow = distributions.ConditionalDistribution(distributions.StandardNormal((2,)), Shift(jnp.zeros(2)), 1)
    with pytest.raises(ValueError, match="got none"):
        fit(key, flow, table())


# ------------------------------------------------------------------------------------------------ input kinds


@pytest.mark.parametrize("kind", ["list", "int", "float64", "jax", "fortran"])
def test_input_is_cast_to_the_model(key, kind):
    whole = np.random.default_rng(0).integers(-3, 4, (40, 2))
    kinds = {
        "list": whole.tolist(),
        "int": whole,
        "float64": whole.astype(np.float64),
        "jax": jnp.asarray(whole, jnp.float32),
        "fortran": np.asfortranarray(whole.astype(np.float32)),
    }
    reference = fit(key, gaussian(), whole.astype(np.float32), epochs=2, batch_size=16, progress=False)
    assert same(reference, fit(key, gaussian(), kinds[kind], epochs=2, batch_size=16, progress=False))


def test_scalars_and_images(key):
    scalar = distributions.TransformedDistribution(distributions.Normal(0.0, 1.0), Shift(jnp.zeros(())))
    result = fit(key, scalar, table()[:, 0], epochs=1, **QUICK)
    assert np.isfinite(result.history[0].train_loss)
    image = distributions.TransformedDistribution(distributions.StandardNormal((4, 4, 1)), Shift(jnp.zeros((4, 4, 1))))
    pixels = np.random.default_rng(0).normal(size=(30, 4, 4, 1))
    pixels[:, 0, 0] = 0.0  # a dark corner is no mistake
    assert np.isfinite(fit(key, image, pixels, epochs=1, **QUICK).history[0].train_loss)


def test_float64(key, x64):
    model = Gaussian(jnp.zeros(2, jnp.float64), jnp.zeros(2, jnp.float64))
    result = fit(key, model, table().astype(np.float64), epochs=2, progress=False)
    assert result.model.loc.dtype == jnp.float64
    single = Gaussian(jnp.zeros(2, jnp.float32), jnp.zeros(2, jnp.float32))
    assert fit(key, single, table(), epochs=2, progress=False).model.loc.dtype == jnp.float32


def test_no_epochs_gives_the_model_as_it_is(key):
    model = gaussian()
    result = fit(key, model, table(), epochs=0)
    assert result.model is model
    assert len(result.history) == 0
    assert repr(result) == "FitResult(Gaussian, no epochs)"
    assert result.history.best_epoch is None


def test_a_foreign_module_trains(key):
    class Network(eqx.Module):
        layers: eqx.nn.MLP

        def log_prob(self, x):
            shift = jax.vmap(self.layers)(x[:, :1])[:, 0]
            return -0.5 * (x[:, 1] - shift) ** 2

    model = Network(eqx.nn.MLP(1, 1, 8, 1, key=key))  # its leaves include functions
    result = fit(key, model, table(), epochs=2, progress=False)
    assert not np.array_equal(result.model.layers.layers[0].weight, model.layers.layers[0].weight)


_LARGE = """
import jax, jax.numpy as jnp, numpy as np
from pushforward import distributions, fit
from pushforward.bijectors import Shift

def kilobytes(what):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(what))

flow = distributions.TransformedDistribution(distributions.StandardNormal((20,)), Shift(jnp.zeros(20)))
x = np.random.default_rng(0).standard_normal((1_000_000, 20), dtype=np.float32)
before = kilobytes("VmRSS")
fit(jax.random.key(0), flow, x, epochs=1, batch_size=4096, progress=False)
print((kilobytes("VmHWM") - before) * 1024 / x.nbytes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_a_million_rows_take_little_memory():
    process = subprocess.run([sys.executable, "-c", _LARGE], capture_output=True, text=True, check=True)
    # One copy of the table, the orders of its rows, and what compiling takes; 1.7 when measured.
    assert 0.9 < float(process.stdout) < 3.0


# ----------------------------------------------------------------------------------------------------- people


def test_progress(key, capsys):
    fit(key, gaussian(), table(), epochs=2)
    assert capsys.readouterr() == ("", "")
    fit(key, gaussian(), table(), epochs=2, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 1/2 · train" in err
    records = []
    result = fit(key, gaussian(), table(), epochs=3, progress=records.append)
    assert records == list(result.history)


def test_the_line_of_progress():
    reporter = Reporter(False, 10, 100)
    reporter.ended(EpochRecord(1, 2.0, 1.5, 1e-3, 0, 1.0))
    reporter.ended(EpochRecord(2, 1.9, 1.75, 1e-3, 0, 2.0))
    line = reporter._line(3, 50, 1.85, 100.0)
    assert line == ("epoch 3/10 · 0:08 left · train 1.8500 · validation 1.7500 · best 1.5000 (1) · 100 steps/s")


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("how", ["raise", "signal"])
def test_interrupts_return_the_best_so_far(key, how):
    def stop(record):
        if record.epoch == 3 and how == "raise":
            raise KeyboardInterrupt
        if record.epoch == 3:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    result = fit(key, gaussian(), table(), epochs=1000, progress=stop)
    assert signal.getsignal(signal.SIGINT) is before
    assert result.stopped == "interrupted"
    assert len(result.history) == 3
    assert same(result, fit(key, gaussian(), table(), epochs=1000, progress=stop))
    assert repr(result).endswith(", interrupted)")


def test_history(key, tmp_path):
    result = fit(key, gaussian(), table(), epochs=4, batch_size=256, learning_rate=0.1, progress=False)
    model, history = result
    assert model is result.model
    assert history.best_epoch == 1 + int(np.argmin(history.validation_loss))
    assert repr(history) == f"History(4 epochs, best 4 with validation loss {history[-1].validation_loss:.4g})"
    history.to_csv(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["train_loss"]) for row in rows] == history.train_loss
    assert list(rows[0]) == ["epoch", "train_loss", "validation_loss", "learning_rate", "skipped", "seconds"]
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(history))


def test_names_at_the_top():
    assert pf.fit is fit
    assert pf.FitResult.__name__ == "FitResult"


# ------------------------------------------------------------------------------------------------------ parts


def test_orders_are_permutations(key):
    rows = np.asarray([5, 7, 9], np.int32)
    order = epoch_order(key, 0, rows, 8)
    assert order.dtype == np.int32
    assert set(order[:3]) == {5, 7, 9}
    assert np.array_equal(order, order[np.arange(8) % 3])
    many = split_order(key, 5000)
    assert np.array_equal(np.sort(many), np.arange(5000))
    others = split_order(jax.random.key(1), 5000), *(epoch_order(key, epoch, np.arange(5000), 5000) for epoch in (0, 1))
    # Two independent orders agree in one place on average.
    assert all((a == b).sum() < 10 for a, b in itertools.combinations((many, *others), 2))


def test_parameters_survive_packing():
    leaves = {
        "small": jnp.arange(6.0).reshape(2, 3),
        "large": jnp.arange(5000.0).reshape(50, 100),
        "half": jnp.ones(3, jnp.float16),
        "scalar": jnp.asarray(2.0),
        "mask": jnp.asarray([True, False]),
        "function": jnp.tanh,
    }
    layout, trained, constants = take_apart(leaves, packed=True)
    packed = layout.pack(trained)
    assert len(packed) == 3  # the small ones of one dtype share a vector
    again = layout.combine(layout.leaves(packed), constants)
    for name, leaf in leaves.items():
        if name == "function":
            assert again[name] is leaf
        else:
            assert again[name].dtype == leaf.dtype
            np.testing.assert_array_equal(again[name], leaf)
    assert hash(layout) == hash(take_apart(leaves, packed=True)[0])
