"""How `check_bijector` is called and what it says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import Bijector, Exp, Scale, Shift
from pushforward.core import constant_field, freeze
from pushforward.testing import CheckFailure, check_bijector


class Halved(Scale):
    """y = scale x, with half of the log-det that it should have."""

    def _forward_and_log_det(self, x):
        return x * self.scale, jnp.log(jnp.abs(self.scale)) / 2


class Root(Bijector):
    """y = x^p on [1, 2], where p may be conditioned on."""

    power: jax.Array
    bound: jax.Array | None = constant_field(default=None)
    forward_min_event_ndims = 0

    def condition(self, c):
        return Root(self.power, jnp.asarray(c)[..., 0])

    def _exponent(self):
        if self.bound is None:
            raise ValueError("expected a bound condition, and got none; call condition(c) first")
        return self.power * self.bound

    def _forward_and_log_det(self, x):
        p = self._exponent()
        return x**p, jnp.log(p) + (p - 1) * jnp.log(x)

    def _inverse_and_log_det(self, y):
        p = self._exponent()
        return y ** (1 / p), -jnp.log(p) + (1 / p - 1) * jnp.log(y)


def test_a_failure_says_what_by_how_much_where_and_why():
    with pytest.raises(CheckFailure, match="Halved fails") as caught:
        check_bijector(Halved(np.exp(1.0).item()))
    assert isinstance(caught.value, AssertionError)
    (message,) = caught.value.failures.values()
    for words in (
        "forward log-det",
        "float64",
        "parameters as built",
        "at the input",
        "0.49999",
        "against 0.99999",
        "missing",
    ):
        assert words in message, message


def test_the_same_exception_is_told_once():
    class Broken(Scale):
        def _forward_and_log_det(self, x):
            raise RuntimeError("out of order")

    with pytest.raises(CheckFailure) as caught:
        check_bijector(Broken(2.0))
    told = [message for message in caught.value.failures.values() if "out of order" in message]
    assert len(told) == 1


def test_inputs_and_conditions_may_be_given():
    x = np.linspace(1.0, 2.0, 5)
    points = {"x": x, "draw_output": lambda key, batch: jnp.full(batch, 1.5), "extremes": (1.0, 2.0, 50.0)}
    check_bijector(
        Root(jnp.asarray(2.0, jnp.float32)),
        condition=np.linspace(0.5, 1.5, 4)[:, None],
        output_extremes=(1.0, 2.0),
        **points,
    )


def test_checks_can_be_chosen_and_left_out():
    wrong = Halved(2.0)
    check_bijector(wrong, checks=["nan", "forward_round_trip"])
    check_bijector(wrong, exempt=["forward_log_det"])
    with pytest.raises(ValueError, match="no check is called"):
        check_bijector(wrong, checks=["everything"])


def test_the_shape_of_an_event_is_asked_for():
    class Vector(Shift):
        forward_min_event_ndims = 1

    with pytest.raises(ValueError, match="needs the shape of an event of Vector, whose minimum rank is 1"):
        check_bijector(Vector(1.0))


def test_overflow_by_nature_is_a_matter_of_the_extremes():
    with pytest.raises(CheckFailure, match="`extremes`") as caught:
        check_bijector(Exp())
    assert set(caught.value.failures) <= {"finite", "gradients"}
    check_bijector(Exp(), extremes=(-80.0, 0.0, 80.0))


def test_frozen_parameters_are_not_perturbed():
    check_bijector(freeze(Scale(2.0)))


def test_it_leaves_the_settings_as_they_are():
    before = jax.config.jax_enable_x64, jnp.result_type(float)
    check_bijector(Scale(2.0))
    assert (jax.config.jax_enable_x64, jnp.result_type(float)) == before
