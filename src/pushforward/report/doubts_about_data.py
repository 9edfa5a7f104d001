"""What to distrust in the data, and in where samples go."""

from collections.abc import Iterator

import numpy as np

from .doubt import Doubt
from .facts import Facts
from .text import count, name, names, number, percent, plural


def reach(facts: Facts) -> Iterator[Doubt]:
    """Samples beyond all rows."""
    if facts.samples is None:
        return
    columns = facts.model.schema.columns
    low, high = (np.array([getattr(c, side) for c in columns]) for side in ("minimum", "maximum"))
    beyond = (facts.samples < low) | (facts.samples > high)
    share = float(np.mean(np.any(beyond, axis=1)))
    # So many are beyond by chance if nothing is wrong.
    expected = 2 * len(columns) / max(facts.rows, 1)
    if share > max(0.01, 3 * expected):
        worst = int(np.argmax(np.mean(beyond, axis=0)))
        each = facts.samples[:, worst]
        below = float(np.mean(each < low[worst])) >= float(np.mean(each > high[worst]))
        side = f"below {number(low[worst])}, the least" if below else f"above {number(high[worst])}, the greatest"
        yield Doubt(
            share > 0.05,
            "Samples outside the data's range",
            f"{percent(share)} of the samples lie outside what the table holds in some column; most often "
            f"{name(columns[worst].name)} {side} in the table ({percent(float(np.mean(beyond[:, worst])))}). A flow "
            "knows no hard limits; leave such samples out, or take logarithms first.",
            "columns",
        )


def values(facts: Facts) -> Iterator[Doubt]:
    """Values that repeat, whole numbers, heavy tails."""
    columns, rows = facts.model.schema.columns, facts.rows
    few = [c for c in columns if c.distinct < 1000 and c.distinct < 0.05 * rows]
    if few:
        least = min(few, key=lambda c: c.distinct)
        others = (
            f", and {names([c.name for c in few if c is not least])} also repeat few values" if len(few) > 1 else ""
        )
        kind = "whole numbers, " if least.integer else ""
        yield Doubt(
            True,
            "Few distinct values",
            f"{name(least.name)} holds {kind}{plural(least.distinct, 'distinct value')} in {count(rows)} rows{others}. "
            "A density gains without limit by spikes on values that repeat, so log densities of such columns are no "
            "measure of a good fit, for the flow and the mixture alike.",
            "columns",
        )
    whole = [c.name for c in columns if c.integer and c not in few]
    if whole:
        yield Doubt(
            False,
            "Whole numbers",
            f"{names(whole)} {'holds' if len(whole) == 1 else 'hold'} whole numbers only; samples are not rounded.",
            "columns",
        )
    far = [max(c.maximum - c.loc, c.loc - c.minimum) / c.scale for c in columns]
    if max(far) > 10:
        heavy = [columns[k].name for k in np.argsort(far)[::-1] if far[k] > 10]
        yield Doubt(
            False,
            "Heavy tails",
            f"{names(heavy)} {'reaches' if len(heavy) == 1 else 'reach'} up to {number(max(far), 2)} standard "
            "deviations from the mean. Far out there are few rows to learn from, and the density is an extrapolation.",
            "columns",
        )


def dependence(facts: Facts) -> Iterator[Doubt]:
    """Columns that are linear functions of others."""
    if len(facts.rest) > len(facts.names) > 1:
        values = facts.rest[:20_000]
        with np.errstate(all="ignore"):
            correlation = np.corrcoef(values.T)
        if np.all(np.isfinite(correlation)) and np.linalg.eigvalsh(correlation)[0] < 1e-5:
            yield Doubt(
                True,
                "Columns that follow from others",
                "One column is a linear function of others, but for rounding. The density then grows without limit "
                "across that direction: leave one of them out.",
                "pairs",
            )


def copies(facts: Facts) -> Iterator[Doubt]:
    """Held-out rows that training saw."""
    if not len(facts.rest) or not len(facts.held_out):
        return
    known = {row.tobytes() for row in np.ascontiguousarray(facts.rest[:200_000])}
    copied = float(np.mean([row.tobytes() in known for row in np.ascontiguousarray(facts.held_out)]))
    if copied > 0.02:
        yield Doubt(
            copied > 0.2,
            "Repeated rows",
            f"{percent(copied)} of the held-out rows occur among the training rows too, so they are not a fair "
            "test of what the flow makes of new ones.",
            "fit",
        )
