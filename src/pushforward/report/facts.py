"""Everything that a report shows, computed: once, in bounded time, before anything is drawn."""

import dataclasses
import os

import numpy as np

from ..data import Table
from ..diagnostics import Calibration, Certificate, calibration, check, score, two_samples
from ..estimators import TableFlow
from .measured import Baselines, Score, error_of, measured, recorded

# Rows that are scored, compared, passed back to the latents, and certified. Below these numbers nothing is left out.
SCORED, COMPARED, LATENT, CERTIFIED = 50_000, 10_000, 20_000, 256
LEAST_SAMPLES, WORST = 4_000, 10


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a model, and of its table if there is one.

    Attributes:
        model: the model.
        title: what the table is called.
        is_training_table: whether the table is the one that the model was trained on.
        rows: of the table.
        rest: [rows, columns] that training or validation used, in the units of the data.
        held_out: [rows, columns] that it did not see.
        row_numbers: of the held-out rows in the table, from 1.
        condition: [rows, condition columns] of the held-out rows.
        log_density: of the held-out rows (the first `SCORED` of a random order).
        held_out_score: of the held-out rows.
        training_score: of the other rows.
        baselines: what it is measured against.
        samples: [rows, columns] drawn from the model.
        latent_tests: of the coordinates of the latents and, last, of their distance from the origin.
        column_tests: held-out rows against samples, column by column.
        certificate: of `pushforward.check`.
    """

    model: TableFlow
    title: str
    is_training_table: bool
    rows: int
    rest: np.ndarray
    held_out: np.ndarray
    row_numbers: np.ndarray
    condition: np.ndarray | None
    log_density: np.ndarray
    held_out_score: Score | None
    training_score: Score | None
    baselines: Baselines | None
    samples: np.ndarray | None
    latent_tests: Calibration | None
    column_tests: Calibration | None
    certificate: Certificate | None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns of the density."""
        return self.model.schema.names

    @property
    def has_table(self) -> bool:
        """Whether there are rows to show."""
        return len(self.held_out) > 0 or len(self.rest) > 0


def gather(model: TableFlow, table: Table | None) -> Facts:
    """Compute the facts; `baselines` that were not yet measured are added to the model's record."""
    record = model.record
    title = (
        os.path.basename(str((table.source if table is not None else "") or record.get("source") or "")) or "a table"
    )
    columns = len(model.schema.columns)
    rng = np.random.default_rng(0)
    x, c, rest, held_out = np.empty((0, columns)), None, np.arange(0), np.arange(0)
    if table is not None:
        x, c = model.schema.select(table)
        rest, held_out = model.split(table)
    is_training_table = len(rest) > 0
    # A random order, so that any first rows are a fair choice.
    held_out, rest = rng.permutation(held_out)[:SCORED], rng.permutation(rest)
    condition = None if c is None else c[held_out]
    some = rest[:COMPARED]
    log_density = model.log_density(x[held_out], condition) if len(held_out) else np.empty(0)
    trained = model.log_density(x[some], None if c is None else c[some]) if len(some) else np.empty(0)
    scored = record.get("held_out") if table is None else None
    baselines = None
    if is_training_table and len(held_out) > 1:
        joint = x if c is None else np.concatenate([x, c], axis=1)
        baselines = measured(record, joint[rest], joint[held_out], joint.shape[1] - columns, log_density)
    elif table is None:
        baselines = recorded(record)
    samples = _samples(model, condition, len(held_out))
    seen = held_out[:LATENT]
    latents = model.latents(x[seen], None if c is None else c[seen]) if len(seen) > 1 else None
    return Facts(
        model=model,
        title=title,
        is_training_table=is_training_table,
        rows=len(x) if table is not None else int(record.get("rows") or 0),
        rest=x[rest],
        held_out=x[held_out],
        row_numbers=held_out + 1,
        condition=condition,
        log_density=log_density,
        held_out_score=_score(log_density) or (Score(scored["nll"], error_of(scored)) if scored else None),
        training_score=_score(trained),
        baselines=baselines,
        samples=samples,
        latent_tests=None if latents is None else calibration(latents, distance=True),
        column_tests=_column_tests(model, x[held_out[:COMPARED]], samples) if len(held_out) > 1 else None,
        certificate=_certificate(model, x, c, held_out if len(held_out) else rest) if len(x) else None,
    )


def _score(log_density: np.ndarray) -> Score | None:
    return Score(*score(log_density)) if len(log_density) else None


def _samples(model: TableFlow, condition: np.ndarray | None, held_out: int) -> np.ndarray | None:
    """As many draws as held-out rows, within bounds; with a condition, under the conditions of these rows."""
    number = int(np.clip(held_out, LEAST_SAMPLES, COMPARED))
    if not model.schema.condition:
        return model.sample(number, seed=1)
    if condition is None or not len(condition):
        return None
    return model.sample(number, seed=1, condition=np.resize(condition, (number, condition.shape[1])))


def _column_tests(model: TableFlow, held_out: np.ndarray, samples: np.ndarray | None) -> Calibration | None:
    if samples is None:
        return None
    # A column of whole numbers is compared with samples rounded like it.
    whole = np.array([column.integer for column in model.schema.columns])
    return two_samples(held_out, np.where(whole, np.rint(samples), samples))


def _certificate(model: TableFlow, x: np.ndarray, c: np.ndarray | None, rows: np.ndarray) -> Certificate | None:
    rows = rows[:CERTIFIED]
    z = model.schema.standardize(x[rows])
    given = None if c is None else model.schema.standardize_condition(c[rows])
    return check(model.flow, z, condition=given)
