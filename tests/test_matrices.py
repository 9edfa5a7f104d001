"""Maps of matrices and dense linear maps: values by hand, dense algebra, known densities, what is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax
import numpy as np
import numpyro.distributions as dist
import pytest
import scipy.integrate
import scipy.stats

from pushforward import freeze, trainable
from pushforward.bijectors import (
    CholeskyOuterProduct,
    CholeskyToInvCholesky,
    CorrelationCholesky,
    Householder,
    InvertibleConv1x1,
    LULinear,
    MatrixInverseTriL,
    MatvecLU,
    ScaleMatvecLinearOperator,
    ScaleMatvecLU,
)
from pushforward.io.decode import decode
from pushforward.testing import CheckFailure, check_bijector

from .registry.linear import lower_entries
from .registry.matrices import draw_signed

MATRIX = np.array([[0.4, 2.0, -0.7, 0.1], [1.5, -0.3, 0.9, 0.2], [-0.2, 0.8, 1.1, -1.3], [0.6, 0.5, -0.4, 2.2]])
X = np.linspace(-2, 2, 12).reshape(3, 4)


@jax.jit
def both_ways(b, x):
    y, log_det = b.forward_and_log_det(x)
    return y, log_det, *b.inverse_and_log_det(y)


def with_nan_above(matrix):
    matrix = np.array(matrix, float)
    return np.where(np.tri(len(matrix), dtype=bool), matrix, np.nan)


# ------------------------------------------------------------------ matrices


@pytest.mark.parametrize(
    ("b", "x", "y", "log_det"),
    [
        (CholeskyOuterProduct(), [[1, 0], [2, 3]], [[1, 2], [2, 13]], 2 * np.log(2) + np.log(3)),
        (MatrixInverseTriL(), [[2, 0], [3, -1]], [[0.5, 0], [1.5, -1]], -3 * np.log(2)),
        # (x x^T)^-1 = [[13, -4], [-4, 4]] / 36.
        (
            CholeskyToInvCholesky(),
            [[2, 0], [2, 3]],
            [[np.sqrt(13) / 6, 0], [-4 / (6 * np.sqrt(13)), 1 / np.sqrt(13)]],
            np.log(np.sqrt(13) / 12) + 2 * np.log(1 / (3 * np.sqrt(13))),
        ),
    ],
    ids=["outer product", "inverse", "inverse Cholesky"],
)
def test_matrices_by_hand(b, x, y, log_det, x64):
    got, got_log_det, back, back_log_det = both_ways(b, with_nan_above(x))
    np.testing.assert_allclose(got, y, rtol=1e-14)
    assert float(got_log_det) == pytest.approx(log_det, rel=1e-13)
    np.testing.assert_allclose(back, x, rtol=1e-13, atol=1e-15)
    assert float(back_log_det) == pytest.approx(-log_det, rel=1e-13)


def test_the_factor_of_an_inverse_does_not_square_the_condition_number():
    # Condition number 3e4: the inverse of x x^T has 1e9, beyond float32.
    x = np.array([[1.0, 0, 0], [300.0, 1.0, 0], [-100.0, 200.0, 1.0]])
    want = np.linalg.cholesky(np.linalg.inv(x @ x.T))
    y = jax.jit(lambda x: CholeskyToInvCholesky().forward(x))(np.float32(x))
    np.testing.assert_allclose(y, want, rtol=2e-3, atol=1e-6 * np.abs(want).max())


def test_wishart(x64):
    # Bartlett: normals below the diagonal and chi variables on it make a Wishart matrix.
    df = 5.0
    x = np.array([[[1.3, 0.0], [0.4, 2.2]], [[2.5, 0.0], [-1.9, 0.7]]])
    below = scipy.stats.norm.logpdf(x[:, 1, 0])
    diagonal = scipy.stats.chi.logpdf(x[:, 0, 0], df) + scipy.stats.chi.logpdf(x[:, 1, 1], df - 1)
    y, _, _, log_det = both_ways(CholeskyOuterProduct(), x)
    want = [scipy.stats.wishart.logpdf(np.asarray(m), df, np.eye(2)) for m in y]
    np.testing.assert_allclose(below + diagonal + log_det, want, rtol=1e-12)


@pytest.mark.standard_promotion  # NumPyro's LKJCholesky
def test_lkj(x64):
    # The density that NumPyro gives the Cholesky factor of a correlation r, times the Jacobian, has the integral 1.
    law, b = dist.LKJCholesky(2, 1.7), CorrelationCholesky()
    # x = sinh(t), so that tails are short.
    t = np.linspace(-12, 12, 2001)
    y, log_det, x, _ = both_ways(b, np.sinh(t)[:, None])
    density = np.exp(law.log_prob(y) + log_det) * np.cosh(t)
    assert scipy.integrate.trapezoid(density, t) == pytest.approx(1, rel=1e-9)
    np.testing.assert_allclose(x[:, 0], np.sinh(t), rtol=1e-12)


def test_correlations_of_extreme_size():
    b = CorrelationCholesky()
    y = b.forward(jnp.array([2.0, 2.0, 1.0]))
    np.testing.assert_allclose(y, [[1, 0, 0], [0.5**0.5, 0.5**0.5, 0], [2 / 3, 2 / 3, 1 / 3]], rtol=3e-7)
    x = np.float32([[1e-6, 3e-7, 2e-6], [1e25, 1e12, -3e25], [2.0, -1e30, 0.0]])
    y, log_det, back, back_log_det = both_ways(b, x)
    # FillTriangular puts the vector [a, b, c] into the rows [c] and [b, a].
    rows = np.float64([[[r[2], 0], [r[1], r[0]]] for r in x])
    norms = np.log1p(np.sum(rows**2, axis=-1)) / 2
    np.testing.assert_allclose(log_det, -norms @ [3, 4], rtol=1e-6)
    np.testing.assert_allclose(back, x, rtol=1e-6)
    np.testing.assert_allclose(back_log_det, -log_det, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), np.ones((3, 3)), rtol=3e-7)
    assert b.forward_event_shape((5, 6)) == (5, 4, 4)
    assert b.inverse_event_shape((5, 4, 4)) == (5, 6)
    np.testing.assert_array_equal(b.forward(jnp.zeros(0)), [[1.0]])


def test_only_positive_definite_matrices_are_inside():
    y = jnp.array([[[2.0, 1.0], [1.0, 2.0]], [[1.0, 2.0], [2.0, 1.0]], [[2.0, 1.0], [0.5, 2.0]], [[jnp.nan] * 2] * 2])
    x, log_det, inside = jax.jit(lambda y: CholeskyOuterProduct()._inverse_within(y))(y)
    np.testing.assert_array_equal(inside, [True, False, False, True])
    assert np.isfinite(x[:3]).all()
    assert np.isfinite(log_det[:3]).all()
    assert np.isnan(x[3]).any()
    gradient = jax.jit(jax.grad(lambda y: CholeskyOuterProduct()._inverse_within(y)[1].sum()))(y[:3])
    assert np.isfinite(gradient).all()


# ------------------------------------------------------------- vectors times


def test_lu_factors(x64):
    factors, _, order = jax.lax.linalg.lu(jnp.asarray(MATRIX))
    b = ScaleMatvecLU(factors, order)
    assert MatvecLU is ScaleMatvecLU
    np.testing.assert_allclose(b.matrix, MATRIX, rtol=1e-14, atol=1e-15)
    y, log_det, back, _ = both_ways(b, X)
    np.testing.assert_allclose(y, X @ MATRIX.T, rtol=1e-13)
    np.testing.assert_allclose(log_det, [np.linalg.slogdet(MATRIX)[1]] * 3, rtol=1e-13)
    np.testing.assert_allclose(back, X, rtol=1e-12, atol=1e-13)
    assert jax.tree.leaves(trainable(b)) == [True, False, False]


def test_batches_of_lu_factors(x64):
    # Matrices (2, 1), permutations (3,): six maps.
    factors = np.stack([MATRIX, MATRIX.T])[:, None]
    orders = np.array([[0, 1, 2, 3], [2, 0, 3, 1], [3, 2, 1, 0]])
    y, log_det, back, _ = both_ways(ScaleMatvecLU(factors, orders), X[:1])
    assert y.shape == (2, 3, 4)
    assert log_det.shape == (2, 3)
    many = jax.vmap(jax.vmap(ScaleMatvecLU, (None, 0)), (0, None))(factors[:, 0], orders)
    one = jax.jit(jax.vmap(jax.vmap(lambda b: b.forward(X[0]))))(many)
    np.testing.assert_allclose(y, one, rtol=1e-13)
    np.testing.assert_allclose(back, np.broadcast_to(X[0], y.shape), rtol=1e-10, atol=1e-11)


STRUCTURED = {
    "diagonal": (lambda: lineax.DiagonalLinearOperator(jnp.diag(MATRIX)), np.diag(np.diag(MATRIX))),
    "lower": (lambda: lineax.MatrixLinearOperator(jnp.asarray(MATRIX), lineax.lower_triangular_tag), np.tril(MATRIX)),
    "upper, unit": (
        lambda: lineax.MatrixLinearOperator(
            jnp.asarray(MATRIX), (lineax.upper_triangular_tag, lineax.unit_diagonal_tag)
        ),
        np.triu(MATRIX, 1) + np.eye(4),
    ),
    "minus a product of triangles": (
        lambda: (
            -(
                lineax.MatrixLinearOperator(jnp.tril(MATRIX), lineax.lower_triangular_tag)
                @ lineax.MatrixLinearOperator(jnp.triu(MATRIX), lineax.upper_triangular_tag)
            )
        ),
        -np.tril(MATRIX) @ np.triu(MATRIX),
    ),
    "tridiagonal": (
        lambda: lineax.TridiagonalLinearOperator(*(jnp.diagonal(jnp.asarray(MATRIX), k) for k in (0, -1, 1))),
        np.triu(np.tril(MATRIX, 1), -1),
    ),
    # Called symmetric and being so only nearly, as after a step of training: the map must stay a bijection.
    "symmetric in name": (lambda: lineax.MatrixLinearOperator(jnp.asarray(MATRIX), lineax.symmetric_tag), MATRIX),
    "function": (
        lambda: lineax.FunctionLinearOperator(lambda x: jnp.cumsum(x) * 2, jax.ShapeDtypeStruct((4,), jnp.float64)),
        2 * np.tri(4),
    ),
    "identity": (lambda: lineax.IdentityLinearOperator(jax.ShapeDtypeStruct((4,), jnp.float32)), np.eye(4)),
}


@pytest.mark.parametrize("name", STRUCTURED)
def test_linear_operators(name, x64):
    build, matrix = STRUCTURED[name]
    b = ScaleMatvecLinearOperator(build(), adjoint=True)
    matrix = matrix if name == "symmetric in name" else matrix.T
    y, log_det, back, back_log_det = eqx.filter_jit(both_ways.__wrapped__)(b, X)
    np.testing.assert_allclose(y, X @ matrix.T, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(log_det, [np.linalg.slogdet(matrix)[1]] * 3, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(back, X, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(back_log_det, -log_det)


def test_arrays_of_operators_train():
    b = ScaleMatvecLinearOperator(2.0 * lineax.MatrixLinearOperator(jnp.asarray(MATRIX, jnp.float32)))
    assert jax.tree.leaves(trainable(b)) == [True, True]
    assert jax.tree.leaves(trainable(freeze(b))) == [False, False]
    # What a tag says is zero gets no gradient.
    tagged = ScaleMatvecLinearOperator(STRUCTURED["lower"][0]())
    gradient = jax.grad(lambda b: jnp.sum(b.forward(jnp.ones(4)) ** 2))(tagged).scale.matrix
    assert np.all(np.triu(gradient, 1) == 0)
    assert np.all(np.tril(gradient)[np.tri(4, dtype=bool)] != 0)


def test_many_operators_by_vmap():
    matrices = np.float32([MATRIX, MATRIX.T])
    many = jax.vmap(lambda m: ScaleMatvecLinearOperator(lineax.MatrixLinearOperator(m)))(matrices)
    y = jax.jit(jax.vmap(lambda b, x: b.forward(x), (0, None)))(many, np.float32(X[0]))
    np.testing.assert_allclose(y, matrices @ X[0], rtol=2e-6)


def test_householder():
    b = Householder([-0.8, 0.6])
    np.testing.assert_allclose(b.forward(jnp.array([1.0, 0.0])), [-0.28, 0.96], rtol=1e-6)
    axes = np.float32(np.outer([1e-30, 1.0, 1e30], [-0.8, 0.6]))
    y, log_det, back, _ = both_ways(Householder(axes), np.float32([1.0, 0.0]))
    np.testing.assert_allclose(y, [[-0.28, 0.96]] * 3, rtol=1e-6)
    np.testing.assert_array_equal(log_det, np.zeros(3))
    np.testing.assert_allclose(back, [[1, 0]] * 3, atol=1e-6)


def test_convolution(key, x64):
    b = InvertibleConv1x1(4, key=key)
    np.testing.assert_allclose(b.matrix @ b.matrix.T, np.eye(4), atol=1e-14)
    assert jax.tree.leaves(trainable(b)) == [True, False, False]
    b = eqx.tree_at(lambda b: b.linear.raw_factors, b, jnp.asarray(MATRIX))
    images = np.linspace(-1, 1, 2 * 3 * 5 * 4).reshape(2, 3, 5, 4)
    y, log_det, back, _ = both_ways(b, images)
    np.testing.assert_allclose(y, np.einsum("ij,...j->...i", b.matrix, images), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(log_det, [15 * np.linalg.slogdet(b.matrix)[1]] * 2, rtol=1e-12)
    np.testing.assert_allclose(back, images, atol=1e-11)
    assert LULinear(2, key=key, use_bias=False).bias is None


# -------------------------------------------------- what the suite can see


class WrongPower(MatrixInverseTriL):
    """A factor too few in the log-det, which a round trip does not see."""

    def _forward_and_log_det(self, x):
        y, log_det = super()._forward_and_log_det(x)
        return y, log_det * x.shape[-1] / (x.shape[-1] + 1)


def test_the_suite_sees_volumes_of_triangles():
    arguments = {"event_shape": (3, 3), "coordinates": (lower_entries, lower_entries), "draw": draw_signed}
    checks = ["forward_round_trip", "forward_log_det", "inverse_log_det"]
    with pytest.raises(CheckFailure) as caught:
        check_bijector(WrongPower(), draw_output=draw_signed, checks=checks, **arguments)
    assert set(caught.value.failures) == {"forward_log_det", "inverse_log_det"}


def test_tags_in_files_are_lineaxs():
    assert decode({"tag": "lineax.symmetric_tag"}, {}) is lineax.symmetric_tag
    for tag in ("lineax.linear_solve", "os.system", 3):
        with pytest.raises(ValueError, match="damaged"):
            decode({"tag": tag}, {})


# ------------------------------------------------------------------- refused

SINGULAR = np.arange(9.0).reshape(3, 3)


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: CholeskyOuterProduct().forward(jnp.zeros((2, 3))), ValueError, "square matrices"),
        (lambda: CholeskyOuterProduct().inverse(jnp.zeros((2, 3))), ValueError, "square matrices"),
        (lambda: CholeskyOuterProduct(3), TypeError, "expected a function"),
        (lambda: CholeskyToInvCholesky().forward(jnp.zeros((2, 3))), ValueError, "square matrices"),
        (lambda: MatrixInverseTriL().forward(jnp.zeros((2, 3))), ValueError, "square matrices"),
        (lambda: CorrelationCholesky().forward(jnp.zeros(5)), ValueError, "the nearest are 3 and 6"),
        (lambda: CorrelationCholesky().inverse(jnp.zeros((2, 3))), ValueError, "square matrices"),
        (lambda: ScaleMatvecLU(jnp.ones((2, 3)), [0, 1]), ValueError, "square matrices"),
        (lambda: ScaleMatvecLU([[1.0, 2.0], [3.0, 0.0]], [0, 1]), ValueError, "without zeros"),
        (lambda: ScaleMatvecLU(jnp.eye(2), [0, 0]), ValueError, "once each"),
        (lambda: ScaleMatvecLU(jnp.eye(2), [[0, 1], [1, 1]]), ValueError, "once each"),
        (lambda: ScaleMatvecLU(jnp.eye(2), [0, 1, 2]), ValueError, "a permutation of 2 integers"),
        (lambda: ScaleMatvecLU(jnp.eye(2), [0.0, 1.0]), TypeError, "expected integers"),
        (lambda: ScaleMatvecLU(jnp.ones((3, 1, 1)), jnp.zeros((2, 1), int)), ValueError, "axes that broadcast"),
        (lambda: ScaleMatvecLU(jnp.eye(2), [0, 1]).forward(jnp.zeros(3)), ValueError, r"shape \(2,\)"),
        (lambda: ScaleMatvecLinearOperator(jnp.eye(2)), TypeError, "lineax.MatrixLinearOperator"),
        (lambda: operator(jnp.ones((2, 3))), ValueError, "from vectors of d numbers"),
        (lambda: operator(jnp.eye(2, dtype=complex)), TypeError, "real numbers"),
        (lambda: operator(SINGULAR), ValueError, "is singular"),
        (lambda: operator(np.diag([2.0**-90, 1.0, 2.0**90]) @ SINGULAR), ValueError, "is singular"),
        (lambda: operator(SINGULAR, lineax.lower_triangular_tag), ValueError, "without zeros"),
        (lambda: operator(SINGULAR, lineax.diagonal_tag), ValueError, "without zeros"),
        (lambda: operator(jnp.eye(2)).inverse(jnp.zeros(3)), ValueError, r"shape \(2,\)"),
        (lambda: Householder(2.0), ValueError, "a scalar"),
        (lambda: Householder([[1.0, 0.0], [0.0, 0.0]]), ValueError, "not zero"),
        (lambda: Householder([1.0]).forward(jnp.zeros(3)), ValueError, r"shape \(1,\)"),
        (lambda: InvertibleConv1x1(0, key=jax.random.key(0)), ValueError, "positive number of channels"),
        (lambda: InvertibleConv1x1(2, key=jax.random.key(0)).forward(jnp.zeros((2, 2, 3))), ValueError, r"\(2,\)"),
    ],
)
def test_refused(build, error, words):
    with pytest.raises(error, match=words):
        build()


def operator(matrix, tags=(), **options):
    return ScaleMatvecLinearOperator(lineax.MatrixLinearOperator(jnp.asarray(matrix), tags), **options)


def test_matrices_in_other_units_are_not_singular():
    operator(np.float32(np.diag([1e-12, 1.0, 1e9]) @ MATRIX[:3, :3] @ np.diag([1e6, 1e-9, 1.0])))


@pytest.mark.parametrize(
    ("build", "good", "bad"),
    [
        (lambda p: CholeskyOuterProduct(validate_args=True).forward(p), [[1, 0], [3, 2]], [[1, 0], [3, -2]]),
        (lambda p: CholeskyOuterProduct(validate_args=True).inverse(p), [[2, 1], [1, 2]], [[1, 2], [2, 1]]),
        (lambda p: CholeskyToInvCholesky(validate_args=True).forward(p), [[1, 0], [3, 2]], [[1, 1], [3, 2]]),
        (lambda p: MatrixInverseTriL(validate_args=True).forward(p), [[1, 0], [3, 2]], [[1, 0], [3, 0]]),
        (lambda p: MatrixInverseTriL(validate_args=True).inverse(p), [[1, 0], [3, 2]], [[1, 1], [3, 2]]),
        (lambda p: CorrelationCholesky(validate_args=True).inverse(p), [[1, 0], [0.6, 0.8]], [[1, 0], [0.6, 0.7]]),
        (
            lambda p: ScaleMatvecLU(p, jnp.array([1, 0]), validate_args=True).forward(jnp.ones(2)),
            [[1, 1], [3, 2]],
            [[1, 1], [3, 0]],
        ),
        (
            lambda p: ScaleMatvecLU(jnp.eye(2), p.astype(int), validate_args=True).forward(jnp.ones(2)),
            [1, 0],
            [1, 1],
        ),
        (
            lambda p: operator(p, validate_args=True).inverse(jnp.ones(2)),
            [[1, 1], [3, 2]],
            [[1, 2], [2, 4]],
        ),
    ],
    ids=["outer", "outer back", "to inverse", "inverse", "inverse back", "correlation", "LU", "order", "operator"],
)
def test_validate_args(build, good, bad):
    run = jax.jit(build)
    assert np.isfinite(run(jnp.asarray(good, jnp.float32))).all()
    with pytest.raises(Exception, match="expected"):
        jax.block_until_ready(run(jnp.asarray(bad, jnp.float32)))


def test_constructors_are_traceable(key):
    def build(a, order):
        return (
            ScaleMatvecLU(a, order),
            ScaleMatvecLinearOperator(lineax.MatrixLinearOperator(a)),
            Householder(a),
            InvertibleConv1x1(3, key=key),
        )

    shapes = jax.eval_shape(build, jnp.eye(3), jnp.arange(3))
    assert jax.tree.structure(shapes) == jax.tree.structure(jax.jit(build)(jnp.eye(3), jnp.arange(3)))
