"""The sections of a report below its first screen, each a function of the facts that gives HTML or nothing."""

import math

import numpy as np

from .charts import marginal, pit_histogram, training_curves
from .facts import COMPARED, Facts
from .pairs import choose, pair_plots
from .planar import deformation, density
from .text import name, nats, p_text, percent, plural, safe, seconds, subscript

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
    what = "held-out rows" if len(facts.held_out) else "data"
    words = (
        f"Left {what}, right as many samples, on the same axes: a good fit makes twins. Axes may leave out the "
        "outermost 0.2 % of values on a side."
    )
    if not len(data) or facts.samples is None:
        words = f"Only {'data' if len(data) else 'samples'} can be shown."
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
        if any(column.integer for column in facts.model.schema.columns):
            words.append("Samples of columns of whole numbers are rounded for the test.")
        words.append(
            "Below each: the largest difference of the two distribution functions, and how often chance alone would "
            f"make one as large (two-sample Kolmogorov-Smirnov test of {plural(len(tests.values), 'held-out row')} and "
            f"{plural(len(facts.samples), 'sample')}, Holm-corrected for the number of columns)."  # type: ignore[arg-type]
        )
    if more > 0:
        words.append(f"The first {MOST_COLUMNS} columns are shown; {more} more are not.")
    keys = ([("data", "data")] if len(data) else []) + ([("model", "samples")] if facts.samples is not None else [])
    legend = _legend(*keys)
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


def _data(facts: Facts) -> np.ndarray:
    """The rows to draw: held-out ones, or if there are none those of the training."""
    return facts.held_out[:COMPARED] if len(facts.held_out) else facts.rest[:COMPARED]


def _legend(*entries: tuple[str, str]) -> str:
    keys = "".join(f'<span class="key {kind}">{label}</span>' for kind, label in entries)
    return f'<div class="legend">{keys}</div>'
