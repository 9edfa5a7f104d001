"""Looking for garbage less often where many objects are made that live on: imports, and tracing programs to compile.

Python looks through its young objects after every few hundred new ones. A tenth of the time from starting the
interpreter to a trained small flow went there, and a sixth of that of a first `pushforward.check`.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside, _before = 0, (0, 0, 0)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """While the block runs, in any thread; as a decorator, while the function does."""
    global _inside, _before
    with _lock:
        if _inside == 0:
            _before = gc.get_threshold()
            if 0 < _before[0] < 100_000:  # 0: somebody has switched it off.
                gc.set_threshold(100_000, *_before[1:])
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                gc.set_threshold(*_before)
