"""The bijector contract: what the base derives, checks, casts and sums, and what the composites keep of it."""

import inspect
import itertools
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.distributions import constraints

import pushforward.bijectors as bijectors
from pushforward import flows
from pushforward.bijectors import Bijector, Chain, Exp, FillScaleTriL, Invert, Scale, Stack
from pushforward.bijectors.chain import sequential
from pushforward.bijectors.stack import inside_loop
from pushforward.core import constant_field, freeze, trainable, unfreeze

PUBLIC = [
    "forward",
    "inverse",
    "forward_and_log_det",
    "inverse_and_log_det",
    "forward_log_det_jacobian",
    "inverse_log_det_jacobian",
    "forward_event_shape",
    "inverse_event_shape",
    "forward_event_ndims",
    "inverse_event_ndims",
]
# Float32 through a few functions.
CLOSE = {"rtol": 2e-6, "atol": 2e-6}


class Shift(Bijector):
    """y = x + shift: what does not commute with a scale."""

    shift: jax.Array
    forward_min_event_ndims = 0
    is_increasing = True

    def _forward_and_log_det(self, x):
        return x + self.shift, jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return y - self.shift, jnp.zeros((), y.dtype)


class Mix(Bijector):
    """y = x M, on vectors."""

    matrix: jax.Array
    forward_min_event_ndims = 1

    def _forward_and_log_det(self, x):
        return x @ self.matrix, jnp.linalg.slogdet(self.matrix)[1]

    def _inverse_and_log_det(self, y):
        return y @ jnp.linalg.inv(self.matrix), -jnp.linalg.slogdet(self.matrix)[1]


class Halves(Bijector):
    """(a, b) -> (2 a, a + b): events are pairs of vectors."""

    forward_min_event_ndims = (1, 1)

    def _forward(self, x):
        a, b = x
        return 2 * a, a + b

    def _inverse(self, y):
        a, b = y
        return a / 2, b - a / 2


class Adds(Bijector):
    """y = x + c, a condition of the size of x."""

    scale: jax.Array
    bound: jax.Array | None = constant_field(default=None)
    forward_min_event_ndims = 1

    def condition(self, c):
        return Adds(self.scale, jnp.asarray(c))

    def _shift(self):
        if self.bound is None:
            raise ValueError("expected a bound condition, and got none; call condition(c) first")
        return self.scale * self.bound

    def _forward_and_log_det(self, x):
        return 2 * x + self._shift(), jnp.asarray(x.shape[-1] * np.log(2), x.dtype)

    def _inverse_and_log_det(self, y):
        return (y - self._shift()) / 2, jnp.asarray(-y.shape[-1] * np.log(2), y.dtype)


def mix(seed, n=3):
    return Mix(jnp.asarray(np.eye(n) + 0.3 * np.random.default_rng(seed).standard_normal((n, n)), jnp.float32))


# ------------------------------------------------------------------------------------------ public methods


@pytest.mark.parametrize("name", PUBLIC)
def test_public_methods_are_final(name):
    assert getattr(Bijector, name).__final__


def test_no_exported_class_overrides_a_final_method():
    for name in bijectors.__all__:
        cls = getattr(bijectors, name)
        if inspect.isclass(cls) and issubclass(cls, Bijector):
            for method, own in itertools.product(PUBLIC, cls.__mro__):
                assert method not in vars(own) or own is Bijector, f"{own.__name__} overrides {method}"


# ---------------------------------------------------------------------------------------- derived parts
# sinh on scalars, from any part of what an author may write.


def sinh_log_slope(x):
    return jnp.log(jnp.cosh(x))


PARTS = {
    "_forward": lambda self, x: jnp.sinh(x),
    "_inverse": lambda self, y: jnp.arcsinh(y),
    "_forward_log_det_jacobian": lambda self, x: sinh_log_slope(x),
    "_inverse_log_det_jacobian": lambda self, y: -sinh_log_slope(jnp.arcsinh(y)),
    "_forward_and_log_det": lambda self, x: (jnp.sinh(x), sinh_log_slope(x)),
    "_inverse_and_log_det": lambda self, y: (jnp.arcsinh(y), -sinh_log_slope(jnp.arcsinh(y))),
}
SUFFICIENT = [
    ("_forward_and_log_det", "_inverse_and_log_det"),
    ("_forward", "_inverse", "_forward_log_det_jacobian"),
    ("_forward", "_inverse", "_inverse_log_det_jacobian"),
    ("_forward", "_inverse", "_forward_log_det_jacobian", "_inverse_log_det_jacobian"),
    ("_forward", "_inverse"),
    ("_forward_and_log_det", "_inverse"),
    ("_forward", "_inverse_and_log_det"),
    ("_forward",),
    ("_forward", "_forward_log_det_jacobian"),
    ("_forward_and_log_det",),
    ("_inverse",),
    ("_inverse_and_log_det",),
]


@pytest.mark.parametrize("parts", SUFFICIENT, ids=" ".join)
def test_the_base_derives_what_is_not_written(parts):
    facts = {"forward_min_event_ndims": 0, "is_increasing": True, "__module__": __name__}
    cls = type("Sinh", (Bijector,), facts | {part: PARTS[part] for part in parts})
    x = jnp.array([-1.3, 0.2, 2.0])
    y = jnp.sinh(x)

    @jax.jit
    def everything(b, x, y):
        return b.forward(x), b.inverse(y), *b.forward_and_log_det(x), *b.inverse_and_log_det(y)

    want = (y, x, y, sinh_log_slope(x), x, -sinh_log_slope(x))
    for got, right in zip(everything(cls(), x, y), want, strict=True):
        np.testing.assert_allclose(got, right, **CLOSE)


def test_log_det_of_a_vector_map_by_differentiation():
    class Bend(Bijector):
        forward_min_event_ndims = 1

        def _forward(self, x):
            return jnp.stack([x[..., 0], x[..., 1] * jnp.exp(x[..., 0])], axis=-1)

        def _inverse(self, y):
            return jnp.stack([y[..., 0], y[..., 1] * jnp.exp(-y[..., 0])], axis=-1)

    x = jnp.array([[0.3, 2.0], [-1.0, 0.5], [0.0, 1.0]])
    np.testing.assert_allclose(Bend().forward_log_det_jacobian(x), x[:, 0], **CLOSE)
    np.testing.assert_allclose(Bend().inverse_log_det_jacobian(x), -x[:, 0], **CLOSE)


def test_log_det_of_a_map_of_pairs_by_differentiation():
    a, b = jnp.ones((4, 3)), jnp.zeros((4, 2))
    pair = Halves()
    with pytest.raises(TypeError, match=r"incompatible|broadcast|add got"):
        pair.forward((a, b))
    b = jnp.zeros((4, 3))
    (y_a, y_b), log_det = pair.forward_and_log_det((a, b))
    np.testing.assert_array_equal(y_a, 2 * a)
    np.testing.assert_array_equal(y_b, a)
    np.testing.assert_allclose(log_det, np.full(4, 3 * np.log(2)), **CLOSE)
    assert pair.forward_event_shape(((3,), (3,))) == ((3,), (3,))
    assert pair.forward_event_ndims((2, 2)) == (2, 2)
    assert pair.forward_log_det_jacobian((a, b), (2, 2)).shape == ()
    with pytest.raises(ValueError, match="different numbers of axes"):
        pair.forward_log_det_jacobian((a, b), (2, 1))
    with pytest.raises(ValueError, match="structure"):
        pair.forward_log_det_jacobian((a, b), 1)
    with pytest.raises(ValueError, match="structure"):
        pair.forward(a)


def test_a_class_without_a_map_says_so():
    class Empty(Bijector):
        forward_min_event_ndims = 0

    with pytest.raises(TypeError, match="Empty defines no map"):
        Empty().forward(1.0)

    class Rankless(Bijector):
        def _forward(self, x):
            return x

    with pytest.raises(TypeError, match="Rankless does not declare forward_min_event_ndims"):
        Rankless().forward(1.0)


# -------------------------------------------------------------------------------------- numerical inverse


class Cubic(Bijector):
    """y = sign (x^3 + scale x): monotone, with no inverse written."""

    scale: jax.Array
    increasing: bool = eqx.field(static=True, default=True)
    forward_min_event_ndims = 0

    @property
    def is_increasing(self):
        return self.increasing

    def _forward(self, x):
        y = x**3 + self.scale * x
        return y if self.increasing else -y


@pytest.mark.parametrize("increasing", [True, False])
def test_monotone_map_is_inverted_numerically_with_implicit_gradients(increasing):
    cubic = Cubic(jnp.array([0.5, 2.0, 1.0]), increasing)
    x = jnp.array([[-30.0, 1e-3, 4.0], [0.0, 700.0, -2.0]])
    y = cubic.forward(x)

    def solved(b, y):
        x, log_det = b.inverse_and_log_det(y)
        return jnp.sum(x), (x, log_det)

    (slope_scale, slope_y), (got, log_det) = jax.jit(jax.grad(solved, argnums=(0, 1), has_aux=True))(cubic, y)
    np.testing.assert_allclose(got, x, rtol=1e-6, atol=1e-6)
    derivative = 3 * x**2 + cubic.scale
    np.testing.assert_allclose(log_det, -jnp.log(derivative), rtol=1e-5)
    np.testing.assert_allclose(slope_y, (1 if increasing else -1) / derivative, rtol=1e-5)
    np.testing.assert_allclose(slope_scale.scale, jnp.sum(-x / derivative, axis=0), rtol=1e-5)


def test_map_that_cannot_be_inverted_says_what_to_write():
    class Unknown(Bijector):
        forward_min_event_ndims = 0

        def _forward(self, x):
            return x**3

    with pytest.raises(NotImplementedError, match=r"Write _inverse .* or set is_increasing"):
        Unknown().inverse(1.0)


# --------------------------------------------------------------------------------- shapes, ranks, dtypes


def test_event_ndims_sums_further_axes():
    x = jnp.arange(24.0).reshape(2, 3, 4)
    scale = Scale(jnp.array([1.0, 2.0, 3.0, 4.0]))
    one = np.log([1.0, 2.0, 3.0, 4.0])
    for b in (scale, Chain([scale]), Invert(Invert(scale)), Stack([scale])):
        assert b.forward_log_det_jacobian(x).shape == (2, 3, 4)
        np.testing.assert_allclose(b.forward_log_det_jacobian(x, 0), np.broadcast_to(one, (2, 3, 4)), **CLOSE)
        np.testing.assert_allclose(b.forward_log_det_jacobian(x, 1), np.full((2, 3), one.sum()), **CLOSE)
        np.testing.assert_allclose(b.forward_log_det_jacobian(x, 2), np.full(2, 3 * one.sum()), **CLOSE)
        np.testing.assert_allclose(b.inverse_log_det_jacobian(x, 3), -6 * one.sum(), **CLOSE)
    with pytest.raises(ValueError, match=r"below the minimum 1"):
        mix(0).forward_log_det_jacobian(jnp.ones((2, 3)), 0)


def test_parameters_with_batch_axes_broadcast():
    b = Scale(jnp.array([[1.0], [2.0]]))
    y, log_det = b.forward_and_log_det(jnp.ones(3))
    np.testing.assert_array_equal(y, [[1, 1, 1], [2, 2, 2]])
    assert log_det.shape == (2, 3)
    assert b.forward_log_det_jacobian(jnp.ones(3), 1).shape == (2,)
    assert b.batch_shape(()) == (2, 1)
    assert Chain([b, Scale(jnp.ones(3))]).batch_shape(()) == (2, 3)


def test_too_few_axes_are_a_value_error_that_names_the_shape():
    with pytest.raises(ValueError, match=re.escape("Mix.forward: expected an array with at least 1 axes")):
        mix(0).forward(jnp.asarray(1.0))
    with pytest.raises(ValueError, match=re.escape("Mix.inverse: expected an event shape with at least 1 axes")):
        mix(0).inverse_event_shape(())


@pytest.mark.parametrize("value", ["text", object(), 1j], ids=["text", "object", "complex"])
def test_what_is_not_a_real_number_is_a_type_error(value):
    with pytest.raises(TypeError, match="expected"):
        Scale(2.0).forward(value)


def test_integers_and_lists_take_the_dtype_of_the_parameters():
    assert Scale(jnp.asarray(2.0, jnp.bfloat16)).forward(jnp.arange(3)).dtype == jnp.bfloat16
    assert Scale(2.0).forward([1, 2]).dtype == jnp.float32
    assert Scale(2.0).forward(True).dtype == jnp.float32
    assert Scale(2).scale.dtype == jnp.float32


def test_log_det_of_half_precision_is_in_single():
    y, log_det = Scale(3.0).forward_and_log_det(jnp.ones(1000, jnp.bfloat16), 1)
    assert y.dtype == jnp.bfloat16
    assert log_det.dtype == jnp.float32
    # log 3 has bfloat16's three digits; a bfloat16 sum of a thousand of them would stop growing at 256.
    np.testing.assert_allclose(log_det, 1000 * np.log(3), rtol=4e-3)


def test_input_decides_the_dtype_in_both_precisions(x64):
    for dtype in (jnp.float32, jnp.float64):
        y, log_det = Scale(jnp.asarray(3.0, jnp.float32)).forward_and_log_det(jnp.ones(2, dtype))
        assert y.dtype == log_det.dtype == dtype


def test_constructors_work_under_transformations():
    assert jax.jit(lambda s: Scale(s).forward(2.0))(3.0) == 6.0
    stacked = jax.vmap(Scale)(jnp.arange(1.0, 4.0))
    np.testing.assert_array_equal(jax.vmap(lambda b: b.forward(2.0))(stacked), [2, 4, 6])
    assert jax.eval_shape(lambda s: Stack([Scale(s), Scale(s)]), 1.0).layers.scale.shape == (2,)


# ------------------------------------------------------------------------------------- values, conditions


class Root(Bijector):
    """y = sqrt(x) on the positive numbers."""

    forward_min_event_ndims = 0
    is_increasing = True
    domain = constraints.positive
    codomain = constraints.positive

    def _forward(self, x):
        return jnp.sqrt(x)

    def _inverse(self, y):
        return y**2


def test_validate_args_checks_values_under_jit():
    checked = Root(validate_args=True)
    forward = eqx.filter_jit(lambda b, x: b.forward(x))
    np.testing.assert_array_equal(forward(checked, jnp.array([4.0, 9.0])), [2, 3])
    with pytest.raises(eqx.EquinoxRuntimeError, match="expected values in"):
        forward(checked, jnp.array([4.0, -1.0])).block_until_ready()
    # NaN is no value outside: it passes through. Without validate_args nothing is checked.
    assert np.isnan(forward(checked, jnp.array([4.0, np.nan]))[1])
    assert np.isnan(forward(Root(), jnp.array([4.0, -1.0]))[1])


def test_condition_is_ignored_by_what_takes_none():
    scale = Scale(2.0)
    assert scale.condition(jnp.ones(3)) is scale


def test_condition_reaches_every_part_of_a_composite():
    layer = Adds(jnp.ones(()))
    c = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    x = jnp.zeros(2)
    for composite in (
        Chain([layer, Scale(1.0), layer]),
        Stack([layer, layer]),
        Invert(Chain([Invert(layer), Invert(layer)])),
    ):
        bound = composite.condition(c)
        y, log_det = bound.forward_and_log_det(x)
        np.testing.assert_allclose(y, 3 * c, **CLOSE)
        np.testing.assert_allclose(log_det, np.full(3, 4 * np.log(2)), **CLOSE)
        np.testing.assert_allclose(bound.inverse(y), np.zeros((3, 2)), **CLOSE)
        with pytest.raises(ValueError, match="bound condition"):
            composite.forward(x)


def test_a_bound_condition_does_not_train():
    for composite in (Chain([Adds(jnp.ones(()))]), Stack([Adds(jnp.ones(()))])):
        bound = composite.condition(jnp.ones((4, 2)))
        parameters = jax.tree.leaves(eqx.filter(bound, trainable(bound)))
        assert [leaf.size for leaf in parameters] == [1]


# ----------------------------------------------------------------------------------------------- freezing


def test_frozenness_survives_jit_vmap_and_scan():
    model = Chain([freeze(Scale(2.0)), Scale(3.0)])
    assert jax.tree.leaves(trainable(model)) == [False, True]
    assert jax.tree.leaves(trainable(jax.jit(lambda m: m)(model))) == [False, True]
    many = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), model)
    assert jax.tree.leaves(trainable(jax.vmap(lambda m: m)(many))) == [False, True]
    (out, _) = jax.lax.scan(lambda m, _: (m, None), model, None, length=2)
    assert jax.tree.leaves(trainable(out)) == [False, True]
    assert jax.tree.leaves(trainable(Stack([freeze(Scale(2.0)), freeze(Scale(1.0))]))) == [False]
    assert jax.tree.leaves(trainable(freeze(model))) == [False, False]
    assert jax.tree.leaves(trainable(unfreeze(freeze(model)))) == [False, True]
    np.testing.assert_array_equal(freeze(model).forward(1.0), 6.0)
    with pytest.raises(TypeError, match="part of a module's structure"):
        freeze(jnp.ones(3))


def test_a_gradient_step_leaves_what_is_frozen():
    model = Chain([freeze(Scale(2.0)), Scale(3.0)])
    parameters, constants = eqx.partition(model, trainable(model))
    gradient = jax.grad(lambda p: eqx.combine(p, constants).forward(1.0))(parameters)
    assert gradient.bijectors[0].scale is None
    np.testing.assert_allclose(gradient.bijectors[1].scale, 2.0)


# --------------------------------------------------------------------------------------------- composites


def test_repr_is_a_tree_in_the_order_of_application():
    model = Chain([Scale(2.0), Invert(freeze(Scale(jnp.ones(3))))])
    assert repr(model).splitlines() == [
        "Chain",
        "├─ applied 1: Invert",
        "│  └─ bijector: Scale(frozen=True, scale=f32[3])",
        "└─ applied 2: Scale(scale=2)",
    ]
    assert "each of 2 layers: Scale(scale=f32[2])" in repr(Stack([Scale(2.0), Scale(3.0)]))


def test_chain_applies_the_last_first():
    double, add = Scale(2.0), Shift(jnp.asarray(1.0))
    assert Chain([add, double]).forward(3.0) == 7
    assert Chain([double, add]).forward(3.0) == 8
    assert sequential(double, add).forward(3.0) == 7
    assert add(double).forward(3.0) == 7
    assert Chain([add, double]).inverse(7.0) == 3
    assert isinstance(double(add), Chain)
    assert double(jnp.asarray(3.0)) == 6


def test_chain_lifts_scalar_maps_to_the_rank_of_the_others():
    x = jnp.asarray(np.random.default_rng(0).standard_normal((5, 3)), jnp.float32)
    for parts in ([Scale(jnp.array([1.0, 2.0, 4.0])), mix(1)], [mix(1), Scale(jnp.array([1.0, 2.0, 4.0]))]):
        chain = Chain(parts)
        assert chain.forward_min_event_ndims == chain.inverse_min_event_ndims == 1
        y, log_det = chain.forward_and_log_det(x)
        want = np.linalg.slogdet(np.asarray(jax.vmap(jax.jacfwd(chain.forward))(x)))[1]
        np.testing.assert_allclose(log_det, want, rtol=1e-5)
        back, inverse_log_det = chain.inverse_and_log_det(y)
        np.testing.assert_allclose(back, x, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(inverse_log_det, -want, rtol=1e-5)


def test_chain_knows_its_monotonicity_and_its_parts():
    assert Chain([]).is_increasing is True
    assert bool(Chain([Scale(-2.0), Scale(3.0)]).is_increasing) is False
    assert bool(Chain([Scale(-2.0), Scale(-3.0)]).is_increasing) is True
    assert Chain([mix(0)]).is_increasing is None
    chain = Chain([Scale(2.0), Scale(3.0), Scale(5.0)])
    assert len(chain) == 3
    assert chain[1].scale == 3
    assert isinstance(chain[1:], Chain)
    assert [part.scale.item() for part in chain] == [2, 3, 5]


def test_stack_is_the_chain_of_its_layers():
    layers = [mix(k) for k in range(4)]
    x = jnp.asarray(np.random.default_rng(9).standard_normal((5, 3)), jnp.float32)
    for got, want in zip(
        (*Stack(layers).forward_and_log_det(x), *Stack(layers).inverse_and_log_det(x)),
        (*Chain(layers).forward_and_log_det(x), *Chain(layers).inverse_and_log_det(x)),
        strict=True,
    ):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)
    stack = Stack(layers)
    assert len(stack) == 4
    np.testing.assert_array_equal(stack[1].matrix, layers[1].matrix)
    np.testing.assert_array_equal(stack[-1].matrix, layers[3].matrix)
    with pytest.raises(IndexError):
        stack[4]


def test_stack_traces_its_layer_as_often_at_any_depth():
    traces = []

    class Counted(Scale):
        def _forward_and_log_det(self, x):
            traces.append(1)
            return super()._forward_and_log_det(x)

    def count(depth):
        traces.clear()
        jax.make_jaxpr(lambda b, x: b.forward_and_log_det(x))(Stack([Counted(2.0)] * depth), jnp.ones(3))
        return len(traces)

    assert count(2) == count(30) > 0


def loops(fn, *args):
    """How many loops a program has that are not written out."""
    return len(re.findall(r"stablehlo\.while", jax.jit(fn).lower(*args).as_text()))


def test_few_layers_are_written_out_unless_they_are_long_or_small_in_a_loop():
    def density(model, x):
        return model.log_prob(x)

    def step_of_a_loop(model, x):
        with inside_loop(True):
            return density(model, x)

    x = jnp.zeros((4, 2))
    small, large, deep, long, splines, deep_splines, large_splines = (
        flows.maf(jax.random.key(0), 2, layers=12),
        flows.maf(jax.random.key(0), 2, hidden_units=(320, 320)),
        flows.maf(jax.random.key(0), 2, layers=13),
        flows.bernstein(jax.random.key(0), 2),
        flows.spline_coupling(jax.random.key(0), 2, layers=6),
        flows.spline_coupling(jax.random.key(0), 2, layers=7),
        flows.spline_coupling(jax.random.key(0), 2, layers=7, hidden_units=(320, 320)),
    )
    models = (small, large, deep, long, splines, deep_splines, large_splines)
    written_out = [loops(density, model, x) == 0 for model in models]
    assert written_out == [True, True, False, False, True, False, True]
    # The same shapes once more: what JAX keeps of the traces above is not taken here.
    assert [loops(step_of_a_loop, model, x) == 0 for model in (small, large)] == [False, True]


def test_a_result_shares_no_memory_with_the_array_given():
    memory = np.zeros(1040, np.float32)
    start = -memory.ctypes.data % 64 // 4  # aligned memory is what JAX would take over
    x = memory[start : start + 1024]
    y = Chain([]).forward(x)
    x[:] = 1
    assert np.all(np.asarray(y) == 0)


@pytest.mark.parametrize("bijector", [Chain([Scale(2.0), Exp()]), FillScaleTriL()], ids=lambda b: type(b).__name__)
def test_a_question_leaves_nothing_behind_in_a_module(bijector):
    # Equinox takes a module with one more attribute for one of another structure.
    assert (bijector.forward_min_event_ndims, bijector.inverse_min_event_ndims) in [(0, 0), (1, 2)]
    assert jax.tree.structure(bijector) == jax.tree.structure(jax.tree.map(lambda leaf: leaf, bijector))


# --------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("run", "error", "words"),
    [
        (lambda: Scale(), ValueError, "got neither; give exactly one"),
        (lambda: Scale(1.0, log_scale=0.0), ValueError, "got both; give exactly one"),
        (lambda: Chain([jnp.exp]), TypeError, "part 0 is .*; wrap plain functions in Inline"),
        (lambda: Stack([]), ValueError, "at least one layer"),
        (lambda: Stack([Scale(1.0), Scale(jnp.ones(2))]), ValueError, "layer 1 differs from layer 0"),
        (lambda: Stack([Scale(1.0), Invert(Scale(1.0))]), ValueError, "Use Chain"),
    ],
)
def test_errors_say_what_came_and_what_to_do(run, error, words):
    with pytest.raises(error, match=words):
        run()
