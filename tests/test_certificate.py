"""`pushforward.check`: it passes right flows and catches planted faults, naming the figure and the layer."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward.bijectors import (
    BatchNormalization,
    Bijector,
    Chain,
    Exp,
    Invert,
    MaskedAutoregressiveFlow,
    Permute,
    Scale,
    Shift,
    SoftmaxCentered,
    Stack,
)
from pushforward.diagnostics.layers import parts_of
from pushforward.diagnostics.normalisation import log_integral
from pushforward.distributions import ConditionalDistribution, Normal, StandardNormal, TransformedDistribution
from pushforward.nets import AutoregressiveNetwork

RNG = np.random.default_rng(3)
DATA = RNG.normal(size=(300, 2)) * [2.0, 0.5]


def on_normal(*layers, dim=2):
    """The first layer is next to the data."""
    return TransformedDistribution(StandardNormal(dim), Chain(layers))


def maf(condition_dim=None):
    def layer(key):
        net = AutoregressiveNetwork(
            2,
            2,
            conditional=condition_dim is not None,
            conditional_event_shape=condition_dim,
            hidden_units=(8,),
            activation=jax.nn.silu,
            key=key,
        )
        return Chain([MaskedAutoregressiveFlow(net), Permute(jnp.arange(1, -1, -1))])

    stack = Stack([layer(key) for key in jax.random.split(jax.random.key(1), 2)])
    if condition_dim is None:
        return TransformedDistribution(StandardNormal(2), stack)
    return ConditionalDistribution(StandardNormal(2), stack, condition_dim)


def failing(certificate):
    return {finding.name for finding in certificate.failures}


class Faulty(Bijector):
    """y = 2 x, with faults of given sizes; 0 is none. One structure, so that one program serves all of them."""

    sizes: dict[str, jax.Array] = pf.core.constant_field()

    forward_min_event_ndims = 0
    faults = ("log-det", "forward log-det", "inverse", "inverse in the tail", "cancellation", "nan", "nan gradient")

    def __init__(self, **sizes):
        self.sizes = {name: jnp.asarray(sizes.get(name, 0.0)) for name in self.faults}

    def _forward_and_log_det(self, x):
        error = self.sizes["log-det"] + self.sizes["forward log-det"]
        return 2 * x, jnp.full_like(x, np.log(2.0)) + error

    def _inverse_and_log_det(self, y):
        size, x = self.sizes, y / 2
        # arctan and tan undo each other, and lose the digits of large arguments.
        far = 1e5 * jnp.where(size["cancellation"] > 0, x, 0.0)
        x = jnp.where(size["cancellation"] > 0, jnp.tan(jnp.arctan(far)) / 1e5, x)
        x = x + size["inverse"] * jnp.sin(y)
        x = jnp.where(jnp.abs(y) > 2, x * (1 + size["inverse in the tail"]), x)
        x = jnp.where((size["nan"] > 0) & (y[..., :1] > 2), jnp.nan, x)
        # The square root of zero, whose derivative is infinite, adds nothing.
        x = x + 0.0 * jnp.sqrt(jnp.where(size["nan gradient"] > 0, jnp.maximum(-jnp.abs(y), 0.0), 1.0))
        return x, jnp.full_like(x, -np.log(2.0)) - size["log-det"]


def faulty_flow(first, second=None):
    return on_normal(Scale(jnp.array([2.0, 0.5])), Faulty(**first), Scale(0.5), Faulty(**second or {}), Scale(0.5))


def test_a_right_flow_passes():
    certificate = pf.check(maf(), DATA)
    assert certificate.ok, str(certificate)
    assert all(finding.ok for finding in certificate.findings), str(certificate)
    assert [layer.kind for layer in certificate.layers] == ["MaskedAutoregressiveFlow", "Permute"] * 2
    # Right formulas in float64 are right to nearly all its digits: far below the threshold of 1e-5.
    assert certificate["round trip"].figure < 1e-10
    assert certificate["log-determinant"].figure < 1e-10
    assert certificate["normalisation"].threshold < 0.1
    text = str(certificate)
    assert "all holds  (2-dimensional flow in float32, 300 rows)" in text
    assert "bijector[1].bijectors[0]  MaskedAutoregressiveFlow" in text


def test_a_right_conditional_flow_passes():
    certificate = pf.check(maf(condition_dim=1), DATA, condition=RNG.normal(size=(300, 1)), key=jax.random.key(4))
    assert certificate.ok, str(certificate)
    assert certificate["normalisation"].ok
    assert len(certificate.layers) == 4


def test_certificates_repeat_and_other_numbers_find_the_programs_again(caplog):
    """Compiling is what a check spends its time on: one program for a structure, whatever the values and rows."""
    flow = maf()
    once = pf.check(flow, DATA)
    moved = jax.tree.map(lambda a: a * 1.1 if jnp.issubdtype(a.dtype, jnp.floating) else a, flow)
    with jax.log_compiles():
        assert str(pf.check(flow, DATA)) == str(once)
        assert pf.check(moved, 1.1 * DATA[:100]).ok
        assert not [record.message for record in caplog.records if "XLA compilation" in record.message]


def test_a_base_that_is_a_flow_is_part_of_the_whole():
    inner = TransformedDistribution(StandardNormal(2), Faulty(**{"log-det": 0.0}))
    certificate = pf.check(TransformedDistribution(inner, Scale(0.5)), DATA)
    assert certificate.ok, str(certificate)
    assert [layer.name for layer in certificate.layers] == ["bijector", "base.bijector"]
    inner = TransformedDistribution(StandardNormal(2), Faulty(**{"forward log-det": 0.1}))
    certificate = pf.check(TransformedDistribution(inner, Scale(0.5)), DATA)
    assert failing(certificate) == {"log-determinant"}
    assert "base.bijector (Faulty)" in certificate["log-determinant"].reason


def test_scalar_flows_one_row_and_integers():
    flow = Exp()(Normal(0.0, 1.0))
    assert pf.check(flow, np.exp(RNG.normal(size=50))).ok
    assert pf.check(flow, [1]).ok
    with pytest.raises(ValueError, match=r"x of shape \(rows,\) with at least one row, and got \(50, 1\)"):
        pf.check(flow, np.ones((50, 1)))


def test_double_precision(x64):
    certificate = pf.check(shifted(1e7, 0.0), np.add(DATA, [1e7, 0.0]))
    assert certificate.ok, str(certificate)
    assert "float64" in certificate.subject


PLANTED = [
    ({}, set()),
    ({"log-det": 1e-3}, {"log-determinant"}),
    ({"log-det": 0.2}, {"log-determinant", "normalisation"}),
    ({"forward log-det": 0.1}, {"log-determinant", "draws"}),
    ({"inverse": 1e-3}, {"round trip", "round trip, rounded", "log-determinant"}),
    ({"inverse in the tail": 1e-2}, {"round trip", "round trip, rounded"}),
    ({"cancellation": 1.0}, {"round trip, rounded", "log-density, rounded"}),
]


@pytest.mark.parametrize(("fault", "expected"), PLANTED)
def test_planted_faults_are_caught(fault, expected):
    certificate = pf.check(faulty_flow(fault), DATA)
    found = failing(certificate)
    assert expected <= found, str(certificate)
    assert certificate.ok == (not expected)
    assert ("FAIL" in str(certificate)) == bool(expected)
    if "cancellation" in fault:  # right mathematics, wrong arithmetic
        assert not found & {"round trip", "log-determinant"}
    if "log-determinant" in expected:
        assert "bijector.bijectors[1] (Faulty)." in certificate["log-determinant"].reason
    if "round trip" in expected:
        assert max(certificate.layers, key=lambda layer: layer.round_trip).name == "bijector.bijectors[1]"


def test_opposite_errors_of_two_layers_are_caught_though_the_flow_is_right():
    certificate = pf.check(faulty_flow({"log-det": 0.1}, {"log-det": -0.1}), DATA)
    assert failing(certificate) == {"log-determinant"}
    # 0.1 for each of two coordinates, in float32.
    assert certificate["log-determinant"].figure == pytest.approx(0.2, abs=1e-6)


def test_values_and_gradients_that_are_not_finite():
    certificate = pf.check(faulty_flow({"nan": 1.0}), DATA)
    bad = np.flatnonzero(DATA[:, 0] / 2 > 2)
    assert certificate["finite log-density"].where == f"row {bad[0]}"
    assert certificate["finite log-density"].figure == len(bad)
    assert "bijector.bijectors[1] (Faulty) is the first layer" in certificate["finite log-density"].reason
    certificate = pf.check(faulty_flow({"nan gradient": 1.0}), DATA)
    assert "finite gradients" in failing(certificate)
    assert certificate["finite log-density"].ok


def shifted(offset, detour):
    far = jnp.array([detour, 0.0])
    return on_normal(Shift(jnp.array([offset, 0.0])), Scale(jnp.array([2.0, 0.5])), Shift(-far), Shift(far))


def test_an_unstable_layer_is_caught_and_named():
    """Right mathematics, but a detour through large numbers costs float32 most of its digits."""
    certificate = pf.check(shifted(0.0, 1e6), DATA)
    assert {"round trip, rounded", "log-density, rounded"} <= failing(certificate)
    assert certificate["round trip"].ok
    assert certificate["log-determinant"].ok
    assert re.search(r"bijector\.bijectors\[2\] \(Shift\): [56]\.", certificate["round trip, rounded"].reason)


def test_data_too_fine_for_the_dtype():
    certificate = pf.check(shifted(4e6, 0.0), np.add(DATA, [4e6, 0.0]))
    assert failing(certificate) == {"resolution of the data"}
    assert "subtract an offset" in certificate["resolution of the data"].reason


def test_rows_outside_the_support():
    data = np.exp(DATA)
    data[17, 1] = -1.0
    certificate = pf.check(TransformedDistribution(StandardNormal(2), Exp()), data)
    assert failing(certificate) == {"finite log-density"}
    assert certificate["finite log-density"].where == "row 17"
    assert "flow.support" in certificate["finite log-density"].reason
    certificate = pf.check(TransformedDistribution(StandardNormal(2), Exp()), -data[:3])  # no row has a density
    assert not certificate.ok
    assert certificate.layers == ()


class WrongBase(StandardNormal):
    """A standard normal with draws that are too wide, or a log-density with a constant too much."""

    pytree_data_fields = ("width", "constant")

    def __init__(self, dim, width, constant):
        super().__init__(dim)
        self.width, self.constant = jnp.asarray(width), jnp.asarray(constant)

    def sample(self, key, sample_shape=()):
        return self.width * super().sample(key, sample_shape)

    def log_prob(self, value, intermediates=None):
        return super().log_prob(value) + self.constant.astype(value.dtype)


@pytest.mark.parametrize(("width", "constant"), [(1.5, 0.0), (1.0, 0.3)])
def test_a_base_that_is_not_the_density_of_its_draws(width, constant):
    certificate = pf.check(TransformedDistribution(WrongBase(2, width, constant), Scale(2.0)), DATA)
    assert failing(certificate) == {"normalisation"}, str(certificate)


def test_layers_are_listed_from_the_data_inwards():
    flow = TransformedDistribution(
        TransformedDistribution(StandardNormal(2), Scale(5.0)),
        Chain(
            [Shift(1.0), Invert(Chain([Scale(2.0), Invert(Shift(3.0))])), Stack([Scale(7.0), Scale(11.0)]), Chain([])]
        ),
    )
    parts = parts_of(flow)
    assert [name for name, _ in parts] == [
        "bijector.bijectors[0]",
        "bijector.bijectors[1].bijector.bijectors[1]",
        "bijector.bijectors[1].bijector.bijectors[0]",
        "bijector.bijectors[2][0]",
        "bijector.bijectors[2][1]",
        "base.bijector",
    ]
    point = jnp.array([10.0, 20.0])
    for _, part in parts[:-1]:
        point = part.inverse(point)
    # float32 rounding of two orders of the same products
    np.testing.assert_allclose(point, flow.bijector.inverse(jnp.array([10.0, 20.0])), rtol=1e-6)


def mixture(x):
    """log of 1.35 times a density with two far modes of different shapes."""
    one = -0.5 * np.sum((x - 8) ** 2, -1) - 1.5 * np.log(2 * np.pi)
    two = -0.5 * np.sum((x / 0.1) ** 2, -1) - 1.5 * np.log(2 * np.pi * 0.01)
    return np.logaddexp(one, two) - np.log(2) + 0.3


@pytest.mark.parametrize("kernels", [True, False])
def test_the_integral_of_a_known_density(kernels):
    rng = np.random.default_rng(1)
    near = rng.random(4000) < 0.5
    draws = np.where(near[:, None], 0.1, 1.0) * rng.normal(size=(4000, 3)) + np.where(near, 0, 8)[:, None]

    def latents(x):
        """Of the map that scales each mode to a standard normal."""
        near = np.linalg.norm(x, axis=1) < 4
        scale = np.where(near, 10.0, 1.0)[:, None]
        return (x - np.where(near, 0, 8)[:, None]) * scale, scale[:, :, None] * np.eye(3)

    found = log_integral(draws, mixture, latents if kernels else None, rng)
    # Four standard errors: a false alarm in 16,000.
    assert abs(found.log - 0.3) < 4 * found.error
    assert found.error < (0.05 if kernels else 1.0)


def test_a_map_to_more_coordinates_is_checked_as_far_as_that_goes():
    simplex = TransformedDistribution(StandardNormal(2), SoftmaxCentered())
    certificate = pf.check(simplex, np.asarray(simplex.bijector.forward(jnp.asarray(DATA, jnp.float32))))
    assert certificate.ok, str(certificate)
    assert [f.name for f in certificate.findings if f.ok is None] == ["log-determinant", "normalisation"]


def test_no_verdict_where_nothing_overlaps():
    wide = TransformedDistribution(StandardNormal(40), Exp())
    certificate = pf.check(wide, np.exp(RNG.normal(size=(20, 40))))
    assert certificate.ok, str(certificate)
    assert certificate["normalisation"].ok is None
    assert "not decided" in str(certificate)


def test_errors_of_the_caller():
    flow, data = maf(), DATA.copy()
    conditional = maf(condition_dim=1)
    data[3, 1] = np.nan
    for call, error, words in [
        (lambda: pf.check(Scale(2.0), DATA), TypeError, "check expects a flow, and got Scale"),
        (lambda: pf.check(flow, data), ValueError, r"x\[3, 1\] is nan"),
        (lambda: pf.check(flow, DATA * 1e60), ValueError, "in float32"),
        (lambda: pf.check(flow, DATA[:, :1]), ValueError, r"x of shape \(rows, 2\).*got \(300, 1\)"),
        (lambda: pf.check(flow, DATA[:0]), ValueError, "at least one row"),
        (lambda: pf.check(flow, DATA, condition=DATA), ValueError, "got a condition"),
        (lambda: pf.check(conditional, DATA), ValueError, "expects condition=c"),
        (
            lambda: pf.check(conditional(DATA[:, :1]), DATA),
            ValueError,
            r"got a batch of distributions of shape \(300,\)",
        ),
        (
            lambda: pf.check(on_normal(BatchNormalization(2)), DATA),
            ValueError,
            r"bijectors\[0\] \(BatchNorm.*inference",
        ),
        (lambda: pf.check(conditional, DATA, condition=DATA), ValueError, r"condition of shape \(300, 1\)"),
    ]:
        with pytest.raises(error, match=words):
            call()
    with pytest.raises(KeyError, match="no finding 'x'"):
        pf.diagnostics.Certificate((), (), "")["x"]
