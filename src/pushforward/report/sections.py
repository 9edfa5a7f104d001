"""The sections of a report below its first screen, each a function of the facts that gives HTML or nothing."""

import json
import math

import numpy as np

from .charts import marginal, pit_histogram, table, training_curves
from .facts import COMPARED, WORST, Facts
from .pairs import choose, pair_plots
from .planar import deformation, density
from .text import count, name, nats, number, p_text, percent, plural, safe, seconds, short, subscript

MOST_COLUMNS, SIGNIFICANT = 60, 0.01


def training(facts: Facts) -> str:
    """Losses over epochs."""
    history = facts.model.history
    if history is None or not len(history):
        return ""
    ended = {
        "epochs": "all epochs were done",
        "patience": "validation had stopped improving",
        "interrupted": "it was interrupted",
    }.get(history.stopped, history.stopped)
    words = [
        f"{plural(len(history), 'epoch')} in {seconds(history[-1].seconds)}; {safe(ended)}. The model is that of epoch "
        f"{history.best_epoch}, the lowest validation loss."
    ]
    if facts.training_score is not None and facts.held_out_score is not None:
        gap, error = (
            facts.held_out_score.nll - facts.training_score.nll,
            math.hypot(facts.held_out_score.error, facts.training_score.error),
        )
        words.append(
            f"In the end held-out rows score {nats(abs(gap), error)} ± {nats(error, error)} nats "
            f"{'worse' if gap > 0 else 'better'} than training rows."
        )
    legend = _legend(("data", "training"), ("model", "validation"))
    note = "Loss: mean negative log density of standardised columns, in nats, so on another scale than the score above."
    chart = f'<figure class="wide">{legend}{training_curves(history)}</figure>'
    return f'<div class="beside">{chart}<div><p>{"</p><p>".join(words)}</p><p class="note">{note}</p></div></div>'


def plane(facts: Facts) -> str:
    """Density and deformation of two columns."""
    if len(facts.names) != 2:
        return ""
    return (
        density(facts)
        + '<h3>How the layers bend space</h3><p class="note">Draws of a normal distribution, coloured by '
        "the quadrant they start in, after each layer, in standardised units. The last picture is the model. Between "
        "layers the slider moves points along straight lines.</p>" + deformation(facts)
    )


def pairs(facts: Facts) -> str:
    """Scatter plots of pairs."""
    if len(facts.names) < 2 or not (facts.has_table or facts.samples is not None):
        return ""
    data = _data(facts)
    source = data if len(data) else facts.samples
    chosen, because = choose(source, facts.names, facts.column_tests)  # type: ignore[arg-type]
    words = (
        f"Left {'held-out rows' if len(facts.held_out) else 'data'}, right as many samples, on the same axes; a good "
    )
    words += "fit makes twins. Axes may leave out the outermost 0.2 % of values on a side."
    return f'<p class="note">{because} {words}</p>{pair_plots(data, facts.samples, facts.names, chosen)}'


def columns(facts: Facts) -> str:
    """Marginals of all columns, with the test of held-out rows against samples."""
    data, tests = _data(facts), facts.column_tests
    if facts.samples is None and not len(data):
        return ""
    figures = []
    for k, label in enumerate(facts.names[:MOST_COLUMNS]):
        samples = facts.samples[:, k] if facts.samples is not None else None
        line = ""
        if tests is not None:
            wrong = tests.corrected[k] < SIGNIFICANT
            line = f'<span class="{"bad" if wrong else "soft"}">off by {percent(tests.statistic[k])}, p '
            line += f"{p_text(float(tests.corrected[k]))}</span>"
        caption = f"<figcaption>{name(label, 22)}<br>{line}</figcaption>"
        figures.append(f"<figure>{marginal(label, data[:, k], samples)}{caption}</figure>")
    more = len(facts.names) - MOST_COLUMNS
    words = ["Areas are the data, lines the samples."] if len(data) else ["Lines are samples."]
    if tests is not None:
        words.append(
            "Below each: the largest difference of the two distribution functions, and how often chance alone would "
            f"make one as large (two-sample Kolmogorov-Smirnov test of {plural(len(tests.values), 'held-out row')} and "
            f"{plural(len(facts.samples), 'sample')}, Holm-corrected for the number of columns)."  # type: ignore[arg-type]
        )
    if more > 0:
        words.append(f"The first {MOST_COLUMNS} columns are shown; {more} more are not.")
    legend = _legend(("data", "data"), ("model", "samples"))
    return f'<p class="note">{" ".join(words)}</p>{legend}<div class="grid small">{"".join(figures)}</div>'


def calibration(facts: Facts) -> str:
    """Histograms of u = Phi(z) of each coordinate, with p-values."""
    tests, columns = facts.latent_tests, len(facts.names)
    if tests is None:
        return ""
    order = list(range(len(tests.statistic)))
    if len(order) > MOST_COLUMNS:
        order = sorted(np.argsort(tests.p_value, kind="stable")[:MOST_COLUMNS].tolist())
    figures = []
    for k in order:
        wrong = bool(tests.corrected[k] < SIGNIFICANT)
        what = "distance from the centre" if k == columns else f"coordinate {k + 1}"
        title = "distance" if k == columns else f"u{subscript(k + 1)}"
        line = f'<span class="{"bad" if wrong else "soft"}">p {p_text(float(tests.corrected[k]))}, off by '
        line += f"{percent(tests.statistic[k])}</span>"
        picture = pit_histogram(tests.values[:, k], what, wrong)
        figures.append(f"<figure>{picture}<figcaption><b>{title}</b> {line}</figcaption></figure>")
    rows = len(tests.values)
    words = (
        f"The flow takes each of {plural(rows, 'held-out row')} back to latent numbers z. If its density is right, "
        "these are independent and standard normal, so that u = Φ(z) is uniform: the histograms are flat, 99 of 100 "
        "bars end within the grey band, and a p-value below 0.01 anywhere (Kolmogorov-Smirnov, Holm-corrected) happens "
        "once in a hundred reports."
    )
    honest = (
        "A u is the conditional of one latent coordinate given the ones before it in the flow's order. Layers mix "
        "columns, so it belongs to no single column; for these see the section above. “Distance” is that of z from the "
        "centre, through its χ distribution: high at the left if rows are too typical, at the right if too far out."
    )
    if columns == 1:
        honest = "With one column, u is the model's distribution function at the row: the share of samples below it."
    if len(order) < len(tests.statistic):
        words += f" The {MOST_COLUMNS} with the smallest p-values are shown."
    grid = f'<div class="grid tiny">{"".join(figures)}</div>'
    return f'<p class="note">{words}</p>{grid}<p class="note">{honest}</p>'


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
    head = ["row", "log density", "what is unusual", *(name(label, 16) for label in facts.names)]
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


def _data(facts: Facts) -> np.ndarray:
    """The rows to draw: held-out ones, or if there are none those of the training."""
    return facts.held_out[:COMPARED] if len(facts.held_out) else facts.rest[:COMPARED]


def _legend(*entries: tuple[str, str]) -> str:
    keys = "".join(f'<span class="key {kind}">{label}</span>' for kind, label in entries)
    return f'<div class="legend">{keys}</div>'
