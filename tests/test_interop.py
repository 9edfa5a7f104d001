"""Maps of other libraries as bijectors, and bijectors as NumPyro transforms.

FlowJAX and TensorFlow Probability are stood in for by classes of their interfaces; `tests/interop` takes the real ones,
where they are installed.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.distributions import biject_to, constraints, transforms

import pushforward as pf
from pushforward.bijectors import (
    AbsoluteValue,
    Chain,
    Exp,
    Invert,
    JointMap,
    MaskedAutoregressiveFlow,
    Scale,
    ScaleMatvecTriL,
    Shift,
    SoftmaxCentered,
    Softplus,
)
from pushforward.distributions import MultivariateNormalDiag, Normal
from pushforward.interop import from_flowjax, from_numpyro, from_tfp, to_numpyro
from pushforward.nets import AutoregressiveNetwork
from pushforward.testing import check_bijector

CLOSE = {"rtol": 1e-5, "atol": 1e-6}

# ------------------------------------------------------------------------------------------- from NumPyro


def drop_last(tangent):
    return tangent[..., :-1]


TRANSFORMS = {
    "decreasing": (transforms.AffineTransform(1.0, -2.0), {}),
    "batched": (transforms.AffineTransform(jnp.array([1.0, 2.0]), jnp.array([1.0, -2.0])), {"batch_shape": (2,)}),
    "simplex": (
        transforms.StickBreakingTransform(),
        {"event_shape": (2,), "coordinates": (None, drop_last), "output_extremes": ()},
    ),
    "inverse": (transforms.ExpTransform().inv, {"output_extremes": (-30.0, 0.0, 30.0)}),
    "triangular": (
        transforms.LowerCholeskyAffine(jnp.zeros(2), jnp.array([[1.0, 0.0], [0.5, 2.0]])),
        {"event_shape": (2,)},
    ),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_of_numpyro_passes_the_suite(name):
    transform, arguments = TRANSFORMS[name]
    check_bijector(from_numpyro(transform), **arguments)


def test_facts_are_those_the_transform_declares():
    decreasing, simplex = (from_numpyro(TRANSFORMS[name][0]) for name in ("decreasing", "simplex"))
    assert not decreasing.is_increasing
    assert (simplex.forward_min_event_ndims, simplex.inverse_min_event_ndims) == (1, 1)
    assert simplex.is_increasing is None
    assert simplex.codomain is constraints.simplex
    assert simplex.forward_event_shape((2,)) == (3,)
    assert simplex.inverse_event_shape((4, 3)) == (4, 2)
    composed = transforms.ComposeTransform([transforms.AffineTransform(0.0, 0.5), transforms.SigmoidTransform()])
    logistic = from_numpyro(composed)(dist.Logistic(0.0, 2.0))
    np.testing.assert_allclose(logistic.log_prob(jnp.array([0.2, 0.9])), np.zeros(2), atol=1e-5)
    np.testing.assert_array_equal(logistic.log_prob(jnp.array([-0.2, 1.9])), -np.inf)


def test_parameters_of_numpyro_s_transforms_are_constants():
    b = from_numpyro(TRANSFORMS["batched"][0])
    assert not any(jax.tree.leaves(pf.trainable(b)))
    assert jax.tree.leaves(b)
    assert "AffineTransform" in repr(b)


def test_what_was_made_here_comes_back_as_it_was():
    scale, exp = Scale(2.0), transforms.ExpTransform()
    assert from_numpyro(to_numpyro(scale)) is scale
    assert isinstance(back := from_numpyro(to_numpyro(scale).inv), Invert)
    assert back.bijector is scale
    assert isinstance(to_numpyro(from_numpyro(exp)), transforms.ExpTransform)
    assert isinstance(from_numpyro(transforms.AbsTransform()), AbsoluteValue)


# --------------------------------------------------------------------------------------------- to NumPyro

BASES = {
    "batched": (Chain([Shift(jnp.array([0.0, 1.0])), Exp()]), dist.Normal(0.0, 1.0)),
    "decreasing": (Scale(-2.0), dist.Normal(0.5, 1.0)),
    "vector": (ScaleMatvecTriL(jnp.array([[2.0, 0.0], [1.0, 0.5]])), dist.Normal(jnp.zeros(2), 1.0)),
    "simplex": (SoftmaxCentered(), dist.Normal(jnp.zeros((3, 2)), 1.0)),
}


@pytest.mark.parametrize("name", BASES)
def test_numpyro_s_transformed_distribution_agrees_with_ours(name, key):
    bijector, base = BASES[name]
    theirs, ours = dist.TransformedDistribution(base, [to_numpyro(bijector)]), bijector(base)
    assert (theirs.batch_shape, theirs.event_shape) == (ours.batch_shape, ours.event_shape)
    y, intermediates = theirs.sample_with_intermediates(key, (4,))
    assert y.shape == (4, *ours.batch_shape, *ours.event_shape)
    np.testing.assert_allclose(theirs.log_prob(y), ours.log_prob(y), **CLOSE)
    np.testing.assert_allclose(theirs.log_prob(y, intermediates), ours.log_prob(y), **CLOSE)
    assert jnp.all(theirs.support(y))
    if name == "decreasing":
        np.testing.assert_allclose(theirs.cdf(y), ours.cdf(y), **CLOSE)
        np.testing.assert_allclose(theirs.icdf(jnp.array(0.3)), ours.icdf(jnp.array(0.3)), **CLOSE)


def test_domains_are_constraints_on_whole_events():
    transform = to_numpyro(Softplus(low=1.0))
    assert transform.codomain.event_dim == 0
    free = biject_to(transform.codomain).inv(transform(jnp.array(-3.0)))
    assert jnp.isfinite(free)
    vector = to_numpyro(BASES["vector"][0])
    assert (vector.domain.event_dim, vector.codomain.event_dim) == (1, 1)
    with pytest.raises(NotImplementedError, match="no sign"):
        vector.sign  # noqa: B018


def test_the_log_det_is_computed_in_the_direction_that_is_no_loop(key, monkeypatch):
    flow = MaskedAutoregressiveFlow(AutoregressiveNetwork(2, (3,), hidden_units=(4,), key=key))
    called = []
    monkeypatch.setattr(
        type(flow), "_forward_and_log_det", lambda self, x: called.append("forward") or (x, jnp.zeros(()))
    )
    y = jnp.array([0.3, -1.0, 2.0])
    got = to_numpyro(flow).log_abs_det_jacobian(flow.inverse(y), y)
    np.testing.assert_allclose(got, -flow.inverse_log_det_jacobian(y), **CLOSE)
    assert not called


def test_a_transform_is_a_pytree_and_compares_by_value():
    transform = to_numpyro(Scale(2.0))
    assert jax.jit(lambda t, x: t(x))(transform, 3.0) == 6.0
    assert transform == to_numpyro(Scale(2.0))
    assert transform != to_numpyro(Scale(3.0))
    assert transform != to_numpyro(Shift(2.0))
    assert transform != transforms.ExpTransform()


def test_numpyro_finds_the_coordinates_in_which_it_samples(key):
    def model():
        x = numpyro.sample("x", dist.TransformedDistribution(dist.Normal(0.0, 1.0), [to_numpyro(Softplus(low=1.0))]))
        numpyro.sample("y", dist.Normal(x, 0.1), obs=2.0)

    parts = numpyro.infer.util.initialize_model(key, model)
    point = {"x": jnp.array(-7.0)}
    assert 1 < parts.postprocess_fn(point)["x"] < 1.1
    slope = jax.grad(parts.potential_fn)(point)["x"]
    assert jnp.isfinite(slope)
    assert slope != 0


# ------------------------------------------------------------------------------------------- from FlowJAX


class Planarish(eqx.Module):
    """y = scale x + loc + W c, with FlowJAX's interface: one event, one condition, a scalar log-det."""

    loc: jax.Array
    log_scale: jax.Array
    weights: jax.Array | None
    shape: tuple[int, ...]
    cond_shape: tuple[int, ...] | None
    activation: object = jnp.tanh

    def _shift(self, condition):
        if self.weights is None:
            return self.loc
        assert condition.shape == self.cond_shape
        return self.loc + self.activation(self.weights @ condition)

    def transform_and_log_det(self, x, condition=None):
        assert x.shape == self.shape
        return jnp.exp(self.log_scale) * x + self._shift(condition), self.log_scale.sum()

    def inverse_and_log_det(self, y, condition=None):
        assert y.shape == self.shape
        return (y - self._shift(condition)) / jnp.exp(self.log_scale), -self.log_scale.sum()


def planarish(condition=None):
    return Planarish(
        jnp.array([0.5, -1.0, 2.0]),
        jnp.array([0.3, -0.4, 0.1]),
        None if condition is None else 0.5 + jnp.arange(6.0).reshape(3, 2),
        (3,),
        condition,
    )


def test_a_bijection_of_flowjax_passes_the_suite():
    check_bijector(from_flowjax(planarish(), is_constant_jacobian=True), event_shape=(3,))


def test_a_conditional_bijection_of_flowjax_passes_the_suite():
    check_bijector(from_flowjax(planarish((2,))), event_shape=(3,), condition_dim=2)


def test_a_scalar_bijection_of_flowjax_gets_its_facts_from_the_caller():
    class Exponential(eqx.Module):
        shape: tuple[int, ...] = ()
        cond_shape: None = None

        def transform_and_log_det(self, x, condition=None):
            return jnp.exp(x), x

        def inverse_and_log_det(self, y, condition=None):
            return jnp.log(y), -jnp.log(y)

    b = from_flowjax(Exponential(), codomain=constraints.positive, is_increasing=True)
    log_normal = b(Normal(0.0, 1.0))
    y = jnp.array([0.5, -1.0, 2.0])
    np.testing.assert_allclose(log_normal.log_prob(y), Exp()(Normal(0.0, 1.0)).log_prob(y), **CLOSE)
    np.testing.assert_allclose(log_normal.cdf(y), Exp()(Normal(0.0, 1.0)).cdf(y), **CLOSE)


def test_flowjax_s_parameters_train_and_its_conditions_do_not():
    b = from_flowjax(planarish((2,)))
    assert jax.tree.leaves(pf.trainable(b)) == [True] * 3
    bound = b.condition(jnp.ones(2))
    assert jax.tree.leaves(pf.trainable(bound)) == [True] * 3 + [False]
    flow = from_flowjax(planarish())(MultivariateNormalDiag(jnp.zeros(3), jnp.ones(3)))
    result = pf.fit(
        jax.random.key(0), flow, 3.0 + np.random.default_rng(0).standard_normal((64, 3)).astype(np.float32),
        epochs=2, batch_size=32, progress=False,
    )  # fmt: skip
    before, after = flow.bijector.bijection, result.model.bijector.bijection
    assert not np.allclose(before.loc, after.loc)


def test_events_and_conditions_of_flowjax_have_their_shapes():
    b = from_flowjax(planarish((2,)))
    with pytest.raises(ValueError, match="expected a condition"):
        b.forward(jnp.zeros(3))
    with pytest.raises(ValueError, match=r"events of shape \(2,\)"):
        b.condition(jnp.zeros(3))
    with pytest.raises(ValueError, match=r"events of shape \(3,\)"):
        b.condition(jnp.zeros(2)).forward(jnp.zeros(1))
    y, log_det = b.condition(jnp.zeros((4, 1, 2))).forward_and_log_det(jnp.zeros((5, 3)))
    assert (y.shape, log_det.shape) == ((4, 5, 3), (4, 5))
    assert b.condition(jnp.zeros((4, 1, 2))).batch_shape((3,)) == (4, 1)


# ----------------------------------------------------------------------------------------------- from TFP


class Doubled:
    """y = 2 x with the interface of TensorFlow Probability; its log-det has no batch axes."""

    forward_min_event_ndims = inverse_min_event_ndims = 0
    is_constant_jacobian = True
    dtype = None

    def forward(self, x):
        return 2 * x

    def inverse(self, y):
        return y / 2

    def forward_log_det_jacobian(self, x, event_ndims=None):
        assert event_ndims == 0
        return np.log(2.0)

    def inverse_log_det_jacobian(self, y, event_ndims=None):
        return -np.log(2.0)


def test_a_bijector_of_tfp_passes_the_suite():
    b = from_tfp(Doubled(), is_increasing=True)
    check_bijector(b)
    assert b.forward_log_det_jacobian(jnp.ones((2, 3)), 1).shape == (2,)
    assert b(Normal(0.0, 1.0)).cdf(0.0) == 0.5


# ------------------------------------------------------------------------------------- what is not possible


class Folded(Doubled):
    _is_injective = False


REFUSED = {
    "a bijector as a transform": (lambda: from_numpyro(Exp()), TypeError, "expects a transform"),
    "a transform as a bijector": (lambda: to_numpyro(transforms.ExpTransform()), TypeError, "expects a bijector"),
    "events that are structures": (lambda: to_numpyro(JointMap([Exp()])), TypeError, "one array to one array"),
    "two inverses": (lambda: to_numpyro(AbsoluteValue()), ValueError, "one inverse"),
    "no flowjax": (lambda: from_flowjax(Exp()), TypeError, "transform_and_log_det.*got Exp"),
    "a class of flowjax": (lambda: from_flowjax(Planarish), TypeError, "got the class Planarish"),
    "no tfp": (lambda: from_tfp(jnp.exp), TypeError, "TensorFlow Probability's JAX substrate"),
    "ours for tfp": (lambda: from_tfp(Exp()), TypeError, "got Exp"),
    "two inverses of tfp": (lambda: from_tfp(Folded()), ValueError, "several inverses"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_say_what_to_give(case):
    build, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        build()


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("pushforward.interop.held.find_spec", lambda package: None)
    with pytest.raises(TypeError, match="flowjax is not installed here"):
        from_flowjax(object())
    with pytest.raises(TypeError, match="tensorflow_probability is not installed here"):
        from_tfp(object())


@pytest.mark.parametrize(
    "build",
    [lambda: from_numpyro(transforms.ExpTransform()), lambda: from_flowjax(planarish()), lambda: from_tfp(Doubled())],
    ids=["numpyro", "flowjax", "tfp"],
)
def test_save_refuses_in_one_sentence(build, tmp_path):
    model = Chain([build()])
    with pytest.raises(TypeError, match=r"^cannot save: model.bijectors\[0\] is a map of another library, ") as caught:
        pf.save(tmp_path / "model", model)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_save_refuses_a_distribution_of_numpyro_with_a_bijector_inside(tmp_path):
    with pytest.raises(TypeError, match="wrapped for another library"):
        pf.save(tmp_path / "model", dist.TransformedDistribution(dist.Normal(0.0, 1.0), [to_numpyro(Exp())]))
