"""Linear maps, triangular matrices and layers that normalise: dense algebra, what data set, what is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.distributions import constraints

from pushforward import freeze, trainable
from pushforward.bijectors import (
    ActNorm,
    Affine,
    BatchNormalization,
    Chain,
    Exp,
    FillScaleTriL,
    FillTriangular,
    Identity,
    LULinear,
    Scale,
    ScaleMatvecDiag,
    ScaleMatvecTriL,
    Sigmoid,
    SoftmaxCentered,
    Softplus,
    Stack,
    TransformDiagonal,
)
from pushforward.bijectors.linear_algebra import multiply, solve_triangular

DIAGONAL = np.array([0.6, -1.7, 2.5, 1.1])
LOWER = np.array([[0.8, 7.0, 7.0, 7.0], [-0.4, 1.5, 7.0, 7.0], [1.1, 0.7, -1.2, 7.0], [0.3, -0.9, 0.2, 2.0]])
FACTOR = np.array([[0.5, -0.2], [0.1, 0.9], [-0.7, 0.4], [0.3, 0.3]])
WEIGHTS = np.array([0.8, -0.5])


@jax.jit
def both_ways(b, x):
    y, log_det = b.forward_and_log_det(x)
    return y, log_det, *b.inverse_and_log_det(y)


# --------------------------------------------------------- against dense algebra

AFFINE = {
    "identity": ({}, np.eye(4)),
    "multiplier": ({"scale_identity_multiplier": -0.7}, -0.7 * np.eye(4)),
    "diagonal": ({"scale_diag": DIAGONAL}, np.diag(DIAGONAL)),
    "triangular": ({"scale_tril": LOWER}, np.tril(LOWER)),
    "all of M": (
        {"scale_identity_multiplier": 0.4, "scale_diag": DIAGONAL, "scale_tril": LOWER},
        0.4 * np.eye(4) + np.diag(DIAGONAL) + np.tril(LOWER),
    ),
    "rank 2": ({"scale_perturb_factor": FACTOR}, np.eye(4) + FACTOR @ FACTOR.T),
    "diagonal and rank 2": (
        {"scale_diag": DIAGONAL, "scale_perturb_factor": FACTOR, "scale_perturb_diag": WEIGHTS},
        np.diag(DIAGONAL) + FACTOR * WEIGHTS @ FACTOR.T,
    ),
    "triangular and rank 2": (
        {"scale_tril": LOWER, "scale_perturb_factor": FACTOR, "scale_perturb_diag": WEIGHTS},
        np.tril(LOWER) + FACTOR * WEIGHTS @ FACTOR.T,
    ),
}


@pytest.mark.parametrize("name", AFFINE)
def test_affine(name, x64):
    arguments, matrix = AFFINE[name]
    shift, x = np.array([1.0, -2.0, 0.5, 3.0]), np.linspace(-2, 2, 12).reshape(3, 4)
    y, log_det, back, back_log_det = both_ways(Affine(shift, **arguments), x)
    np.testing.assert_allclose(y, x @ matrix.T + shift, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(log_det, np.full(3, np.linalg.slogdet(matrix)[1]), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(back, x, atol=1e-12)
    np.testing.assert_array_equal(back_log_det, -log_det)


def test_affine_with_a_dominant_low_rank_part():
    # Where V D V^T is a hundred times M, Woodbury's identity loses two digits more than one step of refinement leaves.
    factor = jnp.asarray(10 * FACTOR)
    b = Affine(scale_tril=LOWER, scale_perturb_factor=factor)
    matrix = np.tril(LOWER) + np.asarray(factor, float) @ np.asarray(factor, float).T
    y = jnp.linspace(-1, 1, 40).reshape(10, 4)
    want = np.linalg.solve(matrix, np.asarray(y, float).T).T
    error = np.abs(np.asarray(jax.jit(lambda b, y: b.inverse(y))(b, y)) - want).max() / np.abs(want).max()
    assert error < 4 * np.finfo(np.float32).eps * np.sqrt(np.linalg.cond(matrix))


def test_triangular_solves_share_matrices(x64):
    rng = np.random.default_rng(0)
    matrix = np.tril(rng.normal(size=(2, 1, 3, 4, 4))) + 3 * np.eye(4)
    y = rng.normal(size=(5, 1, 6, 1, 4))
    want = np.einsum("...ij,...j->...i", np.linalg.inv(matrix), y)
    got = jax.jit(lambda a, b: solve_triangular(a, b, lower=True))(matrix, y)
    assert got.shape == (5, 2, 6, 3, 4)
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)
    # No copy of a matrix for each vector.
    text = jax.jit(lambda a, b: solve_triangular(a, b, lower=True)).lower(matrix, y).as_text()
    assert "tensor<2x3x4x4xf64>" in text
    assert "tensor<5x2x6x3x4x4xf64>" not in text


@pytest.mark.parametrize("size", [1, 33, 257])
def test_triangular_solves_of_several_blocks(size, x64):
    rng = np.random.default_rng(size)
    lower = np.diag(10.0 ** rng.uniform(-4, 4, size)) @ (
        np.tril(rng.normal(size=(size, size)), -1) / size + np.eye(size)
    )
    y = rng.normal(size=(2, size))

    @jax.jit
    def run(lower, y):
        matrix = jnp.where(jnp.tri(size, dtype=bool), lower, jnp.nan)
        solve = [solve_triangular(matrix, y, lower=True, transpose=t) for t in (False, True)]
        return *solve, solve_triangular(jnp.matrix_transpose(matrix), y, lower=False)

    for x, matrix in zip(run(lower, y), (lower, lower.T, lower.T), strict=True):
        # Small against the terms that make up each entry of the residual, whatever the condition number.
        error = np.abs(x @ matrix.T - y) / (np.abs(x) @ np.abs(matrix).T + np.abs(y))
        assert error.max() < 16 * np.finfo(float).eps


def test_triangular_solves_have_derivatives(x64):
    rng = np.random.default_rng(0)
    matrix, y, weight = rng.normal(size=(3, 3)) + 3 * np.eye(3), *rng.normal(size=(2, 2, 3))

    @jax.jit
    def run(matrix, y):
        def ours(matrix, y):
            return jnp.sum(weight * solve_triangular(matrix, y, lower=True, transpose=True) ** 2)

        def dense(matrix, y):
            return jnp.sum(weight * (y @ jnp.linalg.inv(jnp.tril(matrix))) ** 2)

        return [jax.grad(fn, argnums=(0, 1))(matrix, y) for fn in (ours, dense)]

    for got, want in zip(*run(matrix, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)


def test_what_lies_above_the_diagonal_is_not_read():
    x = jnp.arange(4.0)
    clean, dirty = (
        ScaleMatvecTriL(np.tril(LOWER)),
        ScaleMatvecTriL(jnp.where(np.triu(np.ones((4, 4)), 1), jnp.nan, LOWER)),
    )
    for adjoint in (False, True):
        clean, dirty = (ScaleMatvecTriL(b.scale_tril, adjoint) for b in (clean, dirty))
        np.testing.assert_array_equal(dirty.forward(x), clean.forward(x))
        np.testing.assert_array_equal(dirty.inverse(x), clean.inverse(x))


def test_lu_linear(key, x64):
    b = jax.jit(lambda key: LULinear(4, key=key))(key)
    read = jax.jit(lambda b: b.matrix)
    matrix = np.asarray(read(b))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(4), atol=1e-14)  # a rotation, perhaps with a reflection
    trained = eqx.tree_at(lambda b: (b.raw_factors, b.bias), b, (jnp.asarray(LOWER - 1), jnp.asarray(DIAGONAL)))
    matrix, x = np.asarray(read(trained)), np.linspace(-1, 1, 8).reshape(2, 4)
    y, log_det, back, _ = both_ways(trained, x)
    np.testing.assert_allclose(y, x @ matrix.T + DIAGONAL, rtol=1e-13)
    np.testing.assert_allclose(log_det, [np.linalg.slogdet(matrix)[1]] * 2, rtol=1e-12)
    # The factors are far from triangular with a small diagonal, so the condition number is large.
    np.testing.assert_allclose(back, x, atol=1e-15 * np.linalg.cond(matrix))
    assert sorted(np.asarray(b.permutation)) == [0, 1, 2, 3]


def test_lu_linear_draws():
    keys = jax.random.split(jax.random.key(1), 3)
    build = jax.jit(lambda k: LULinear(3, key=k))
    layers = [build(k) for k in keys]
    many = jax.jit(jax.vmap(build))(keys)
    np.testing.assert_allclose(many.raw_factors[1], layers[1].raw_factors, rtol=1e-5, atol=1e-6)
    x = jnp.array([[0.3, -1.0, 2.0]])
    stacked, chained = jax.jit(lambda layers: (Stack(layers).forward(x), Chain(layers).forward(x)))(layers)
    np.testing.assert_allclose(stacked, chained, rtol=1e-5)
    assert sum(jax.tree.leaves(trainable(layers[0]))) == 2


# ------------------------------------------------------ triangular matrices


def test_fill_triangular_spirals():
    x = jnp.arange(1.0, 7.0)
    np.testing.assert_array_equal(FillTriangular().forward(x), [[4, 0, 0], [6, 5, 0], [3, 2, 1]])
    np.testing.assert_array_equal(FillTriangular(upper=True).forward(x), [[1, 2, 3], [0, 5, 6], [0, 0, 4]])
    b = FillTriangular()
    np.testing.assert_array_equal(b.inverse(b.forward(x).at[0, 1].set(jnp.nan)), x)
    assert b.forward_event_shape((5, 10)) == (5, 4, 4)
    assert b.inverse_event_shape((5, 4, 4)) == (5, 10)
    assert b.forward(jnp.zeros((2, 0))).shape == (2, 0, 0)


def test_fill_scale_tril(x64):
    b = FillScaleTriL()
    y = jax.jit(lambda x: b.forward(x))(jnp.zeros((2, 3)))
    np.testing.assert_allclose(y, np.broadcast_to((np.log(2) + 1e-5) * np.eye(2), (2, 2, 2)), rtol=1e-14)
    np.testing.assert_array_equal(FillScaleTriL(Exp(), None).forward(jnp.zeros(3)), np.eye(2))
    # The shift is no parameter, as in TFP.
    assert not any(jax.tree.leaves(trainable(b)))
    assert b.codomain is constraints.lower_cholesky
    assert FillScaleTriL(Identity(), None).codomain is constraints.real_matrix
    assert FillScaleTriL(diag_shift=-1.0).codomain is constraints.real_matrix
    inside = jax.jit(lambda y: b._inverse_within(y))(jnp.array([[[1.0, 0.0], [2.0, 1.0]], [[1.0, 0.0], [2.0, 1e-6]]]))
    np.testing.assert_array_equal(inside[2], [True, False])
    assert np.isfinite(inside[0]).all()


def test_transform_diagonal_of_a_vector_map(x64):
    tril = jnp.array([[2.0, 0.0], [0.5, 0.1]])
    b = TransformDiagonal(ScaleMatvecTriL(tril))
    x = jnp.array([[1.0, 5.0], [6.0, 3.0]])
    y, log_det = b.forward_and_log_det(x)
    np.testing.assert_allclose(y, [[2, 5], [6, 0.8]], rtol=1e-14)
    assert float(log_det) == pytest.approx(np.log(0.2), rel=1e-13)
    np.testing.assert_allclose(b.inverse(y), x, rtol=1e-14)
    _, log_det, inside = b._inverse_within(jnp.stack([y, x]))
    assert log_det.shape == inside.shape == (2,)


# --------------------------------------------------------------- normalising


@pytest.fixture
def data(key):
    return jnp.array([3.0, -40.0, 0.1]) + jnp.array([0.5, 7.0, 0.02]) * jax.random.normal(key, (5, 40, 3))


def test_act_norm_standardises(data):
    b = ActNorm(3).initialize(data)
    z = np.asarray(b.inverse(data)).reshape(-1, 3)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=2e-5)
    np.testing.assert_allclose(z.std(axis=0), 1, atol=2e-5)
    assert float(b.forward_log_det_jacobian(jnp.zeros(3))) == pytest.approx(float(jnp.sum(jnp.log(b.scale))))
    # Once only, and never when frozen: a trained layer stays as it is when training goes on.
    assert b.initialize(10 * data) is b
    frozen = freeze(ActNorm(3))
    assert frozen.initialize(data) is frozen


def test_act_norm_of_data_that_do_not_vary():
    rows = jnp.stack([jnp.full(7, 0.1), jnp.zeros(7), jnp.arange(7.0), jnp.full(7, 1e6)], axis=-1)
    b = ActNorm(4).initialize(rows)
    np.testing.assert_allclose(b.scale, [1, 1, 2, 1], rtol=1e-6)
    np.testing.assert_allclose(b.loc, [0.1, 0, 3, 1e6], rtol=1e-6)
    np.testing.assert_array_equal(ActNorm(4).initialize(rows[:1]).scale, np.ones(4))
    np.testing.assert_array_equal(ActNorm(4).initialize(rows[0]).scale, np.ones(4))
    empty = ActNorm(4)
    assert empty.initialize(rows[:0]) is empty


def test_act_norm_of_images_works_by_channel(data):
    images = data.reshape(5, 4, 10, 3)
    b = ActNorm(3).initialize(images)
    np.testing.assert_allclose(b.loc, ActNorm(3).initialize(data).loc, rtol=1e-6)
    log_det = b.forward_log_det_jacobian(images, 3)
    np.testing.assert_allclose(log_det, [40 * jnp.sum(jnp.log(b.scale))] * 5, rtol=1e-5)


def test_chains_and_stacks_initialise_from_the_data_inwards(data):
    for composite in (Chain([Scale(2.0), ActNorm(3)]), Stack([ActNorm(3), ActNorm(3)])):
        z = np.asarray(composite.initialize(data).inverse(data)).reshape(-1, 3)
        np.testing.assert_allclose([z.mean(axis=0), z.std(axis=0)], [[0] * 3, [1] * 3], atol=5e-5)


def test_integers_initialise():
    b = ActNorm(2).initialize(np.array([[0, 10], [2, 30]]))
    np.testing.assert_allclose([b.loc, b.scale], [[1, 20], [1, 10]], rtol=1e-6)


def test_batch_normalization_in_training(data):
    b = BatchNormalization(3, epsilon=0.0)
    mean, variance = np.asarray(data).mean(axis=(0, 1)), np.asarray(data).var(axis=(0, 1))
    z, log_det = b.inverse_and_log_det(data)
    np.testing.assert_allclose(np.asarray(z).mean(axis=(0, 1)), 0, atol=2e-5)
    np.testing.assert_allclose(np.asarray(z).std(axis=(0, 1)), 1, atol=2e-5)
    np.testing.assert_allclose(log_det, np.full((5, 40), -np.log(variance).sum() / 2), rtol=1e-5)
    # Forward uses the running statistics, which have seen nothing yet.
    np.testing.assert_array_equal(b.forward(z), z)
    updated = b.update_statistics(data)
    np.testing.assert_allclose(updated.moving_mean, 0.01 * mean, rtol=1e-4)
    np.testing.assert_allclose(updated.moving_variance, 0.99 + 0.01 * variance, rtol=1e-5)
    # Learned, not the statistics.
    names = [path[0].name for path, trains in jax.tree_util.tree_leaves_with_path(trainable(b)) if trains]
    assert names == ["raw_gamma", "beta"]


def test_batch_normalization_in_inference(data):
    b = BatchNormalization(3, inference=True).initialize(data)
    b = eqx.tree_at(lambda b: (b.raw_gamma, b.beta), b, (jnp.array([0.3, -0.2, 0.1]), jnp.array([1.0, 0.0, -1.0])))
    z, log_det = b.inverse_and_log_det(data)
    np.testing.assert_allclose(np.asarray(z).mean(axis=(0, 1)), b.beta, atol=2e-5)
    np.testing.assert_allclose(np.asarray(z).std(axis=(0, 1))[:2], b.gamma[:2], rtol=3e-3)  # epsilon is 1e-3
    np.testing.assert_allclose(b.forward(z), data, rtol=1e-5)
    one, one_log_det = b.inverse_and_log_det(data[0, 0])
    np.testing.assert_allclose(one, z[0, 0], rtol=1e-5)
    assert float(one_log_det) == float(log_det[0, 0])
    assert b.update_statistics(data) is b
    assert b.initialize(data) is b
    assert b.is_constant_jacobian
    assert not BatchNormalization(3).is_constant_jacobian


def test_statistics_move_towards_those_of_the_data(data):
    @jax.jit
    def run(model):
        return jax.lax.fori_loop(0, 100, lambda _, m: m.update_statistics(data), model)

    model = run(Chain([BatchNormalization(3, momentum=0.9), Stack([BatchNormalization(3, momentum=0.9)] * 2)]))
    np.testing.assert_allclose(model[0].moving_mean, np.asarray(data).mean(axis=(0, 1)), rtol=1e-3)
    # 0.9^100 of the variance at first, 1, is left.
    np.testing.assert_allclose(model[0].moving_variance, np.asarray(data).var(axis=(0, 1)), rtol=1e-3, atol=5e-5)
    # What reaches the inner layers is normalised.
    np.testing.assert_allclose(model[1].layers.moving_mean, np.zeros((2, 3)), atol=1e-3)


def test_what_is_frozen_does_not_look_at_data(data):
    for composite in (Chain([ActNorm(3), BatchNormalization(3)]), Stack([BatchNormalization(3)] * 2)):
        frozen = freeze(composite)
        assert frozen.initialize(data) is frozen
        assert frozen.update_statistics(data) is frozen
    # A frozen layer uses the statistics that it was frozen with.
    np.testing.assert_array_equal(freeze(BatchNormalization(3, epsilon=0.0)).inverse(data), data)


# -------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: ScaleMatvecDiag(2.0), ValueError, "got a scalar"),
        (lambda: ScaleMatvecDiag([1.0]).forward(jnp.zeros(3)), ValueError, r"shape \(1,\)"),
        (lambda: ScaleMatvecTriL(jnp.ones((2, 3))), ValueError, "square"),
        (lambda: ScaleMatvecTriL(jnp.eye(3)).inverse(jnp.zeros((3, 2))), ValueError, r"shape \(3,\)"),
        (lambda: Affine(scale_perturb_diag=[1.0]), ValueError, "without V"),
        (lambda: Affine(jnp.zeros(2), scale_diag=jnp.ones(3)), ValueError, "disagree"),
        (lambda: Affine(scale_tril=jnp.ones((2, 3))), ValueError, "disagree"),
        (lambda: Affine(scale_diag=2.0), ValueError, "at least 1 axes"),
        (lambda: Affine(scale_perturb_factor=FACTOR, scale_perturb_diag=[1.0]), ValueError, "2 columns"),
        (lambda: Affine(jnp.zeros(2)).forward(jnp.zeros(3)), ValueError, r"shape \(2,\)"),
        (lambda: LULinear(0, key=jax.random.key(0)), ValueError, "positive dim"),
        (lambda: LULinear(2, key=jax.random.key(0)).forward(jnp.zeros(3)), ValueError, r"shape \(2,\)"),
        (lambda: FillTriangular().forward(jnp.zeros(4)), ValueError, "nearest are 3 and 6"),
        (lambda: FillTriangular().inverse(jnp.zeros((2, 3))), ValueError, "square"),
        (lambda: TransformDiagonal(jnp.exp), TypeError, "bijector of scalars"),
        (lambda: TransformDiagonal(TransformDiagonal(Exp())), TypeError, "bijector of scalars"),
        (lambda: ActNorm(3).initialize(jnp.zeros((5, 2))), ValueError, r"shape \(3,\)"),
        (lambda: ActNorm(3).forward(jnp.zeros((5, 1))), ValueError, r"shape \(3,\)"),
        (lambda: BatchNormalization(3).inverse(jnp.zeros((1, 3))), ValueError, "one event"),
        (lambda: jax.vmap(BatchNormalization(3).inverse)(jnp.zeros((4, 3))), ValueError, "one event"),
        (lambda: BatchNormalization(3, momentum=1.0), ValueError, "momentum"),
        (lambda: BatchNormalization(3, epsilon=-1.0), ValueError, "epsilon"),
    ],
)  # fmt: skip
def test_refused(build, error, words):
    with pytest.raises(error, match=words):
        build()


@pytest.mark.parametrize(
    ("build", "good", "bad"),
    [
        (lambda p: ScaleMatvecDiag(p, validate_args=True).forward(jnp.ones(2)), [1.0, 2.0], [1.0, 0.0]),
        (lambda p: ScaleMatvecTriL(p, validate_args=True).forward(jnp.ones(2)), [[1, 0], [3, 2]], [[1, 0], [3, 0]]),
        (lambda p: FillTriangular(validate_args=True).inverse(p), [[1, 0], [3, 2]], [[1, 5], [3, 2]]),
        (lambda p: SoftmaxCentered(validate_args=True).inverse(p), [0.25, 0.75], [0.25, 0.7]),
        (lambda p: TransformDiagonal(Softplus(validate_args=True)).inverse(p), [[1, 0], [3, 2]], [[1, 0], [3, -1]]),
    ],
    ids=["diagonal", "triangular", "fill", "simplex", "transformed diagonal"],
)
def test_validate_args(build, good, bad):
    run = jax.jit(build)
    assert np.isfinite(run(jnp.asarray(good, jnp.float32))).all()
    with pytest.raises(Exception, match="expected"):
        jax.block_until_ready(run(jnp.asarray(bad, jnp.float32)))


def test_constructors_are_traceable():
    def build(a):
        return Chain([Affine(a, scale_diag=a), ScaleMatvecDiag(a), FillScaleTriL(Sigmoid(a, a + 1), a)])

    shapes = jax.eval_shape(build, jnp.ones(3))
    assert jax.tree.structure(shapes) == jax.tree.structure(jax.jit(build)(jnp.ones(3)))
    assert jax.eval_shape(lambda: ActNorm(3)).loc.shape == (3,)
    assert jax.eval_shape(lambda: FillScaleTriL()).codomain is constraints.lower_cholesky


@pytest.mark.parametrize("batch", [(), (2,)])
def test_products_with_small_matrices_have_the_derivatives_of_products(batch, key, x64):
    matrix, x, d_matrix, d_x = (
        jax.random.normal(jax.random.fold_in(key, k), shape)
        for k, shape in enumerate([(*batch, 3, 4), (5, *batch, 4)] * 2)
    )
    weights = jnp.cos(jnp.arange(x.size // 4 * 3.0)).reshape(*x.shape[:-1], 3)

    def everything(product):
        def value(matrix, x):
            return jnp.sum(weights * jnp.sin(product(matrix, x)))

        tangent = jax.jvp(product, (matrix, x), (d_matrix, d_x))
        mapped = jax.vmap(product, in_axes=(None, 0))(matrix, x)
        return tangent, jax.grad(value, (0, 1))(matrix, x), jax.hessian(value, 1)(matrix, x), mapped

    @jax.jit
    def both():
        return everything(multiply), everything(lambda matrix, x: jnp.einsum("...ij,...j->...i", matrix, x))

    got, want = both()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), got, want)


@pytest.mark.parametrize("size", [5, 70])
def test_affine_of_one_triangle_and_many_low_ranks(size, key, x64):
    """Above 64 entries M is not inverted; the triangle is never repeated for the batch of V."""
    keys = jax.random.split(key, 3)
    lower = jnp.eye(size) + 0.3 * jnp.tril(jax.random.normal(keys[0], (size, size)), -1) / size**0.5
    for rank in (1, 2):
        factor = jax.random.normal(keys[1], (3, size, rank)) / size**0.5
        affine = Affine(scale_tril=lower, scale_perturb_factor=factor)
        dense = lower + factor @ jnp.matrix_transpose(factor)
        y = jax.random.normal(keys[2], (4, 3, size))
        x, log_det = eqx.filter_jit(affine.inverse_and_log_det)(y)
        np.testing.assert_allclose(jnp.einsum("bij,nbj->nbi", dense, x), y, atol=1e-11)
        np.testing.assert_allclose(log_det, np.broadcast_to(-np.linalg.slogdet(dense)[1], (4, 3)), atol=1e-11)
        np.testing.assert_allclose(affine.forward_log_det_jacobian(x), -log_det, atol=1e-11)
