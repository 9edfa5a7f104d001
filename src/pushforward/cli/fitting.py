"""The work of `pushforward fit`: read, train, report, save; and what happens when it is cut short."""

import contextlib
import dataclasses
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .console import Console, clock
from .errors import DONE, INTERRUPTED, UsageError, one_line
from .info import count, quality
from .models import listed
from .places import beside, check_model_place, locked
from .waiting import Waiting

# A checkpoint of a run younger than this is that of its beginning, and not worth keeping.
_FIRST_CHECKPOINT_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to fit: the options of `pushforward fit`, understood."""

    table: Path
    out: Path
    columns: tuple[str, ...] | None = None
    condition: tuple[str, ...] = ()
    delimiter: str | None = None
    header: bool | None = None
    flow: str = "default"
    layers: int | None = None
    hidden: tuple[int, ...] | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    resume: bool = False
    overwrite: bool = False
    report: bool = True

    @property
    def wanted(self) -> tuple[str, ...] | None:
        """The columns to read."""
        if self.columns is None:
            return None
        return self.columns + tuple(name for name in self.condition if name not in self.columns)

    @property
    def flow_options(self) -> dict[str, Any] | None:
        """Those given."""
        given = {"layers": self.layers, "hidden_units": self.hidden}
        return {name: value for name, value in given.items() if value is not None} or None


def fit(plan: Plan, console: Console) -> tuple[int, Any]:
    """Carry out the plan: (exit code, the trained `TableFlow`)."""
    from ..data import read_table

    began = time.monotonic()
    check_model_place(plan.out, plan.overwrite)
    with locked(plan.out):
        checkpoint = beside(plan.out, "checkpoint")
        resumes = _look_at_checkpoint(checkpoint, plan, console)
        table = read_table(plan.table, columns=plan.wanted, delimiter=plan.delimiter, header=plan.header)
        console.note(f"{plan.table}: {count(len(table), 'row')} of {listed(table.names)}")

        console.note("training; losses are in nats, of standardised columns")

        from . import caching

        caching.show_warnings_briefly()
        compiling = caching.start()

        from ..estimators import TableFlow

        with _checkpoint_after_failure(checkpoint, resumes, console):
            with Waiting("compiling", console.quiet):
                model = TableFlow.fit(
                    table,
                    condition=plan.condition,
                    flow=plan.flow,
                    flow_options=plan.flow_options,
                    progress=not console.quiet,
                    checkpoint=checkpoint,
                    resume=resumes,
                    **plan.settings,
                )
            interrupted = model.history is not None and model.history.stopped == "interrupted"
            files, interrupted = _report(model, table, plan, console, interrupted)
            model.save(plan.out, overwrite=plan.overwrite, files=files)
        if interrupted:
            console.warn(
                f"interrupted; {plan.out} holds the best model so far. To go on: the same command with --resume "
                "--overwrite"
            )
        else:
            shutil.rmtree(checkpoint, ignore_errors=True)
        _tell(plan, model, files, compiling, time.monotonic() - began, interrupted, console)
    return (INTERRUPTED if interrupted else DONE), model


def _look_at_checkpoint(checkpoint: Path, plan: Plan, console: Console) -> bool:
    """Whether to continue from a checkpoint.

    Raises:
        UsageError: if there is one and the user did not say what to do with it.
    """
    if not checkpoint.exists():
        if plan.resume:
            console.note(f"there is no interrupted fit of {plan.out} to go on with; starting from the beginning")
        return False
    if plan.resume:
        return True
    if not plan.overwrite:
        raise UsageError(
            f"{plan.out}: an earlier fit was interrupted; add --resume to go on with it, or --overwrite to start again"
        )
    shutil.rmtree(checkpoint)
    console.note(f"{plan.out}: the checkpoint of an earlier, interrupted fit is discarded")
    return False


@contextlib.contextmanager
def _checkpoint_after_failure(checkpoint: Path, resumes: bool, console: Console) -> Iterator[None]:
    """Keep the checkpoint where going on makes sense, and say so."""
    began = time.monotonic()
    try:
        yield
    except BaseException as error:
        if not checkpoint.exists():
            raise
        is_of_input = isinstance(error, ValueError | FloatingPointError)
        is_early = isinstance(error, KeyboardInterrupt) and time.monotonic() - began < _FIRST_CHECKPOINT_SECONDS
        if (is_of_input or is_early) and not resumes:
            shutil.rmtree(checkpoint, ignore_errors=True)
        elif not is_of_input:
            console.warn(f"the training so far is kept in {checkpoint}; the same command with --resume goes on from it")
        raise


def _report(
    model: Any, table: Any, plan: Plan, console: Console, interrupted: bool
) -> tuple[dict[str, str | bytes], bool]:
    """(files for the model folder, whether Ctrl-C was pressed); a trained model is never lost to its report."""
    later = f"`pushforward report {plan.out} {plan.table} --out report.html` makes one"
    if not plan.report:
        return {}, interrupted
    if interrupted:
        console.note(f"the report is left out; {later}")
        return {}, True
    try:
        from ..report import report_html

        with Waiting("writing the report", console.quiet):
            return {"report.html": report_html(model, table)}, False
    except KeyboardInterrupt:
        console.warn(f"the report is left out; {later}")
        return {}, True
    except Exception as error:
        console.warn(
            f"the report failed ({type(error).__name__}: {one_line(str(error), 200)}), and the model is saved without; "
            f"{later}, with --debug the traceback"
        )
        return {}, False


def _tell(
    plan: Plan, model: Any, files: dict, compiling: Any, seconds: float, interrupted: bool, console: Console
) -> None:
    record = model.record
    text = [f"{plan.out}: {quality(record)}"] if record.get("held_out") else []
    text.append(f"{plan.out}: saved after {clock(seconds)}" + (f" ({compiling.words()})" if compiling.words() else ""))
    if files:
        text.append(f"the report: {plan.out / 'report.html'}")
    facts = {
        "model": str(plan.out),
        "report": str(plan.out / "report.html") if files else None,
        "columns": model.schema.names,
        "condition": model.schema.condition_names,
        "held_out": record.get("held_out"),
        "baselines": record.get("baselines"),
        "epochs": None if model.history is None else len(model.history),
        "stopped": None if model.history is None else model.history.stopped,
        "interrupted": interrupted,
        "seconds": round(seconds, 3),
        "compile_seconds": round(compiling.seconds, 3),
        "compile_seconds_saved": round(compiling.saved, 3),
    }
    console.result("\n".join(text), facts)
