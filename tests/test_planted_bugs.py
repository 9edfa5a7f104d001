"""A test of the suite: bugs of the kinds that normalizing-flow libraries really had, each in a small bijector.

`check_bijector` must catch them all, and by the check that is there for it: `PLANTED` says which. Each bug is on top of
a sound map, and the sound maps pass (`test_sound_maps_pass`), so nothing is caught for being broken anyway.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.distributions import constraints

from pushforward.bijectors import Bijector
from pushforward.core import constant_field, static_field
from pushforward.testing import CheckFailure, check_bijector

# ----------------------------------------------------------------------------------------------- sound maps


class Stretch(Bijector):
    """y = exp(log_scale) x on vectors."""

    log_scale: jax.Array
    forward_min_event_ndims = 1

    def _forward_and_log_det(self, x):
        return x * jnp.exp(self.log_scale), jnp.sum(jnp.broadcast_to(self.log_scale, x.shape[-1:]))

    def _inverse_and_log_det(self, y):
        return y * jnp.exp(-self.log_scale), -jnp.sum(jnp.broadcast_to(self.log_scale, y.shape[-1:]))


class Elementwise(Bijector):
    """y = sinh(x) on vectors."""

    forward_min_event_ndims = 1

    def _forward_and_log_det(self, x):
        return jnp.sinh(x), jnp.sum(self._slope(x), axis=-1)

    def _inverse_and_log_det(self, y):
        x = jnp.arcsinh(y)
        return x, -jnp.sum(self._slope(x), axis=-1)

    def _slope(self, x):
        # log cosh x, without overflow.
        return jnp.abs(x) + jnp.log1p(jnp.exp(-2 * jnp.abs(x))) - np.log(2).item()


class Kinked(Bijector):
    """y = x for x >= 0, slope x below."""

    slope: jax.Array
    forward_min_event_ndims = 0

    def _forward_and_log_det(self, x):
        return jnp.where(x < 0, self.slope * x, x), jnp.where(x < 0, jnp.log(self.slope), 0.0)

    def _inverse_and_log_det(self, y):
        return jnp.where(y < 0, y / self.slope, y), jnp.where(y < 0, -jnp.log(self.slope), 0.0)


class Triangular(Bijector):
    """y = x + L x with a strictly lower triangular L: an autoregressive map."""

    weights: jax.Array
    below: int = static_field(default=-1)
    forward_min_event_ndims = 1

    def _matrix(self):
        n = self.weights.shape[-1]
        return jnp.eye(n, dtype=self.weights.dtype) + jnp.tril(self.weights, self.below)

    def _forward_and_log_det(self, x):
        return jnp.einsum("ij,...j->...i", self._matrix(), x), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return jnp.einsum("ij,...j->...i", jnp.linalg.inv(self._matrix()), y), jnp.zeros((), y.dtype)


class Conditioned(Bijector):
    """y = x + c W."""

    weights: jax.Array
    bound: jax.Array | None = constant_field(default=None)
    forward_min_event_ndims = 1

    def condition(self, c):
        return type(self)(self.weights, jnp.asarray(c))

    def _shift(self):
        if self.bound is None:
            raise ValueError("expected a bound condition, and got none; call condition(c) first")
        return jnp.einsum("...i,ij->...j", self.bound, self.weights)

    def _forward_and_log_det(self, x):
        return x + self._shift(), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return y - self._shift(), jnp.zeros((), y.dtype)


# --------------------------------------------------------------------------------------------- planted bugs


class SignOfLogDet(Stretch):
    def _forward_and_log_det(self, x):
        y, log_det = super()._forward_and_log_det(x)
        return y, -log_det


class MissingFactor(Stretch):
    """The log-det of one coordinate for all of them."""

    def _forward_and_log_det(self, x):
        return super()._forward_and_log_det(x)[0], self.log_scale

    def _inverse_and_log_det(self, y):
        return super()._inverse_and_log_det(y)[0], -self.log_scale


class ConstantNotSummed(Stretch):
    """A constant log-det for each coordinate, which broadcasts against a batch of the same size."""

    def _forward_and_log_det(self, x):
        return super()._forward_and_log_det(x)[0], jnp.broadcast_to(self.log_scale, x.shape[-1:])


class SummedOverBatch(Elementwise):
    def _forward_and_log_det(self, x):
        return jnp.sinh(x), jnp.sum(self._slope(x))


class WrongAxis(Elementwise):
    """Sums the axis that is the event's when there is no batch."""

    def _forward_and_log_det(self, x):
        return jnp.sinh(x), jnp.sum(self._slope(x), axis=0)


class WrongBranchInverted(Kinked):
    def _inverse_and_log_det(self, y):
        return jnp.where(y < 0, y * self.slope, y), jnp.where(y < 0, -jnp.log(self.slope), 0.0)


class NanGradientFromWhere(Bijector):
    """y = x below 1, x^2/2 + 1/2 above, by a root that has no derivative where it is not taken."""

    scale: jax.Array
    forward_min_event_ndims = 0

    def _forward_and_log_det(self, x):
        x = x * self.scale
        return jnp.where(x > 1, (x * x + 1) / 2, x), jnp.log(jnp.maximum(x, 1)) + jnp.log(jnp.abs(self.scale))

    def _inverse_and_log_det(self, y):
        x = jnp.where(y > 1, jnp.sqrt(2 * y - 1), y)
        return x / self.scale, -jnp.log(jnp.maximum(x, 1)) - jnp.log(jnp.abs(self.scale))


class PromotedToFloat64(Stretch):
    def _forward_and_log_det(self, x):
        y, log_det = super()._forward_and_log_det(x)
        return y.astype(float), log_det


class DroppedToFloat32(Stretch):
    """Rounds its input to float32 and gives back the dtype it was given, so that only the digits tell."""

    def _forward_and_log_det(self, x):
        return super()._forward_and_log_det(x.astype(jnp.float32).astype(x.dtype))


class BatchStatistics(Elementwise):
    """The log-det of every row is the mean of all."""

    def _forward_and_log_det(self, x):
        y, log_det = super()._forward_and_log_det(x)
        return y, jnp.broadcast_to(jnp.mean(log_det), log_det.shape)


class NearestRow(Stretch):
    """Looks at the largest number of the batch; rows see each other, and only when one of them is unusual."""

    def _forward_and_log_det(self, x):
        y, log_det = super()._forward_and_log_det(x)
        return y + 0.0 * jnp.max(jnp.abs(x)), log_det


class PythonBranch(Stretch):
    def _forward_and_log_det(self, x):
        if self.log_scale > 0:
            return super()._forward_and_log_det(x)
        return super()._forward_and_log_det(x)


class LooksAtInput(Stretch):
    """Sound in eager use, and no program can be made of it."""

    def _forward_and_log_det(self, x):
        assert np.all(np.asarray(x) > -np.inf)
        return super()._forward_and_log_det(x)


class ValueInStructure(Bijector):
    """Keeps a Python copy of its parameter at construction, for the log-det."""

    scale: jax.Array
    log_scale: float = static_field()
    forward_min_event_ndims = 0

    def __init__(self, scale):
        self.scale = jnp.asarray(scale, jnp.result_type(float))
        self.log_scale = float(np.log(scale))
        self.validate_args = False

    def _forward_and_log_det(self, x):
        return x * self.scale, jnp.asarray(self.log_scale, x.dtype)

    def _inverse_and_log_det(self, y):
        return y / self.scale, jnp.asarray(-self.log_scale, y.dtype)


class WeakParameter(Stretch):
    """A Python number as it came: compiled again after the first update."""


class StaleParameter(Bijector):
    """exp(log_scale) is computed once and trained in its place."""

    log_scale: jax.Array
    scale: jax.Array
    forward_min_event_ndims = 0

    def _forward_and_log_det(self, x):
        return x * self.scale, jnp.log(jnp.abs(self.scale))

    def _inverse_and_log_det(self, y):
        return y / self.scale, -jnp.log(jnp.abs(self.scale))


class MaskTooWide(Triangular):
    """The mask lets each coordinate see itself, and the log-det does not know."""

    def _matrix(self):
        n = self.weights.shape[-1]
        return jnp.eye(n, dtype=self.weights.dtype) + jnp.tril(self.weights, 0)


class OrderMixedUp(Triangular):
    """Sound, and autoregressive in the opposite order to the one declared."""

    def _matrix(self):
        return super()._matrix().T


class ConditionIgnored(Conditioned):
    """The last output does not see the condition."""

    def _shift(self):
        return super()._shift() * jnp.asarray([1, 1, 0], self.weights.dtype)


class ConditionHalfRead(Conditioned):
    """The last number of the condition is not read."""

    def _shift(self):
        return super()._shift() - self.bound[..., -1:] * self.weights[-1]


class CancellingLogDets(Elementwise):
    """Both log-dets wrong by the same amount: the round trip and their sum are as they should be."""

    def _slope(self, x):
        return 2 * super()._slope(x)


class LogDetAtTheOtherSide(Elementwise):
    def _forward_and_log_det(self, x):
        y = jnp.sinh(x)
        return y, jnp.sum(self._slope(y), axis=-1)


class ClampedTails(Bijector):
    """Clamped to [-5, 5] "for stability"."""

    forward_min_event_ndims = 0

    def _forward_and_log_det(self, x):
        return jnp.clip(x, -5, 5), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return y, jnp.zeros((), y.dtype)


class NanSwallowed(Stretch):
    def _forward_and_log_det(self, x):
        return super()._forward_and_log_det(jnp.where(jnp.isnan(x), 0.0, x))


class NeedsABatch(Stretch):
    def _forward_and_log_det(self, x):
        y, log_det = super()._forward_and_log_det(x)
        return jnp.concatenate([y[:, :1], y[:, 1:]], axis=1), log_det


class NotInvolutive(Bijector):
    """Undoes a permutation by applying it again, which is right for two coordinates."""

    forward_min_event_ndims = 1

    def _forward_and_log_det(self, x):
        return x[..., np.array([1, 2, 0])], jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return y[..., np.array([1, 2, 0])], jnp.zeros((), y.dtype)


class TwoFormulas(Stretch):
    """`_forward`, added for speed, is not the map of `_forward_and_log_det`."""

    def _forward(self, x):
        return x * (1 + self.log_scale)


class Overflow(Bijector):
    """y = log(1 + exp(x)) by its definition."""

    forward_min_event_ndims = 0
    codomain = constraints.positive

    def _forward_and_log_det(self, x):
        return jnp.log(1 + jnp.exp(x)), -jnp.log(1 + jnp.exp(-x))

    def _inverse_and_log_det(self, y):
        return y + jnp.log(-jnp.expm1(-y)), -jnp.log(-jnp.expm1(-y))


class FalseFacts(Kinked):
    is_increasing = False


class FalseCodomain(Kinked):
    codomain = constraints.positive


class OverridesPublic(Stretch):
    def forward_log_det_jacobian(self, x, event_ndims=None):
        return jnp.zeros(())


class Holder(Stretch):
    """Holds a function where arrays belong."""

    extra: object = jnp.exp


def stretch(cls):
    return lambda: cls(jnp.asarray(0.3, jnp.result_type(float)))


def kinked(cls):
    return lambda: cls(jnp.asarray(0.3, jnp.result_type(float)))


def triangular(cls, **fields):
    return lambda: cls(jnp.asarray(np.random.default_rng(0).standard_normal((3, 3)), jnp.result_type(float)), **fields)


def conditioned(cls):
    return lambda: cls(jnp.asarray([[0.3, -0.2, 0.9], [0.5, 0.8, -0.4]]))


VECTOR = {"event_shape": (3,)}
LOWER = {"event_shape": (3,), "structure": np.tril(np.ones((3, 3), bool))}
CONDITION = {"event_shape": (3,), "condition_dim": 2}

SOUND = [
    (stretch(Stretch), VECTOR),
    (Elementwise, {**VECTOR, "extremes": (-30.0, -1e-8, 0.0, 30.0)}),
    (kinked(Kinked), {}),
    (triangular(Triangular), LOWER),
    (conditioned(Conditioned), CONDITION),
]
SINH = SOUND[1][1]

# (how to build it, arguments of check_bijector, the check that is there for it)
PLANTED = {
    "sign of the log-det": (stretch(SignOfLogDet), VECTOR, "forward_log_det"),
    "missing factor": (stretch(MissingFactor), VECTOR, "forward_log_det"),
    "constant log-det not summed": (stretch(ConstantNotSummed), VECTOR, "shapes"),
    "log-det summed over the batch": (SummedOverBatch, SINH, "batching"),
    "log-det summed over the wrong axis": (WrongAxis, SINH, "shapes"),
    "one branch of the inverse": (kinked(WrongBranchInverted), {}, "forward_round_trip"),
    "NaN gradient from where": (stretch(NanGradientFromWhere), {}, "gradients"),
    "promoted to float64": (stretch(PromotedToFloat64), VECTOR, "shapes"),
    "dropped to float32": (stretch(DroppedToFloat32), VECTOR, "inverse_round_trip"),
    "statistics of the batch": (BatchStatistics, SINH, "batching"),
    "rows see each other": (stretch(NearestRow), VECTOR, "rows"),
    "branch on a parameter": (stretch(PythonBranch), VECTOR, "shapes"),
    "only outside jit": (stretch(LooksAtInput), VECTOR, "shapes"),
    "value in the structure": (lambda: ValueInStructure(1.5), {}, "forward_log_det"),
    "weakly typed parameter": (lambda: WeakParameter(jnp.asarray(0.3)), VECTOR, "pytree"),
    "stale parameter": (
        lambda: StaleParameter(*(jnp.asarray(v, jnp.result_type(float)) for v in (0.0, 1.0))),
        {},
        "parameters",
    ),
    "mask one too wide": (triangular(MaskTooWide), LOWER, "forward_log_det"),
    "mask one too narrow": (triangular(Triangular, below=-2), LOWER, "dependence"),
    "order mixed up": (triangular(OrderMixedUp), LOWER, "structure"),
    "condition ignored by one output": (conditioned(ConditionIgnored), CONDITION, "condition"),
    "condition read by half": (conditioned(ConditionHalfRead), CONDITION, "condition"),
    "cancelling errors": (CancellingLogDets, SINH, "forward_log_det"),
    "log-det at the other side": (LogDetAtTheOtherSide, SINH, "forward_log_det"),
    "clamped tails": (ClampedTails, {}, "forward_round_trip"),
    "NaN swallowed": (stretch(NanSwallowed), VECTOR, "nan"),
    "works only with a batch": (stretch(NeedsABatch), VECTOR, "shapes"),
    "permutation undone by itself": (NotInvolutive, VECTOR, "forward_round_trip"),
    "two formulas for one map": (stretch(TwoFormulas), VECTOR, "eager"),
    "overflow": (Overflow, {}, "finite"),
    "false fact": (kinked(FalseFacts), {}, "facts"),
    "false codomain": (kinked(FalseCodomain), {}, "facts"),
    "public method overridden": (stretch(OverridesPublic), VECTOR, "final"),
    "leaf that is no array": (stretch(Holder), VECTOR, "pytree"),
}


@pytest.mark.parametrize(("build", "arguments"), SOUND, ids=["stretch", "sinh", "kinked", "triangular", "conditioned"])
def test_sound_maps_pass(build, arguments):
    check_bijector(build(), **arguments)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_bug_is_caught(name):
    build, arguments, check = PLANTED[name]
    with pytest.raises(CheckFailure) as caught:
        check_bijector(build(), **arguments)
    assert check in caught.value.failures, f"caught, but by {sorted(caught.value.failures)}:\n{caught.value}"


def test_there_are_enough_of_them():
    assert len(PLANTED) >= 16
    assert len({check for _, _, check in PLANTED.values()}) >= 12
