"""What the tool says: messages and progress on stderr, results on stdout."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from .errors import one_line

# Before the first sign of progress; between two lines of it in a log; between two states of it on a terminal.
_WAIT_SECONDS, _LOG_SECONDS, _LIVE_SECONDS = 1.0, 10.0, 0.1


class Console:
    """One command's voice.

    Args:
        quiet: no messages and no progress; errors and results only.
        as_json: results as one JSON object.
    """

    def __init__(self, quiet: bool = False, as_json: bool = False):
        self.quiet, self.as_json = quiet, as_json

    def note(self, text: str) -> None:
        """A message for a person."""
        if not self.quiet:
            print(one_line(text), file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """A message that matters, also where only errors are wanted."""
        print(f"pushforward: {one_line(text)}", file=sys.stderr, flush=True)

    def result(self, text: str, facts: dict[str, Any]) -> None:
        """What came out: `text` for a person, or `facts` with --json."""
        if self.as_json:
            print(json.dumps(plain(facts), allow_nan=False, ensure_ascii=False))
        elif not self.quiet:
            print(text)
        sys.stdout.flush()

    def meter(self, verb: str, total: int | None = None, unit: str = "rows") -> "Meter":
        """Progress of one long step, such as `meter("scored", 1000)`; use it in a `with` block."""
        return Meter(verb, total, unit, silent=self.quiet)


class Meter:
    """Rows done, rows a second and time left: live on a terminal, else a line every ten seconds.

    Silent in the first second, so that what is quick says nothing.
    """

    def __init__(self, verb: str, total: int | None, unit: str, silent: bool):
        self.verb, self.total, self.unit, self.silent = verb, total, unit, silent
        self.done = 0
        self.facts: dict[str, Any] = {}
        self.began = time.monotonic()
        self.shown_at = self.began
        self._live: Any = None
        self._show: Callable[[str], None] | None = None

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def advance(self, count: int) -> None:
        """So many more are done."""
        self.done += count
        now = time.monotonic()
        if self.silent or now - self.began < _WAIT_SECONDS:
            return
        if self._show is None:
            self._open()
        elif now - self.shown_at < (_LOG_SECONDS if self._live is None else _LIVE_SECONDS):
            return
        self.shown_at = now
        if self._show is not None:
            self._show(self._line(now - self.began))

    def _line(self, seconds: float) -> str:
        rate = self.done / seconds
        parts = [f"{self.verb} {self.done:,} {self.unit}"]
        if self.total:
            parts[0] = f"{self.verb} {self.done:,} of {self.total:,} {self.unit} ({self.done / self.total:.0%})"
            parts.append(f"{clock(max(0, self.total - self.done) / rate)} left")
        parts.append(f"{rate:,.0f} {self.unit}/s")
        return " · ".join(parts)

    def _open(self) -> None:
        from rich.console import Console as RichConsole
        from rich.live import Live
        from rich.text import Text

        console = RichConsole(stderr=True)
        if not console.is_terminal:
            self._show = lambda line: print(line, file=sys.stderr, flush=True)
            return
        live = Live(console=console, auto_refresh=False, transient=True)
        live.start()
        self._live = live
        self._show = lambda line: live.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)


def clock(seconds: float) -> str:
    """0:07, 12:40, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numbers of NumPy as numbers, what is not finite as null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return value if value - value == 0 else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)
