"""Layer 5: is this flow right, and good, on this data?"""

from .baselines import MixtureFigure, best_mixture, gaussian_nll, score
from .calibration import Calibration, calibration, distance_pit, holm, ks_p_value, pit, two_samples, uniformity
from .certificate import check
from .findings import Certificate, Finding, LayerReport

__all__ = [
    "Calibration",
    "Certificate",
    "Finding",
    "LayerReport",
    "MixtureFigure",
    "best_mixture",
    "calibration",
    "check",
    "distance_pit",
    "gaussian_nll",
    "holm",
    "ks_p_value",
    "pit",
    "score",
    "two_samples",
    "uniformity",
]
