"""Random nestings of bijectors keep the contract: Hypothesis draws them, with parameters and their batch axes.

A drawn map is a function that builds it, as a whole or for one member of the batch. On one event of one member, values
are those of the whole there, and the log-det is that of the Jacobian by automatic differentiation.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from pushforward.bijectors import (
    Blockwise,
    Chain,
    Invert,
    JointMap,
    LeakyReLU,
    Permute,
    Reshape,
    Restructure,
    Scale,
    ScaleMatvecDiag,
    ScaleMatvecTriL,
    Shift,
    SinhArcsinh,
    Softplus,
    Split,
    Stack,
    TransformDiagonal,
)
from pushforward.testing.programs import fast_jit

BATCH = (2, 3)
# Batch axes that a parameter may have: all broadcast to BATCH.
BATCHES = [(), (), (3,), (2, 1), (2, 3)]
# The axes of all samples, and those that a part of an input may have.
SAMPLES = (2, *BATCH)
INPUTS = [(2, 2, 3), (2, 1, 1), (3,), ()]
DEPTH = 4
CLOSE = {"rtol": 1e-8, "atol": 1e-8}


@dataclass(frozen=True)
class Drawn:
    """A map from events of one shape to events of the same shape.

    Args:
        build: (member of BATCH or None for all, number of the layer in a stack) -> bijector.
        batch: the batch axes of its parameters.
    """

    build: Any
    batch: tuple[int, ...]


def parameter(draw, shape, low, high):
    """(member, layer) -> an array of `shape` with the batch axes that are drawn, and these axes."""
    batch = draw(st.sampled_from(BATCHES))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    values = rng.uniform(low, high, (2, *batch, *shape))

    def at(member, layer):
        array = values[layer]
        if member is not None:
            array = np.broadcast_to(array, (*BATCH, *shape))[member]
        return jnp.asarray(array)

    return at, batch


# ------------------------------------------------------------------------------------------------- leaves


def scalar(draw, shape, depth):
    """A map of numbers on events of `shape`, with a parameter for each number or for a row of them."""
    own = tuple(draw(st.sampled_from((1, n))) for n in shape)
    kind = draw(st.sampled_from(("shift", "scale", "negative", "leaky", "sinh", "there and back")))
    at, batch = parameter(draw, own, 0.5, 1.5)
    make = {
        "shift": Shift,
        "scale": Scale,
        "negative": lambda a: Scale(-a),
        "leaky": LeakyReLU,
        "there and back": lambda a: Chain([Invert(Softplus()), Scale(a), Softplus()]),
        "sinh": lambda a: SinhArcsinh(skewness=a / 3),
    }[kind]
    return Drawn(lambda member, layer: make(at(member, layer)), batch)


def linear(draw, shape, depth):
    (n,) = shape
    kind = draw(st.sampled_from(("triangular", "diagonal", "permutation")))
    if kind == "permutation":
        # Of three and more numbers no inverse of itself.
        order = np.roll(range(n), draw(st.sampled_from((1, -1))))
        return Drawn(lambda member, layer: Permute(order), ())
    at, batch = parameter(draw, (n, n) if kind == "triangular" else (n,), 0.5, 1.5)
    make = ScaleMatvecTriL if kind == "triangular" else ScaleMatvecDiag
    return Drawn(lambda member, layer: make(at(member, layer)), batch)


# --------------------------------------------------------------------------------------------- composites


def joined(parts):
    return np.broadcast_shapes(*(part.batch for part in parts))


def chain(draw, shape, depth):
    parts = [bijector(draw, shape, depth - 1) for _ in range(draw(st.integers(2, 3)))]
    return Drawn(lambda *at: Chain([part.build(*at) for part in parts]), joined(parts))


def inverted(draw, shape, depth):
    part = bijector(draw, shape, depth - 1)
    return Drawn(lambda *at: Invert(part.build(*at)), part.batch)


def stack(draw, shape, depth):
    """Two layers of one structure, for one member as a chain. Chains as layers, which rarely commute."""
    part = (chain if depth > 1 else bijector)(draw, shape, depth - 1)

    def build(member, layer):
        layers = [part.build(member, k) for k in range(2)]
        return Stack(layers) if member is None else Chain(layers)

    return Drawn(build, part.batch)


def blocks(draw, n):
    """Lengths of blocks of a vector."""
    cuts = [*([k, n - k] for k in range(1, n)), *([1, k, n - 1 - k] for k in range(1, n - 1))]
    return draw(st.sampled_from(cuts or [[n]]))


def blockwise(draw, shape, depth):
    """Blocks of a vector, for one member split and joined."""
    sizes = blocks(draw, *shape)
    parts = [bijector(draw, (size,), depth - 1) for size in sizes]

    def build(member, layer):
        inner = [part.build(member, layer) for part in parts]
        if member is None:
            return Blockwise(inner, sizes)
        return Chain([Invert(Split(sizes)), JointMap(inner), Split(sizes)])

    return Drawn(build, joined(parts))


def rearranged(draw, shape, depth):
    """A vector taken apart, its blocks mapped in another structure, and put together again."""
    sizes = blocks(draw, *shape)
    # Block k goes under a name, and dictionaries are in the order of names.
    names = draw(st.permutations("abc"[: len(sizes)]))
    parts = {name: bijector(draw, (size,), depth - 1) for name, size in zip(names, sizes, strict=True)}
    moved = Restructure({name: k for k, name in enumerate(names)})

    def build(*at):
        inner = JointMap({name: part.build(*at) for name, part in parts.items()})
        return Chain([Invert(Split(sizes)), Invert(moved), inner, moved, Split(sizes)])

    return Drawn(build, joined(parts.values()))


def diagonal(draw, shape, depth):
    """The diagonal of a vector's matrix, mapped."""
    part = bijector(draw, (2,), depth - 1)
    return Drawn(
        lambda *at: Chain([Reshape([4], [2, 2]), TransformDiagonal(part.build(*at)), Reshape([2, 2], [4])]),
        part.batch,
    )


def joint(draw, shape, depth):
    parts = {key: bijector(draw, inner, depth - 1) for key, inner in shape.items()}
    return Drawn(lambda *at: JointMap({key: part.build(*at) for key, part in parts.items()}), joined(parts.values()))


def bijector(draw, shape, depth):
    """A map of events of `shape`: (), (n,), or a dictionary of such."""
    structure, vector = isinstance(shape, dict), isinstance(shape, tuple) and len(shape) == 1
    kinds = [joint] if structure else [scalar, linear] if vector else [scalar]
    if depth > 1:
        kinds = [*kinds, chain, inverted, stack]
        if vector:
            kinds += [blockwise, rearranged] + [diagonal] * (shape == (4,))
    return draw(st.sampled_from(kinds))(draw, shape, depth)


VECTORS, STRUCTURES = [(3,), (4,)], [{"a": (2,), "b": ()}, {"a": (), "b": (3,)}]
ANY = [(), *VECTORS, *STRUCTURES]
# What is outermost, and on which events it may be.
OUTERMOST = {
    chain: ANY,
    inverted: ANY,
    stack: ANY,
    joint: STRUCTURES,
    blockwise: VECTORS,
    rearranged: VECTORS,
    diagonal: [(4,)],
}


@st.composite
def cases(draw, kinds=tuple(OUTERMOST)):
    kind = draw(st.sampled_from(kinds))
    shape = draw(st.sampled_from(OUTERMOST[kind]))
    drawn = kind(draw, shape, draw(st.integers(2, DEPTH)))
    batches = draw(st.lists(st.sampled_from(INPUTS), min_size=2, max_size=2))
    return shape, drawn, batches, draw(st.integers(0, 2**16))


# --------------------------------------------------------------------------------------------------- check


def flat(events):
    """The numbers of single events in one vector."""
    return jnp.concatenate([jnp.reshape(a, -1) for a in jax.tree.leaves(events)])


@fast_jit()
def observe(whole, one, x, x_one):
    """Both directions of the whole on a batch, and of one member on one event with its Jacobian."""
    ndims = jax.tree.map(jnp.ndim, x_one)
    y, log_det = whole.forward_and_log_det(x, ndims)
    back, back_log_det = whole.inverse_and_log_det(y, ndims)
    only = whole.forward(x), whole.inverse(y)
    single = one.forward_and_log_det(x_one, ndims)
    leaves, structure = jax.tree.flatten(x_one)
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]

    def forward(vector):
        parts = [part.reshape(leaf.shape) for part, leaf in zip(jnp.split(vector, ends), leaves, strict=True)]
        return flat(one.forward(jax.tree.unflatten(structure, parts)))

    return y, log_det, back, back_log_det, only, single, jax.jacfwd(forward)(flat(x_one))


def check(case):
    shape, drawn, batches, seed = case
    whole = drawn.build(None, 0)
    note(f"{whole!r}\non events of {shape}, batch axes {drawn.batch} of the parameters and {batches} of the parts")
    rng = np.random.default_rng(seed)
    member = tuple(int(rng.integers(n)) for n in SAMPLES)
    one = drawn.build(member[1:], 0)
    shapes, structure = jax.tree.flatten(shape, is_leaf=lambda node: isinstance(node, tuple))
    pairs = list(zip(batches, shapes, strict=False))
    x = jax.tree.unflatten(structure, [jnp.asarray(rng.normal(size=batch + s)) for batch, s in pairs])
    ndims = jax.tree.unflatten(structure, [len(s) for s in shapes])
    batch = np.broadcast_shapes(drawn.batch, *(batch for batch, _ in pairs))

    def full(events):
        return jax.tree.map(lambda a, n: np.broadcast_to(a, (*SAMPLES, *a.shape[a.ndim - n :])), events, ndims)

    def at_member(events):
        return jax.tree.map(lambda a: a[member], full(events))

    def same(got, want):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **CLOSE), got, want)

    x_one = at_member(x)
    y, log_det, back, back_log_det, only, single, jacobian = jax.device_get(observe(whole, one, x, x_one))
    # Shapes: events keep theirs, and the log-det has the batch's.
    assert [a.shape[a.ndim - len(s) :] for a, s in zip(jax.tree.leaves(y), shapes, strict=True)] == shapes
    assert log_det.shape == back_log_det.shape == batch
    assert whole.forward_event_shape(shape) == shape
    assert whole.inverse_event_shape(shape) == shape
    assert whole.batch_shape(shape) == drawn.batch
    assert one.batch_shape(shape) == ()
    assert whole.inverse_event_ndims(whole.forward_event_ndims(ndims)) == ndims
    # Back and forth, with one log-det.
    same(full(back), full(x))
    same(back_log_det, -log_det)
    same(full(only[0]), full(y))
    same(full(only[1]), full(back))
    # One member is what the whole is there; its log-det is that of its Jacobian.
    same(single, (at_member(y), np.broadcast_to(log_det, SAMPLES)[member]))
    np.testing.assert_allclose(single[1], np.linalg.slogdet(jacobian)[1], rtol=1e-7, atol=1e-7)
    # Not compiled.
    same(one.forward_and_log_det(x_one, ndims), single)
    # With the last batch axis as an axis of the event.
    longer = jax.tree.map(lambda n: n + 1, ndims)
    got = jax.eval_shape(lambda b, x: b.forward_log_det_jacobian(x, longer), whole, full(x))
    assert got.shape == SAMPLES[:-1]


FAST = settings(
    # No shrinking: every step would compile. The map that fails is printed.
    phases=[Phase.generate],
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=3,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("kind", OUTERMOST, ids=lambda kind: kind.__name__)
def test_random_chains(kind):
    @FAST
    @given(case=cases([kind]))
    def drawn(case):
        with jax.enable_x64(True):
            check(case)

    drawn()


@pytest.mark.slow
@settings(FAST, max_examples=200)
@given(case=cases())
def test_many_random_chains(case):
    with jax.enable_x64(True):
        check(case)
