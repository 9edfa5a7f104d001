"""Layer 2: invertible maps, one idea a file."""

from ..nets import AutoregressiveNetwork
from .absolute_value import AbsoluteValue
from .act_norm import ActNorm
from .affine import Affine
from .ascending import Ascending
from .base import Bijector
from .batch_normalization import BatchNormalization
from .bernstein import BernsteinPolynomial, BernsteinTransformer
from .blockwise import Blockwise
from .categorical_to_discrete import CategoricalToDiscrete
from .cdf import CDF
from .chain import Chain
from .cholesky_outer_product import CholeskyOuterProduct
from .cholesky_to_inv_cholesky import CholeskyToInvCholesky
from .circular_spline import CircularSpline, CircularSplineTransformer
from .composition import Composition
from .conditional_affine import ConditionalAffine
from .correlation_cholesky import CorrelationCholesky
from .coupling import Coupling
from .cubic_spline import CubicSpline, CubicSplineTransformer
from .cumsum import Cumsum
from .discrete_cosine_transform import DiscreteCosineTransform
from .exp import Exp
from .expm1 import Expm1
from .fill_scale_tril import FillScaleTriL
from .fill_triangular import FillTriangular
from .frechet_cdf import FrechetCDF
from .generalized_extreme_value_cdf import GeneralizedExtremeValueCDF
from .generalized_pareto import GeneralizedPareto
from .gompertz_cdf import GompertzCDF
from .gumbel_cdf import GumbelCDF
from .householder import Householder
from .identity import Identity
from .inline import Inline
from .invert import Invert
from .invertible_conv_1x1 import InvertibleConv1x1
from .iterated_sigmoid_centered import IteratedSigmoidCentered
from .joint_map import JointMap
from .kumaraswamy_cdf import KumaraswamyCDF
from .lambert_w_tail import LambertWTail
from .leaky_relu import LeakyReLU
from .linear_rational_spline import LinearRationalSpline, LinearRationalSplineTransformer
from .linear_spline import LinearSpline, LinearSplineTransformer
from .log import Log
from .log1p import Log1p
from .logit import Logit
from .lu_linear import LULinear
from .masked_autoregressive import MaskedAutoregressiveFlow
from .matrix_inverse_tril import MatrixInverseTriL
from .mixture_of_logistics_cdf import MixtureOfLogisticsCDF
from .moyal_cdf import MoyalCDF
from .normal_cdf import NormalCDF
from .pad import Pad
from .permute import Permute
from .planar import Planar
from .power import Power
from .power_transform import PowerTransform
from .prelu import PReLU
from .quadratic_spline import QuadraticSpline, QuadraticSplineTransformer
from .radial import Radial
from .rational_quadratic_spline import RationalQuadraticSpline
from .rayleigh_cdf import RayleighCDF
from .real_nvp import RealNVP, real_nvp_default_template
from .reciprocal import Reciprocal
from .reshape import Reshape
from .restructure import Restructure, pack_sequence_as, tree_flatten
from .scale import Scale
from .scale_matvec_diag import ScaleMatvecDiag
from .scale_matvec_linear_operator import ScaleMatvecLinearOperator
from .scale_matvec_lu import MatvecLU, ScaleMatvecLU
from .scale_matvec_tril import ScaleMatvecTriL
from .shift import Shift
from .shifted_gompertz_cdf import ShiftedGompertzCDF
from .sigmoid import Sigmoid
from .sinh import Sinh
from .sinh_arcsinh import SinhArcsinh
from .soft_clip import SoftClip
from .softfloor import Softfloor
from .softmax_centered import SoftmaxCentered
from .softplus import Softplus
from .softsign import Softsign
from .split import Split
from .square import Square
from .squeeze import Squeeze
from .stack import Stack
from .standardized_condition import StandardizedCondition
from .student_t_cdf import StudentTCDF
from .sum_of_squares import SumOfSquaresPolynomial, SumOfSquaresTransformer
from .sylvester import Sylvester
from .tanh import Tanh
from .transform_diagonal import TransformDiagonal
from .transformers import AdditiveTransformer, AffineTransformer, InvertedTransformer, SplineTransformer, Transformer
from .transpose import Transpose
from .unit_vector import UnitVector
from .weibull_cdf import WeibullCDF

__all__ = [
    "CDF",
    "AbsoluteValue",
    "ActNorm",
    "AdditiveTransformer",
    "Affine",
    "AffineTransformer",
    "Ascending",
    "AutoregressiveNetwork",
    "BatchNormalization",
    "BernsteinPolynomial",
    "BernsteinTransformer",
    "Bijector",
    "Blockwise",
    "CategoricalToDiscrete",
    "Chain",
    "CholeskyOuterProduct",
    "CholeskyToInvCholesky",
    "CircularSpline",
    "CircularSplineTransformer",
    "Composition",
    "ConditionalAffine",
    "CorrelationCholesky",
    "Coupling",
    "CubicSpline",
    "CubicSplineTransformer",
    "Cumsum",
    "DiscreteCosineTransform",
    "Exp",
    "Expm1",
    "FillScaleTriL",
    "FillTriangular",
    "FrechetCDF",
    "GeneralizedExtremeValueCDF",
    "GeneralizedPareto",
    "GompertzCDF",
    "GumbelCDF",
    "Householder",
    "Identity",
    "Inline",
    "Invert",
    "InvertedTransformer",
    "InvertibleConv1x1",
    "IteratedSigmoidCentered",
    "JointMap",
    "KumaraswamyCDF",
    "LULinear",
    "LambertWTail",
    "LeakyReLU",
    "LinearRationalSpline",
    "LinearRationalSplineTransformer",
    "LinearSpline",
    "LinearSplineTransformer",
    "Log",
    "Log1p",
    "Logit",
    "MaskedAutoregressiveFlow",
    "MatrixInverseTriL",
    "MatvecLU",
    "MixtureOfLogisticsCDF",
    "MoyalCDF",
    "NormalCDF",
    "PReLU",
    "Pad",
    "Permute",
    "Planar",
    "Power",
    "PowerTransform",
    "QuadraticSpline",
    "QuadraticSplineTransformer",
    "Radial",
    "RationalQuadraticSpline",
    "RayleighCDF",
    "RealNVP",
    "Reciprocal",
    "Reshape",
    "Restructure",
    "Scale",
    "ScaleMatvecDiag",
    "ScaleMatvecLU",
    "ScaleMatvecLinearOperator",
    "ScaleMatvecTriL",
    "Shift",
    "ShiftedGompertzCDF",
    "Sigmoid",
    "Sinh",
    "SinhArcsinh",
    "SoftClip",
    "Softfloor",
    "SoftmaxCentered",
    "Softplus",
    "Softsign",
    "SplineTransformer",
    "Split",
    "Square",
    "Squeeze",
    "Stack",
    "StandardizedCondition",
    "StudentTCDF",
    "SumOfSquaresPolynomial",
    "SumOfSquaresTransformer",
    "Sylvester",
    "Tanh",
    "TransformDiagonal",
    "Transformer",
    "Transpose",
    "UnitVector",
    "WeibullCDF",
    "pack_sequence_as",
    "real_nvp_default_template",
    "tree_flatten",
]
