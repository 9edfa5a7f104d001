"""A sign of life from work that cannot tell how far it is, such as compiling."""

import sys
import threading
import time
from typing import Any, TextIO

from .console import clock

# Between two states of the line on a terminal; between two lines in a log.
_LIVE_SECONDS, _LOG_SECONDS = 0.5, 10.0


class Waiting:
    """Says `words · 0:07` on stderr while a `with` block runs, until it ends or somebody else writes there.

    On a terminal one line is kept up to date and goes when it is over; elsewhere there is a line every ten seconds.

    Args:
        words: what is going on.
        silent: do nothing.
    """

    def __init__(self, words: str, silent: bool = False):
        self._words, self._silent = words, silent
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._shown = False

    def __enter__(self) -> "Waiting":
        if self._silent:
            self._over.set()
            return self
        self._stream: TextIO = sys.stderr
        self._live = self._stream.isatty()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._tick, daemon=True)
        sys.stderr = _Watched(self._stream, self.stop)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        if not self._silent:
            self.stop()
            self._thread.join()
            if isinstance(sys.stderr, _Watched):
                sys.stderr = self._stream

    def stop(self) -> None:
        """Say no more, and leave nothing on the terminal."""
        with self._lock:
            if not self._over.is_set() and self._live and self._shown:
                self._stream.write("\r\x1b[2K")
                self._stream.flush()
            self._over.set()

    def _tick(self) -> None:
        while not self._over.wait(_LIVE_SECONDS if self._live else _LOG_SECONDS):
            with self._lock:
                if self._over.is_set():
                    return
                line = f"{self._words} · {clock(time.monotonic() - self._began)}"
                self._stream.write(f"\r\x1b[2K{line}" if self._live else f"{line}\n")
                self._stream.flush()
                self._shown = True


class _Watched:
    """A stream that calls a function before anything is written."""

    def __init__(self, stream: TextIO, before: Any):
        self._stream, self._before = stream, before

    def write(self, text: str) -> int:
        self._before()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
