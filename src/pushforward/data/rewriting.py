"""What PyArrow does not take as it stands is rewritten on the way: comments, blank lines, runs of blanks, line ends."""

import re
from collections.abc import Callable
from typing import Any

from .cells import WHITESPACE, split
from .dialect import Dialect

_COMMENT = re.compile(rb"^[ \t]*#[^\n]*\n?", re.MULTILINE)
_BLANK = re.compile(rb"^[ \t]+(?:\r?\n|\r?\Z)", re.MULTILINE)


def rewriter(dialect: Dialect) -> Callable[[bytes], bytes]:
    """What is done with whole lines before PyArrow reads them. Where nothing is to be done, it costs a few searches."""
    steps: list[Callable[[bytes], bytes]] = []
    if dialect.newline != b"\n":
        steps.append(lambda block: block.replace(b"\r", b"\n"))
    steps.append(_without_comments(dialect))
    if dialect.delimiter == WHITESPACE:
        steps.append(_single_blanks)
    else:
        steps.append(_without_blank_lines)
    if dialect.spaced_quotes and dialect.delimiter != WHITESPACE:
        mark = dialect.delimiter.encode()
        spaced = re.compile(re.escape(mark) + rb' +"')
        steps.append(lambda block: spaced.sub(mark + b'"', block))

    def rewrite(block: bytes) -> bytes:
        for step in steps:
            block = step(block)
        return block

    return rewrite


def _without_comments(dialect: Dialect) -> Callable[[bytes], bytes]:
    # The same lines as `Dialect.skips` says, for the line numbers of messages are counted by that.
    def kept(match: re.Match[bytes]) -> bytes:
        text = match[0].decode("utf-8", "surrogateescape").rstrip("\r\n")
        return b"" if dialect.has_comments or len(split(text, dialect.delimiter)) != dialect.width else match[0]

    return lambda block: _COMMENT.sub(kept, block) if b"#" in block else block


def _without_blank_lines(block: bytes) -> bytes:
    # PyArrow leaves out lines of nothing, and takes one of blanks for a row. To look for one byte is fastest.
    blanks = b" " in block or b"\t" in block
    if blanks and (block.startswith((b" ", b"\t")) or b"\n " in block or b"\n\t" in block):
        return _BLANK.sub(b"", block)
    return block


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
