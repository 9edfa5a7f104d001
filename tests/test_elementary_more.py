"""Powers, hyperbolic functions, smooth bounds and steps, heavier tails: figures, limits, facts, what is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from numpyro.distributions import constraints
from scipy import special, stats

from pushforward import trainable
from pushforward.bijectors import (
    Bijector,
    Chain,
    Expm1,
    LambertWTail,
    Log1p,
    Power,
    PowerTransform,
    Reciprocal,
    Sinh,
    SinhArcsinh,
    SoftClip,
    Softfloor,
    Softsign,
    Square,
    StudentTCDF,
)
from pushforward.core import two_parts
from pushforward.core.lambert_w import lambert_w
from pushforward.testing.programs import fast_jit

LINE = np.array([-3.0, -0.8, -0.1, 0.2, 1.0, 2.5])
POSITIVE = np.array([0.02, 0.3, 0.9, 1.0, 1.7, 40.0])
S, T = 0.4, 1.5
M = 2 / np.sinh(T * np.arcsinh(2))
W = np.arcsinh(LINE) + S


def softplus(x):
    return np.logaddexp(0, x)


def soft_clip(x, low, high, c):
    """The definition."""
    w = (high - low) / c
    return high - (high - low) * softplus(w - softplus((x - low) / c)) / softplus(w)


def softfloor(x, t):
    """TFP's definition: logistic functions between the centres of the steps."""
    n, place = np.floor(x - 0.5), (x - 0.5) % 1
    ends = special.expit([-0.5 / t, 0.5 / t])
    return n + (special.expit((place - 0.5) / t) - ends[0]) / (ends[1] - ends[0]) + ends[0]


# How to build it, x, y, and the slope dy/dx where it is worth writing down.
FIGURES = {
    "Expm1": (Expm1, LINE, np.expm1(LINE), np.exp(LINE)),
    "Log1p": (Log1p, POSITIVE, np.log1p(POSITIVE), 1 / (1 + POSITIVE)),
    "Power 3": (lambda: Power(3), LINE, LINE**3, 3 * LINE**2),
    "Power -3": (lambda: Power(-3.0), LINE, LINE**-3, 3 * LINE**-4),
    "Power 7": (lambda: Power(7), LINE, LINE**7, 7 * LINE**6),
    "Power 0.3": (lambda: Power(0.3), POSITIVE, POSITIVE**0.3, 0.3 * POSITIVE**-0.7),
    "Power -2": (lambda: Power(-2), POSITIVE, POSITIVE**-2, 2 * POSITIVE**-3),
    "PowerTransform": (PowerTransform, LINE, np.exp(LINE), np.exp(LINE)),
    "PowerTransform 0.3": (
        lambda: PowerTransform(0.3),
        LINE,
        (1 + 0.3 * LINE) ** (1 / 0.3),
        (1 + 0.3 * LINE) ** (1 / 0.3 - 1),
    ),
    "Reciprocal": (Reciprocal, LINE, 1 / LINE, LINE**-2),
    "Sinh": (Sinh, LINE, np.sinh(LINE), np.cosh(LINE)),
    "SinhArcsinh": (
        lambda: SinhArcsinh(S, T),
        LINE,
        M * np.sinh(T * W),
        M * T * np.cosh(T * W) / np.sqrt(1 + LINE**2),
    ),
    "SinhArcsinh of nothing": (SinhArcsinh, LINE, LINE, np.ones(6)),
    "SoftClip": (SoftClip, LINE, LINE, np.ones(6)),
    "SoftClip low": (lambda: SoftClip(low=0.5), LINE, 0.5 + softplus(LINE - 0.5), special.expit(LINE - 0.5)),
    "SoftClip high": (lambda: SoftClip(high=0.5), LINE, 0.5 - softplus(0.5 - LINE), special.expit(0.5 - LINE)),
    "SoftClip both": (lambda: SoftClip(-1.0, 2.0, 0.5), LINE, soft_clip(LINE, -1.0, 2.0, 0.5), None),
    "Softfloor": (lambda: Softfloor(0.3), LINE, softfloor(LINE, 0.3), None),
    "Softfloor hot": (lambda: Softfloor(40.0), LINE, softfloor(LINE, 40.0), None),
    "Softsign": (Softsign, LINE, LINE / (1 + abs(LINE)), (1 + abs(LINE)) ** -2),
    "Square": (Square, POSITIVE, POSITIVE**2, 2 * POSITIVE),
    "LambertWTail": (
        lambda: LambertWTail(0.5, 2.0, 0.3),
        LINE,
        0.5 + (LINE - 0.5) * np.exp(0.3 * ((LINE - 0.5) / 2) ** 2 / 2),
        (1 + 0.3 * ((LINE - 0.5) / 2) ** 2) * np.exp(0.3 * ((LINE - 0.5) / 2) ** 2 / 2),
    ),
    **{
        f"StudentTCDF {df}": (
            lambda df=df: StudentTCDF(df, 0.3, 1.7),
            LINE,
            stats.t.cdf(LINE, df, 0.3, 1.7),
            stats.t.pdf(LINE, df, 0.3, 1.7),
        )
        for df in (0.3, 2.0, 1e4)
    },
}


_forward, _inverse = fast_jit()(Bijector.forward_and_log_det), fast_jit()(Bijector.inverse_and_log_det)


@fast_jit()
def _observe(built):
    return {name: (b.forward_and_log_det(x), b.inverse_and_log_det(y)) for name, (b, x, y) in built.items()}


@pytest.fixture(scope="module")
def seen():
    """What the maps give in float64; one program."""
    with jax.enable_x64(True):
        built = {name: (row[0](), jnp.asarray(row[1]), jnp.asarray(row[2])) for name, row in FIGURES.items()}
        return jax.device_get(_observe(built))


@pytest.mark.parametrize("name", FIGURES)
def test_figures(seen, name):
    _, x, y, slope = FIGURES[name]
    (got, log_det), (back, inverse_log_det) = seen[name]
    np.testing.assert_allclose(got, y, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(back, x, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(inverse_log_det, -log_det, rtol=1e-10, atol=1e-12)
    if slope is not None:
        np.testing.assert_allclose(log_det, np.log(slope), rtol=1e-10, atol=1e-12)


# ------------------------------------------------------------------------- powers


def test_known_powers_take_the_short_way():
    powers, x = [Power(p) for p in (-1.0, 0.5, 1.0, 2.0, 3.0)], jnp.asarray(POSITIVE, jnp.float32)

    def run(powers, x):
        return [(b.forward_and_log_det(x), b.inverse_and_log_det(x)) for b in powers]

    def forward(powers, x):
        return [b.forward(x) for b in powers]

    assert " exp " in str(jax.make_jaxpr(forward)(powers, x))
    assert " exp " not in str(jax.make_jaxpr(lambda x: forward(powers, x))(x))
    short, long = fast_jit()(lambda x: run(powers, x))(x), fast_jit()(run)(powers, x)
    for a, want in zip(jax.tree.leaves(short), jax.tree.leaves(long), strict=True):
        np.testing.assert_allclose(a, want, rtol=1e-6, atol=1e-6)


def test_power_of_negative_numbers_and_zero():
    b = [Power(p) for p in (5.0, 4.0, 2.5, -5.0, 0.5)]
    x = jnp.array([-2.0, 0.0, -0.0, 2.0, jnp.inf])
    y = jax.jit(lambda b, x: [part.forward(x) for part in b])(b, x)
    nan, inf = np.nan, np.inf
    want = [
        [-32, 0, 0, 32, inf],
        [16, 0, 0, 16, inf],
        [nan, 0, 0, 2**2.5, inf],
        [-(2**-5), inf, inf, 2**-5, 0],
        [nan, 0, 0, 2**0.5, inf],
    ]
    np.testing.assert_allclose(y, want, rtol=1e-6)
    back = jax.jit(lambda b, y: [part.inverse(v) for part, v in zip(b, y, strict=True)])(b, y)
    even = np.abs(np.asarray(x))
    np.testing.assert_allclose(back, [x, even, [nan, *x[1:]], x, [nan, *x[1:]]], rtol=1e-6)


def test_power_facts():
    assert Power(3).domain is Power(3).codomain is constraints.real
    assert Power(0.5).domain is Power(2.0).codomain is constraints.nonnegative
    assert Power(-2.0).domain is constraints.positive
    assert (Power(3).is_increasing, Power(-2.0).is_increasing, Power(-3.0).is_increasing) == (True, False, None)
    mixed = Power([3.0, 0.5, -0.5])
    np.testing.assert_array_equal(mixed.domain.lower_bound, [-np.inf, 0, 0])
    np.testing.assert_array_equal(mixed.is_increasing, [True, True, False])
    np.testing.assert_array_equal(jax.jit(lambda b: b.domain.lower_bound)(mixed), [-np.inf, 0, 0])
    assert PowerTransform().domain is constraints.real
    assert PowerTransform(0.5).domain.lower_bound == -2
    np.testing.assert_array_equal(PowerTransform([0.0, 0.5]).domain.lower_bound, [-np.inf, -2])
    assert Reciprocal().is_increasing is None


def test_power_transform_at_the_ends():
    b = PowerTransform([0.0, 0.3, 1.0])
    x = jnp.array([-jnp.inf, b.domain.lower_bound[1], -1.0])
    y, log_det = b.forward_and_log_det(x)
    np.testing.assert_array_equal(y, [0, 0, 0])
    np.testing.assert_array_equal(log_det, [-np.inf, -np.inf, 0])
    np.testing.assert_allclose(b.inverse(y), x, rtol=1e-6)


# ---------------------------------------------------------------- numbers in parts


@fast_jit()
def _power_in_parts(x, p):
    def power(x, p):
        return two_parts.exp(two_parts.multiply(two_parts.log(x), two_parts.split(p)))

    def near_one(x, p):
        return two_parts.exp(two_parts.divide(two_parts.log1p(x), two_parts.split(p)))

    slopes = jax.vmap(jax.grad(power, argnums=(0, 1)))(x, jnp.broadcast_to(p, x.shape))
    return power(x, p), near_one(x, 1 / p), slopes


def test_powers_in_parts():
    rng = np.random.default_rng(0)
    points = np.exp(rng.uniform(-85, 85, 4000)).astype(np.float32)
    for p in np.float32([0.3, -1.7, 12.0]):
        x = points
        value, near_one, (by_x, by_p) = jax.device_get(_power_in_parts(x, p))
        wide, q = x.astype(np.longdouble), np.longdouble(1 / p)
        for got, want in ((value, wide ** np.longdouble(p)), (near_one, np.exp(np.log1p(wide) / q))):
            normal = (want > 1e-37) & (want < 3e38)
            assert abs(got[normal] / want[normal] - 1).max() < 4 * np.finfo(np.float32).eps
        middle = (value > 1e-25) & (value < 1e25) & (x > 1e-10) & (x < 1e10)
        x, value = x[middle].astype(float), value[middle].astype(float)
        np.testing.assert_allclose(by_x[middle], p * value / x, rtol=1e-5)
        np.testing.assert_allclose(by_p[middle], value * np.log(x), rtol=1e-4)


# ------------------------------------------------------------------ bounds and steps


def test_soft_clip_of_wide_and_narrow_intervals(x64):
    x = np.array([-1e3, -7.0, 0.0, 0.5, 1.0, 12.0, 1e3])
    ends = np.array([[0.0, 1.0, 1e-3], [0.0, 1.0, 1e3], [-1e4, 1e4, 1.0]])
    low, high, c = ends.T[..., None]
    y, log_det, slope = jax.device_get(_slopes(SoftClip(low, high, c), jnp.broadcast_to(x, (3, 7))))
    np.testing.assert_allclose(y, soft_clip(x, low, high, c), rtol=1e-9, atol=1e-12)
    assert (y >= low).all()
    assert (y <= high).all()
    np.testing.assert_allclose(np.exp(log_det), slope, rtol=1e-9, atol=1e-300)
    # In the cold it is a clip, and in the middle of a wide interval the identity.
    np.testing.assert_allclose(y[0, [0, 3, -1]], [0, 0.5, 1], atol=1e-12)
    np.testing.assert_allclose(y[2], x, rtol=1e-12)


@fast_jit()
def _slopes(b, x):
    return *b.forward_and_log_det(x), jax.grad(lambda x: jnp.sum(b.forward(x)))(x)


def test_soft_clip_keeps_the_distance_to_its_bounds():
    b = SoftClip(0.0, 1.0, 0.1)
    # high - y = k c softplus(...), low in the tail as exp(-x / c).
    y = b.forward(jnp.array([-2.0, -3.0]))
    np.testing.assert_allclose(y[1] / y[0], np.exp(-10), rtol=1e-5)
    assert float(SoftClip(-0.1, 0.7).forward(1e3)) == np.float32(0.7)
    assert float(SoftClip(-0.1, 0.7).forward(-1e3)) == np.float32(-0.1)


@fast_jit()
def _there_and_back(b, x, y):
    there, log_det = b.forward_and_log_det(x)
    return there, log_det, b.inverse_and_log_det(there), b.inverse(y), b.forward(b.inverse(y))


def test_softfloor_between_floor_and_identity():
    x = jnp.array([-1.3, -0.2, 0.4, 0.6, 2.7, 1e9])
    b = Softfloor(jnp.array([[1e-3], [1e6]]))
    (cold, hot), _, _, (_, hot_back), _ = _there_and_back(b, x, x)
    np.testing.assert_allclose(cold, np.floor(x), atol=1e-6)
    np.testing.assert_allclose(hot, x, rtol=1e-6)
    np.testing.assert_allclose(hot_back, x, rtol=1e-6)


def test_softfloor_inverts_itself_at_every_temperature(x64):
    t = jnp.array([0.05, 0.1, 0.3, 1.0, 10.0, 1e4])[:, None]
    x = jnp.linspace(-2.2, 2.3, 46)
    _, log_det, (back, inverse_log_det), _, _ = _there_and_back(Softfloor(t), x, x)
    np.testing.assert_allclose(back, jnp.broadcast_to(x, back.shape), atol=1e-9)
    np.testing.assert_allclose(inverse_log_det, -log_det, rtol=1e-7, atol=1e-9)
    # In the cold, where exp(-1 / (2 t)) is below all numbers, y = 1 is on the step from 1 to 2, t log 2 before its end.
    y = jnp.array([1.0, 1.3, 41.0004])
    _, _, _, x, again = _there_and_back(Softfloor(1e-4), y, y)
    np.testing.assert_allclose(again, y, rtol=1e-10)
    np.testing.assert_allclose(x[0], 1.5 - 1e-4 * np.log(2), rtol=1e-14)


# -------------------------------------------------------------------------- tails


def test_sinh_arcsinh_beyond_the_range_of_sinh():
    # sinh(12 arsinh(x)) overflows at 816; m is 4e-7, and y is a number up to 2400.
    t, x = 12.0, np.float32([1e3, 2e3, -2e3])
    with mp.workdps(30):
        m = 2 / mp.sinh(mp.asinh(2) * t)
        want = [float(m * mp.sinh(t * mp.asinh(mp.mpf(float(v))))) for v in x]
    b = SinhArcsinh(tailweight=t)
    np.testing.assert_allclose(_forward(b, x)[0], want, rtol=3e-6)
    np.testing.assert_allclose(_inverse(b, np.float32(want))[0], x, rtol=1e-6)
    # With a tailweight of 1 it is the identity, up to the largest number.
    most = np.finfo(np.float32).max
    ends = np.float32([most, 1e-37, -most])
    np.testing.assert_allclose(_forward(SinhArcsinh(tailweight=1.0), ends)[0], ends, rtol=1e-6)


def test_lambert_w(x64):
    x = np.concatenate([[0.0], np.exp(np.linspace(-200, 85, 400))])
    log_x = np.append(-np.inf, np.linspace(-200, 85, 400))
    # The last two are known by their logarithms only.
    x, log_x = np.append(x, [np.inf, np.inf]), np.append(log_x, [200.0, 5e3])

    @fast_jit()
    def run(x, log_x):
        return lambert_w(x, log_x), [fn(lambda x: lambert_w(x, jnp.log(x)))(2.0) for fn in (jax.grad, jax.hessian)]

    w, (first, second) = run(x, log_x)
    np.testing.assert_allclose(w[:-2], special.lambertw(x[:-2]).real, rtol=1e-14)
    np.testing.assert_allclose(w[-2:] + np.log(w[-2:]), log_x[-2:], rtol=1e-15)
    w = special.lambertw(2.0).real
    np.testing.assert_allclose(first, w / (2 * (1 + w)), rtol=1e-13)
    np.testing.assert_allclose(second, -(w**2) * (w + 2) / (4 * (1 + w) ** 3), rtol=1e-13)


def test_lambert_w_tail_without_tailweight():
    @fast_jit()
    def run(b, x):
        y, log_det = b.forward_and_log_det(x)
        gradient = jax.grad(lambda b: jnp.sum(b.inverse(x[:3]) + b.inverse_log_det_jacobian(x[:3])))(b)
        return y, log_det, b.inverse(y), gradient.raw_tailweight

    x = np.float32([[1e30], [-2.0], [0.0], [np.inf]])
    y, log_det, back, gradient = run(LambertWTail(0.0, 1.0, jnp.array([0.0, 0.5])), x)
    np.testing.assert_array_equal(y[:, 0], x[:, 0])
    np.testing.assert_array_equal(log_det[:, 0], 0)
    np.testing.assert_array_equal(back[:, 0], x[:, 0])
    assert gradient[0] == 0
    assert gradient[1] != 0
    assert np.isfinite(gradient).all()


def test_student_t_against_scipy(x64):
    df = np.array([0.1, 0.5, 1.0, 2.5, 8.0, 30.0, 1e3, 1e8])[:, None]
    x = np.array([-1e9, -300.0, -12.0, -1.01, -0.5, 0.01, 0.7, 1.2, 6.0])
    b = StudentTCDF(df)
    y, log_det = _forward(b, x)
    # SciPy's own error is some 1e-13 here.
    np.testing.assert_allclose(y, stats.t.cdf(x, df), rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(log_det, stats.t.logpdf(x, df), rtol=1e-8)
    p = np.array([1e-200, 1e-30, 0.01, 0.2499, 0.2501, 0.5, 0.6, 1 - 1e-10])
    back = _inverse(b, p)[0]
    again = _forward(b, back)[0]
    np.testing.assert_allclose(again, np.where(np.isinf(back), 0, jnp.broadcast_to(p, back.shape)), rtol=1e-9)
    assert np.isinf(back).sum() == 2  # df = 0.1 and 0.5, at 1e-200
    np.testing.assert_array_equal(back[:, 5], 0)


def test_student_t_by_df(x64):
    """Derivatives by the degrees of freedom, at 30 digits."""

    def cdf(x, df):
        tail = mp.betainc(df / 2, 0.5, 0, df / (df + x * x), regularized=True) / 2
        return tail if x < 0 else 1 - tail

    x, df = np.array([-40.0, -0.6, 0.4, 2.0]), 2.5
    with mp.workdps(30):
        want = [float(mp.diff(lambda df, v=v: cdf(mp.mpf(float(v)), df), df)) for v in x]

    @fast_jit()
    def run(b, x):
        def by_df(fn, at):
            return jax.jacfwd(lambda raw: fn(eqx.tree_at(lambda b: b.raw_df, b, raw), at))(b.raw_df) / df

        y, log_det = b.forward_and_log_det(x)
        return by_df(StudentTCDF.forward, x), by_df(StudentTCDF.inverse, y), log_det

    by_df, inverse_by_df, log_det = run(StudentTCDF(df), x)
    np.testing.assert_allclose(by_df, want, rtol=1e-10)
    # F(x(y, df), df) = y
    np.testing.assert_allclose(inverse_by_df, -np.array(want) / np.exp(log_det), rtol=1e-9)


# -------------------------------------------------------------- what is refused, facts


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Power(0.0), "x\\^0 is 1"),
        (lambda: Power([2.0, jnp.nan]), "finite number"),
        (lambda: PowerTransform(-0.5), "not negative"),
        (lambda: SinhArcsinh(0.0, 0.0), "SinhArcsinh: tailweight: expected positive"),
        (lambda: SinhArcsinh(jnp.zeros(2), jnp.ones(3)), "skewness \\(2,\\), tailweight \\(3,\\)"),
        (lambda: SoftClip(1.0, 0.0), "low < high"),
        (lambda: SoftClip(0.0, jnp.inf), "finite"),
        (lambda: SoftClip(0.0, hinge_softness=-1.0), "SoftClip: hinge_softness: expected positive"),
        (lambda: SoftClip(jnp.zeros(2), jnp.ones(3)), "low \\(2,\\), high \\(3,\\)"),
        (lambda: Softfloor(0.0), "Softfloor: temperature: expected positive"),
        (lambda: LambertWTail(0.0, 1.0, -0.1), "turns back"),
        (lambda: LambertWTail(0.0, 0.0, 0.1), "LambertWTail: scale: expected positive"),
        (lambda: LambertWTail(jnp.zeros(2), 1.0, jnp.ones(3)), "shift \\(2,\\), scale \\(\\), tailweight \\(3,\\)"),
        (lambda: StudentTCDF(0.0), "StudentTCDF: df: expected positive"),
        (lambda: StudentTCDF(1.0, 0.0, -1.0), "StudentTCDF: scale: expected positive"),
    ],
)
def test_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (lambda v: Reciprocal(validate_args=True).forward(v), "got 0"),
        (lambda v: Power(v, validate_args=True).forward(1.0), "got one that is 0"),
        (lambda v: PowerTransform(v - 1, validate_args=True).forward(1.0), "got a negative one"),
        (lambda v: SoftClip(v + 1, 1.0, validate_args=True).forward(1.0), "empty interval"),
        (lambda v: LambertWTail(0.0, 1.0, v - 1, validate_args=True).forward(1.0), "not negative"),
        (lambda v: Square(validate_args=True).forward(v - 1), "expected values in"),
        (lambda v: Softsign(validate_args=True).inverse(v + 1.5), "expected values in"),
    ],
    ids=["Reciprocal", "Power", "PowerTransform", "SoftClip", "LambertWTail", "Square", "Softsign"],
)
def test_checks_under_jit(run, words):
    with pytest.raises(Exception, match=words):
        jax.block_until_ready(jax.jit(run)(0.0))


def _all(a):
    return Chain(
        [
            StudentTCDF(a, a, a),
            LambertWTail(a, a, a),
            Softfloor(a),
            SoftClip(a - 1, a + 1, a),
            SinhArcsinh(a, a),
            PowerTransform(a),
            Power(a),
            Expm1(),
        ]
    )


def test_constructors_are_traceable():
    shapes = jax.eval_shape(_all, jnp.ones(3))
    assert jax.tree.structure(shapes) == jax.tree.structure(_all(jnp.ones(3)))
    many, one = jax.vmap(_all)(jnp.array([0.5, 2.0])), _all(2.0)
    for a, b in zip(jax.tree.leaves(many), jax.tree.leaves(one), strict=True):
        np.testing.assert_allclose(a[1], b)


def test_what_trains():
    # Three of Student, three of Lambert, the temperature, three of the clip, two of the sinh; no powers.
    assert sum(jax.tree.leaves(trainable(_all(jnp.array(0.5))))) == 12
    for b in (SoftClip(), SinhArcsinh(), Power(2.0), PowerTransform(0.5)):
        assert not any(jax.tree.leaves(trainable(b)))
    assert SoftClip().is_constant_jacobian
    assert not SoftClip(0.0).is_constant_jacobian


def test_half_precision():
    x = jnp.array([0.3, 0.5, 0.8], jnp.bfloat16)
    for build, *_ in FIGURES.values():
        b = build()
        for dtype in (jnp.bfloat16, jnp.float16):
            half = jax.ShapeDtypeStruct((3,), dtype)
            seen = (jax.eval_shape(fn, b, half) for fn in (Bijector.forward_and_log_det, Bijector.inverse_and_log_det))
            assert [(y.dtype, log_det.dtype) for y, log_det in seen] == [(dtype, jnp.float32)] * 2
    for b in (Power(0.3), SinhArcsinh(S, T), LambertWTail(0.5, 2.0, 0.3)):
        # Some roundings of 1/256.
        back = _inverse(b, _forward(b, x)[0])[0]
        np.testing.assert_allclose(back.astype(float), x.astype(float), rtol=0.05)
