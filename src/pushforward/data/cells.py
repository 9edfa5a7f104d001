"""Records of a delimited text, with the line and the offset of each; the cells of a record; what a cell is."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from .errors import TableError

WHITESPACE = " "  # as a delimiter: any run of blanks

_BOM = b"\xef\xbb\xbf"
_LONGEST = 1 << 26
_QUOTED = re.compile(r'(?:^|[,;\t| ])"(?:[^"]|"")*+(?P<close>"?)')
_QUOTED_CELL = re.compile(r' *"(?:[^"]|"")*+"')
_BLANK_SEPARATED = re.compile(r'"(?:[^"]|"")*+"|[^ \t]+')
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_MISSING = frozenset(
    ["", "na", "n/a", "#n/a", "nan", "-nan", "+nan", "null", "none", "nil", "?", "-", "--", ".", "missing", "<na>"]
)
_INFINITE = frozenset(["inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"])


class Record(NamedTuple):
    """One record: the line on which it begins (from 1), its text, and the offset in bytes of what follows it."""

    line: int
    text: str
    end: int

    @property
    def is_comment(self) -> bool:
        """Whether it begins with #."""
        return self.text.lstrip().startswith("#")

    @property
    def next_line(self) -> int:
        """The line behind it; quoted cells may hold line ends."""
        return self.line + self.text.count("\n") + 1


class Cell(NamedTuple):
    """One cell, without quotes and without blanks around it."""

    text: str
    quoted: bool


def records(stream: pa.NativeFile, source: object, *, newline: bytes = b"\n", line: int = 1) -> Iterator[Record]:
    """The records of a text that begins on line `line`; blank lines are left out.

    Bytes that are not UTF-8 come as surrogates, so that only those who need the text have to mind.

    Raises:
        TableError: if a line has no end within 64 MiB, or a quote is never closed.
    """
    rest, opened, begin, end = b"", "", line, 0
    at_end = False
    while not at_end:
        block = stream.read(1 << 20)
        at_end = not block
        if end == 0 and not rest and block.startswith(_BOM):
            block, end = block[len(_BOM) :], len(_BOM)
        lines = (rest + block).split(newline)
        rest = b"" if at_end else lines.pop()
        for content in lines:
            end += len(content) + (0 if at_end else len(newline))
            text = opened + content.decode("utf-8", "surrogateescape")
            line += 1
            if text.count('"') % 2 and not text.startswith("#") and _is_open(text):
                opened = text + "\n"
            else:
                if text.strip(" \t\r"):
                    yield Record(begin, text.removesuffix("\r"), end)
                opened, begin = "", line
        if len(rest) + len(opened) > _LONGEST:
            raise TableError(
                f"{source}, line {begin}: no end of the row within {_LONGEST >> 20} MiB; "
                "close the quote that is open, or give a table in place of this file"
            )
    if opened:
        raise TableError(f"{source}, line {begin}: a quote is opened and never closed; close it or remove it")


def _is_open(text: str) -> bool:
    return any(not match["close"] for match in _QUOTED.finditer(text))


def split(text: str, delimiter: str) -> list[Cell]:
    """The cells of a record."""
    if delimiter == WHITESPACE:
        return [_cell(part) for part in _BLANK_SEPARATED.findall(text)]
    if '"' not in text:
        return [Cell(part.strip(" \t"), False) for part in text.split(delimiter)]
    cells, start = [], 0
    while start <= len(text):
        match = _QUOTED_CELL.match(text, start)
        stop = text.find(delimiter, match.end() if match else start)
        stop = len(text) if stop < 0 else stop
        cells.append(_cell(text[start:stop]))
        start = stop + 1
    return cells


def _cell(part: str) -> Cell:
    part = part.strip(" \t")
    if len(part) >= 2 and part[0] == part[-1] == '"':
        return Cell(part[1:-1].replace('""', '"'), True)
    return Cell(part, False)


def kind_of(cell: str, decimal: str = ".") -> str:
    """`integer`, `number`, `missing`, `infinite` or `text`."""
    cell = cell.strip(" \t")
    if _INTEGER.fullmatch(cell):
        return "integer" if len(cell) < 300 or abs(float(cell)) < float("inf") else "infinite"
    plain = cell
    if decimal == ",":
        plain = cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell if "." not in cell else "text"
    if _NUMBER.fullmatch(plain):
        return "number" if abs(float(plain)) < float("inf") else "infinite"
    folded = cell.casefold()
    return "missing" if folded in _MISSING else "infinite" if folded in _INFINITE else "text"
