"""Progress of a run: one line that is kept up to date on a terminal, or a callback."""

import time
from collections.abc import Callable
from typing import Any

from .history import EpochRecord

Progress = bool | None | Callable[[EpochRecord], Any]

_PATIENCE_SECONDS, _LOG_SECONDS = 1.0, 10.0


class Reporter:
    """Shows how a run goes.

    Args:
        progress: True for a line (a line every ten seconds where the output is no terminal), False for silence, None
            for a line if the output is a terminal and the run takes more than a second, or a function called with each
            `EpochRecord`.
        epochs: of the whole run.
        steps_per_epoch: steps in each.
    """

    def __init__(self, progress: Progress, epochs: int, steps_per_epoch: int):
        if progress not in (True, False, None) and not callable(progress):
            raise TypeError(
                f"progress: expected True, False, None or a function of the epoch's record, and got {progress!r}"
            )
        self._callback = progress if callable(progress) else None
        self._wanted: bool | None = progress if isinstance(progress, bool) or progress is None else False
        self._epochs, self._steps_per_epoch = epochs, steps_per_epoch
        self._began = time.monotonic()
        self._shown_at = -_LOG_SECONDS
        self._live: Any = None
        self._console: Any = None
        self._last: EpochRecord | None = None
        self._best: EpochRecord | None = None
        self._text = ""

    def is_shown(self) -> bool:
        """Whether there is anybody to tell how an epoch goes."""
        if self._wanted is False or (self._wanted is None and time.monotonic() - self._began < _PATIENCE_SECONDS):
            return False
        if self._console is None:
            # Rich takes a twentieth of a second to import, which a silent run does not pay.
            from rich.console import Console
            from rich.live import Live

            self._console = Console(stderr=True)
            is_terminal = self._console.is_terminal
            if self._wanted is None and not is_terminal:
                self._wanted = False
                return False
            if is_terminal:
                self._live = Live(console=self._console, auto_refresh=False)
                self._live.start()
        return True

    def running(self, epoch: int, steps: int, train_loss: float, rate: float | None) -> None:
        """`steps` steps of `epoch` (from 1) are done, with this mean loss, at `rate` steps a second."""
        self._text = self._line(epoch, steps, train_loss, rate)
        self._show(self._text)

    def ended(self, record: EpochRecord) -> None:
        """An epoch is done."""
        self._last = record
        if record.validation_loss is not None and (
            self._best is None or record.validation_loss < self._best.validation_loss  # type: ignore[operator]
        ):
            self._best = record
        if self._callback is not None:
            self._callback(record)

    def close(self) -> None:
        """Leave the last line standing."""
        if self._live is not None:
            self._live.stop()
        elif self._console is not None and self._text:
            self._console.print(self._text, highlight=False)
        self._live = self._console = None

    def _show(self, text: str) -> None:
        if self._live is not None:
            self._live.update(text, refresh=True)
        elif time.monotonic() - self._shown_at >= _LOG_SECONDS:
            self._shown_at = time.monotonic()
            self._console.print(text, highlight=False)

    def _line(self, epoch: int, steps: int, train_loss: float, rate: float | None) -> str:
        parts = [f"epoch {epoch}/{self._epochs}", f"train {train_loss:.4f}"]
        if self._last is not None and self._last.validation_loss is not None:
            parts.append(f"validation {self._last.validation_loss:.4f}")
        if self._best is not None:
            parts.append(f"best {self._best.validation_loss:.4f} (epoch {self._best.epoch})")
        if rate:
            left = ((self._epochs - epoch + 1) * self._steps_per_epoch - steps) / rate
            parts += [f"{rate:,.0f} steps/s", f"{_clock(left)} left"]
        return " · ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
