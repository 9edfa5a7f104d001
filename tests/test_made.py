"""Masked networks, their incremental evaluation and the autoregressive layer.

| what | how |
| --- | --- |
| shapes of the documented example | (2, 3) -> (2, 3, 2) |
| output i depends on inputs of lower degree only, and on all of them | Jacobian, exact zeros and exact non-zeros |
| every option: orders, degrees, residual, condition, no hidden layer, no bias | the same Jacobian |
| the incremental solve equals D sweeps of the whole network | to rounding, for awkward sizes |
| more degrees than units, one coordinate, blocks that do not divide | sizes in the table |
| both modes of differentiation through the sequential direction | against the inverse of the density side's Jacobian |
| what derivatives and log-determinants cost | counted in the traced program |
| a search stands once in the program, another map in every block | counted in the traced program |
| direct weights, weights on the mask | the same tables of options |
| a foreign function, a bijector_fn, an event of rank 2 | round trip by sweeps |
| degrees of hidden units | a table by hand |
| the product of a layer | its derivatives in all modes are those of a product |
| bad arguments | ValueError naming the argument |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward import bijectors
from pushforward.bijectors import Invert, MaskedAutoregressiveFlow, Scale, Stack
from pushforward.bijectors.mixture_of_gaussians import MixtureTransformer
from pushforward.bijectors.transformers import (
    AffineTransformer,
    InvertedTransformer,
    SplineTransformer,
    explicit_direction,
)
from pushforward.distributions import StandardNormal, TransformedDistribution
from pushforward.nets import AutoregressiveNetwork, solve_sequentially, staircase
from pushforward.nets.products import layer_product

OPTIONS = {
    "plain": {"event_shape": 5, "hidden_units": (7, 9)},
    "linear": {"event_shape": 4},
    "right to left": {"event_shape": 4, "hidden_units": (12,), "input_order": "right-to-left"},
    "given order": {"event_shape": 4, "hidden_units": (12, 12), "input_order": [3, 1, 4, 2]},
    "random order": {"event_shape": 5, "hidden_units": (16,), "input_order": "random"},
    "random degrees": {"event_shape": 3, "hidden_units": (40, 40), "hidden_degrees": "random"},
    "residual": {"event_shape": 4, "hidden_units": (12, 12), "residual": True, "input_order": "random"},
    "no bias": {"event_shape": 4, "hidden_units": (9, 9), "use_bias": False},
    "fewer units than degrees": {"event_shape": 12, "hidden_units": (5, 3)},
    "two inputs": {"event_shape": 2, "hidden_units": (6, 6)},
    "one input": {"event_shape": 1, "hidden_units": (6,)},
    "conditional": {"event_shape": 4, "hidden_units": (9, 9), "conditional": True, "conditional_event_shape": 2},
    "conditional, one input": {
        "event_shape": 1,
        "hidden_units": (6,),
        "conditional": True,
        "conditional_event_shape": (2,),
        "conditional_input_layers": "first_layer",
    },
    "direct": {"event_shape": 5, "hidden_units": (7, 9), "input_order": "random", "direct": True},
    "direct, looped blocks": {"event_shape": 37, "hidden_units": (130, 70), "input_order": "random", "direct": True},
    "direct, conditional": {
        "event_shape": 4,
        "hidden_units": (9,),
        "conditional": True,
        "conditional_event_shape": 2,
        "direct": True,
    },
    "weights on the mask": {"event_shape": 4, "hidden_units": (9, 9), "mask_weights": True, "residual": True},
    "many blocks": {"event_shape": 37, "hidden_units": (130, 70), "input_order": "random"},
    "looped blocks": {"event_shape": 37, "hidden_units": (130, 70), "input_order": "random"},
}


def shorten_blocks(name, monkeypatch):
    """Blocks so short that they are looped over, which otherwise takes more than 257 coordinates."""
    if name.endswith("looped blocks"):
        monkeypatch.setattr(staircase, "LONGEST_BLOCK", 4)


def build(name, params=2, activation=jnp.tanh, batch=()):
    key = jax.random.key(7)
    net = AutoregressiveNetwork(params, **OPTIONS[name], activation=activation, key=key)
    # Biases start at zero; as trained they do not stay there.
    leaves, treedef = jax.tree.flatten(net)
    leaves = [
        leaf + 0.1 * jax.random.normal(jax.random.fold_in(key, i), leaf.shape) if leaf.dtype == jnp.float32 else leaf
        for i, leaf in enumerate(leaves)
    ]
    net = jax.tree.unflatten(treedef, leaves)
    if net.condition_dim is not None:
        net = net.condition(jax.random.normal(key, (*batch, net.condition_dim)))
    return net


def test_the_documented_example_has_the_documented_shapes(key):
    assert bijectors.AutoregressiveNetwork is AutoregressiveNetwork
    net = AutoregressiveNetwork(params=2, event_shape=[3], hidden_units=[16, 16], key=key)
    assert net(jnp.ones((2, 3))).shape == (2, 3, 2)
    assert net(jnp.ones(3)).shape == (3, 2)
    assert net(jnp.ones((0, 3))).shape == (0, 3, 2)


@pytest.mark.parametrize("name", [n for n in OPTIONS if "blocks" not in n])
def test_output_depends_on_inputs_of_lower_degree_only(name):
    net = build(name)
    jacobian = jax.jit(jax.jacfwd(net))(jnp.linspace(-1, 1, net.dim))  # (D, params, D)
    degrees = np.asarray(net.input_degrees)
    allowed = degrees[:, None] > degrees[None, :]
    nonzero = np.asarray(jacobian != 0)
    assert not nonzero[~np.broadcast_to(allowed[:, None], nonzero.shape)].any()
    if name not in ("random degrees", "fewer units than degrees"):  # these may leave pairs unconnected
        assert nonzero[np.broadcast_to(allowed[:, None], nonzero.shape)].all()


def test_degrees_have_equal_shares_and_start_at_zero_with_a_condition(key):
    net = AutoregressiveNetwork(2, 5, hidden_units=(8,), key=key)
    assert net.hidden_degrees == ((1, 1, 2, 2, 3, 3, 4, 4),)
    conditional = AutoregressiveNetwork(2, 5, hidden_units=(10,), conditional=True, conditional_event_shape=1, key=key)
    assert conditional.hidden_degrees == ((0, 0, 1, 1, 2, 2, 3, 3, 4, 4),)


def test_every_output_depends_on_the_condition_beyond_a_line(key):
    # A first output that were linear in c would have no second derivative.
    net = AutoregressiveNetwork(
        1, 3, hidden_units=(9, 9), activation=jnp.tanh, conditional=True, conditional_event_shape=1, key=key
    )
    curvature = jax.jit(jax.hessian(lambda c: net.condition(c)(jnp.zeros(3))[:, 0]))(jnp.array([0.3]))
    assert np.all(np.abs(curvature[:, 0, 0]) > 1e-5)


@pytest.mark.parametrize("name", OPTIONS)
def test_incremental_solve_equals_sweeps_of_the_whole_network(name, monkeypatch):
    shorten_blocks(name, monkeypatch)
    batch = 3
    net = build(name, batch=(batch,))
    z = jax.random.normal(jax.random.key(1), (net.dim, batch))
    transformer = AffineTransformer(max_log_scale=1.0)

    def apply(params, z):
        return transformer.forward_and_log_det(params, z)[0]

    @jax.jit
    def both(z):
        x = jnp.zeros_like(z)
        for _ in range(net.dim):
            x = apply(net.columns(x), z)
        return x, solve_sequentially(net, apply, z)

    want, got = both(z)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)  # float32 products in another order, up to 37 steps


def occurrences(jaxpr, name):
    """How often a primitive stands in a traced program, what it calls counted at every call."""
    inner = [getattr(p, "jaxpr", p) for e in jaxpr.eqns for p in e.params.values()]
    here = sum(e.primitive.name == name for e in jaxpr.eqns)
    return here + sum(occurrences(program, name) for program in inner if hasattr(program, "eqns"))


def test_a_search_stands_once_in_the_program_of_the_sequential_direction():
    """Programs of several searches take long to compile."""
    net = build("many blocks", params=1)

    def plain(params, z):
        return jax.lax.lgamma(z + params[0])

    def search(params, z):
        return jax.lax.while_loop(lambda y: jnp.any(y > 1), lambda y: plain(params, y), z)

    def count(fn):
        traced = jax.make_jaxpr(lambda z: solve_sequentially(net, fn, z))(jnp.zeros((net.dim, 2)))
        return occurrences(traced.jaxpr, "lgamma")

    assert count(search) == 1
    assert count(plain) > 2


class Decreasing:
    """y = shift - exp(log_scale) x, which says nothing about its explicit direction."""

    params_per_dim = 2

    def forward_and_log_det(self, params, x):
        return params[0] - jnp.exp(params[1]) * x, params[1]

    def inverse_and_log_det(self, params, y):
        return (params[0] - y) * jnp.exp(-params[1]), -params[1]


@pytest.mark.parametrize(
    "transformer",
    [
        AffineTransformer(),
        Decreasing(),
        InvertedTransformer(Decreasing()),
        SplineTransformer(bins=3),
        InvertedTransformer(SplineTransformer(bins=3)),
        MixtureTransformer(components=3),
    ],
    ids=lambda t: f"{type(getattr(t, 'inner', t)).__name__}, {explicit_direction(t)}",
)
def test_derivatives_of_the_sequential_direction_are_those_of_the_equation(transformer, x64):
    net = build("given order", params=transformer.params_per_dim)
    flow = jax.tree.map(
        lambda a: a.astype(jnp.float64) if a.dtype == jnp.float32 else a,
        MaskedAutoregressiveFlow(net, transformer=transformer),
    )
    x = jnp.array([0.3, -1.2, 0.7, 0.1])

    @jax.jit
    def jacobians(x):
        y = flow.forward(x)
        return jax.jacfwd(flow.forward)(x), jax.jacrev(flow.forward)(x), jax.jacfwd(flow.inverse)(y)

    forward_mode, reverse_mode, density_side = jacobians(x)
    np.testing.assert_allclose(forward_mode @ density_side, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(reverse_mode, forward_mode, atol=1e-13)


def test_derivatives_and_log_determinants_search_no_more_than_the_values_do():
    net = build("many blocks", params=9)
    flow = MaskedAutoregressiveFlow(net, transformer=MixtureTransformer(components=3))

    def tails(fn):
        return occurrences(jax.make_jaxpr(fn)(jnp.zeros((2, net.dim))).jaxpr, "erfc")

    # The search takes four times as many as the formula of the other direction, which is all that they add.
    value, formula = tails(flow.forward), tails(flow.inverse)
    assert value == 4 * formula > 0
    assert tails(flow.forward_and_log_det) == value + formula
    assert tails(jax.grad(lambda x: jnp.sum(flow.forward(x) ** 2))) == value + formula


def test_parameter_gradients_through_sampling_match_finite_differences(x64):
    net = build("given order")
    flow = jax.tree.map(lambda a: a.astype(jnp.float64) if a.dtype == jnp.float32 else a, MaskedAutoregressiveFlow(net))
    x = jnp.array([[0.3, -1.2, 0.7, 0.1], [1.0, 0.2, -0.4, 2.0]])
    weight = flow.shift_and_log_scale_fn.weights[1]

    def value(shift):
        from equinox import tree_at

        moved = tree_at(lambda f: f.shift_and_log_scale_fn.weights[1], flow, weight + shift)
        return jnp.sum(jnp.sin(moved.forward(x)))

    gradient = jax.jit(jax.grad(value))(jnp.zeros_like(weight))
    direction = jax.random.normal(jax.random.key(3), weight.shape, weight.dtype)
    h = 1e-6
    finite = (value(h * direction) - value(-h * direction)) / (2 * h)
    np.testing.assert_allclose(jnp.sum(gradient * direction), finite, rtol=1e-7)


def test_foreign_functions_are_inverted_by_sweeps(key):
    lower = jnp.tril(jax.random.normal(key, (4, 4)), -1)

    def shift_and_log_scale(y):
        return y @ lower.T, jnp.tanh(y @ lower.T)

    def scalar_bijector(y):
        return Scale(log_scale=jnp.tanh(y @ lower.T))

    x = jax.random.normal(key, (3, 4))
    for flow in (MaskedAutoregressiveFlow(shift_and_log_scale), MaskedAutoregressiveFlow(bijector_fn=scalar_bijector)):
        y, log_det = flow.forward_and_log_det(x)
        back, inverse_log_det = flow.inverse_and_log_det(y)
        np.testing.assert_allclose(back, x, atol=2e-5)
        np.testing.assert_allclose(log_det, -inverse_log_det, atol=1e-6)
        assert log_det.shape == (3,)


def test_events_of_rank_two_with_a_foreign_function():
    mask = jnp.tril(jnp.ones((4, 4)), -1) * 0.3

    def shift_and_log_scale(y):
        flat = y.reshape(*y.shape[:-2], 4) @ mask.T
        return flat.reshape(y.shape), 0.1 * flat.reshape(y.shape)

    flow = MaskedAutoregressiveFlow(shift_and_log_scale, event_ndims=2)
    x = jnp.arange(8.0).reshape(2, 2, 2) / 4
    y, log_det = flow.forward_and_log_det(x)
    assert log_det.shape == (2,)
    np.testing.assert_allclose(flow.inverse(y), x, atol=1e-6)


def test_a_declared_constant_log_det_is_not_taken_for_an_affine_map(key):
    net = AutoregressiveNetwork(1, 2, hidden_units=(4,), activation=jnp.tanh, key=key)
    flow = TransformedDistribution(StandardNormal(2), MaskedAutoregressiveFlow(net, is_constant_jacobian=True))
    with pytest.raises(NotImplementedError, match="sampl"):
        _ = flow.mean


def test_inverse_autoregressive_flow_is_the_invert(key):
    flow = MaskedAutoregressiveFlow(build("plain"))
    x = jax.random.normal(key, (2, 5))
    np.testing.assert_array_equal(Invert(flow).forward(x), flow.inverse(x))


def test_a_bound_condition_gives_its_batch(key):
    net = build("conditional", batch=(6,))
    flow = MaskedAutoregressiveFlow(net)
    assert flow.batch_shape((4,)) == (6,)
    one = jax.random.normal(key, (4,))
    y = flow.forward(one)
    assert y.shape == (6, 4)
    assert np.unique(np.asarray(y)[:, 0]).size == 6
    np.testing.assert_allclose(flow.inverse(y), jnp.broadcast_to(one, (6, 4)), atol=1e-5)
    stack = Stack([MaskedAutoregressiveFlow(build("conditional")) for _ in range(2)])
    assert stack.condition(jnp.ones((6, 2))).forward(one).shape == (6, 4)


def test_use_without_a_condition_is_an_error(key):
    net = AutoregressiveNetwork(2, 3, hidden_units=(4,), conditional=True, conditional_event_shape=2, key=key)
    with pytest.raises(ValueError, match="no condition bound"):
        net(jnp.zeros(3))
    with pytest.raises(ValueError, match="no condition bound"):
        MaskedAutoregressiveFlow(net).forward(jnp.zeros(3))
    with pytest.raises(ValueError, match=r"expected shape \[..., 2\]"):
        net.condition(jnp.zeros(3))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"event_shape": None}, "event_shape"),
        ({"event_shape": (2, 2)}, "event_shape"),
        ({"params": 0}, "params"),
        ({"hidden_units": (3, 0)}, "hidden_units"),
        ({"conditional": True}, "conditional_event_shape"),
        ({"conditional_input_layers": "last"}, "conditional_input_layers"),
        ({"input_order": "sideways"}, "input_order"),
        ({"input_order": [1, 1, 2]}, "permutation"),
        ({"hidden_degrees": "other"}, "hidden_degrees"),
        ({"residual": True, "hidden_units": (3, 4)}, "residual"),
    ],
)
def test_bad_arguments_of_the_network(arguments, words, key):
    full = {"params": 2, "event_shape": 3, "hidden_units": (4,), **arguments}
    with pytest.raises(ValueError, match=words):
        AutoregressiveNetwork(**full, key=key)


def test_bad_arguments_of_the_layer(key):
    net = AutoregressiveNetwork(2, 3, key=key)
    with pytest.raises(ValueError, match="exactly one"):
        MaskedAutoregressiveFlow()
    with pytest.raises(ValueError, match="params=8"):
        MaskedAutoregressiveFlow(net, transformer=SplineTransformer(bins=3))
    with pytest.raises(ValueError, match="event_ndims"):
        MaskedAutoregressiveFlow(net, event_ndims=2)
    with pytest.raises(ValueError, match="AutoregressiveNetwork"):
        MaskedAutoregressiveFlow(lambda y: (y, y), transformer=AffineTransformer())
    with pytest.raises(ValueError, match=r"events of shape \(3,\)"):
        MaskedAutoregressiveFlow(net).inverse(jnp.zeros(4))


@pytest.mark.slow
@pytest.mark.parametrize("hidden_degrees", ["equal", "random"])
def test_round_trip_at_the_size_of_image_patches(hidden_degrees, key):
    net = AutoregressiveNetwork(
        2, 63, hidden_units=(256, 256), hidden_degrees=hidden_degrees, activation=jax.nn.relu, key=key
    )
    flow = MaskedAutoregressiveFlow(net, transformer=AffineTransformer(max_log_scale=1.0))
    x = jax.random.normal(key, (256, 63))
    np.testing.assert_allclose(flow.inverse(flow.forward(x)), x, atol=5e-4)


# Against 16 inputs up to 4 rows are in the arrangement for small batches; the last is in that for middling sides.
@pytest.mark.parametrize(
    ("shape", "batch"),
    [*((s, n) for s in ((16, 16), (2, 16), (16, 3)) for n in (1, 3, 4, 5)), ((60, 50), 256)],
    ids=lambda value: str(value).replace(", ", "x"),
)
def test_the_layer_product_has_the_derivatives_of_a_product(shape, batch):
    key_w, key_a, key_t = jax.random.split(jax.random.key(0), 3)
    w, a = jax.random.normal(key_w, shape), jax.random.normal(key_a, (shape[1], batch))
    tangents = jax.random.normal(key_t, w.shape), jax.random.normal(key_t, a.shape)

    def loss(product):
        return lambda w, a: jnp.sum(jnp.tanh(product(w, a)))

    ours, plain = loss(layer_product), loss(jnp.matmul)
    for transform in (
        lambda f: f(w, a),
        lambda f: jax.grad(f, (0, 1))(w, a),
        lambda f: jax.jvp(f, (w, a), tangents),
        lambda f: jax.jvp(jax.grad(f), (w, a), tangents)[1],  # second derivatives, forward over reverse
        lambda f: jax.vmap(jax.grad(f, (0, 1)), (None, 0))(w, jnp.stack([a, 2 * a])),
    ):
        for got, expected in zip(jax.tree.leaves(transform(ours)), jax.tree.leaves(transform(plain)), strict=True):
            # Sums in another order, of 16 terms, of 256 in gradients by the weights.
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=2e-6 * max(5, batch))
