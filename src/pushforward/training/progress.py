"""Progress of a run: one line that is kept up to date on a terminal, or a callback."""

import math
import time
from collections.abc import Callable
from typing import Any

from .history import EpochRecord

Progress = bool | None | Callable[[EpochRecord], Any]

# Before the first line; between two lines in a log; between two states of the line on a terminal.
_WAIT_SECONDS, _LOG_SECONDS, _LIVE_SECONDS = 1.0, 10.0, 0.1


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
        self._lowest, self._best_epoch = math.inf, 0

    def is_due(self) -> bool:
        """Whether it is time to tell how the epoch goes."""
        now = time.monotonic()
        if self._wanted is False or (self._wanted is None and now - self._began < _WAIT_SECONDS):
            return False
        if self._console is None:
            self._open()
        return bool(self._wanted) and now - self._shown_at >= (_LOG_SECONDS if self._live is None else _LIVE_SECONDS)

    def running(self, epoch: int, steps: int, train_loss: float, rate: float | None) -> None:
        """`steps` steps of `epoch` (from 1) are done, with this mean loss, at `rate` steps a second."""
        self._shown_at = time.monotonic()
        self._show(self._line(epoch, steps, train_loss, rate))

    def ended(self, record: EpochRecord) -> None:
        """An epoch is done."""
        self.remember(record)
        if self._callback is not None:
            self._callback(record)

    def remember(self, record: EpochRecord) -> None:
        """Take note of an epoch, one before an interruption too."""
        self._last = record
        loss = math.inf if record.validation_loss is None else record.validation_loss
        if loss < self._lowest:
            self._lowest, self._best_epoch = loss, record.epoch

    def close(self) -> None:
        """Leave a line on the last epoch standing."""
        if self._console is not None and self._last is not None:
            self._show(self._line(self._last.epoch, self._steps_per_epoch, self._last.train_loss, None))
        if self._live is not None:
            self._live.stop()
        self._live = self._console = None

    def _open(self) -> None:
        # Rich takes a twentieth of a second to import, which a silent run does not pay.
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True)
        if self._wanted is None:
            self._wanted = console.is_terminal or console.is_jupyter
        if not self._wanted:
            return
        self._console = console
        if console.is_terminal or console.is_jupyter:
            self._live = Live(console=console, auto_refresh=False)
            self._live.start()

    def _show(self, line: str) -> None:
        from rich.text import Text

        text = Text(line, no_wrap=True, overflow="ellipsis")
        if self._live is not None:
            self._live.update(text, refresh=True)
        else:
            self._console.print(line, highlight=False, soft_wrap=True)

    def _line(self, epoch: int, steps: int, train_loss: float, rate: float | None) -> str:
        parts = [f"epoch {epoch}/{self._epochs}"]
        if rate:
            left = ((self._epochs - epoch + 1) * self._steps_per_epoch - steps) / rate
            parts.append(f"{_clock(left)} left")
        parts.append(f"train {train_loss:.4f}")
        if self._last is not None and self._last.validation_loss is not None:
            parts.append(f"validation {self._last.validation_loss:.4f}")
        if self._best_epoch:
            parts.append(f"best {self._lowest:.4f} ({self._best_epoch})")
        if rate:
            parts.append(f"{rate:,.0f} steps/s")
        return " · ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
