"""Maps made of maps: structures, blocks, event ranks, branches, and what they are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from numpyro.distributions import biject_to, constraints

import pushforward as pf
from pushforward.bijectors import (
    AbsoluteValue,
    ActNorm,
    Bijector,
    Blockwise,
    Chain,
    Composition,
    Exp,
    FillScaleTriL,
    Identity,
    Invert,
    JointMap,
    Log,
    Reshape,
    Restructure,
    Scale,
    ScaleMatvecTriL,
    Shift,
    Sigmoid,
    SoftmaxCentered,
    Softplus,
    Split,
    Stack,
    TransformDiagonal,
    pack_sequence_as,
    tree_flatten,
)
from pushforward.distributions import (
    Laplace,
    LogNormal,
    MultivariateNormalDiag,
    Normal,
    TransformedDistribution,
    Uniform,
)
from pushforward.testing import CheckFailure, check_bijector, check_distribution

CLOSE = {"rtol": 2e-6, "atol": 2e-6}
LOWER = jnp.array([[2.0, 0.0], [1.0, 0.5]])


def triangular():
    return ScaleMatvecTriL(LOWER)


# ------------------------------------------------------------------------------------------------- ranks
# As TensorFlow Probability infers them.

RANKS = {
    "independent": (lambda: Chain([JointMap([FillScaleTriL(), Exp()]), JointMap([Exp(), Exp()])]), [1, 0], [2, 0]),
    "one needs more": (
        lambda: Chain([JointMap([TransformDiagonal(Exp()), Exp()]), JointMap([SoftmaxCentered(), SoftmaxCentered()])]),
        [2, 1],
        [2, 1],
    ),
    "parts that interact": (
        lambda: Chain([JointMap([TransformDiagonal(Exp()), Exp()]), Split(2), Invert(Split(2))]),
        [2, 2],
        [2, 2],
    ),
    "split": (lambda: Chain([JointMap([Exp(), triangular()]), Split([1, 2])]), 1, [1, 1]),
    "moved": (
        lambda: Chain([JointMap({"x": FillScaleTriL(), "y": Exp()}), Restructure({"x": 1, "y": 0}), Split([1, 3])]),
        1,
        {"x": 2, "y": 1},
    ),
    "inverted": (lambda: Invert(Chain([JointMap([Exp(), FillScaleTriL()]), Restructure([1, 0])])), [0, 2], [1, 0]),
    "reshaped": (lambda: Chain([triangular(), Exp(), Reshape([2, 2], [4])]), 1, 2),
    "blocks": (lambda: Chain([Exp(), Blockwise([triangular(), Exp()], [2, 1])]), 1, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", RANKS)
def test_ranks_of_events(name):
    build, forward, inverse = RANKS[name]
    bijector = build()
    assert bijector.forward_min_event_ndims == forward
    assert bijector.inverse_min_event_ndims == inverse


def test_each_part_of_a_joint_map_is_summed_over_its_own_rank():
    both = JointMap({"a": Scale(2.0), "b": Exp()})
    x = {"a": jnp.ones((5, 3)), "b": jnp.arange(5.0)}
    y, log_det = both.forward_and_log_det(x, {"a": 1, "b": 0})
    assert log_det.shape == (5,)
    np.testing.assert_allclose(log_det, 3 * np.log(2.0) + x["b"], **CLOSE)
    np.testing.assert_allclose(both.inverse_log_det_jacobian(y, {"a": 1, "b": 0}), -log_det, **CLOSE)
    assert both.forward_event_ndims({"a": 2, "b": 1}) == {"a": 2, "b": 1}
    inverted = Invert(both)
    np.testing.assert_allclose(inverted.forward_log_det_jacobian(y, {"a": 1, "b": 0}), -log_det, **CLOSE)
    # Rearranged in a chain, every part keeps its rank.
    moved = Chain([both, Restructure({"a": 1, "b": 0})])
    y, log_det = moved.forward_and_log_det([x["b"], x["a"]], [0, 1])
    np.testing.assert_allclose(log_det, 3 * np.log(2.0) + x["b"], **CLOSE)
    assert y["a"].shape == (5, 3)


def test_events_of_different_lengths_need_their_ranks():
    both = JointMap([Exp(), Exp()])
    x = [jnp.zeros(2), jnp.zeros(3)]
    assert both.forward(x)[1].shape == (3,)
    with pytest.raises(ValueError, match=r"shapes \[\(2,\), \(3,\)\] .*say so with event_ndims"):
        both.forward_log_det_jacobian(x)
    assert both.forward_log_det_jacobian(x, [1, 1]).shape == ()
    assert Stack([both, both]).forward_log_det_jacobian(x, [1, 1]) == 5.0
    assert Restructure([1, 0]).forward_log_det_jacobian(x, [1, 1]).shape == ()


def test_an_axis_that_parameters_would_stretch_is_refused():
    with pytest.raises(ValueError, match=r"lengths \[\(1,\)\] going in and \[\(3,\)\] coming out"):
        Scale(jnp.ones(3)).forward_log_det_jacobian(jnp.ones(1), 1)
    with pytest.raises(ValueError, match=r"parameters keep, and got \(1,\)"):
        Scale(jnp.ones(3)).batch_shape((1,))
    with pytest.raises(ValueError, match="broadcast on the way"):
        Invert(Split(2)).forward_log_det_jacobian([jnp.ones((1, 2)), jnp.ones((3, 2))], [2, 2])


# -------------------------------------------------------------------------------------------- composition


class Crossed(Composition):
    """(a, b) -> (f(b), g(a))."""

    forward_min_event_ndims = (0, 0)

    def _walk_forward(self, step, x):
        f, g = self.bijectors
        return step(f, x[1]), step(g, x[0])

    def _walk_inverse(self, step, y):
        f, g = self.bijectors
        return step(g, y[1]), step(f, y[0])


def test_a_composition_of_one_s_own_passes_the_suite():
    crossed = Crossed((Chain([Softplus(), Shift(0.3)]), Scale(-1.5)))
    check_bijector(
        crossed,
        event_shape=((), ()),
        structure=[[False, True], [True, False]],
        draw_output=lambda key, batch: (0.1 + jax.random.uniform(key, batch), jax.random.normal(key, batch)),
        output_extremes=(1e-6, 30.0),
    )
    assert crossed.inverse_min_event_ndims == (0, 0)
    assert crossed.forward_event_shape(((3,), (2,))) == ((2,), (3,))
    assert not crossed.parts_interact
    x = jnp.zeros((2, 3)), jnp.zeros(2)
    np.testing.assert_allclose(
        crossed.forward_log_det_jacobian(x, (1, 0)), np.log([1.5**3 / (1 + np.exp(-0.3))] * 2), **CLOSE
    )


def test_a_composition_hands_on_conditions_and_data(key):
    class Pair(Crossed):
        forward_min_event_ndims = (1, 1)

    pair = Pair((ActNorm(2), ActNorm(2)))
    data = jax.random.normal(key, (50, 2)) * 3 + 1, jax.random.normal(key, (50, 2)) - 5
    whitened = pair.initialize(data).inverse(data)
    for part in whitened:
        np.testing.assert_allclose(part.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(part.std(axis=0), 1, atol=1e-5)
    same = ActNorm(2)
    first, second = JointMap([same, same]).initialize(list(data)).bijectors
    assert not np.allclose(first.loc, second.loc)
    np.testing.assert_array_equal(pf.freeze(pair).initialize(data).inverse(data)[0], data[1])


def test_a_composition_without_a_walk_says_what_to_write():
    class Nothing(Composition):
        forward_min_event_ndims = 0

    with pytest.raises(NotImplementedError, match=r"write _walk_forward\(self, step, x\)"):
        Nothing((Exp(),)).forward(1.0)
    with pytest.raises(ValueError, match="give one integer for each part"):
        Crossed((Exp(), Exp())).forward_log_det_jacobian((1.0, 1.0), 0)


# ---------------------------------------------------------------------------------------------- structures


def test_structures_of_plain_numbers_and_calls():
    both = JointMap([Exp(), {"b": Scale(2.0)}])
    y = both([0.0, {"b": 3}])
    assert (float(y[0]), float(y[1]["b"])) == (1.0, 6.0)
    chain = both(Restructure([0, {"b": 1}]))
    assert isinstance(chain, Chain)
    assert float(chain([1.0, 2.0])[1]["b"]) == 4.0
    with pytest.raises(ValueError, match="expected an input of the structure"):
        both.forward([0.0, 3.0])
    assert "['b']: Scale" in repr(both)


def test_restructure_moves_parts_by_their_tokens():
    to_dict = Restructure({"a": 1, "b": [2, 0]})
    assert to_dict.forward([1.0, 2.0, 3.0]) == {"a": 2.0, "b": [3.0, 1.0]}
    assert to_dict.inverse({"a": 2.0, "b": [3.0, 1.0]}) == [1.0, 2.0, 3.0]
    by_name = Restructure({"a": "x", "b": ["y"]})
    assert by_name.forward({"x": 1.0, "y": 2.0}) == {"a": 1.0, "b": [2.0]}
    other = Restructure(("p", "q"), {"u": "q", "v": "p"})
    assert other.forward({"u": 1.0, "v": 2.0}) == (2.0, 1.0)
    example = {"b": 0, "a": (1, 2)}
    assert tree_flatten(example).forward({"b": 1.0, "a": (2.0, 3.0)}) == [2.0, 3.0, 1.0]
    assert pack_sequence_as(example).forward([1.0, 2.0, 3.0]) == {"a": (1.0, 2.0), "b": 3.0}
    assert jax.tree.structure(to_dict) == jax.tree.structure(Restructure({"a": 1, "b": [2, 0]}))
    assert jax.tree.structure(to_dict) != jax.tree.structure(Restructure({"a": 0, "b": [2, 1]}))


def test_split_and_joint_map_are_blockwise():
    parts, sizes = [triangular(), Exp(), SoftmaxCentered()], [2, 1, 1]
    blocks = Blockwise(parts, sizes)
    assert (blocks.block_sizes, blocks.inverse_block_sizes) == ((2, 1, 1), (2, 1, 2))
    chain = Chain([Invert(Split([2, 1, 2])), JointMap(parts), Split(sizes)])
    x = jax.random.normal(jax.random.key(0), (3, 4))
    for got, want in zip(blocks.forward_and_log_det(x), chain.forward_and_log_det(x), strict=True):
        np.testing.assert_array_equal(got, want)
    assert blocks.forward_event_shape((4,)) == (5,)
    assert blocks.inverse_event_shape((5,)) == (4,)
    with pytest.raises(ValueError, match="has 3 entries"):
        blocks.forward(jnp.zeros(3))
    with pytest.raises(ValueError, match="do not make up"):
        Blockwise([SoftmaxCentered()], [2], maybe_changes_size=False).forward(jnp.zeros(2))


def test_batch_axes_of_the_parts_broadcast():
    rng = np.random.default_rng(0)
    scale, shift = (
        jnp.asarray(rng.normal(2.0, 0.3, (2, 1, 1)), jnp.float32),
        jnp.asarray(rng.normal(size=(3, 1)), jnp.float32),
    )
    blocks = Blockwise([Scale(scale), Shift(shift), Exp()], [2, 1, 1])
    assert blocks.batch_shape((4,)) == (2, 3)
    x = jnp.asarray(rng.normal(size=(5, 1, 1, 4)), jnp.float32)
    y, log_det = blocks.forward_and_log_det(x)
    assert (y.shape, log_det.shape) == ((5, 2, 3, 4), (5, 2, 3))
    for i, j in np.ndindex(2, 3):
        one = Blockwise([Scale(scale[i, 0]), Shift(shift[j]), Exp()], [2, 1, 1])
        want = one.forward_and_log_det(x[:, 0, 0])
        np.testing.assert_allclose(y[:, i, j], want[0], **CLOSE)
        np.testing.assert_allclose(log_det[:, i, j], want[1], **CLOSE)
    flow = blocks(MultivariateNormalDiag(jnp.zeros(4), jnp.ones(4)))
    assert flow.batch_shape == (2, 3)
    assert flow.log_prob(y).shape == (5, 2, 3)


# ------------------------------------------------------------------------------------------------- support


def test_every_block_is_held_to_its_own_set():
    blocks = Blockwise([Exp(), Sigmoid()], [2, 1])
    flow = blocks(MultivariateNormalDiag(jnp.zeros(3), jnp.ones(3)))
    y = jnp.array([[1.0, 2.0, 0.5], [-1.0, 2.0, 0.5], [1.0, 1.0, 1.5], [1.0, jnp.nan, 0.5]])
    inside = scipy.stats.lognorm.logpdf([1.0, 2.0], 1.0).sum() + scipy.stats.norm.logpdf(0.0) + np.log(4.0)
    np.testing.assert_allclose(flow.log_prob(y), [inside, -np.inf, -np.inf, np.nan], rtol=1e-6)
    assert np.asarray(flow.support(y[:3])).tolist() == [True, False, False]
    free = biject_to(flow.support)
    np.testing.assert_allclose(free(free.inv(y[0])), y[0], rtol=1e-5)
    slope = jax.grad(flow.log_prob)(y[1])
    np.testing.assert_array_equal(slope, 0)
    # The other way round: the parts of an inverse meet their own codomains too.
    back = Invert(blocks)(TransformedDistribution(LogNormal(jnp.zeros(3), 1.0).to_event(1), Identity()))
    assert jnp.isfinite(back.log_prob(jnp.array([0.1, -3.0, 5.0])))
    assert Blockwise([Exp(), Softplus()]).codomain is constraints.positive
    assert Blockwise([Scale(2.0), triangular()], [1, 2]).codomain is constraints.real
    structured = Chain([Invert(Split([2, 1])), Invert(JointMap([Log(), Invert(Sigmoid())])), Split([2, 1])])
    np.testing.assert_allclose(
        structured(MultivariateNormalDiag(jnp.zeros(3), jnp.ones(3))).log_prob(y), flow.log_prob(y), rtol=1e-6
    )


def test_a_law_on_blocks_passes_the_suite():
    flow = Blockwise([Exp(), Scale(-2.0)])(MultivariateNormalDiag(jnp.zeros(2), jnp.ones(2)))
    check_distribution(flow, checks=["shapes", "integral", "sample_and_log_prob", "outside", "nan"])


def test_parts_are_checked_where_asked():
    both = JointMap([Sigmoid(), Exp()], validate_args=True)
    assert both.codomain == [Sigmoid().codomain, Exp().codomain]
    jax.block_until_ready(both.inverse([0.5, 2.0]))
    with pytest.raises(Exception, match="expected values in"):
        jax.block_until_ready(both.inverse([0.5, -2.0]))


# -------------------------------------------------------------------------------------------------- chains


def test_a_part_that_counts_what_another_made_longer_is_refused_where_asked():
    x = jnp.zeros(2)
    wrong = [Scale(2.0), SoftmaxCentered()]
    assert Chain(wrong).forward_log_det_jacobian(x).shape == ()
    with pytest.raises(ValueError, match="Scale acts on what SoftmaxCentered has made longer"):
        Chain(wrong, validate_event_size=True).forward_log_det_jacobian(x)
    back = Chain([Invert(SoftmaxCentered()), Scale(2.0)], validate_event_size=True)
    with pytest.raises(ValueError, match="Scale acts on what Invert has made longer"):
        back.inverse_log_det_jacobian(x)
    fine = Chain([Reshape([1, 3]), SoftmaxCentered(), Scale(2.0)], validate_event_size=True)
    assert fine.forward_log_det_jacobian(x).shape == ()
    assert fine.forward(x).shape == (1, 3)


def test_an_empty_chain_is_the_identity():
    empty = Chain()
    assert Chain(None).bijectors == ()
    np.testing.assert_array_equal(empty.forward_log_det_jacobian(jnp.ones((2, 3)), 1), np.zeros(2))
    assert empty.batch_shape(()) == ()
    with pytest.raises(ValueError, match="below the minimum"):
        empty.forward_log_det_jacobian(1.0, -1)
    assert Normal(0.0, 1.0).log_prob(0.5) == empty(Normal(0.0, 1.0)).log_prob(0.5)


# ------------------------------------------------------------------------------------------------ branches


def test_the_inverse_of_the_absolute_value_has_two_branches():
    b = AbsoluteValue()
    left, right = b.inverse(jnp.array([0.0, 2.0]))
    np.testing.assert_array_equal(left, [0.0, -2.0])
    np.testing.assert_array_equal(right, [0.0, 2.0])
    zeros = b.inverse_log_det_jacobian(jnp.ones((2, 3)))
    assert [z.shape for z in zeros] == [(2, 3)] * 2
    assert all(not jnp.any(z) for z in zeros)
    assert b(-3.0) == 3.0
    with pytest.raises(NotImplementedError, match="inverse_log_det_jacobian, which has an entry for each branch"):
        b.forward_log_det_jacobian(1.0)
    with pytest.raises(Exception, match="expected values in"):
        jax.block_until_ready(AbsoluteValue(validate_args=True).inverse(-1.0))


def test_a_chain_passes_branches_on():
    chain = Chain([Scale(2.0), AbsoluteValue(), Shift(1.0)])
    assert not chain.is_injective
    assert chain.is_increasing is None
    y = jnp.array([2.0, 4.0])
    branches, log_dets = chain.inverse_and_log_det(y)
    np.testing.assert_allclose(branches, [[-2.0, -3.0], [0.0, 1.0]])
    np.testing.assert_allclose(log_dets, np.full((2, 2), -np.log(2.0)), **CLOSE)
    for branch in branches:
        np.testing.assert_allclose(chain.forward(branch), y)
    np.testing.assert_array_equal(chain.inverse(y), branches)
    twice = Chain([AbsoluteValue(), Shift(-1.0), AbsoluteValue()])
    assert np.asarray(twice.inverse(0.25)).tolist() == [-0.75, 0.75, -1.25, 1.25]


LAWS = {
    "half-normal": (lambda: AbsoluteValue()(Normal(0.0, 1.0)), scipy.stats.halfnorm()),
    "folded": (lambda: AbsoluteValue()(Normal(1.0, 1.0)), scipy.stats.foldnorm(1.0)),
    "already positive": (lambda: AbsoluteValue()(LogNormal(0.0, 1.0)), scipy.stats.lognorm(1.0)),
    "two-sided": (lambda: Chain([Scale(2.0), AbsoluteValue()])(Laplace(0.0, 1.0)), scipy.stats.expon(scale=2.0)),
    "as a chain": (lambda: Chain([AbsoluteValue()])(Normal(0.0, 1.0)), scipy.stats.halfnorm()),
}


@pytest.mark.parametrize("name", LAWS)
def test_densities_of_folded_laws(name):
    build, law = LAWS[name]
    y = jnp.array([1e-3, 0.3, 2.0, 9.0])
    np.testing.assert_allclose(build().log_prob(y), law.logpdf(np.asarray(y)), rtol=2e-6)
    assert build().log_prob(-1.0) == -np.inf
    assert jnp.isnan(build().log_prob(jnp.nan))


def test_folded_laws_on_an_interval():
    folded = AbsoluteValue()(Uniform(-1.0, 2.0))
    y = jnp.array([0.5, 1.5, 2.5])
    np.testing.assert_allclose(jnp.exp(folded.log_prob(y)), [2 / 3, 1 / 3, 0], rtol=1e-6)
    np.testing.assert_allclose(folded.cdf(jnp.array([-1.0, 0.5, 1.5, 2.5])), [0, 1 / 3, 5 / 6, 1], rtol=1e-6)


def test_both_tails_of_a_folded_law():
    half = AbsoluteValue()(Normal(0.0, 1.0))
    y = jnp.array([-1.0, 0.0, 0.3, 2.0, 8.0, jnp.inf, jnp.nan])
    np.testing.assert_allclose(half.cdf(y), [0, 0, 0.2358228, 0.9544997, 1, 1, np.nan], rtol=1e-6)
    np.testing.assert_allclose(half.survival_function(y)[2:5], scipy.stats.halfnorm.sf(np.asarray(y[2:5])), rtol=1e-5)
    with pytest.raises(NotImplementedError, match="quantile needs a monotone map"):
        half.icdf(0.5)
    with pytest.raises(NotImplementedError, match="cdf needs a monotone map"):
        Chain([Scale(2.0), AbsoluteValue()])(Normal(0.0, 1.0)).cdf(1.0)
    with pytest.raises(NotImplementedError, match="mean"):
        half.mean  # noqa: B018


def test_slopes_of_folded_laws_are_finite_everywhere():
    y = jnp.array([-1.0, 0.0, 0.3, 1e20, jnp.inf])
    slopes = jax.vmap(jax.grad(AbsoluteValue()(Normal(0.0, 1.0)).log_prob))(y)
    np.testing.assert_allclose(slopes, [0.0, 0.0, -0.3, -1e20, 0.0], rtol=1e-6)


@pytest.mark.parametrize(
    "build",
    [
        lambda: AbsoluteValue()(Normal(jnp.array([0.3, 1.5]), 1.0)),
        # An inner part that reaches one of the branches only, and four branches of which some are not there.
        lambda: Chain([AbsoluteValue(), Shift(1.0), AbsoluteValue(), Shift(-2.0), Exp()])(Normal(0.0, 0.5)),
    ],
    ids=["batch", "branches that are not there"],
)
def test_folded_laws_pass_the_suite(build):
    check_distribution(build(), integral=3e-3)


def test_copies_of_a_folded_law_are_one_event_afterwards():
    flow = AbsoluteValue()(Normal(jnp.zeros((2, 3)), 1.0)).to_event(1)
    y = jnp.abs(jax.random.normal(jax.random.key(0), (2, 3)))
    np.testing.assert_allclose(flow.log_prob(y), scipy.stats.halfnorm.logpdf(np.asarray(y)).sum(axis=-1), rtol=1e-5)


class Lossy(AbsoluteValue):
    """Knows the right branch only, twice."""

    branches_increasing = None

    def _inverse_and_log_det(self, y):
        return (y, y), (jnp.zeros((), y.dtype),) * 2


class WrongBranch(AbsoluteValue):
    def _inverse_and_log_det(self, y):
        return (-y, 1.01 * y), (jnp.zeros((), y.dtype),) * 2


class WrongBranchLogDet(AbsoluteValue):
    def _inverse_and_log_det(self, y):
        zero = jnp.zeros((), y.dtype)
        return (-y, y), (zero, zero - 0.7)


class WrongDirections(AbsoluteValue):
    branches_increasing = (True, True)


PLANTED = {
    "a branch is lost": (Lossy, "coverage"),
    "a branch goes elsewhere": (WrongBranch, "forward_round_trip, branch 1"),
    "the log-det of a branch": (WrongBranchLogDet, "forward_log_det, branch 1"),
    "the direction of a branch": (WrongDirections, "facts, branch 0"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_suite_catches_planted_bugs_in_branches(name):
    cls, check = PLANTED[name]
    with pytest.raises(CheckFailure) as caught:
        check_bijector(cls())
    assert check in caught.value.failures


# ------------------------------------------------------------------------------------------------ refusals

REFUSED = {
    "structure after a scalar": (lambda: Chain([Exp(), Split(2)]), ValueError, "Exp after Split: .* use JointMap"),
    "empty joint map": (lambda: JointMap({}), ValueError, "holds none"),
    "no joint map": (lambda: JointMap(), ValueError, "holds none"),
    "functions in a joint map": (lambda: JointMap([jnp.exp]), TypeError, "wrap plain functions in Inline"),
    "no blocks": (lambda: Blockwise([]), ValueError, "at least one bijector"),
    "function as a block": (lambda: Blockwise([jnp.exp]), TypeError, "number 0 is"),
    "matrices as blocks": (lambda: Blockwise([TransformDiagonal(Exp())]), ValueError, "rank 2 to rank 2"),
    "rank changed in a block": (lambda: Blockwise([Reshape([2, 2])]), ValueError, "rank 1 to rank 2"),
    "sizes of blocks": (lambda: Blockwise([Exp(), Exp()], [2]), ValueError, "2 positive lengths"),
    "empty block": (lambda: Blockwise([Exp()], [0]), ValueError, "positive lengths"),
    "token twice": (lambda: Restructure([0, 0]), ValueError, "none twice"),
    "no token": (lambda: Restructure({}), ValueError, "at least one token"),
    "token of another kind": (lambda: Restructure([0.5]), ValueError, "integers or strings"),
    "tokens that differ": (lambda: Restructure([0, 1], [0, 2]), ValueError, r"\['1'\] in output_structure only"),
    "tokens that are no places": (lambda: Restructure([1, 2]), ValueError, "Give input_structure"),
    "no inverse of branches": (lambda: Invert(AbsoluteValue()), ValueError, "no map"),
    "inverse of a function": (lambda: Invert(jnp.exp), TypeError, "expects a bijector"),
    "stack of branches": (lambda: Stack([AbsoluteValue()]), ValueError, "injective layers"),
    "diagonal of branches": (lambda: TransformDiagonal(AbsoluteValue()), ValueError, "injective map"),
    "branches of an event": (
        lambda: AbsoluteValue()(MultivariateNormalDiag(jnp.zeros(2), jnp.ones(2))),
        ValueError,
        r"of \|x\| of n numbers, 2\^n.*flow.to_event",
    ),
    "branches of a lifted base": (
        lambda: TransformedDistribution(Normal(0.0, 1.0), AbsoluteValue(), event_shape=(3,)),
        ValueError,
        r"2\^n",
    ),
    "log-dets of an event": (
        lambda: AbsoluteValue().inverse_log_det_jacobian(jnp.ones(2), 1),
        ValueError,
        r"an event of n of them has 2\^n",
    ),
    "branches inside an event": (
        lambda: Chain([AbsoluteValue(), triangular()]).inverse(jnp.ones(2)),
        ValueError,
        r"an event of n of them has 2\^n",
    ),
    "branches of a part": (
        lambda: JointMap([AbsoluteValue(), Exp()]).inverse([1.0, 1.0]),
        NotImplementedError,
        "expects injective parts, and got AbsoluteValue",
    ),
    "branches of a block": (
        lambda: Blockwise([AbsoluteValue(), Exp()]).inverse_log_det_jacobian(jnp.ones(2)),
        NotImplementedError,
        "all combinations",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_say_what_to_write(case):
    build, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        build()


def test_forward_of_a_structure_with_branches_works():
    assert JointMap([AbsoluteValue(), Exp()]).forward([-2.0, 0.0]) == [2.0, 1.0]
    assert issubclass(Composition, Bijector)
