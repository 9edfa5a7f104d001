"""Coupling layers and the dense networks that steer them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward import trainable
from pushforward.bijectors import (
    AdditiveTransformer,
    AffineTransformer,
    Bijector,
    CircularSpline,
    Coupling,
    RealNVP,
    Scale,
    Shift,
    SplineTransformer,
    real_nvp_default_template,
)
from pushforward.nets import MLP, ResidualMLP

NETS = pytest.mark.parametrize("net", [MLP, ResidualMLP])


def mlp(key, stay, out, **options):
    return MLP(stay, out, hidden_units=(8,), output_scale=1.0, key=key, **options)


# Compiled whole: operation by operation, compiling takes longer.
@eqx.filter_jit
def forward(layer, x):
    return layer.forward_and_log_det(x)


@eqx.filter_jit
def inverse(layer, y):
    return layer.inverse(y)


# ---------------------------------------------------------------------- RealNVP
def test_default_template_of_the_mission(key):
    """D = 3, d = 2: takes shape (2,), returns shift and log-scale of shape (1,)."""
    net = real_nvp_default_template([16, 16], input_units=2, output_units=1, key=key)
    shift, log_scale = net(jnp.array([0.3, -1.0]), 1)
    assert shift.shape == log_scale.shape == (1,)
    shift, log_scale = net(jnp.ones((5, 2)))
    assert shift.shape == log_scale.shape == (5, 1)
    with pytest.raises(ValueError, match="output_units=2"):
        net(jnp.ones(2), 2)


@pytest.mark.parametrize(("masked", "stay"), [({"num_masked": 1}, [0]), ({"num_masked": -1}, [2]),
                                              ({"fraction_masked": 0.6}, [0, 1]), ({"fraction_masked": -0.4}, [2]),
                                              ({"num_masked": 0}, [])])  # fmt: skip
def test_real_nvp_is_its_formula(masked, stay):
    def shift_and_log_scale(kept, units):
        total = jnp.sum(kept, -1, keepdims=True)
        return total + jnp.arange(units, dtype=kept.dtype), 0.5 * total - 0.1

    layer = RealNVP(**masked, shift_and_log_scale_fn=shift_and_log_scale)
    x = np.array([[0.5, -1.0, 2.0], [0.0, 0.25, -3.0]], np.float32)
    move = [k for k in range(3) if k not in stay]
    total = x[:, stay].sum(-1, keepdims=True)
    want = x.copy()
    want[:, move] = x[:, move] * np.exp(0.5 * total - 0.1) + total + np.arange(len(move))
    y, log_det = layer.forward_and_log_det(x)
    np.testing.assert_allclose(y, want, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(log_det, len(move) * (0.5 * total[:, 0] - 0.1), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(layer.inverse(y), x, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("given", ["shift", "log_scale", "neither"])
def test_none_stands_for_zero(given):
    def fn(kept, units):
        value = jnp.tanh(kept[..., :units])
        return value if given == "shift" else None, value if given == "log_scale" else None

    x = jnp.array([[0.4, -1.5], [2.0, 3.0]])
    y, log_det = RealNVP(1, shift_and_log_scale_fn=fn).forward_and_log_det(x)
    moved = {
        "shift": x[:, 1] + jnp.tanh(x[:, 0]),
        "log_scale": x[:, 1] * jnp.exp(jnp.tanh(x[:, 0])),
        "neither": x[:, 1],
    }
    np.testing.assert_allclose(y[:, 1], moved[given], rtol=1e-6)
    np.testing.assert_allclose(log_det, jnp.tanh(x[:, 0]) if given == "log_scale" else jnp.zeros(2), rtol=1e-6)


def test_bijector_fn_may_act_on_scalars_and_on_vectors(key):
    x = jax.random.normal(key, (4, 3))
    scalar = RealNVP(1, bijector_fn=lambda kept, units: Scale(jnp.exp(kept)))
    vector = RealNVP(
        1, bijector_fn=lambda kept, units: RealNVP(1, bijector_fn=lambda k, n: Shift(2.0))(Scale(jnp.exp(kept)))
    )
    np.testing.assert_allclose(scalar.forward_log_det_jacobian(x), 2 * x[:, 0], rtol=1e-6)
    np.testing.assert_allclose(vector.forward_log_det_jacobian(x), 2 * x[:, 0], rtol=1e-6)
    np.testing.assert_allclose(vector.forward(x) - scalar.forward(x), jnp.array([[0.0, 0.0, 2.0]] * 4), atol=1e-5)


def test_nice_has_log_det_exactly_zero(key):
    nets = real_nvp_default_template((8,), shift_only=True, input_units=2, output_units=2, output_scale=1.0, key=key)
    for layer in (
        RealNVP(2, shift_and_log_scale_fn=nets, is_constant_jacobian=True),
        Coupling(mlp(key, 2, 2), AdditiveTransformer(), num_masked=2),
    ):
        x = jax.random.normal(key, (6, 4))
        y, log_det = layer.forward_and_log_det(x)
        np.testing.assert_array_equal(log_det, np.zeros(6))
        np.testing.assert_array_equal(layer.inverse_log_det_jacobian(y), np.zeros(6))
        assert bool(jnp.all(jnp.any(y != x, -1)))
        # A constant Jacobian would make the flow's mean that of its base, which is wrong.
        assert not layer.is_constant_jacobian


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shift_and_log_scale_fn": lambda x, n: (x, x)}, "num_masked or fraction_masked"),
        ({"num_masked": 1, "fraction_masked": 0.5, "bijector_fn": lambda x, n: Scale(2.0)}, "and got both"),
        ({"num_masked": 1}, "shift_and_log_scale_fn or bijector_fn"),
        ({"fraction_masked": 1.0, "bijector_fn": lambda x, n: Scale(2.0)}, "between -1 and 1"),
    ],
)
def test_real_nvp_refuses_wrong_arguments(options, words):
    with pytest.raises(ValueError, match=words):
        RealNVP(**options)


def test_real_nvp_refuses_masking_everything():
    layer = RealNVP(-3, bijector_fn=lambda x, n: Scale(2.0))
    with pytest.raises(ValueError, match="at least one coordinate must move"):
        layer.forward(jnp.ones(3))


# --------------------------------------------------------------------- Coupling
def test_coupling_is_real_nvp(key):
    template = real_nvp_default_template((8, 8), input_units=2, output_units=3, output_scale=1.0, key=key)
    x = jax.random.normal(key, (4, 5))
    for stay in (2, -2):
        a = forward(RealNVP(stay, shift_and_log_scale_fn=template), x)
        b = forward(Coupling(template.net, num_masked=stay), x)
        jax.tree.map(lambda u, v: np.testing.assert_allclose(u, v, rtol=1e-5, atol=1e-6), a, b)


@pytest.mark.parametrize("mask", [[1, 0, 1, 0, 1], [False, True, True, False, False], [0, 0, 0, 1, 1]])
def test_any_mask_with_any_callable(mask, key):
    """A plain function as conditioner; coordinates that stay come out bit for bit."""
    transformer, mask = SplineTransformer(bins=2), np.asarray(mask, bool)
    move = int(np.sum(~mask))
    weight = 0.3 * jax.random.normal(key, (move, transformer.params_per_dim))

    def conditioner(kept):
        params = jnp.sum(kept, -1)[..., None, None] * weight + weight[::-1]
        return jnp.swapaxes(params, -1, -2).reshape(*kept.shape[:-1], -1)

    layer = Coupling(conditioner, transformer, mask=mask)
    x = jax.random.normal(key, (4, 5))
    y, log_det = forward(layer, x)
    np.testing.assert_array_equal(y[:, mask], x[:, mask])
    params = jnp.moveaxis(jnp.sum(x[:, mask], -1)[:, None, None] * weight + weight[::-1], -1, 0)
    moved, by_coordinate = jax.jit(transformer.forward_and_log_det)(params, x[:, ~mask])
    np.testing.assert_allclose(y[:, ~mask], moved, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(log_det, jnp.sum(by_coordinate, -1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(inverse(layer, y), x, atol=1e-5)


def test_one_network_pass_each_way():
    calls = []

    def conditioner(kept):
        calls.append(kept.shape)
        return jnp.concatenate([kept, 0.1 * kept], -1)

    layer = Coupling(conditioner, AffineTransformer(), num_masked=2)
    for method in (layer.forward_and_log_det, layer.inverse_and_log_det, layer.forward, layer.inverse):
        calls.clear()
        method(jnp.ones((3, 4)))
        assert calls == [(3, 2)]


def test_no_scatter_forward_nor_for_a_prefix_backward(key):
    """Rows are sliced and joined, not scattered."""

    def loss(layer, x):
        y, log_det = layer.forward_and_log_det(x)
        return jnp.sum(y) + jnp.sum(log_det)

    layer = Coupling(mlp(key, 2, 4), num_masked=2)
    x = jnp.ones((3, 4))
    assert "scatter" not in str(jax.make_jaxpr(jax.grad(loss, argnums=(0, 1)))(layer, x))
    alternating = Coupling(mlp(key, 2, 4), mask=[1, 0, 1, 0])
    assert "scatter" not in str(jax.make_jaxpr(loss)(alternating, x))


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_soft_clamp_keeps_small_log_scales_and_bounds_large_ones(size):
    t = AffineTransformer(max_log_scale=3.0)
    params = jnp.array([[0.0], [size]])
    y, log_det = t.forward_and_log_det(params, jnp.array([2.0]))
    np.testing.assert_allclose(log_det, 3 * np.tanh(size / 3), rtol=1e-6)
    x, inverse_log_det = t.inverse_and_log_det(params, y)
    np.testing.assert_allclose(x, [2.0], rtol=1e-6)
    np.testing.assert_array_equal(log_det, -inverse_log_det)


def test_coupling_refuses_what_does_not_fit(key):
    net = mlp(key, 2, 4)
    with pytest.raises(ValueError, match="exactly one"):
        Coupling(net)
    with pytest.raises(ValueError, match="out_size=2 \\* 3 = 6"):
        Coupling(net, mask=[1, 1, 0, 0, 0])
    with pytest.raises(ValueError, match="in_size=1"):
        Coupling(net, num_masked=1)
    with pytest.raises(ValueError, match="keeps every coordinate"):
        Coupling(net, mask=[1, 1])
    with pytest.raises(ValueError, match="booleans"):
        Coupling(net, mask=[0, 2, 1])
    with pytest.raises(TypeError, match="transformer"):
        Coupling(net, Scale, num_masked=2)
    with pytest.raises(ValueError, match="as many as the mask has"):
        Coupling(net, mask=[1, 1, 0, 0]).forward(jnp.ones(5))
    with pytest.raises(ValueError, match="3 moving"):
        Coupling(net, num_masked=2).forward(jnp.ones(5))
    with pytest.raises(ValueError, match="4 in all"):
        Coupling(lambda kept: kept, num_masked=2).forward(jnp.ones(4))
    with pytest.raises(ValueError, match="max_log_scale"):
        AffineTransformer(max_log_scale=0.0)


# --------------------------------------------------------------------- condition
@NETS
def test_condition_binds(net, key):
    conditioner = net(2, 2, hidden_units=(8, 8), condition_dim=3, output_scale=1.0, key=key)
    layer = Coupling(conditioner, num_masked=2)
    with pytest.raises(ValueError, match="no condition bound"):
        layer.forward(jnp.ones(3))
    with pytest.raises(ValueError, match="condition_dim=3"):
        layer.condition(jnp.ones((5, 2)))
    c, x = jax.random.normal(key, (5, 3)), jax.random.normal(key, (3,))
    bound = layer.condition(c)
    y, log_det = forward(bound, x)
    assert (y.shape, log_det.shape, bound.batch_shape((3,))) == ((5, 3), (5,), (5,))
    single = [forward(layer.condition(row), x)[0] for row in c]
    np.testing.assert_allclose(y, jnp.stack(single), rtol=1e-5, atol=1e-6)
    assert not any(jax.tree.leaves(trainable(bound).conditioner.bound))
    # Gradients flow to c, and to the weights that meet it.
    by_c, by_layer = jax.jit(jax.grad(lambda c, layer: jnp.sum(layer.condition(c).forward(x) ** 2), (0, 1)))(c, layer)
    assert bool(jnp.all(jnp.any(by_c != 0, -1)))
    assert bool(jnp.any(by_layer.conditioner.condition_weight != 0))


def test_condition_is_handed_on_or_ignored(key):
    template = real_nvp_default_template((8,), input_units=1, output_units=2, condition_dim=2, key=key)
    c = jnp.ones((4, 2))
    assert RealNVP(1, shift_and_log_scale_fn=template).condition(c).forward(jnp.ones(3)).shape == (4, 3)
    plain = Coupling(lambda kept: jnp.concatenate([kept, kept], -1), num_masked=1)
    assert plain.condition(c).forward(jnp.ones(2)).shape == (2,)
    unconditional = mlp(key, 1, 2)
    assert unconditional.condition(c) is unconditional


# -------------------------------------------------------------------------- nets
@eqx.filter_jit
def call(net, x):
    return net(x)


def test_mlp_is_its_formula(key):
    net = MLP(3, 2, hidden_units=(5, 4), activation=jnp.tanh, condition_dim=2, output_scale=0.5, key=key)
    net = eqx.tree_at(lambda n: n.biases, net, tuple(0.1 * jnp.arange(b.size, dtype=b.dtype) for b in net.biases))
    x, c = jax.random.normal(key, (6, 1, 3)), jax.random.normal(key, (4, 2))
    got = call(net.condition(c), x)
    w, b = [np.asarray(v) for v in net.weights], [np.asarray(v) for v in net.biases]
    h = np.tanh(np.asarray(x) @ w[0].T + np.asarray(c) @ np.asarray(net.condition_weight).T + b[0])
    want = np.tanh(h @ w[1].T + b[1]) @ w[2].T + b[2]
    assert got.shape == (6, 4, 2)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_residual_mlp_is_its_formula(key):
    net = ResidualMLP(3, 2, hidden_units=(5, 5), activation=jnp.tanh, condition_dim=2, output_scale=0.5, key=key)
    leaves, treedef = jax.tree.flatten(net)
    noise = [leaf + 0.3 * jax.random.normal(jax.random.fold_in(key, k), leaf.shape) for k, leaf in enumerate(leaves)]
    net = jax.tree.unflatten(treedef, noise)
    x, c = jax.random.normal(key, (6, 3)), jax.random.normal(key, (2,))
    h = x @ net.first[0].T + net.first[1] + net.condition_weight @ c
    for (a, a_bias, b, b_bias), gate in zip(net.blocks, net.gates, strict=True):
        step = jnp.tanh(jnp.tanh(h) @ a.T + a_bias) @ b.T + b_bias
        h = h + 2 * jax.nn.sigmoid(gate @ c) * step
    want = jnp.tanh(h) @ net.last[0].T + net.last[1]
    np.testing.assert_allclose(call(net.condition(c), x), want, rtol=1e-5, atol=1e-5)


@NETS
def test_a_net_is_a_pytree_of_arrays_that_starts_small(net, key):
    built = jax.jit(lambda key: net(4, 3, hidden_units=(64, 64), key=key))(key)
    assert all(isinstance(leaf, jax.Array) and leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(built))
    x = jax.random.normal(key, (2000, 4))
    out = call(built, x)
    assert 1e-3 < float(jnp.std(out)) < 5e-2  # a hundredth of the input's scale, to a few factors of 2
    zero = jax.jit(lambda key: net(4, 3, hidden_units=(64, 64), output_scale=0.0, key=key))(key)
    np.testing.assert_array_equal(call(zero, x), np.zeros((2000, 3)))


@NETS
@pytest.mark.usefixtures("x64")
def test_a_net_takes_the_dtype_of_its_input(net, key):
    built = jax.jit(lambda key: net(2, 3, hidden_units=(4, 4), condition_dim=1, key=key))(key)
    built = jax.tree.map(lambda a: a.astype(jnp.float32), built)
    bound = built.condition(jnp.ones(1, jnp.float32))
    assert jax.eval_shape(call, bound, jnp.ones(2, jnp.float64)).dtype == jnp.float64
    assert jax.eval_shape(call, bound, jnp.ones(2, jnp.float32)).dtype == jnp.float32
    assert jax.eval_shape(call, bound, np.ones(2, int)).shape == (3,)


@NETS
def test_a_net_refuses_wrong_sizes(net, key):
    with pytest.raises(ValueError, match="out_size"):
        net(2, 0, key=key)
    with pytest.raises(ValueError, match=r"hidden_units\[1\]"):
        net(2, 2, hidden_units=(8, 0), key=key)
    with pytest.raises(ValueError, match="in_size=2"):
        net(2, 2, key=key)(jnp.ones(3))
    if net is ResidualMLP:
        with pytest.raises(ValueError, match="repeat one width"):
            net(2, 2, hidden_units=(8, 4), key=key)


def test_batch_shapes_are_those_of_what_comes_out(key):
    """Told without tracing the map; the base class traces it."""
    plain = Coupling(mlp(key, 1, 4), AffineTransformer(), num_masked=1)
    conditional = Coupling(mlp(key, 1, 4, condition_dim=2), AffineTransformer(), num_masked=1)
    function = Coupling(lambda kept: jnp.zeros((5, 4)) + kept, AffineTransformer(), num_masked=1)
    spline = CircularSpline(jnp.zeros((4, 1, 3, 7)))
    cases = [(layer, (3,)) for layer in (plain, conditional.condition(jnp.zeros((4, 1, 2))), function)]
    for layer, event_shape in [*cases, (plain, (2, 3)), (spline, ()), (spline, (3,)), (spline, (2, 3))]:
        traced = jax.eval_shape(layer.forward, jax.ShapeDtypeStruct(event_shape, jnp.float32)).shape
        assert layer.batch_shape(event_shape) == traced[: len(traced) - len(event_shape)]
    assert spline.batch_shape((2, 3)) == (4,)
    with pytest.raises(ValueError, match="axes of length 1"):
        spline.batch_shape((1,))
    with pytest.raises(ValueError, match="axes of length 1"):
        conditional.condition(jnp.zeros((4, 2))).batch_shape((1, 3))
    assert all(type(layer)._shapes_after is not Bijector._shapes_after for layer in (plain, spline))
