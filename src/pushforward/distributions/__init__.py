"""Layer 3: distributions on NumPyro: transformed and conditional ones, and the bases people expect beside them."""

from numpyro.distributions import (
    Beta,
    Categorical,
    Cauchy,
    Chi2,
    Dirichlet,
    Distribution,
    Exponential,
    Gamma,
    HalfCauchy,
    HalfNormal,
    Independent,
    InverseGamma,
    Laplace,
    Logistic,
    LowRankMultivariateNormal,
    MixtureGeneral,
    MultivariateNormal,
    MultivariateStudentT,
    Normal,
    Pareto,
    StudentT,
    TruncatedNormal,
    Uniform,
    VonMises,
)

from .base import PytreeDistribution
from .cholesky_lkj import CholeskyLKJ
from .conditional import ConditionalDistribution
from .gaussian_mixture import GaussianMixture
from .generalized_extreme_value import GeneralizedExtremeValue
from .gumbel import Gumbel, StandardGumbel
from .heavy_tailed import IndependentStudentT
from .johnson_su import JohnsonSU
from .kl import estimate_kl_divergence, kl_divergence
from .kumaraswamy import Kumaraswamy
from .lambert_w_normal import LambertWNormal
from .learned_accept_reject import LearnedAcceptReject
from .log_normal import LogNormal
from .logit_normal import LogitNormal
from .mixture import Mixture
from .mixture_of_flows import MixtureOfFlows
from .mixture_same_family import MixtureSameFamily
from .multivariate_logistic import StandardLogistic, StandardMultivariateLogistic
from .multivariate_normal import MultivariateNormalDiagPlusLowRank, MultivariateNormalTriL
from .normal import MultivariateNormalDiag, StandardNormal
from .parametric import ParametricDistribution
from .relaxed_bernoulli import RelaxedBernoulli
from .relaxed_one_hot import ExpRelaxedOneHotCategorical, RelaxedOneHotCategorical
from .sample import Sample
from .sinh_arcsinh import SinhArcsinh
from .transformed import TransformedDistribution
from .weibull import Weibull

__all__ = [
    "Beta",
    "Categorical",
    "Cauchy",
    "Chi2",
    "CholeskyLKJ",
    "ConditionalDistribution",
    "Dirichlet",
    "Distribution",
    "ExpRelaxedOneHotCategorical",
    "Exponential",
    "Gamma",
    "GaussianMixture",
    "GeneralizedExtremeValue",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "IndependentStudentT",
    "InverseGamma",
    "JohnsonSU",
    "Kumaraswamy",
    "LambertWNormal",
    "Laplace",
    "LearnedAcceptReject",
    "LogNormal",
    "Logistic",
    "LogitNormal",
    "LowRankMultivariateNormal",
    "Mixture",
    "MixtureGeneral",
    "MixtureOfFlows",
    "MixtureSameFamily",
    "MultivariateNormal",
    "MultivariateNormalDiag",
    "MultivariateNormalDiagPlusLowRank",
    "MultivariateNormalTriL",
    "MultivariateStudentT",
    "Normal",
    "ParametricDistribution",
    "Pareto",
    "PytreeDistribution",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "Sample",
    "SinhArcsinh",
    "StandardGumbel",
    "StandardLogistic",
    "StandardMultivariateLogistic",
    "StandardNormal",
    "StudentT",
    "TransformedDistribution",
    "TruncatedNormal",
    "Uniform",
    "VonMises",
    "Weibull",
    "estimate_kl_divergence",
    "kl_divergence",
]
