"""What a flow is measured against: computed once, then kept in the model's record."""

import dataclasses
from typing import Any

import numpy as np

from ..diagnostics import best_mixture, gaussian_nll, score


@dataclasses.dataclass(frozen=True)
class Score:
    """Mean negative log density in nats, and its standard error."""

    nll: float
    error: float


@dataclasses.dataclass(frozen=True)
class Baselines:
    """What the flow is measured against, on the same rows.

    Attributes:
        gaussian: the normal distribution.
        mixture: the best mixture of Gaussians.
        components: of that.
        gain: how many nats a row the flow is better than the mixture, with the standard error of this difference.
    """

    gaussian: Score
    mixture: Score
    components: int
    gain: Score


def error_of(entry: dict[str, Any]) -> float:
    """The standard error of an entry of a record, NaN if it has none."""
    value = entry.get("standard_error")
    return float("nan") if value is None else float(value)


def measured(
    record: dict[str, Any], rest: np.ndarray, held_out: np.ndarray, given: int, log_density: np.ndarray
) -> Baselines:
    """From the record, or computed and noted there. A fifth of the rest, in random order, chooses the mixture."""
    known = recorded(record)
    if known is not None:
        return known
    gaussian = Score(*gaussian_nll(rest, held_out, given=given))
    fifth = max(1, min(len(rest) // 5, 8_000))
    mixture = best_mixture(rest[fifth:], rest[:fifth], held_out, given=given)
    lost, error = score(log_density - mixture.log_density)
    found = Baselines(gaussian, Score(mixture.nll, mixture.standard_error), mixture.components, Score(-lost, error))
    if all(np.isfinite([gaussian.nll, mixture.nll, lost, error])):
        record["baselines"] = {
            "gaussian": {"nll": gaussian.nll, "standard_error": gaussian.error},
            "mixture": {"components": mixture.components, "nll": mixture.nll, "standard_error": mixture.standard_error},
            "gain": {"nats": -lost, "standard_error": error},
        }
    return found


def recorded(record: dict[str, Any]) -> Baselines | None:
    """The baselines that a record holds."""
    known = record.get("baselines") or {}
    if not {"gaussian", "mixture", "gain"} <= set(known):
        return None
    gaussian, mixture, gain = (known[name] for name in ("gaussian", "mixture", "gain"))
    return Baselines(
        Score(gaussian["nll"], error_of(gaussian)),
        Score(mixture["nll"], error_of(mixture)),
        int(mixture["components"]),
        Score(gain["nats"], error_of(gain)),
    )
