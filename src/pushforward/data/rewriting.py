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
        self._rest, self._ready, self._at = b"", b"", 0

    def read(self, size: int) -> bytes:
        while self._at == len(self._ready):
            block = self._stream.read(1 << 20)
            whole = self._rest + block
            end = whole.rfind(self._newline) + 1 if block else len(whole)
            if not whole:
                return b""
            self._rest = whole[end:]
            self._ready, self._at = self._rewrite(whole[:end]) if end else b"", 0
        part = self._ready[self._at : self._at + size]
        self._at += len(part)
        return part

    def close(self) -> None:
        self.closed = True
        self._stream.close()
