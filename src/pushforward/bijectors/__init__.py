"""Layer 2: invertible maps, one idea a file."""

from ..nets import AutoregressiveNetwork
from .absolute_value import AbsoluteValue
from .act_norm import ActNorm
from .affine import Affine
from .base import Bijector
from .batch_normalization import BatchNormalization
from .blockwise import Blockwise
from .chain import Chain
from .composition import Composition
from .conditional_affine import ConditionalAffine
from .coupling import Coupling
from .exp import Exp
from .fill_scale_tril import FillScaleTriL
from .fill_triangular import FillTriangular
from .identity import Identity
from .inline import Inline
from .invert import Invert
from .joint_map import JointMap
from .leaky_relu import LeakyReLU
from .log import Log
from .logit import Logit
from .lu_linear import LULinear
from .masked_autoregressive import MaskedAutoregressiveFlow
from .normal_cdf import NormalCDF
from .permute import Permute
from .prelu import PReLU
from .rational_quadratic_spline import RationalQuadraticSpline
from .real_nvp import RealNVP, real_nvp_default_template
from .reshape import Reshape
from .restructure import Restructure, pack_sequence_as, tree_flatten
from .scale import Scale
from .scale_matvec_diag import ScaleMatvecDiag
from .scale_matvec_tril import ScaleMatvecTriL
from .shift import Shift
from .sigmoid import Sigmoid
from .softmax_centered import SoftmaxCentered
from .softplus import Softplus
from .split import Split
from .stack import Stack
from .standardized_condition import StandardizedCondition
from .tanh import Tanh
from .transform_diagonal import TransformDiagonal
from .transformers import AdditiveTransformer, AffineTransformer, InvertedTransformer, SplineTransformer, Transformer

__all__ = [
    "AbsoluteValue",
    "ActNorm",
    "AdditiveTransformer",
    "Affine",
    "AffineTransformer",
    "AutoregressiveNetwork",
    "BatchNormalization",
    "Bijector",
    "Blockwise",
    "Chain",
    "Composition",
    "ConditionalAffine",
    "Coupling",
    "Exp",
    "FillScaleTriL",
    "FillTriangular",
    "Identity",
    "Inline",
    "Invert",
    "InvertedTransformer",
    "JointMap",
    "LULinear",
    "LeakyReLU",
    "Log",
    "Logit",
    "MaskedAutoregressiveFlow",
    "NormalCDF",
    "PReLU",
    "Permute",
    "RationalQuadraticSpline",
    "RealNVP",
    "Reshape",
    "Restructure",
    "Scale",
    "ScaleMatvecDiag",
    "ScaleMatvecTriL",
    "Shift",
    "Sigmoid",
    "SoftmaxCentered",
    "Softplus",
    "SplineTransformer",
    "Split",
    "Stack",
    "StandardizedCondition",
    "Tanh",
    "TransformDiagonal",
    "Transformer",
    "pack_sequence_as",
    "real_nvp_default_template",
    "tree_flatten",
]
