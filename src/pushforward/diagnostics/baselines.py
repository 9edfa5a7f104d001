"""What a flow is measured against: a Gaussian, and the best mixture of Gaussians, on the same rows."""

import dataclasses
import math

import numpy as np

from .mixture import Mixture

COUNTS = (2, 3, 4, 5, 6, 8, 11, 15, 20)
# Steps at each number of components, and after the choice, for which fewer rows are enough.
_STEPS, _FINAL_STEPS = 25, 60
# The most numbers in the table of products z_i z_j of the rows, for the choice and after it (40 MB).
_CHOOSING_NUMBERS, _NUMBERS = 2_000_000, 5_000_000
_LEAST_ROWS, _MOST_ROWS = 4_000, 8_000


@dataclasses.dataclass(frozen=True)
class MixtureFigure:
    """The score of a Gaussian mixture.

    Attributes:
        components: how many Gaussians, each with a covariance of its own.
        nll: mean negative log density of the test rows, in nats and the units of the data.
        standard_error: of `nll`.
        log_density: of each test row.
    """

    components: int
    nll: float
    standard_error: float
    log_density: np.ndarray


def score(log_density: np.ndarray) -> tuple[float, float]:
    """(nll, standard error): the mean of -log density over rows, and the standard error of this mean."""
    values = np.asarray(log_density, np.float64)
    with np.errstate(invalid="ignore"):
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return -float(np.mean(values)), spread / math.sqrt(max(len(values), 1))


def gaussian_nll(train: np.ndarray, test: np.ndarray, *, given: int = 0) -> tuple[float, float]:
    """(nll, standard error) on `test` of the normal distribution with mean and covariance of `train`, in nats.

    Args:
        train: [rows, columns].
        test: [other rows, columns].
        given: so many last columns are a condition: the score is that of the others given these.
    """
    return score(Mixture.gaussian(train, given).log_density(test))


def best_mixture(
    train: np.ndarray,
    validation: np.ndarray,
    test: np.ndarray,
    *,
    most: int = 20,
    seed: int = 0,
    rows: int = 40_000,
    given: int = 0,
) -> MixtureFigure:
    """The Gaussian mixture with the number of components that scores best on `validation`, scored on `test`.

    Numbers of components are tried upwards on some thousand rows, until two in a row bring nothing; the best is then
    fitted further to up to `rows` rows. Columns are standardised for it, and 10^-6 is added to variances.

    Args:
        train: [rows, columns], for fitting.
        validation: for choosing.
        test: for the score alone.
        most: the largest number of components.
        seed: for the starts, and for the choice of rows where there are too many.
        rows: the most that the chosen mixture is fitted to.
        given: as in `gaussian_nll`.
    """
    rng = np.random.default_rng(seed)
    train = np.asarray(train, np.float64)
    best = Mixture.gaussian(train, given)
    columns = train.shape[1]
    products = columns * (columns + 3) // 2
    rows = min(rows, max(_LEAST_ROWS, _NUMBERS // products))
    choosing = min(max(_CHOOSING_NUMBERS // products, _LEAST_ROWS), _MOST_ROWS)
    train = train[np.sort(rng.permutation(len(train))[:rows])]
    few = train[np.sort(rng.permutation(len(train))[:choosing])]
    lowest, idle = score(best.log_density(validation))[0], 0
    for components in COUNTS:
        if components > most or idle == 2 or len(few) < components * (columns + 1):
            break
        candidate = best.started(few, components, rng).fitted(few, _STEPS)
        nll = score(candidate.log_density(validation))[0]
        idle = 0 if nll < lowest else idle + 1
        if nll < lowest:
            best, lowest = candidate, nll
    if best.components > 1:
        refined = best.fitted(train, _FINAL_STEPS)
        best = refined if score(refined.log_density(validation))[0] < lowest else best
    log_density = best.log_density(test)
    return MixtureFigure(best.components, *score(log_density), log_density)
