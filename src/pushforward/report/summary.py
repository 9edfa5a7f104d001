"""The first screen of a report: what the data is, how good the fit is, what to distrust."""

import math

from .charts import comparison
from .doubt import Doubt
from .facts import Facts
from .text import count, names, number, plural, safe, seconds, with_error


def headline(facts: Facts) -> str:
    """Two or three sentences that say it all."""
    words = [_data_sentence(facts)]
    score, baselines = facts.held_out_score, facts.baselines
    if score is not None and math.isfinite(score.nll):
        rows = len(facts.log_density) or int((facts.model.record.get("held_out") or {}).get("rows") or 0)
        where = f"{plural(rows, 'held-out row')}" if facts.is_training_table or not facts.has_table else "these rows"
        words.append(f"On {where} it scores <strong>{with_error(score.nll, score.error)} nats</strong> a row")
        if baselines is not None:
            gain, mixture = baselines.gain, f"the best mixture of Gaussians ({baselines.components})"
            if abs(gain.nll) < 2 * gain.error:
                words[-1] += f", about as good as {mixture}"
            else:
                word = "better" if gain.nll > 0 else "worse"
                words[-1] += f", {with_error(abs(gain.nll), gain.error)} {word} than {mixture}"
        words[-1] += "."
    return " ".join(words)


def _data_sentence(facts: Facts) -> str:
    labels, given = facts.names, facts.model.schema.condition_names
    what = f"of {names(labels, 4)}" if len(labels) <= 5 else f"of {count(len(labels))} columns"
    what += f" given {names(given, 4)}" if given else ""
    if not facts.has_table:
        return f"The density {what}, learnt from a table of {plural(facts.rows, 'row')} that this report was not given."
    if not facts.is_training_table:
        return (
            f"The density {what}, learnt from another table and held against the {plural(facts.rows, 'row')} of this "
            "one, all of them new to it."
        )
    return f"The density {what}, learnt from {plural(len(facts.rest), 'row')}."


def strip(facts: Facts) -> str:
    """The facts of the data in a line of figures."""
    record, history = facts.model.record, facts.model.history
    entries = [("rows", count(facts.rows)), ("columns", count(len(facts.names)))]
    if facts.model.schema.condition:
        entries.append(("condition columns", count(len(facts.model.schema.condition))))
    held_out = len(facts.held_out) or int((record.get("held_out") or {}).get("rows") or 0)
    if held_out and facts.rows:
        share = f" <small>{number(100 * held_out / facts.rows, 2)} %</small>" if facts.is_training_table else ""
        entries.append(("held out", f"{count(held_out)}{share}"))
    entries.append(("flow", safe(record.get("flow") or type(facts.model.flow).__name__)))
    if history is not None and len(history):
        entries.append(("trained", f"{count(len(history))} <small>epochs,</small> {seconds(history[-1].seconds)}"))
    cells = "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for label, value in entries)
    return f'<dl class="strip">{cells}</dl>'


def fit_card(facts: Facts) -> str:
    """Scores beside the baselines, drawn."""
    chart = comparison(facts)
    if not chart:
        words = "There are no held-out rows, so how good the fit is was not measured."
        return f'<section class="card" id="fit"><h2>How good is the fit</h2><p>{words}</p></section>'
    words = "Mean negative log density of held-out rows in nats; less is better. Bars: two standard errors either way."
    if facts.baselines is None:
        words += (
            " A Gaussian and a mixture to compare with are fitted to the training table only, which this is not."
            if facts.has_table
            else " No baselines were measured."
        )
    elif (gain := facts.baselines.gain).nll > 2 * gain.error:
        times = number(math.exp(min(gain.nll, 50)), 2)
        words += f" Held-out rows are {times} times likelier under the flow than under the mixture (geometric mean)."
    return f'<section class="card" id="fit"><h2>How good is the fit</h2>{chart}<p class="note">{words}</p></section>'


def doubts_card(found: list[Doubt], facts: Facts) -> str:
    """What to distrust."""
    if not found:
        looked = "the score, the training, calibration, samples, ranges, columns and the arithmetic"
        if not facts.has_table:
            looked = "the training and the columns; without the table, little can be tested"
        body = f'<p class="fine"><span class="badge good">✓</span> Nothing was found. Looked at: {looked}.</p>'
    else:
        body = "".join(
            f'<li class="{"grave" if d.grave else "mild"}"><span class="badge" aria-hidden="true">'
            f'{"!" if d.grave else "i"}</span><div><h3>{d.head}</h3><p>{d.sentence} <a href="#{d.place}">See</a></p>'
            "</div></li>"
            for d in found
        )
        body = f'<ul class="doubts">{body}</ul>'
    return f'<section class="card" id="distrust"><h2>What to distrust</h2>{body}</section>'
