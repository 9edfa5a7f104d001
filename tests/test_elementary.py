"""Scalar maps and maps that only reorder: figures, hard points at 50 digits, TFP's values, what is refused."""

import json
import math
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from numpyro.distributions import constraints
from scipy import special

import pushforward.bijectors as bijectors
from pushforward import freeze, trainable
from pushforward.bijectors import (
    Chain,
    Exp,
    Identity,
    Inline,
    Invert,
    LeakyReLU,
    Log,
    Logit,
    NormalCDF,
    Permute,
    PReLU,
    Reshape,
    Scale,
    ScaleMatvecDiag,
    Shift,
    Sigmoid,
    SoftmaxCentered,
    Softplus,
    Split,
    Stack,
    Tanh,
)

GOLDEN = json.loads((Path(__file__).parent / "golden" / "tfp_bijectors.json").read_text())["cases"]
partial = jax.tree_util.Partial


# -------------------------------------------------------------- the simplex


@jax.jit
def simplex(x, y):
    b = SoftmaxCentered()
    gradient = jax.grad(lambda x: jnp.sum(b.forward_log_det_jacobian(x)))(x)
    return *b.forward_and_log_det(x), gradient, *b.inverse_and_log_det(y), *Sigmoid().forward_and_log_det(x[..., 0])


def test_softmax_centered_figures(x64):
    y = np.array([[0.2, 0.3, 0.4, 0.1]])
    forward, log_det, _, inverse, inverse_log_det, *_ = simplex(np.log([[2.0, 3.0, 4.0]]), y)
    np.testing.assert_allclose(forward, y, rtol=1e-14)
    np.testing.assert_allclose(inverse, np.log([[2, 3, 4]]), rtol=1e-14)
    want = np.log(0.2 * 0.3 * 0.4 * 0.1)
    np.testing.assert_allclose([log_det, -inverse_log_det], [[want], [want]], rtol=1e-14)


def test_softmax_centered_of_two_is_the_sigmoid(x64):
    x = np.array([-40.0, -1.0, 0.0, 0.3, 20.0])
    y, log_det, *_, first, want = simplex(x[:, None], np.full((5, 2), 0.5))
    np.testing.assert_allclose(y[:, 0], first, rtol=1e-14)
    np.testing.assert_allclose(log_det, want, rtol=1e-14)
    np.testing.assert_allclose(want, -np.logaddexp(0, -x) - np.logaddexp(0, x), rtol=1e-14)


def test_softmax_centered_of_large_scores():
    pattern = np.array([[1, -1, 0], [-1, -1, -1], [1, 1, 1]], np.float32)
    for size in (1e4, 1e30):
        y, log_det, gradient, *_ = simplex(np.float32(size) * pattern, np.full((1, 4), 0.25, np.float32))
        np.testing.assert_allclose(y, [[1, 0, 0, 0], [0, 0, 0, 1], [1 / 3, 1 / 3, 1 / 3, 0]], rtol=1e-6)
        want = np.array([-4 * size, -3 * size, -size - 4 * np.log(3)])
        np.testing.assert_allclose(log_det, want, rtol=1e-6)
        assert np.isfinite(gradient).all()


def test_faces_of_the_simplex_are_outside():
    rows = jnp.array([[0.5, 0.5], [1.0, 0.0], [0.7, 0.7], [jnp.nan, 0.5]])
    _, _, inside = jax.jit(lambda y: SoftmaxCentered()._inverse_within(y))(rows)
    np.testing.assert_array_equal(inside, [True, False, False, True])


# ------------------------------------------------- hard points, at 50 digits

HARD = [0, 1e-30, 1e-8, 0.3, 0.7, 1, 5, 20, 90, 1e4]
LINE = sorted({sign * x for x in HARD for sign in (-1, 1)})
HALF_LINE = [1e-300, 1e-37, 1e-30, 1e-8, 0.3, 0.6, math.log(2) - 1e-8, math.log(2) + 1e-8, 0.8, 1, 5, 20, 90, 1e4, 1e30]
INTERVAL = [1e-300, 1e-37, 1e-30, 1e-8, 0.2, 0.3, 0.5 - 1e-8, 0.5, 0.5 + 1e-8, 0.7, 0.8, 1 - 1e-8, 1 - 2e-16]


def quantile(p):
    """Phi^-1 by Newton's method from a number right to fifteen digits."""
    p, upper = (1 - p, True) if p > 0.5 else (p, False)
    x = mp.mpf(float(special.ndtri(float(p))))
    for _ in range(3):
        x -= (mp.ncdf(x) - p) / mp.npdf(x)
    return -x if upper else x


def normal_log_density(x):
    return -x * x / 2 - mp.log(2 * mp.pi) / 2


def logistic_log_density(x):
    return -mp.log1p(mp.exp(-x)) - mp.log1p(mp.exp(x))


def log_complement(y):
    """log(1 - exp(-y))."""
    return mp.log(-mp.expm1(-y)) if y < 1 else mp.log1p(-mp.exp(-y))


LOW, HIGH, SOFT = -2.0, 0.75, 0.25
WIDTH = mp.mpf(HIGH - LOW)

# name: how to build it; points; value and log-det at 50 digits, and the same of the inverse; the size that an error may
# be relative to besides the value's own (adding a number leaves its absolute precision): of value, log-det, inverse.
TABLE = {
    "Exp": (Exp, LINE, HALF_LINE, (mp.exp, lambda x: x), (mp.log, lambda y: -mp.log(y)), (0, 0, 0)),
    "Log": (Log, HALF_LINE, LINE, (mp.log, lambda x: -mp.log(x)), (mp.exp, lambda y: y), (0, 0, 0)),
    "Sigmoid": (
        Sigmoid, LINE, INTERVAL,
        (lambda x: 1 / (1 + mp.exp(-x)), logistic_log_density),
        (lambda y: mp.log(y / (1 - y)), lambda y: -mp.log(y * (1 - y))),
        (0, 0, 0),
    ),
    "Sigmoid of an interval": (
        lambda: Sigmoid(LOW, HIGH), LINE, [LOW + 1e-6, -1.5, -0.625, 0.1, 0.7],
        (lambda x: LOW + WIDTH / (1 + mp.exp(-x)), lambda x: mp.log(WIDTH) + logistic_log_density(x)),
        (lambda y: mp.log((y - LOW) / (HIGH - y)), lambda y: mp.log(WIDTH) - mp.log((y - LOW) * (HIGH - y))),
        (2, 1, 1),
    ),
    "Logit": (
        Logit, INTERVAL, LINE,
        (lambda x: mp.log(x / (1 - x)), lambda x: -mp.log(x * (1 - x))),
        (lambda y: 1 / (1 + mp.exp(-y)), logistic_log_density),
        (0, 0, 0),
    ),
    "Tanh": (
        Tanh, LINE, [-1 + 2e-16, -0.7, -1e-8, 1e-300, 1e-30, 1e-8, 0.3, 0.5, 0.7, 1 - 1e-8, 1 - 2e-16],
        (mp.tanh, lambda x: -2 * mp.log1p(2 * mp.sinh(x / 2) ** 2)),
        (mp.atanh, lambda y: -mp.log1p(-y * y)),
        (0, 0, 0),
    ),
    "Softplus": (
        Softplus, LINE, HALF_LINE,
        (lambda x: mp.log1p(mp.exp(x)), lambda x: -mp.log1p(mp.exp(-x))),
        (lambda y: mp.log(mp.expm1(y)), lambda y: -log_complement(y)),
        (0, 0, 0),
    ),
    "Softplus with softness and low": (
        lambda: Softplus(SOFT, LOW), LINE, [-1.999, -1.9, -1, 0, 20, 1e4],
        (lambda x: LOW + SOFT * mp.log1p(mp.exp(x / SOFT)), lambda x: -mp.log1p(mp.exp(-x / SOFT))),
        (lambda y: SOFT * mp.log(mp.expm1((y - LOW) / SOFT)), lambda y: -log_complement((y - LOW) / SOFT)),
        (2, 0, 0),
    ),
    "NormalCDF": (
        NormalCDF, [*LINE, -37, -12, -8, -3, 3, 8], INTERVAL,
        (mp.ncdf, normal_log_density), (quantile, lambda y: -normal_log_density(quantile(y))),
        (0, 0, 0),
    ),
    "PReLU": (
        lambda: PReLU(0.25), LINE, LINE,
        (lambda x: x if x >= 0 else x / 4, lambda x: mp.mpf(0) if x >= 0 else mp.log(0.25)),
        (lambda y: y if y >= 0 else y * 4, lambda y: mp.mpf(0) if y >= 0 else mp.log(4)),
        (0, 0, 0),
    ),
    "LeakyReLU": (
        lambda: LeakyReLU(0.125), LINE, LINE,
        (lambda x: x if x >= 0 else x / 8, lambda x: mp.mpf(0) if x >= 0 else mp.log(0.125)),
        (lambda y: y if y >= 0 else y * 8, lambda y: mp.mpf(0) if y >= 0 else mp.log(8)),
        (0, 0, 0),
    ),
}  # fmt: skip

# Elementary functions of XLA are right to one or two roundings each, and a formula has two or three of them.
ROUNDINGS = 6


def points(values, dtype):
    """The numbers that the dtype tells apart from the ends 0 and 1 (where they are ends), and NaN."""
    cast = np.asarray(values, dtype)
    exact = np.asarray(values)
    tiny = np.abs(cast) < np.finfo(dtype).tiny
    return np.append(cast[~((tiny & (exact != 0)) | ((np.abs(cast) == 1) & (np.abs(exact) != 1)))], dtype(np.nan))


@jax.jit
def _observe(table):
    def look(fn, x):
        seen, pull_back = jax.vjp(fn, x)
        return *seen, *pull_back(jax.tree.map(jnp.ones_like, seen))

    return {name: (look(b.forward_and_log_det, x), look(b.inverse_and_log_det, y)) for name, (b, x, y) in table.items()}


@pytest.fixture(scope="module")
def observed():
    """dtype -> name -> what forward and inverse give at the hard points; one program for each dtype."""
    results = {}
    for dtype in (np.float32, np.float64):
        with jax.enable_x64(dtype is np.float64):
            table = {name: (row[0](), points(row[1], dtype), points(row[2], dtype)) for name, row in TABLE.items()}
            results[dtype] = jax.device_get(_observe(table))
    return results


@pytest.mark.parametrize("direction", ["forward", "inverse"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TABLE)
def test_hard_points(observed, name, dtype, direction):
    side = 0 if direction == "forward" else 1
    x = points(TABLE[name][1 + side], dtype)[:-1]
    references, sizes = TABLE[name][3 + side], TABLE[name][5]
    value, log_det, gradient = (seen[:-1] for seen in observed[dtype][name][side])
    with mp.workdps(50):
        for part, got, size in (("value", value, sizes[2 * side]), ("log-det", log_det, sizes[1])):
            want = [references[0 if part == "value" else 1](mp.mpf(float(v))) for v in x]
            for at, g, w in zip(x, got, want, strict=True):
                assert _close(g, w, size, ROUNDINGS, dtype), f"{part} at {at!r}: {g!r}, and {mp.nstr(w, 20)} is right"
    representable = np.isfinite(value) & np.isfinite(log_det)
    assert np.isfinite(gradient[representable]).all()


def _close(got, want, size, roundings, dtype):
    info = np.finfo(dtype)
    if abs(want) > info.max:
        return np.isinf(got) and np.sign(got) == mp.sign(want)
    if abs(want) < info.tiny and not size:
        return abs(got) <= info.tiny  # numbers below the normal ones are flushed to zero
    return abs(mp.mpf(float(got)) - want) <= roundings * mp.mpf(float(info.eps)) * max(abs(want), size)


@pytest.mark.parametrize("name", TABLE)
def test_nan_passes_through(observed, name):
    for forward_or_inverse in observed[np.float32][name]:
        assert np.isnan(forward_or_inverse[0][-1])


def test_ends_of_the_interval():
    np.testing.assert_array_equal(Logit().forward([0.0, 0.5, 1.0]), [-np.inf, 0, np.inf])
    np.testing.assert_array_equal(Tanh().inverse([-1.0, 1.0]), [-np.inf, np.inf])
    np.testing.assert_array_equal(NormalCDF().inverse([0.0, 1.0]), [-np.inf, np.inf])
    # From the upper end, so that rounding does not step over it.
    low, high = jnp.float32(-0.1), jnp.float32(0.7)
    assert float(Sigmoid(low, high).forward(200.0)) == float(high)
    assert float(Sigmoid(low, high).forward(-200.0)) == float(low)


def test_sigmoid_slope_at_zero():
    assert float(jax.grad(lambda x: Sigmoid(-1.0, 3.0).forward(x))(0.0)) == pytest.approx(1.0)


def test_half_precision():
    @jax.jit
    def run(x):
        maps = (Sigmoid(), Tanh(), Softplus(0.5), NormalCDF(), Exp(), PReLU())
        return [(b.forward_and_log_det(x), b.inverse(b.forward(x))) for b in maps]

    for dtype in (jnp.bfloat16, jnp.float16):
        x = jnp.array([-2.0, 0.5, 1.0], dtype)
        for (y, log_det), back in run(x):
            assert (y.dtype, log_det.dtype, back.dtype) == (dtype, jnp.float32, dtype)
            # Some roundings of 1/256 in bfloat16.
            np.testing.assert_allclose(back.astype(float), x.astype(float), rtol=0.05)


# ------------------------------------------------------------ TFP's values


def _build(spec):
    def value(v):
        if isinstance(v, dict):
            return _build(v)
        return [_build(part) for part in v] if isinstance(v, list) and v and isinstance(v[0], dict) else v

    return getattr(bijectors, spec["bijector"])(**{k: value(v) for k, v in spec["arguments"].items()})


def _arrays(value, ndims):
    return [jnp.asarray(part) for part in value] if isinstance(ndims, list) else jnp.asarray(value)


@pytest.fixture(scope="module")
def against_tfp():
    """What our bijectors give at TFP's inputs; one program for all."""

    @jax.jit
    def run(rows):
        ranks = [case["event_ndims"] for case in GOLDEN]
        return [
            (b.forward_and_log_det(x, n), b.inverse_and_log_det(y, b.forward_event_ndims(n)))
            for (b, x, y), n in zip(rows, ranks, strict=True)
        ]

    with jax.enable_x64(True):
        built = [_build(case) for case in GOLDEN]
        rows = [
            (b, jnp.asarray(c["x"]), _arrays(c["y"], b.inverse_min_event_ndims))
            for b, c in zip(built, GOLDEN, strict=True)
        ]
        return jax.device_get(run(rows))


@pytest.mark.parametrize("k", range(len(GOLDEN)), ids=[f"{k}-{case['bijector']}" for k, case in enumerate(GOLDEN)])
def test_tfp(against_tfp, k):
    case, ((y, forward_log_det), (x, inverse_log_det)) = GOLDEN[k], against_tfp[k]
    wanted = case["y"] if isinstance(y, list) else [case["y"]]
    # TFP measures volume on the simplex as a surface, sqrt(K) times that of the first K - 1 coordinates.
    surface = np.log(np.shape(case["y"])[-1]) / 2 if case["bijector"] == "SoftmaxCentered" else 0.0
    forward_log_det, inverse_log_det = forward_log_det + surface, inverse_log_det - surface
    wanted = [*wanted, case["inverse"], case["forward_log_det"], case["inverse_log_det"]]
    for got, want in zip([*jax.tree.leaves(y), x, forward_log_det, inverse_log_det], wanted, strict=True):
        # Some of TFP's forms lose digits that ours keep: those are compared with 50 digits above.
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


# ------------------------------------------------------------------- facts


def test_domains():
    assert Exp().codomain is constraints.positive
    assert Log().domain is constraints.positive
    assert Softplus().codomain is constraints.positive
    assert float(Softplus(low=1.5).codomain.lower_bound) == 1.5
    for b, ends in ((Sigmoid(-1.0, 2.0), (-1, 2)), (Chain([Scale(-2.0), Sigmoid()]), (-2, 0))):
        assert isinstance(b.codomain, constraints.open_interval)
        assert (float(b.codomain.lower_bound), float(b.codomain.upper_bound)) == ends
    assert Chain([Permute([1, 0]), Sigmoid()]).codomain == constraints.open_interval(0.0, 1.0)
    assert Chain([Reshape((2, 1)), Exp()]).codomain is constraints.positive
    ends = Chain([Scale(-1.0), Sigmoid(jnp.zeros(2), jnp.array([1.0, 3.0]))]).codomain
    np.testing.assert_array_equal(ends.lower_bound, [-1, -3])
    np.testing.assert_array_equal(jax.jit(lambda b: b.codomain.upper_bound)(Sigmoid(0.0, 4.0)), 4)


@pytest.mark.parametrize(
    ("bijector", "inside", "outside"),
    [
        (Invert(Exp(validate_args=True), validate_args=True), 1.0, -1.0),
        (Log(validate_args=True), 1.0, 0.0),
        (Logit(validate_args=True), 0.5, 1.5),
        (Sigmoid(validate_args=True), None, None),
    ],
    ids=["Invert", "Log", "Logit", "Sigmoid"],
)
def test_validate_args(bijector, inside, outside):
    if inside is None:
        bijector, inside, outside = Invert(bijector), 0.5, 1.5
    run = eqx.filter_jit(lambda b, x: b.forward(x))
    assert np.isfinite(run(bijector, jnp.array([inside, inside]))).all()
    with pytest.raises(Exception, match="expected values in"):
        jax.block_until_ready(run(bijector, jnp.array([inside, outside])))


def test_validated_parameters():
    ends = jax.jit(lambda low: Sigmoid(low, 1.0, validate_args=True).forward(0.0))
    assert float(ends(0.0)) == 0.5
    with pytest.raises(Exception, match="low < high"):
        ends(2.0).block_until_ready()
    order = jax.jit(lambda p: Permute(p, validate_args=True).forward(jnp.arange(3.0)))
    np.testing.assert_array_equal(order(jnp.array([2, 0, 1])), [2, 0, 1])
    with pytest.raises(Exception, match="each of the integers"):
        order(jnp.array([2, 0, 0])).block_until_ready()


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: Sigmoid(low=0.0), ValueError, "both ends"),
        (lambda: Sigmoid(1.0, jnp.array([2.0, 0.5])), ValueError, "low < high"),
        (lambda: Softplus(hinge_softness=-1.0), ValueError, "positive"),
        (lambda: PReLU(0.0), ValueError, "positive"),
        (lambda: PReLU([0.5, jnp.nan]), ValueError, "positive"),
        (lambda: LeakyReLU(-0.1), ValueError, "positive"),
        (lambda: Shift("a"), TypeError, "Shift: shift"),
        (lambda: Permute([0, 2, 2]), ValueError, "not a permutation"),
        (lambda: Permute([1, 2, 3]), ValueError, "not a permutation"),
        (lambda: Permute([0.0, 1.0]), TypeError, "integers"),
        (lambda: Permute([[0, 1]]), ValueError, "one row"),
        (lambda: Permute([0, 1], axis=0), ValueError, "negative axis"),
        (lambda: Permute([0, 1]).forward(jnp.zeros(3)), ValueError, "orders 2"),
        (lambda: Reshape((2, 3), (5,)), ValueError, "6"),
        (lambda: Reshape((-1, -1)), ValueError, "one may be -1"),
        (lambda: Reshape((2, -1)).forward(jnp.zeros(5)), ValueError, r"\(5,\)"),
        (lambda: Reshape((2, 3)).inverse(jnp.zeros((3, 2))), ValueError, r"\(3, 2\)"),
        (lambda: Split([]), ValueError, "positive"),
        (lambda: Split([2, 0]), ValueError, "positive"),
        (lambda: Split(2, axis=1), ValueError, "negative axis"),
        (lambda: Split(2).forward(jnp.zeros(5)), ValueError, "5 entries"),
        (lambda: Split([2, -1]).forward(jnp.zeros(2)), ValueError, "2 entries"),
        (lambda: Split([1, 2]).inverse([jnp.zeros(2), jnp.zeros(1)]), ValueError, r"sizes \(1, 2\)"),
        (lambda: Split(2, -2).inverse([jnp.zeros((1, 3)), jnp.zeros((1, 2))]), ValueError, "one shape"),
        (lambda: SoftmaxCentered().inverse(jnp.zeros((2, 0))), ValueError, "at least one"),
        (lambda: Inline(forward_log_det_jacobian_fn=jnp.zeros_like, forward_min_event_ndims=0), ValueError, "neither"),
        (lambda: Inline(jnp.exp, jnp.log), ValueError, "forward_min_event_ndims"),
        (lambda: Inline(jnp.exp, forward_min_event_ndims=0).inverse(1.0), NotImplementedError, "is_increasing"),
        (lambda: Inline(forward_fn=3.0, forward_min_event_ndims=0), TypeError, "callable"),
    ],
)
def test_refused(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_constructors_are_traceable():
    def build(a):
        return Chain([PReLU(a), Softplus(a, a), Sigmoid(a - 1, a), Shift(a), LeakyReLU(a)])

    shapes = jax.eval_shape(build, jnp.ones(3))
    assert jax.tree.structure(shapes) == jax.tree.structure(jax.jit(build)(jnp.ones(3)))
    many = jax.vmap(build)(jnp.array([0.5, 2.0]))
    want = [build(a).forward(1.0) for a in (0.5, 2.0)]
    np.testing.assert_allclose(jax.vmap(lambda b: b.forward(1.0))(many), want, rtol=1e-6)
    orders = jax.vmap(Permute)(jnp.array([[1, 0], [0, 1]]))
    np.testing.assert_array_equal(jax.vmap(lambda b: b.forward(jnp.array([3.0, 4.0])))(orders), [[4, 3], [3, 4]])


def test_what_trains():
    model = Chain([PReLU(), LeakyReLU(), Permute([1, 0]), Softplus(0.5, 1.0), Sigmoid(0.0, 2.0), freeze(Shift(1.0))])
    assert sum(jax.tree.leaves(trainable(model))) == 5  # raw_alpha, raw_hinge_softness, low twice, high
    assert jax.tree.leaves(trainable(Identity())) == []


# ------------------------------------------------ permutations, shapes, parts


def test_permutations_stack_and_have_gather_derivatives():
    orders = [[2, 0, 1], [1, 2, 0], [0, 2, 1]]
    chain = Chain([Permute(order) for order in orders])
    stack = Stack(chain.bijectors)

    @jax.jit
    def run(x, weight):
        gradient = jax.grad(lambda x: jnp.sum(weight * stack.forward(x)))(x)
        second = jax.hessian(lambda x: jnp.sum(chain.forward(x) ** 3))(x[0])
        return (
            stack.forward(x),
            chain.forward(x),
            stack.inverse(chain.forward(x)),
            gradient,
            chain.inverse(weight),
            second,
        )

    x, weight = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    stacked, chained, back, gradient, want, second = run(x, weight)
    np.testing.assert_array_equal(chained, x[:, orders[2]][:, orders[1]][:, orders[0]])
    np.testing.assert_array_equal(stacked, chained)
    np.testing.assert_array_equal(back, x)
    np.testing.assert_array_equal(gradient, want)
    np.testing.assert_allclose(second, np.diag(6 * x[0]), rtol=1e-6)
    lowered = jax.jit(jax.grad(lambda x: jnp.sum(Permute(orders[0]).forward(x) ** 2))).lower(x).as_text()
    assert "gather" in lowered
    assert "scatter" not in lowered


def test_permute_along_another_axis():
    x = jnp.arange(12.0).reshape(2, 3, 2)
    np.testing.assert_array_equal(Permute([2, 0, 1], axis=-2).forward(x), x[:, [2, 0, 1]])
    assert Permute([2, 0, 1], axis=-2).forward_min_event_ndims == 2


def test_reshape_shapes():
    b = Reshape((-1, 2), (2, -1))
    assert b.forward_event_shape((2, 5)) == (5, 2)
    assert b.inverse_event_shape((7, 5, 2)) == (7, 2, 5)
    assert b.forward_log_det_jacobian(jnp.zeros((4, 2, 3))).shape == (4,)
    assert Reshape(3, 3).forward(jnp.zeros((2, 3))).shape == (2, 3)
    assert Reshape((0, 3), (0,)).forward(jnp.zeros((2, 0))).shape == (2, 0, 3)


def test_split_joins_broadcast_parts():
    b = Split([1, 2])
    a, c = jnp.ones((4, 1)), jnp.zeros((3, 1, 2))
    joined, log_det = b.inverse_and_log_det([a, c])
    assert joined.shape == (3, 4, 3)
    np.testing.assert_array_equal(log_det, np.zeros((3, 4)))
    assert b.forward_event_shape((5, 3)) == [(5, 1), (5, 2)]
    assert b.inverse_event_shape([(5, 1), (5, 2)]) == (5, 3)


# ------------------------------------------------------------------ Inline


def leaky(alpha, x):
    return jnp.where(x < 0, alpha * x, x)


def unleaky(alpha, y):
    return jnp.where(y < 0, y / alpha, y)


def test_inline_parametric_relu_trains_its_slope():
    alpha = jnp.array(0.5)
    b = Inline(partial(leaky, alpha), partial(unleaky, alpha), forward_min_event_ndims=0)
    x = jnp.array([-2.0, 3.0])
    np.testing.assert_allclose(b.forward_log_det_jacobian(x), PReLU(0.5).forward_log_det_jacobian(x), rtol=1e-6)
    # One array in two functions is one parameter: it gets one gradient, and stays one when it is updated.
    assert jax.tree.leaves(trainable(b)) == [True]
    gradient = jax.grad(lambda b: jnp.sum(b.inverse_log_det_jacobian(x)))(b)
    assert jax.tree.leaves(gradient) == [-2.0]
    updated = jax.tree.map(lambda a: a / 2, b)
    np.testing.assert_array_equal(updated.forward(x), [-0.5, 3])
    np.testing.assert_array_equal(jax.jit(lambda b, y: b.inverse(y))(updated, updated.forward(x)), x)


def test_inline_derives_what_is_missing(x64):
    x, y = jnp.array([-1.0, 0.3]), jnp.array([0.2, 3.0])
    only_forward = Inline(jnp.exp, is_increasing=True, forward_min_event_ndims=0, codomain=constraints.positive)
    only_inverse = Inline(
        inverse_fn=jnp.log, is_increasing=True, inverse_min_event_ndims=0, codomain=constraints.positive
    )
    with_log_det = Inline(
        jnp.exp, jnp.log, inverse_log_det_jacobian_fn=lambda y: -jnp.log(y), forward_min_event_ndims=0
    )
    for b in (only_forward, only_inverse, with_log_det):
        run = jax.jit(lambda b: (b.forward_and_log_det(x), b.inverse_and_log_det(y)))
        (value, log_det), (back, back_log_det) = run(b)
        np.testing.assert_allclose(value, np.exp(x), rtol=1e-13)
        np.testing.assert_allclose(log_det, x, rtol=1e-13)
        np.testing.assert_allclose(back, np.log(y), rtol=1e-13)
        np.testing.assert_allclose(back_log_det, -np.log(y), rtol=1e-13)


def test_inline_of_vectors_with_other_shapes():
    def pad(x):
        return jnp.concatenate([x, jnp.zeros_like(x[..., :1])], axis=-1)

    b = Inline(
        pad,
        lambda y: y[..., :-1],
        forward_log_det_jacobian_fn=lambda x: jnp.zeros(()),
        forward_event_shape_fn=lambda shape: (*shape[:-1], shape[-1] + 1),
        forward_min_event_ndims=1,
    )
    assert b.forward_event_shape((4,)) == (5,)
    assert b.inverse_event_shape((5,)) == (4,)
    assert b.forward_log_det_jacobian(jnp.ones((7, 4))).shape == (7,)


class Gain(eqx.Module):
    """A conditional function: x times the condition."""

    weight: jax.Array
    c: jax.Array | None = None

    def condition(self, c):
        return Gain(self.weight, c)

    def __call__(self, x):
        return self.weight * self.c * x


def test_inline_hands_on_the_condition():
    b = Inline(Gain(jnp.array(2.0)), is_increasing=True, forward_min_event_ndims=0)
    np.testing.assert_allclose(b.condition(jnp.array([3.0, 5.0])).forward(1.0), [6, 10])
    plain = Inline(jnp.exp, jnp.log, forward_min_event_ndims=0)
    assert float(plain.condition(jnp.zeros(2)).forward(0.0)) == 1


def test_inline_keeps_what_its_functions_declare():
    class Part(bijectors.Shift):
        def __call__(self, x):
            return self.forward(x)

    b = Inline(
        freeze(Part(jnp.array(1.0))), inverse_fn=partial(lambda a, y: y - a, jnp.array(1.0)), forward_min_event_ndims=0
    )
    assert sum(jax.tree.leaves(trainable(b))) == 1


def test_integers_are_numbers():
    assert float(Scale(2.0).forward(3)) == 6
    assert float(Shift(1).forward(2)) == 3
    np.testing.assert_array_equal(ScaleMatvecDiag([1, 2]).forward([3, 4]), [3, 8])
    assert Shift(np.float64(1.0)).forward(jnp.float32(2)).dtype == jnp.float32
