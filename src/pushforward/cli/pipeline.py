"""Stages of a stream side by side, each in a thread of its own."""

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
_END = object()


def in_thread(source: Iterable[T], ahead: int = 2) -> Generator[T, None, None]:
    """The items of `source`, computed in a thread, at most `ahead` before they are asked for.

    An exception in the thread is raised here, and the thread ends when the iterator is closed.
    """
    items: queue.Queue = queue.Queue(maxsize=ahead)
    closed = threading.Event()

    def put(item: Any) -> bool:
        while not closed.is_set():
            try:
                items.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in source:
                if not put((item, None)):
                    return
            put((_END, None))
        except BaseException as error:
            put((_END, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = items.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        closed.set()
        thread.join()
