"""The arguments of a run that decide its result, checked, and as plain text for a checkpoint."""

import dataclasses
import math
from typing import Any

from .objectives import PRECISIONS, Objective, Rounded, objective_named
from .optimizer import has_own_rate, optimizer_checked
from .schedule import Schedule, schedule_named

DEFAULT_RATE, DEFAULT_SCHEDULE = 3e-3, "cosine"


def default_batch_size(rows: int) -> int:
    """Rows in a step by the number of training rows: a 32nd as a power of two, at least 32 and at most 256.

    So that an epoch of a small table has enough steps: see docs/choosing.md for what they bring.
    """
    return min(256, max(32, 1 << max(rows // 32, 1).bit_length() - 1))


def default_epochs(rows: int) -> int:
    """Epochs by the number of training rows: 100, and 300 below 2,048 rows, most of which patience leaves out."""
    return 100 if rows >= 2048 else 300


@dataclasses.dataclass(frozen=True)
class Settings:
    """Arguments of `fit`; see there.

    Raises:
        ValueError: for a number outside its range, naming it.
    """

    loss: Any
    epochs: int | None
    batch_size: int | None
    learning_rate: float
    schedule: Schedule
    optimizer: Any
    validation_fraction: float
    patience: int | None
    max_grad_norm: float | None
    ema_decay: float | None
    matmul_precision: str | None = None

    def __post_init__(self) -> None:
        if self.epochs is not None:
            _whole("epochs", self.epochs, 0)
        if self.batch_size is not None:
            _whole("batch_size", self.batch_size, 1)
        if self.patience is not None:
            _whole("patience", self.patience, 1)
        _within("learning_rate", self.learning_rate, 0, math.inf, "positive and finite", open_below=True)
        _within("validation_fraction", self.validation_fraction, 0, 1, "at least 0 and below 1")
        if self.max_grad_norm is not None:
            _within(
                "max_grad_norm", self.max_grad_norm, 0, math.inf, "positive (None for no clipping)", open_below=True
            )
        if self.ema_decay is not None:
            _within("ema_decay", self.ema_decay, 0, 1, "at least 0 and below 1 (None for no averaging)")
        if self.matmul_precision is not None and self.matmul_precision not in PRECISIONS:
            names = " or ".join(f'"{name}"' for name in PRECISIONS)
            raise ValueError(
                f"matmul_precision: expected None, {names}, and got {self.matmul_precision!r}; it says in which "
                "numbers networks multiply while they train"
            )
        schedule_named(self.schedule)
        optimizer_checked(self.optimizer)
        objective_named(self.loss)
        changed = self.learning_rate != DEFAULT_RATE or self.schedule != DEFAULT_SCHEDULE
        if has_own_rate(self.optimizer) and changed:
            raise ValueError(
                "optimizer is a finished Optax transformation, which carries its own learning rate, so learning_rate "
                "and schedule would have no effect. Leave them out, or pass the function instead: "
                "optimizer=optax.adamw."
            )

    def for_rows(self, rows: int) -> "Settings":
        """The same, with what is None filled in for this number of training rows."""
        epochs = default_epochs(rows) if self.epochs is None else self.epochs
        batch_size = default_batch_size(rows) if self.batch_size is None else self.batch_size
        return dataclasses.replace(self, epochs=epochs, batch_size=batch_size)

    @property
    def objective(self) -> Objective:
        """The loss as a function."""
        return objective_named(self.loss)

    @property
    def training_objective(self) -> Objective:
        """The loss as the steps evaluate it."""
        if self.matmul_precision is None:
            return self.objective
        return Rounded(self.objective, PRECISIONS[self.matmul_precision])

    def described(self) -> dict[str, Any]:
        """Numbers, and names of functions: equal for runs that should give the same."""
        values = dataclasses.asdict(self) | {"loss": self.objective}
        return {name: value if _is_plain(value) else _name_of(value) for name, value in values.items()}


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _name_of(value: Any) -> str:
    if has_own_rate(value):
        return f"transformation {_name_of(value.update)}"
    owner = value if hasattr(value, "__qualname__") else type(value)
    return f"{owner.__module__}.{owner.__qualname__}"


def _whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise ValueError(f"{name}: expected an integer of at least {least}, and got {value!r}")


def _within(name: str, value: Any, low: float, high: float, words: str, open_below: bool = False) -> None:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not (fits and low <= value < high and not (open_below and value == low)):
        raise ValueError(f"{name}: expected a number that is {words}, and got {value!r}")
