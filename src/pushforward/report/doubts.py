"""What to distrust, in plain sentences, each from a figure."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from . import doubts_about_data as about_data
from .doubt import Doubt
from .facts import Facts
from .text import count, name, names, nats, number, p_text, percent, plural, with_error

# A difference of distribution functions that people would see; a smaller one is told as a note.
_VISIBLE = 0.03
_SIGNIFICANT = 0.01


def doubts(facts: Facts) -> list[Doubt]:
    """All that applies, grave ones first."""
    fit = (_baselines, _finite, _certificate, _training, _gap, _few, _calibration, _columns)
    data = (about_data.reach, about_data.values, about_data.dependence, about_data.copies)
    sources: tuple[Callable[[Facts], Iterator[Doubt]], ...] = (*fit, *data)
    found = [doubt for source in sources for doubt in source(facts)]
    return sorted(found, key=lambda doubt: not doubt.grave)


def _baselines(facts: Facts) -> Iterator[Doubt]:
    if facts.baselines is None or facts.held_out_score is None:
        return
    gain, what = facts.baselines.gain, plural(facts.baselines.components, "Gaussian")
    if gain.nll < -2 * gain.error:
        yield Doubt(
            gain.nll < -0.05,
            "A simpler model is better",
            f"A mixture of {what} scores {with_error(-gain.nll, gain.error)} nats a row better than the flow. Train "
            "longer, or with more data; until then use the mixture.",
            "fit",
        )
    elif gain.nll < 2 * gain.error:
        yield Doubt(
            False,
            "No better than a mixture",
            f"The flow and a mixture of {what} cannot be told apart on these rows: the difference is "
            f"{with_error(gain.nll, gain.error)} nats a row.",
            "fit",
        )


def _finite(facts: Facts) -> Iterator[Doubt]:
    bad = int(np.sum(~np.isfinite(facts.log_density)))
    if bad:
        yield Doubt(
            True,
            "Rows without a density",
            f"{plural(bad, 'held-out row')} of {count(len(facts.log_density))} got no finite log density, so the mean "
            "is not finite either. They lie too far from all training rows.",
            "rows",
        )
    if facts.samples is not None and (wrong := int(np.sum(~np.all(np.isfinite(facts.samples), axis=1)))):
        yield Doubt(
            True,
            "Samples that are no numbers",
            f"{plural(wrong, 'sample')} held an infinite or missing value.",
            "columns",
        )


def _certificate(facts: Facts) -> Iterator[Doubt]:
    for finding in facts.certificate.failures if facts.certificate is not None else ():
        yield Doubt(
            True,
            "The arithmetic fails a check",
            f"The certificate's check of {name(finding.name)} found {number(finding.figure, 2)} {finding.unit}, and "
            f"{number(finding.threshold, 2)} are allowed.",
            "certificate",
        )


def _training(facts: Facts) -> Iterator[Doubt]:
    history = facts.model.history
    if history is None or not len(history):
        return
    if history.stopped == "interrupted":
        yield Doubt(
            True,
            "Training was interrupted",
            f"It was stopped by hand after {plural(len(history), 'epoch')}; this is the best model up to then.",
            "training",
        )
    best, losses = history.best_epoch, [loss for loss in history.validation_loss if loss is not None]
    if best == len(history) and history.stopped == "epochs" and len(losses) == len(history):
        before = losses[: max(1, len(losses) - max(1, len(losses) // 10))]
        gained = min(before) - losses[-1]
        if len(losses) == 1 or gained > 0.005:
            yield Doubt(
                gained > 0.05 or len(losses) == 1,
                "Training ended too early",
                f"The best epoch was the last of {count(len(history))}"
                + (f", and the last tenth of them still gained {number(gained, 2)} nats" if len(losses) > 1 else "")
                + ". More epochs would fit better.",
                "training",
            )
    skipped = sum(record.skipped for record in history)
    if skipped:
        yield Doubt(
            False,
            "Skipped steps",
            f"{plural(skipped, 'training step')} had a loss or gradient that was not finite, and did nothing.",
            "training",
        )


def _gap(facts: Facts) -> Iterator[Doubt]:
    train, test = facts.training_score, facts.held_out_score
    if train is None or test is None:
        return
    gap, error = test.nll - train.nll, math.hypot(test.error, train.error)
    if gap > 3 * error and gap > 0.02 * len(facts.names):
        yield Doubt(
            gap > 0.1 * len(facts.names),
            "Overfitting",
            f"Rows that it was trained on score {with_error(gap, error)} nats better than held-out ones. Trust the "
            "held-out figures only; more rows or a smaller flow would help.",
            "training",
        )


def _few(facts: Facts) -> Iterator[Doubt]:
    rows = len(facts.held_out)
    if 0 < rows < 300:
        spread = facts.held_out_score.error if facts.held_out_score is not None else math.nan
        precision = f"known to ± {nats(spread, spread)} nats only" if math.isfinite(spread) else "hardly known"
        yield Doubt(
            rows < 100,
            "Few held-out rows",
            f"Only {plural(rows, 'row')} could be held out: the score is {precision}, and the tests "
            "below see nothing but gross errors.",
            "calibration",
        )


def _calibration(facts: Facts) -> Iterator[Doubt]:
    tests = facts.latent_tests
    if tests is None or tests.overall >= _SIGNIFICANT:
        return
    columns = len(facts.names)
    wrong = np.flatnonzero(tests.corrected < _SIGNIFICANT)
    worst = int(wrong[np.argmax(tests.statistic[wrong])])
    what = "their distance from the centre" if worst == columns else f"coordinate {worst + 1}"
    rows, largest = len(tests.values), float(tests.statistic[worst])
    small = "" if largest >= _VISIBLE else f" That is a small error, seen because {count(rows)} rows are many."
    yield Doubt(
        largest >= _VISIBLE,
        "Latents are not normal",
        f"Of {plural(columns, 'latent coordinate')} of held-out rows (and their distance from the centre) {len(wrong)} "
        f"{'is' if len(wrong) == 1 else 'are'} not distributed as they should be; most of all {what}, off by up to "
        f"{percent(largest)} (p {p_text(float(tests.corrected[worst]))}).{small}",
        "calibration",
    )


def _columns(facts: Facts) -> Iterator[Doubt]:
    tests = facts.column_tests
    if tests is None or tests.overall >= _SIGNIFICANT:
        return
    wrong = np.flatnonzero(tests.corrected < _SIGNIFICANT)
    wrong = wrong[np.argsort(-tests.statistic[wrong])]
    largest = float(tests.statistic[wrong[0]])
    yield Doubt(
        largest >= _VISIBLE,
        "Samples differ from the data",
        f"Samples of {names([facts.names[k] for k in wrong])} are distributed otherwise than held-out rows: by up to "
        f"{percent(largest)} of the rows (p {p_text(float(tests.corrected[wrong[0]]))}).",
        "columns",
    )
