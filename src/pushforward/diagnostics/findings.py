"""What a certificate says, and how it prints."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Finding:
    """One figure against its threshold.

    Attributes:
        name: what was looked at.
        ok: whether the figure is within the threshold; None if the check could not decide or does not apply.
        figure: the worst case found.
        threshold: the most that is accepted there.
        unit: of both.
        where: the row or layer of the worst case.
        reason: what the figure is, why the threshold is what it is, and if it fails, what to look at.
    """

    name: str
    ok: bool | None
    figure: float
    threshold: float
    unit: str
    where: str
    reason: str


@dataclasses.dataclass(frozen=True)
class LayerReport:
    """One layer, seen at some rows of the data, in float64.

    Attributes:
        name: its place in the model.
        kind: its class.
        round_trip: largest |forward(inverse(y)) - y|, in spreads of the coordinate.
        log_det: largest difference of a log-determinant to automatic differentiation, in nats; NaN if not square.
        digits_lost: decimal digits that the layer takes from numbers rounded to the flow's dtype, in its worse
            direction.
    """

    name: str
    kind: str
    round_trip: float
    log_det: float
    digits_lost: float


@dataclasses.dataclass(frozen=True)
class Certificate:
    """The result of `check`: `ok`, the findings and the layers. `print(certificate)` shows a table.

    Attributes:
        findings: every figure, its threshold and reason.
        layers: one report a layer, from the data inwards.
        subject: the flow and data in a few words.
    """

    findings: tuple[Finding, ...]
    layers: tuple[LayerReport, ...]
    subject: str

    @property
    def ok(self) -> bool:
        """Whether no finding fails. Undecided ones (`ok` is None) do not fail."""
        return all(finding.ok is not False for finding in self.findings)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that fail."""
        return tuple(finding for finding in self.findings if finding.ok is False)

    def __getitem__(self, name: str) -> Finding:
        """The finding of that name."""
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(f"no finding {name!r}; there are {[finding.name for finding in self.findings]}")

    def __str__(self) -> str:
        failed = len(self.failures)
        head = "all holds" if not failed else f"{failed} of {len(self.findings)} checks FAIL"
        lines = [f"Certificate: {head}  ({self.subject})", ""]
        verdicts = {True: "ok", False: "FAIL", None: "?"}
        rows = [("", "check", "figure", "at most", "unit", "worst at")]
        rows += [
            (verdicts[f.ok], f.name, _number(f.figure), _number(f.threshold), f.unit, f.where) for f in self.findings
        ]
        lines += _table(rows)
        if self.layers:
            lines += ["", "Layers from the data inwards"]
            table = [("layer", "class", "round trip", "log-det", "digits lost")]
            table += [
                (r.name, r.kind, _number(r.round_trip), _number(r.log_det), f"{r.digits_lost:.1f}") for r in self.layers
            ]
            lines += _table(table)
        for finding in self.findings:
            if finding.ok is not True:
                lines += ["", f"{finding.name}: {finding.reason}"]
        return "\n".join(lines)


def worst(error: np.ndarray, allowed: np.ndarray) -> int:
    """The index of the largest error for what is allowed there; NaN counts as infinite."""
    ratio = np.asarray(error, np.float64) / np.asarray(allowed, np.float64)
    return int(np.argmax(np.where(np.isnan(ratio), np.inf, ratio)))


def _number(value: float) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.0f}" if np.isfinite(value) and value == int(value) and abs(value) < 1e6 else f"{value:.2g}"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
