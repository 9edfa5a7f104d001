"""Real bijectors of TensorFlow Probability's JAX substrate, where it is installed."""

import importlib
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import Blockwise, Exp, SinhArcsinh, Softplus
from pushforward.interop import from_tfp
from pushforward.testing import check_bijector

pytest.importorskip("tensorflow_probability")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # names of JAX that it uses are deprecated
    tfb = importlib.import_module("tensorflow_probability.substrates.jax").bijectors

# TensorFlow Probability mixes dtypes, and uses what JAX has deprecated.
pytestmark = [pytest.mark.standard_promotion, pytest.mark.filterwarnings("ignore")]

CASES = {
    "scalar": (lambda: tfb.SinhArcsinh(skewness=0.5), {"extremes": (-30.0, 0.0, 30.0), "output_extremes": (-9.0, 9.0)}),
    "batched": (lambda: tfb.Scale(jnp.array([0.5, -2.0])), {"batch_shape": (2,)}),
    "vector": (lambda: tfb.Chain([tfb.ScaleMatvecTriL(jnp.array([[1.0, 0.0], [2.0, 3.0]])), tfb.Shift(jnp.ones(2))]),
               {"event_shape": (2,)}),
    "structure": (lambda: tfb.JointMap({"a": tfb.Scale(2.0), "b": tfb.Shift(1.0)}),
                  {"event_shape": {"a": (), "b": ()}}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_suite(name):
    build, arguments = CASES[name]
    # Built in single precision, it computes in single precision.
    check_bijector(from_tfp(build()), **arguments, float64=1e-5, float32=1e-3)


def test_values_are_those_of_our_own(x64):
    x = jnp.linspace(-2.0, 2.0, 7)[:, None] + jnp.arange(3.0)
    half = np.float64(0.5)  # of a Python number it makes single precision
    pairs = [
        (tfb.Blockwise([tfb.Exp(), tfb.Softplus()], [2, 1]), Blockwise([Exp(), Softplus()], [2, 1])),
        (tfb.SinhArcsinh(skewness=half, tailweight=3 * half), SinhArcsinh(0.5, 1.5)),
    ]
    for theirs, ours in pairs:
        got = jax.jit(lambda b, x: b.forward_and_log_det(x))(from_tfp(theirs), x)
        for mine, right in zip(got, ours.forward_and_log_det(x), strict=True):
            np.testing.assert_allclose(mine, right, rtol=1e-10, atol=1e-12)
