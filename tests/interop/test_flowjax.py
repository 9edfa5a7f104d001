"""Real bijections of FlowJAX, where it is installed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.interop import from_flowjax
from pushforward.testing import check_bijector

flowjax = pytest.importorskip("flowjax")
bijections = pytest.importorskip("flowjax.bijections")

pytestmark = pytest.mark.standard_promotion  # FlowJAX mixes dtypes.


def spline(key):
    return bijections.RationalQuadraticSpline(knots=4, interval=3)


def affine(key):
    return bijections.Affine(jnp.array([0.5, -1.0]), jnp.array([0.3, 2.0]))


def coupling(key):
    return bijections.Coupling(
        key, transformer=bijections.Affine(), untransformed_dim=1, dim=3, cond_dim=2, nn_width=4, nn_depth=1
    )


def flow(key):
    layers = [bijections.Affine(jnp.ones(2), jnp.full(2, 1.5)), bijections.Permute(jnp.array([1, 0]))]
    return bijections.Invert(bijections.Chain(layers))


CASES = {
    "spline": (spline, {}),
    "affine": (affine, {"event_shape": (2,)}),
    "coupling": (
        coupling,
        {
            "event_shape": (3,),
            "condition_dim": 2,
            "conditioned": (False, True, True),
            "extremes": (-4.0, 4.0),
            "output_extremes": (-4.0, 4.0),
        },
    ),
    "chain": (flow, {"event_shape": (2,)}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_suite(name, key):
    build, arguments = CASES[name]
    # In 64 bits FlowJAX makes constants of the default dtype.
    check_bijector(from_flowjax(build(key)), **arguments, exempt=["shapes"])


def test_values_are_flowjax_s(key):
    theirs = coupling(key)
    ours = from_flowjax(theirs).condition(jnp.array([0.3, -0.2]))
    x = jax.random.normal(key, (5, 3))
    want = jax.vmap(lambda x: theirs.transform_and_log_det(x, jnp.array([0.3, -0.2])))(x)
    for got, right in zip(ours.forward_and_log_det(x), want, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-5, atol=1e-6)
