"""Ctrl-C between two calls of the compiled loop, when the state of the run is whole."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def between_calls() -> Iterator[Callable[[], bool]]:
    """While the block runs, the first Ctrl-C is only noted; a second one raises `KeyboardInterrupt` at once.

    Yields:
        a function that tells whether Ctrl-C was pressed.
    """
    pressed = threading.Event()
    ours = threading.current_thread() is threading.main_thread() and (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )

    def note(number: int, frame: Any) -> None:
        if pressed.is_set():
            signal.default_int_handler(number, frame)
        pressed.set()

    if ours:
        signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
