"""What a training run tells: one record an epoch, and the result."""

import csv
import dataclasses
import math
import os
from typing import Any, NamedTuple


@dataclasses.dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Attributes:
        epoch: counted from 1.
        train_loss: mean over the steps of the epoch, each with the parameters of its time; NaN if all were skipped.
        validation_loss: after the epoch; None without validation.
        learning_rate: of the last step; NaN if the optimiser carries its own.
        skipped: steps whose loss or gradient was not finite.
        seconds: since the beginning of training, time before an interruption included.
    """

    epoch: int
    train_loss: float
    validation_loss: float | None
    learning_rate: float
    skipped: int
    seconds: float


@dataclasses.dataclass
class History:
    """The records of a run, in order, and why it ended.

    Attributes:
        records: one `EpochRecord` an epoch.
        stopped: "epochs" (all done), "patience" (validation stopped improving), "interrupted" (Ctrl-C).
    """

    records: list[EpochRecord] = dataclasses.field(default_factory=list)
    stopped: str = "epochs"

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Any:
        return iter(self.records)

    def __getitem__(self, index: Any) -> Any:
        return self.records[index]

    @property
    def train_loss(self) -> list[float]:
        """One number an epoch."""
        return [record.train_loss for record in self.records]

    @property
    def validation_loss(self) -> list[float | None]:
        """One number an epoch; None without validation."""
        return [record.validation_loss for record in self.records]

    @property
    def best_epoch(self) -> int | None:
        """The epoch (from 1) whose weights the result has: lowest validation loss, else the last; None if none ran."""
        finite = [r for r in self.records if r.validation_loss is not None and math.isfinite(r.validation_loss)]
        if finite:
            return min(finite, key=lambda r: r.validation_loss).epoch  # type: ignore[arg-type, return-value]
        return self.records[-1].epoch if self.records else None

    def to_csv(self, path: str | os.PathLike) -> None:
        """Write one line an epoch, with a header; empty where there is no validation."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(field.name for field in dataclasses.fields(EpochRecord))
            writer.writerows(dataclasses.astuple(record) for record in self.records)

    def __repr__(self) -> str:
        return f"History({_summary(self)})"


class FitResult(NamedTuple):
    """`model, history = fit(...)`.

    Attributes:
        model: the trained model, in inference mode.
        history: the `History`.
    """

    model: Any
    history: History

    @property
    def stopped(self) -> str:
        """Why the run ended; see `History`."""
        return self.history.stopped

    def __repr__(self) -> str:
        return f"FitResult({type(self.model).__name__}, {_summary(self.history)})"


def _summary(history: History) -> str:
    if not history.records:
        return "no epochs"
    text = f"{len(history)} epoch{'s' if len(history) > 1 else ''}, {_loss_text(history)}"
    return text + {"patience": ", stopped by patience", "interrupted": ", interrupted"}.get(history.stopped, "")


def _loss_text(history: History) -> str:
    best = next(r for r in history.records if r.epoch == history.best_epoch)
    if best.validation_loss is None:
        return f"train loss {best.train_loss:.4g}"
    return f"best {best.epoch} with validation loss {best.validation_loss:.4g}"
