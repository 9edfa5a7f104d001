"""Compiled programs kept between runs, so that the second run of a kind starts at once."""

import contextlib
import os
import sys
import warnings
from typing import Any

VARIABLE = "PUSHFORWARD_CACHE"
_SAVED = "/jax/compilation_cache/compile_time_saved_sec"
_COMPILED = "/jax/core/compile/backend_compile_duration"


class Compiling:
    """What compiling took and what the cache saved, in seconds, since this was made."""

    def __init__(self) -> None:
        self.seconds, self.saved = 0.0, 0.0

    def heard(self, event: str, duration_secs: float, **_: Any) -> None:
        """A listener of `jax.monitoring`."""
        if event == _SAVED:
            self.saved += max(0.0, duration_secs)
        elif event == _COMPILED:
            self.seconds += duration_secs

    def words(self) -> str:
        """For a person; empty where there is nothing worth saying."""
        return f"the cache of compiled programs saved {self.saved:.0f} s" if self.saved >= 0.5 else ""


def start() -> Compiling:
    """Load JAX with the cache switched on; the first thing that a command does once its input is read.

    The folder is `pushforward/jax` in the user's cache folder, or the one that PUSHFORWARD_CACHE names; empty switches
    the cache off. One that cannot be written to does no harm.
    """
    from jax import monitoring

    from ..training import enable_compilation_cache

    compiling = Compiling()
    monitoring.register_event_duration_secs_listener(compiling.heard)
    place = os.environ.get(VARIABLE)
    if place != "":
        with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: there is no home folder.
            enable_compilation_cache(place)
    return compiling


def show_warnings_briefly() -> None:
    """Our own warnings as one line each; those of others say nothing to somebody at a command line."""

    def show(message: Any, category: type, filename: str, *_: Any) -> None:
        if f"{os.sep}pushforward{os.sep}" in filename and issubclass(category, RuntimeWarning | UserWarning):
            print(f"pushforward: {' '.join(str(message).split())}", file=sys.stderr)

    warnings.showwarning = show  # type: ignore[assignment]
