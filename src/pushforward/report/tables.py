"""The sections of a report that are tables: the least likely rows, the certificate, settings."""

import json
import math
from collections.abc import Sequence

import numpy as np

from .facts import WORST, Facts
from .text import count, name, nats, number, percent, plain, plural, safe, short


def rows(facts: Facts) -> str:
    """The least likely held-out rows."""
    if not len(facts.log_density):
        return ""
    order = np.argsort(np.nan_to_num(facts.log_density, nan=-np.inf), kind="stable")[:WORST]
    known = np.sort(facts.rest if len(facts.rest) else facts.held_out, axis=0)
    body = []
    for k in order:
        row = facts.held_out[k]
        below = np.array([np.searchsorted(known[:, j], row[j], side="right") for j in range(len(row))])
        above = len(known) - np.array([np.searchsorted(known[:, j], row[j], side="left") for j in range(len(row))])
        tail = np.minimum(below, above) / max(len(known), 1)
        worst = int(np.argmin(tail))
        odd = tail[worst] < 0.005
        cells = [f"<strong>{number(v)}</strong>" if odd and j == worst else number(v) for j, v in enumerate(row)]
        why = "no single column: the combination"
        if odd:
            side = "low" if below[worst] < above[worst] else "high"
            beyond = int(tail[worst] * len(known))
            why = f"{name(facts.names[worst], 20)} is {side}: "
            why += f"{percent(tail[worst])} of rows are beyond" if beyond else "no row is beyond"
        body.append([count(facts.row_numbers[k]), nats(facts.log_density[k], 0.05), why, *cells])
    head = [
        "row",
        "log density",
        '<span class="wide-cell">what is unusual</span>',
        *(name(label, 16) for label in facts.names),
    ]
    middle = float(np.median(facts.log_density))
    words = (
        "Rows that the model finds least likely: errors in the data, rare events, or what it has not learnt. The "
        f"median log density is {nats(middle, 0.05)} nats."
    )
    numeric = [0, 1, *range(3, 3 + len(facts.names))]
    caption = f"The {len(body)} least likely held-out rows (row 1 is the first of the data)"
    return f'<p class="note">{words}</p>{table(head, body, caption, numeric)}'


def certificate(facts: Facts) -> str:
    """What `pushforward.check` found."""
    found = facts.certificate
    if found is None:
        return ""
    verdicts = {True: '<span class="good">holds</span>', False: '<span class="bad">fails</span>', None: "not decided"}
    body = [
        [
            safe(f.name),
            verdicts[f.ok],
            "" if math.isnan(f.figure) else number(f.figure, 2),
            "" if math.isnan(f.threshold) else number(f.threshold, 2),
            safe(f.unit),
            f'<span class="soft">{safe(f.reason)}</span>',
        ]
        for f in found.findings
    ]
    undecided = sum(f.ok is None for f in found.findings)
    words = "All that could be decided holds." if found.ok else f"{plural(len(found.failures), 'check')} failed."
    words += f" {plural(undecided, 'check')} could not be decided." if undecided else ""
    intro = (
        "Whether the numbers are those of the formula: that the flow inverts itself, that its volume change is right, "
        f"that its density integrates to one. Subject: {safe(found.subject)}, standardised. {words}"
    )
    head = ["check", "verdict", "found", "at most", "unit", "what it means"]
    return f'<p class="note">{intro}</p>{table(head, body, "The certificate", (2, 3))}'


def settings(facts: Facts) -> str:
    """How the model came about."""
    record, schema = facts.model.record, facts.model.schema
    skipped = {"baselines", "held_out"}
    pairs = [(key.replace("_", " "), _value(value)) for key, value in record.items() if key not in skipped]
    facts_table = (
        table(["setting", "value"], [[safe(k), v] for k, v in pairs], "Settings and versions") if pairs else ""
    )
    head = ["column", "mean", "standard deviation", "least", "greatest", "distinct values"]
    body = [
        [
            name(c.name) + (' <span class="soft">condition</span>' if k >= len(schema.columns) else ""),
            *(number(v) for v in (c.loc, c.scale, c.minimum, c.maximum)),
            count(c.distinct) + (" or more" if c.distinct >= 1000 else ""),
        ]
        for k, c in enumerate((*schema.columns, *schema.condition))
    ]
    schema_table = table(head, body, "Columns, as standardised by the training rows", range(1, 6))
    tree = safe_lines(repr(facts.model.flow))
    return f"{facts_table}{schema_table}<details><summary>The flow's parts</summary><pre>{tree}</pre></details>"


def safe_lines(text: str) -> str:
    """Several lines for a `pre` element."""
    return "\n".join(safe(line) for line in text.splitlines())


def _value(value: object) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{safe(k)} {_value(v)}" for k, v in value.items())
        return inner or "–"
    if isinstance(value, float):
        return number(value, 6)
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        return safe(value) if len(value) <= 80 else f'<span title="{safe(value)}">{safe(short(value, 80))}</span>'
    return safe(value if isinstance(value, int) else json.dumps(value, ensure_ascii=False, default=str))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str, numeric: Sequence[int] = ()) -> str:
    """An HTML table; cells are HTML already, `numeric` columns are set flush right."""
    side = [' class="n"' if k in numeric else "" for k in range(len(head))]
    top = "".join(f'<th scope="col"{c}>{text}</th>' for text, c in zip(head, side, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{c}>{cell}</td>" for cell, c in zip(row, side, strict=True)) + "</tr>" for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{plain(caption)}"><table>'
        f"<caption>{caption}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )
