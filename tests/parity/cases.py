"""The table: name of a bijector in TensorFlow Probability -> settings to compare it in.

A setting is a function of a namespace, ours or theirs, so that one line builds both: the names, the order of arguments
and the defaults are then compared as well. Where the two need different arguments (a linear operator, a network), it is
a pair. All numbers are float64, and written as such, since theirs takes its own defaults for float32; parameters with a
batch axis have 3 entries, as the last axis of the batch has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np

import pushforward.bijectors as ours

from .reference import tfb, tfl


def f(*value):
    """The numbers as float64: TFP takes plain ones for float32."""
    return np.asarray(value[0] if len(value) == 1 else value, np.float64)


# -------------------------------------------------------------------------- inputs


def line(rng, shape):
    return rng.uniform(-2.5, 2.5, shape)


def positive(rng, shape):
    return np.exp(rng.uniform(-2, 2, shape))


def unit(rng, shape):
    return rng.uniform(0.02, 0.98, shape)


def between(low, high):
    """Uniform numbers; the ends may have the batch shape of the parameters."""
    return lambda rng, shape: low + (high - low) * rng.uniform(0.01, 0.99, shape)


def away_from_zero(rng, shape):
    return positive(rng, shape) * rng.choice([-1.0, 1.0], shape)


def cholesky(rng, shape):
    """Lower-triangular matrices with a positive diagonal."""
    lower = np.tril(rng.normal(size=shape), -1)
    return lower + np.eye(shape[-1]) * rng.uniform(0.5, 2, (*shape[:-1], 1))


def triangular(rng, shape):
    """Lower-triangular matrices with a diagonal of either sign."""
    return cholesky(rng, shape) * rng.choice([-1.0, 1.0], (*shape[:-2], 1, shape[-1]))


def square_matrix(rng, shape):
    return rng.normal(size=shape)


@dataclass(frozen=True)
class Setting:
    """One comparison.

    Args:
        build: of a namespace; or a pair of functions without arguments, (ours, theirs).
        inputs: (random numbers, shape) -> inputs of forward; where events are pytrees, a function for each leaf.
        event: shape of an event on the input side; a pytree of shapes where events are pytrees.
        batch: shape of the batch.
    """

    build: Any
    inputs: Any = line
    event: Any = ()
    batch: tuple[int, ...] = (4, 3)

    def ours(self):
        return self.build[0]() if isinstance(self.build, tuple) else self.build(Namespace(ours))

    def theirs(self):
        return self.build[1]() if isinstance(self.build, tuple) else self.build(Namespace(tfb))


class Namespace:
    """Theirs or ours, with NumPy's numbers handed on as JAX's: of NumPy's, TFP makes float32 in some places."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        def build(*args, **kwargs):
            args, kwargs = jax.tree.map(_as_jax, (args, kwargs))
            return getattr(self._module, name)(*args, **kwargs)

        return build


def _as_jax(value):
    return jnp.asarray(value) if isinstance(value, np.ndarray) and value.dtype == np.float64 else value


def settings(*builds: Any, inputs: Any = line, event: Any = (), batch: tuple[int, ...] = (4, 3)) -> Sequence[Setting]:
    """Settings with the same inputs."""
    return [Setting(build, inputs, event, batch) for build in builds]


LOC, SCALE, CONCENTRATION = f(-1.0, 0.3, 2.0), f(0.5, 1.5, 3.0), f(0.4, 1.0, 2.5)
TRIL = f([[1.5, 0.0, 0.0], [-0.4, -0.8, 0.0], [0.3, 1.1, 2.0]])
TRILS = np.stack([TRIL, TRIL * f(2.0, 1.0, 0.5), -TRIL])
DIAGONAL = f(0.5, -2.0, 3.0)
MATRIX = f([[1.2, -0.3, 0.5], [0.4, 0.9, -1.1], [0.2, 0.8, 2.1]])
LU, PERMUTATION = f([[1.5, 0.3, -0.2], [0.4, -0.8, 0.6], [0.3, 1.1, 2.0]]), np.array([2, 0, 1])


# --------------------------------------------------------------------- networks

_STRICTLY_LOWER = f([[0, 0, 0], [0.7, 0, 0], [-0.4, 0.9, 0]])


def autoregressive(x):
    """(shift, log_scale) of each coordinate, from those before it."""
    hidden = jnp.tanh(x @ jnp.asarray(_STRICTLY_LOWER.T))
    return 0.5 * hidden + 0.1, 0.3 * hidden - 0.2


def autoregressive_shift(x):
    return jnp.tanh(x @ jnp.asarray(_STRICTLY_LOWER.T)), None


def coupled(x, units, *_, **__):
    """(shift, log_scale) of the last `units` coordinates, from those that stay."""
    total = jnp.sum(jnp.sin(x), -1, keepdims=True)
    weights = jnp.linspace(-0.5, 0.7, units)
    return total * weights + 0.2, jnp.tanh(total * weights[::-1])


def coupled_shift(x, units, *_, **__):
    return coupled(x, units)[0], None


# ------------------------------------------------------------------------- table

CASES: dict[str, Sequence[Setting]] = {
    # `AbsoluteValue` has a pair of inverses: see `test_absolute_value`.
    "Ascending": settings(lambda b: b.Ascending(), event=(4,)) + settings(lambda b: b.Ascending(), event=(1,)),
    "Blockwise": [
        *settings(
            lambda b: b.Blockwise([b.Exp(), b.Scale(f(2.0)), b.Sigmoid()], [1, 2, 1]),
            lambda b: b.Blockwise([b.Softplus(), b.ScaleMatvecTriL(TRIL)], block_sizes=[1, 3]),
            event=(4,),
        ),
        *settings(
            lambda b: b.Blockwise([b.Exp(), b.Shift(f(1.0)), b.Identity()]),
            lambda b: b.Blockwise([b.Exp(), b.IteratedSigmoidCentered()], [1, 2]),
            event=(3,),
        ),
    ],
    "Chain": [
        *settings(
            lambda b: b.Chain([b.Shift(f(1.0)), b.Scale(f(2.0))]),
            lambda b: b.Chain([b.Exp(), b.Shift(LOC), b.Scale(SCALE)]),
            lambda b: b.Chain([]),
        ),
        Setting(lambda b: b.Chain([b.Sigmoid(), b.ScaleMatvecTriL(TRIL), b.Shift(LOC)]), event=(3,)),
        Setting(lambda b: b.Chain([b.CholeskyOuterProduct(), b.FillScaleTriL(b.Exp(), None)]), event=(6,)),
    ],
    "CholeskyOuterProduct": settings(
        lambda b: b.CholeskyOuterProduct(), lambda b: b.CholeskyOuterProduct(), inputs=cholesky, event=(3, 3)
    ),
    "CholeskyToInvCholesky": settings(lambda b: b.CholeskyToInvCholesky(), inputs=cholesky, event=(3, 3))
    + settings(lambda b: b.CholeskyToInvCholesky(), inputs=cholesky, event=(1, 1)),
    "CorrelationCholesky": settings(lambda b: b.CorrelationCholesky(), event=(6,))
    + settings(lambda b: b.CorrelationCholesky(), event=(1,)),
    "Cumsum": settings(lambda b: b.Cumsum(), lambda b: b.Cumsum(axis=-1), event=(3,))
    + settings(lambda b: b.Cumsum(-2), event=(3, 2)),
    "Exp": settings(lambda b: b.Exp()),
    "Expm1": settings(lambda b: b.Expm1()),
    "FillScaleTriL": settings(
        lambda b: b.FillScaleTriL(diag_shift=f(1e-5)),
        lambda b: b.FillScaleTriL(diag_bijector=b.Exp(), diag_shift=None),
        lambda b: b.FillScaleTriL(b.Softplus(f(0.5)), f(0.1)),
        event=(6,),
    ),
    "FillTriangular": settings(lambda b: b.FillTriangular(), lambda b: b.FillTriangular(upper=True), event=(6,))
    + settings(lambda b: b.FillTriangular(), event=(10,)),
    "FrechetCDF": settings(lambda b: b.FrechetCDF(f(0.0), f(1.0), f(1.0)), inputs=between(0.3, 5))
    + settings(
        lambda b: b.FrechetCDF(LOC, SCALE, CONCENTRATION),
        lambda b: b.FrechetCDF(loc=LOC, concentration=f(2.0), scale=SCALE),
        inputs=between(LOC + 0.4 * SCALE, LOC + 5 * SCALE),
    ),
    "GeneralizedExtremeValueCDF": settings(lambda b: b.GeneralizedExtremeValueCDF())
    + settings(
        lambda b: b.GeneralizedExtremeValueCDF(LOC, SCALE, f(0.5, -0.3, 0.0)),
        lambda b: b.GeneralizedExtremeValueCDF(LOC, SCALE, concentration=f(0.4)),
        inputs=between(LOC - SCALE, LOC + 2 * SCALE),
    ),
    "GeneralizedPareto": settings(
        lambda b: b.GeneralizedPareto(f(0.5), f(2.0), f(0.3)),
        lambda b: b.GeneralizedPareto(LOC, SCALE, f(0.5, -0.3, 0.0)),
        lambda b: b.GeneralizedPareto(loc=LOC, scale=f(1.0), concentration=f(-2.0)),
    ),
    "GompertzCDF": settings(
        lambda b: b.GompertzCDF(f(0.3), f(1.2)),
        lambda b: b.GompertzCDF(concentration=CONCENTRATION, rate=f(0.5, 1.0, 0.2)),
        inputs=between(0.05, 1.4),
    ),
    "GumbelCDF": settings(
        lambda b: b.GumbelCDF(),
        lambda b: b.GumbelCDF(LOC, SCALE),
        lambda b: b.GumbelCDF(scale=f(2.0)),
    ),
    "Householder": settings(
        lambda b: b.Householder(f(0.6, 0.0, -0.8)),
        lambda b: b.Householder(reflection_axis=MATRIX / np.linalg.norm(MATRIX, axis=-1, keepdims=True)),
        event=(3,),
    ),
    "Identity": settings(lambda b: b.Identity()),
    "Inline": settings(
        lambda b: b.Inline(
            forward_fn=jnp.exp,
            inverse_fn=jnp.log,
            inverse_log_det_jacobian_fn=lambda y: -jnp.log(y),
            forward_min_event_ndims=0,
        ),
        lambda b: b.Inline(
            lambda x: 2 * x,
            lambda y: y / 2,
            forward_log_det_jacobian_fn=lambda x: jnp.log(jnp.full((), 2, x.dtype)),
            is_constant_jacobian=True,
            forward_min_event_ndims=0,
        ),
    )
    + settings(
        lambda b: b.Inline(
            forward_fn=lambda x: x[..., ::-1],
            inverse_fn=lambda y: y[..., ::-1],
            inverse_log_det_jacobian_fn=lambda y: jnp.zeros((), y.dtype),
            forward_min_event_ndims=1,
        ),
        event=(3,),
    ),
    "Invert": settings(lambda b: b.Invert(b.Softplus()), inputs=positive)
    + settings(lambda b: b.Invert(b.Scale(SCALE)))
    + settings(lambda b: b.Invert(b.FillTriangular()), inputs=triangular, event=(3, 3)),
    "IteratedSigmoidCentered": settings(lambda b: b.IteratedSigmoidCentered(), event=(3,))
    + settings(lambda b: b.IteratedSigmoidCentered(), event=(1,)),
    "JointMap": settings(lambda b: b.JointMap([b.Exp(), b.Scale(SCALE)]), inputs=[line, line], event=[(), ()])
    + settings(
        lambda b: b.JointMap({"a": b.Softplus(), "b": b.ScaleMatvecTriL(TRIL)}),
        inputs={"a": line, "b": line},
        event={"a": (), "b": (3,)},
    ),
    "KumaraswamyCDF": settings(
        lambda b: b.KumaraswamyCDF(),
        lambda b: b.KumaraswamyCDF(CONCENTRATION, SCALE),
        lambda b: b.KumaraswamyCDF(concentration1=f(2.0), concentration0=CONCENTRATION),
        inputs=between(0.1, 0.9),
    ),
    "LambertWTail": settings(
        lambda b: b.LambertWTail(f(0.3), f(1.5), f(0.2)),
        lambda b: b.LambertWTail(LOC, SCALE, f(0.1, 0.5, 0.01)),
        lambda b: b.LambertWTail(shift=f(0.0), scale=f(1.0), tailweight=f(0.5)),
    ),
    "Log": settings(lambda b: b.Log(), inputs=positive),
    "Log1p": settings(lambda b: b.Log1p(), inputs=between(-0.95, 3)),
    "MaskedAutoregressiveFlow": settings(
        lambda b: b.MaskedAutoregressiveFlow(autoregressive),
        lambda b: b.MaskedAutoregressiveFlow(shift_and_log_scale_fn=autoregressive_shift, unroll_loop=True),
        lambda b: b.MaskedAutoregressiveFlow(bijector_fn=lambda x, **_: b.Scale(jnp.exp(autoregressive(x)[1]))),
        event=(3,),
    ),
    "MatrixInverseTriL": settings(lambda b: b.MatrixInverseTriL(), inputs=triangular, event=(3, 3))
    + settings(lambda b: b.MatrixInverseTriL(), inputs=triangular, event=(1, 1)),
    "MatvecLU": settings(
        lambda b: b.MatvecLU(LU, PERMUTATION),
        lambda b: b.MatvecLU(lower_upper=np.stack([LU, 2 * LU, LU - 0.1]), permutation=PERMUTATION[::-1].copy()),
        event=(3,),
    ),
    "MoyalCDF": settings(
        lambda b: b.MoyalCDF(),
        lambda b: b.MoyalCDF(LOC, SCALE),
        lambda b: b.MoyalCDF(scale=f(3.0), loc=LOC),
        inputs=between(-1, 2),
    ),
    "NormalCDF": settings(lambda b: b.NormalCDF()),
    "Pad": settings(
        lambda b: b.Pad(),
        lambda b: b.Pad(paddings=[(2, 1)], constant_values=f(0.5)),
        event=(3,),
    )
    + settings(
        lambda b: b.Pad(paddings=[(0, 1), (2, 1)], constant_values=f(-1.0)),
        lambda b: b.Pad(paddings=[(1, 1)], axis=[-2]),  # theirs cannot do other modes than "CONSTANT" on JAX
        event=(3, 2),
    ),
    "Permute": settings(
        lambda b: b.Permute([2, 0, 1]), lambda b: b.Permute(permutation=np.array([1, 0, 2]), axis=-1), event=(3,)
    )
    + settings(lambda b: b.Permute([1, 2, 0], axis=-2), event=(3, 2)),
    "Power": settings(
        lambda b: b.Power(f(2.0)),
        lambda b: b.Power(power=f(-0.5, 0.3, 3.0)),
        inputs=positive,
    )
    + settings(lambda b: b.Power(f(3.0)), inputs=away_from_zero),
    "PowerTransform": settings(lambda b: b.PowerTransform())
    + settings(lambda b: b.PowerTransform(0.5), lambda b: b.PowerTransform(power=2.0), inputs=between(-0.4, 4)),
    "RationalQuadraticSpline": settings(
        lambda b: b.RationalQuadraticSpline(f(0.5, 1.0, 0.25, 0.25), f(0.25, 0.5, 1.0, 0.25), f(0.5, 4.0, 0.125)),
        lambda b: b.RationalQuadraticSpline(
            bin_widths=f([[1.0, 2.0, 1.0], [2.0, 1.5, 0.5], [1.0, 1.0, 2.0]]),
            bin_heights=f([[2.0, 1.0, 1.0], [1.0, 1.0, 2.0], [0.5, 1.5, 2.0]]),
            knot_slopes=f([[1.0, 2.0], [0.5, 0.3], [3.0, 1.5]]),
            range_min=f(-2.0),
        ),
    ),
    "RayleighCDF": settings(
        lambda b: b.RayleighCDF(f(1.0)), lambda b: b.RayleighCDF(SCALE), inputs=between(0.1 * SCALE, 2.5 * SCALE)
    ),
    "RealNVP": settings(
        lambda b: b.RealNVP(num_masked=2, shift_and_log_scale_fn=coupled),
        lambda b: b.RealNVP(2, shift_and_log_scale_fn=coupled_shift),
        lambda b: b.RealNVP(num_masked=-1, shift_and_log_scale_fn=coupled),
        lambda b: b.RealNVP(fraction_masked=0.5, shift_and_log_scale_fn=coupled),
        lambda b: b.RealNVP(1, bijector_fn=lambda x, units, **_: b.Scale(jnp.exp(coupled(x, units)[1]))),
        event=(4,),
    ),
    "Reciprocal": settings(lambda b: b.Reciprocal(), inputs=positive)
    + settings(lambda b: b.Reciprocal(), inputs=away_from_zero),
    "Reshape": settings(
        lambda b: b.Reshape([3, 2]),
        lambda b: b.Reshape(event_shape_out=[2, -1], event_shape_in=[-1]),
        event=(6,),
    )
    + settings(lambda b: b.Reshape([6], [2, 3]), event=(2, 3)),
    "Restructure": settings(
        lambda b: b.Restructure({"a": 1, "b": [0, 2]}), inputs=[line, line, line], event=[(), (), ()]
    )
    + settings(
        lambda b: b.Restructure(output_structure=["u", "v"], input_structure={"first": "v", "second": "u"}),
        inputs={"first": line, "second": line},
        event={"first": (), "second": ()},
    ),
    "Scale": settings(
        lambda b: b.Scale(f(-2.5)),
        lambda b: b.Scale(scale=f(0.5, -1.5, 3.0)),
        lambda b: b.Scale(log_scale=f(0.3)),
        lambda b: b.Scale(None, LOC),
    ),
    "ScaleMatvecDiag": settings(
        lambda b: b.ScaleMatvecDiag(f(0.5, -2.0, 3.0)),
        lambda b: b.ScaleMatvecDiag(scale_diag=MATRIX, adjoint=True),
        event=(3,),
    ),
    "ScaleMatvecLU": settings(
        lambda b: b.ScaleMatvecLU(LU, PERMUTATION),
        lambda b: b.ScaleMatvecLU(lower_upper=np.stack([LU, 2 * LU, LU - 0.1]), permutation=PERMUTATION[::-1].copy()),
        event=(3,),
    ),
    # Theirs takes a LinearOperator of TensorFlow, ours one of Lineax.
    "ScaleMatvecLinearOperator": settings(
        (
            lambda: ours.ScaleMatvecLinearOperator(lx.DiagonalLinearOperator(jnp.asarray(DIAGONAL))),
            lambda: tfb.ScaleMatvecLinearOperator(tfl.LinearOperatorDiag(DIAGONAL)),
        ),
        (
            lambda: ours.ScaleMatvecLinearOperator(lx.MatrixLinearOperator(jnp.asarray(MATRIX))),
            lambda: tfb.ScaleMatvecLinearOperator(tfl.LinearOperatorFullMatrix(MATRIX)),
        ),
        (
            lambda: ours.ScaleMatvecLinearOperator(
                lx.MatrixLinearOperator(jnp.asarray(TRIL), lx.lower_triangular_tag), adjoint=True
            ),
            lambda: tfb.ScaleMatvecLinearOperator(tfl.LinearOperatorLowerTriangular(TRIL), adjoint=True),
        ),
        event=(3,),
    ),
    "ScaleMatvecTriL": settings(
        lambda b: b.ScaleMatvecTriL(TRIL),
        lambda b: b.ScaleMatvecTriL(TRIL, adjoint=True),
        lambda b: b.ScaleMatvecTriL(scale_tril=TRILS),
        event=(3,),
    ),
    "Shift": settings(lambda b: b.Shift(f(-1.5)), lambda b: b.Shift(shift=LOC)),
    "ShiftedGompertzCDF": settings(
        lambda b: b.ShiftedGompertzCDF(f(0.3), f(1.2)),
        lambda b: b.ShiftedGompertzCDF(concentration=CONCENTRATION, rate=SCALE),
        inputs=between(0.1, 2.5),
    ),
    "Sigmoid": settings(
        lambda b: b.Sigmoid(),
        lambda b: b.Sigmoid(f(-1.0), f(2.5)),
        lambda b: b.Sigmoid(low=LOC, high=LOC + SCALE),
    ),
    "Sinh": settings(lambda b: b.Sinh()),
    "SinhArcsinh": settings(
        lambda b: b.SinhArcsinh(f(0.0), f(1.0)),
        lambda b: b.SinhArcsinh(f(0.3), f(1.4)),
        lambda b: b.SinhArcsinh(skewness=LOC, tailweight=SCALE),
    ),
    "SoftClip": settings(
        lambda b: b.SoftClip(f(-1.0), f(2.5)),
        lambda b: b.SoftClip(low=f(-1.5)),
        lambda b: b.SoftClip(high=LOC, hinge_softness=f(0.7)),
        lambda b: b.SoftClip(LOC, LOC + SCALE, CONCENTRATION),
    ),
    "Softfloor": settings(
        lambda b: b.Softfloor(f(1.0)), lambda b: b.Softfloor(temperature=f(0.3, 0.6, 2.0)), inputs=between(-3, 3)
    ),
    "SoftmaxCentered": settings(lambda b: b.SoftmaxCentered(), event=(3,))
    + settings(lambda b: b.SoftmaxCentered(), event=(1,)),
    "Softplus": settings(
        lambda b: b.Softplus(),
        lambda b: b.Softplus(f(0.3), f(-0.5)),
        lambda b: b.Softplus(hinge_softness=SCALE, low=LOC),
    ),
    "Softsign": settings(lambda b: b.Softsign()),
    "Split": settings(
        lambda b: b.Split([1, -1]),
        lambda b: b.Split(num_or_size_splits=[1, 2], axis=-1),
        lambda b: b.Split(3),
        event=(3,),
    )
    + settings(lambda b: b.Split(3, axis=-2), event=(3, 2)),
    "Square": settings(lambda b: b.Square(), inputs=positive),
    "Tanh": settings(lambda b: b.Tanh()),
    "TransformDiagonal": settings(
        lambda b: b.TransformDiagonal(b.Exp()),
        lambda b: b.TransformDiagonal(diag_bijector=b.Softplus(LOC**2)),
        inputs=square_matrix,
        event=(3, 3),
    ),
    "Transpose": settings(
        lambda b: b.Transpose(rightmost_transposed_ndims=2), lambda b: b.Transpose(perm=[0, 1]), event=(3, 2)
    )
    + settings(lambda b: b.Transpose([2, 0, 1]), event=(3, 2, 4)),
    "UnitVector": settings(lambda b: b.UnitVector(), event=(3,)) + settings(lambda b: b.UnitVector(), event=(1,)),
    "WeibullCDF": settings(
        lambda b: b.WeibullCDF(f(1.0), f(1.0)),
        lambda b: b.WeibullCDF(SCALE, CONCENTRATION),
        lambda b: b.WeibullCDF(concentration=f(1.5), scale=SCALE),
        inputs=between(0.1 * SCALE, 1.8 * SCALE),
    ),
    # These two are functions that build a Restructure.
    "pack_sequence_as": settings(
        lambda b: b.pack_sequence_as({"a": [0.0, 0.0], "b": 0.0}), inputs=[line] * 3, event=[()] * 3
    ),
    "tree_flatten": settings(
        lambda b: b.tree_flatten({"a": [0.0, 0.0], "b": 0.0}),
        inputs={"a": [line, line], "b": line},
        event={"a": [(), ()], "b": ()},
    ),
}
