"""The range test of the learning rate.

| what | how |
| --- | --- |
| a problem whose stable rates are known | gradient descent on a quadratic: above 2 / curvature it diverges |
| a flow | the suggestion is a rate that trains, the model is left as it is |
| conditions, layers that look at data | accepted |
| nothing to find | ValueError saying what to do |
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pushforward import flows
from pushforward.bijectors import ActNorm, Shift
from pushforward.distributions import StandardNormal, TransformedDistribution
from pushforward.training import find_learning_rate


def test_gradient_descent_on_a_quadratic(key):
    """-log p of a shifted normal has curvature 1: steps of a rate above 2 grow, below 1 they only approach."""
    model = TransformedDistribution(StandardNormal(2), Shift(jnp.array([50.0, -50.0])))
    x = np.random.default_rng(0).standard_normal((500, 2))
    found = find_learning_rate(key, model, x, optimizer=optax.sgd, lowest=1e-4, highest=1e3, steps=150)
    assert found.rates[0] == pytest.approx(1e-4)
    assert found.rates[-1] == pytest.approx(1e3)
    best = 3 * found.suggested
    assert 0.3 < best < 20
    assert found.losses[0] == pytest.approx(2500, rel=0.1)
    assert found.losses[np.searchsorted(found.rates, 1.0)] < 3.5  # of the normal itself 2.84
    assert found.losses[-1] == np.inf or found.losses[-1] > 1e6
    assert np.all(np.diff(found.rates) > 0)


def test_a_flow_is_left_as_it_is(key):
    x = np.random.default_rng(0).standard_normal((600, 2)) ** 2
    c = x[:, :1]
    flow = flows.maf(key, 2, condition_dim=1, layers=1, hidden_units=(8,))
    before = [np.asarray(leaf).copy() for leaf in jax.tree.leaves(flow)]
    found = find_learning_rate(key, flow, x, c, steps=80)
    assert 1e-4 < found.suggested < 0.5
    assert "suggested" in repr(found)
    assert all(np.array_equal(a, b) for a, b in zip(before, jax.tree.leaves(flow), strict=True))


def test_layers_that_look_at_data_are_set_first(key):
    """ActNorm takes far-off data to the base at once, so that the loss begins where a normal's ends."""
    x = 1000 + 5 * np.random.default_rng(0).standard_normal((600, 2)) ** 2
    flow = TransformedDistribution(flows.maf(key, 2, layers=1, hidden_units=(8,)), ActNorm(2))
    found = find_learning_rate(key, flow, x, steps=60)
    # A normal of the standard deviation of five times a squared normal, 7.07, has 2.84 + 2 log 7.07 nats.
    assert found.losses[0] < 2.84 + 2 * np.log(7.07) + 1


def test_what_it_cannot_do(key):
    flow = TransformedDistribution(StandardNormal(2), Shift(jnp.zeros(2)))
    x = np.random.default_rng(0).standard_normal((100, 2))
    for options in ({"lowest": 0.0}, {"lowest": 1.0, "highest": 0.1}, {"steps": 5}):
        with pytest.raises(ValueError, match="0 < lowest < highest"):
            find_learning_rate(key, flow, x, **options)
    with pytest.raises(ValueError, match="does not fall"):
        find_learning_rate(key, flow, x, lowest=10.0, highest=1e4, optimizer=optax.sgd)
    with pytest.raises(ValueError, match="finite"):
        find_learning_rate(key, flow, np.full((100, 2), np.nan))
