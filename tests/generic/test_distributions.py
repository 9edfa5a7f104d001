"""`check_distribution` passes sound laws of each kind, and catches planted bugs by the check that is there for them."""

import jax
import jax.numpy as jnp
import pytest
from numpyro.distributions import constraints

from pushforward.bijectors import Bijector, Chain, Exp, Scale, Shift, Sigmoid, SoftmaxCentered
from pushforward.distributions import Logistic, MultivariateNormalDiag, Normal, TransformedDistribution, Uniform
from pushforward.testing import DISTRIBUTION_CHECKS, CheckFailure, check_distribution


class Turn(Bijector):
    """y = Q x with a rotation by the angle in a condition."""

    angle: jax.Array | None = None
    forward_min_event_ndims = 1

    def condition(self, c):
        return Turn(jnp.asarray(c)[..., 0])

    def _turn(self, x, angle):
        if angle is None:
            raise ValueError("expected a bound condition, and got none; call condition(c) first")
        a, b = x[..., 0], x[..., 1]
        return jnp.stack([a * jnp.cos(angle) - b * jnp.sin(angle), a * jnp.sin(angle) + b * jnp.cos(angle)], axis=-1)

    def _forward_and_log_det(self, x):
        return self._turn(x, self.angle), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return self._turn(y, None if self.angle is None else -self.angle), jnp.zeros((), y.dtype)


def stretched(shift):
    """Two numbers, correlated."""
    return MultivariateNormalDiag(jnp.array([shift, 2.0]), jnp.array([0.5, 3.0]))


SOUND = {
    "log-normal": lambda: Exp()(Normal(0.0, 1.0)),
    "decreasing batch": lambda: Chain([Scale(-2.0), Shift(1.0)])(Normal(jnp.array([0.0, 1.0]), 1.0)),
    "uniform": lambda: Sigmoid()(Logistic(0.0, 1.0)),
    "two numbers": lambda: Chain([Scale(jnp.array([2.0, -1.0]))])(stretched(0.0)),
    "simplex": lambda: SoftmaxCentered()(MultivariateNormalDiag(jnp.zeros(2), jnp.ones(2))),
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_law_passes(name):
    check_distribution(SOUND[name]())


def test_sound_conditional_law_passes():
    check_distribution(
        lambda c: TransformedDistribution(stretched(1.0), Turn().condition(c)), condition=jnp.array([[0.0], [1.0]])
    )


# ------------------------------------------------------------------------------------------- planted bugs


class WrongLogDet(Scale):
    def _forward_and_log_det(self, x):
        return x * self.scale, jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return y / self.scale, jnp.zeros((), y.dtype)


class WrongForwardSign(Scale):
    def _forward_and_log_det(self, x):
        return x * self.scale, -jnp.log(jnp.abs(self.scale))


class OtherWay(Scale):
    """Sampling goes one way, density the other, with the same volume."""

    def _inverse_and_log_det(self, y):
        return y / self.scale + 0.3, -jnp.log(jnp.abs(self.scale))


class HalfLine(Scale):
    """Says that it reaches only positive numbers."""

    codomain = constraints.positive


class PlainTransformed(TransformedDistribution):
    pytree_data_fields = TransformedDistribution.pytree_data_fields


class TurnedAxes(PlainTransformed):
    def sample(self, key, sample_shape=()):
        return jnp.moveaxis(super().sample(key, sample_shape), -1, 0)


class NanOutside(PlainTransformed):
    def log_prob(self, value, intermediates=None):
        log_prob = super().log_prob(value)
        return jnp.where(jnp.isnan(log_prob), -jnp.inf, log_prob)


class Unmasked(PlainTransformed):
    def log_prob(self, value, intermediates=None):
        return self.base.log_prob(jnp.log(value)) - jnp.log(value)


class IncreasingQuantile(PlainTransformed):
    def cdf(self, value):
        return self.base.cdf(self.bijector.inverse(value))


PLANTED = {
    "log-det left out": (lambda: WrongLogDet(2.0)(Normal(0.0, 1.0)), "integral"),
    "sign of the forward log-det": (lambda: WrongForwardSign(2.0)(Normal(0.0, 1.0)), "sample_and_log_prob"),
    "samples of another law": (lambda: OtherWay(2.0)(Normal(0.0, 1.0)), "samples"),
    "support too small": (lambda: HalfLine(2.0)(Normal(0.0, 1.0)), "finite"),
    "sample axes last": (lambda: TurnedAxes(Normal(jnp.zeros(3), 1.0), Scale(2.0)), "shapes"),
    "NaN as -inf": (lambda: NanOutside(Normal(0.0, 1.0), Scale(2.0)), "nan"),
    "no mask": (lambda: Unmasked(Normal(0.0, 1.0), Exp()), "outside"),
    "cdf of a decreasing map": (lambda: IncreasingQuantile(Normal(0.0, 1.0), Scale(-2.0)), "cdf"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_bug_is_caught(name):
    build, check = PLANTED[name]
    with pytest.raises(CheckFailure) as caught:
        check_distribution(build(), checks=[check])
    assert list(caught.value.failures) == [check]


def test_condition_without_effect_is_caught():
    with pytest.raises(CheckFailure, match="the condition does not reach the map"):
        check_distribution(lambda c: Normal(jnp.zeros(c.shape[:-1]), 1.0), condition=jnp.ones((3, 2)))


def test_unknown_check_is_refused():
    with pytest.raises(ValueError, match="no check is called"):
        check_distribution(Uniform(0.0, 1.0), checks=["everything"])
    assert len(DISTRIBUTION_CHECKS) >= 9
