"""Layer 6: what a density knows, and whether it is right: entropy, information, regions, typical rows, tests.

    from pushforward import inference

    inference.entropy(key, flow)                              # 1.234 ± 0.008
    inference.expectation(key, flow, lambda x: x[:, 0] > 1)
    inference.mutual_information(key, flow, [0], [1, 2])
    region = inference.highest_density_region(key, flow, 0.9)
    inference.typicality_test(key, flow, rows)
    inference.fit_to_density(key, flow, log_density)          # variational: a flow towards an unnormalised density
    inference.goodness_of_fit(key, flow, held_out)            # p = 0.41; no column fails
    inference.c2st(key, flow, held_out)                       # accuracy of a classifier, 1/2 if all is right

All of them draw, so all take a key, and every number comes with its standard error (`distributions.Estimate`).
Marginals and conditionals of a joint density are methods of the flow: `flow.marginal([0, 2])`,
`flow.conditional({1: 0.5})`.
"""

from .goodness import GoodnessOfFit, goodness_of_fit
from .information import entropy, expectation, mutual_information
from .regions import HighestDensityRegion, highest_density_region
from .two_samples import ClassifierTest, c2st
from .typicality import Typicality, typicality_test
from .variational import FitToDensity, fit_to_density

__all__ = [
    "ClassifierTest",
    "FitToDensity",
    "GoodnessOfFit",
    "HighestDensityRegion",
    "Typicality",
    "c2st",
    "entropy",
    "expectation",
    "fit_to_density",
    "goodness_of_fit",
    "highest_density_region",
    "mutual_information",
    "typicality_test",
]
