"""Text that PyArrow does not take as it stands, rewritten on the way: runs of blanks, comments, old line ends."""

import re
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from .cells import WHITESPACE
from .dialect import Dialect

_COMMENT = re.compile(rb"^[ \t]*#[^\n]*\n?", re.MULTILINE)


def rewriter(dialect: Dialect) -> Callable[[bytes], bytes] | None:
    """What to do with whole lines before PyArrow reads them; None where nothing is to be done."""
    steps: list[Callable[[bytes], bytes]] = []
    if dialect.newline != b"\n":
        steps.append(lambda block: block.replace(b"\r", b"\n"))
    if dialect.has_comments:
        steps.append(lambda block: _COMMENT.sub(b"", block) if b"#" in block else block)
    if dialect.delimiter == WHITESPACE:
        steps.append(_single_blanks)
    elif dialect.spaced_quotes:
        steps.append(
            partial(re.compile(re.escape(dialect.delimiter.encode()) + rb' +"').sub, dialect.delimiter.encode() + b'"')
        )
    return (lambda block: reduce(lambda b, step: step(b), steps, block)) if steps else None


def _single_blanks(block: bytes) -> bytes:
    block = block.replace(b"\r\n", b"\n").replace(b"\t", b" ")
    while b"  " in block:
        block = block.replace(b"  ", b" ")
    return block.replace(b" \n", b"\n").replace(b"\n ", b"\n").strip(b" ")


class Rewritten:
    """A file for PyArrow to read: `stream`, whole lines at a time, through `rewrite`."""

    closed = False

    def __init__(self, stream: Any, rewrite: Callable[[bytes], bytes], newline: bytes) -> None:
        self._stream, self._rewrite, self._newline = stream, rewrite, newline
        self._rest, self._ready, self._at_end = b"", b"", False

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end."""
        while len(self._ready) < size and not self._at_end:
            block = self._stream.read(size)
            self._at_end = not block
            whole = self._rest + block
            end = len(whole) if self._at_end else whole.rfind(self._newline) + 1
            self._rest = whole[end:]
            self._ready += self._rewrite(whole[:end])
        part, self._ready = self._ready[:size], self._ready[size:]
        return part

    def close(self) -> None:
        self.closed = True
        self._stream.close()
