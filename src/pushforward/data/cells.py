"""Records of a delimited text, with the line and the offset of each, and the cells of a record."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from .errors import TableError

_QUOTED = re.compile(r'(?:^|[,;\t| ])"(?:[^"]|"")*+(?P<close>"?)')
_QUOTED_CELL = re.compile(r' *"(?:[^"]|"")*+"')
_BLANK_SEPARATED = re.compile(r'"(?:[^"]|"")*+"|\S+')
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_MISSING = frozenset(
    {"", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "nil", "?", "-", "--", ".", "missing", "<na>"}
)
_INFINITE = frozenset({"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})
_LONGEST = 1 << 26

_BOM = b"\xef\xbb\xbf"

WHITESPACE = " "


class Record(NamedTuple):
    """One record: the line on which it begins (from 1), its text, and the offset of what follows it."""

    line: int
    text: str
    end: int

    @property
    def is_comment(self) -> bool:
        return self.text.lstrip().startswith("#")


def records(stream: pa.NativeFile, path: object, *, newline: bytes = b"\n", line: int = 1) -> Iterator[Record]:
    """The records of a text; blank lines are left out, and a quoted cell may hold line ends.

    Bytes that are not UTF-8 come as surrogates, so that only those who need the text have to mind.

    Raises:
        TableError: if a line has no end within 64 MiB, or a quote is never closed.
    """
    pending, end, begun, opened = b"", 0, line, ""
    at_end = False
    while not at_end:
        block = stream.read(1 << 20)
        at_end = not block
        if not end and not pending and block.startswith(_BOM):
            block, end = block[len(_BOM) :], len(_BOM)
        pieces = (pending + block).split(newline)
        pending = b"" if at_end else pieces.pop()
        if len(pending) + len(opened) > _LONGEST:
            raise TableError(
                f"{path}, line {begun}: no end of the record within {_LONGEST >> 20} MiB; "
                "a quote may be left open, or this is not a table"
            )
        for number, piece in enumerate(pieces):
            end += len(piece) + (not at_end or number < len(pieces) - 1) * len(newline)
            text = opened + piece.removesuffix(b"\r").decode("utf-8", "surrogateescape")
            if text.count('"') % 2 and not text.startswith("#") and _is_open(text):
                opened = text + "\n"
            else:
                opened = ""
                if text.strip():
                    yield Record(begun, text, end)
                begun = line + 1
            line += 1
    if opened:
        raise TableError(f"{path}, line {begun}: a quote is opened and never closed; close it or remove it")


def _is_open(text: str) -> bool:
    return any(not match["close"] for match in _QUOTED.finditer(text))


def split(text: str, delimiter: str) -> list[tuple[str, bool]]:
    """The cells of a record: content without blanks around it, and whether it was quoted."""
    if delimiter == WHITESPACE:
        return [_unquote(cell) for cell in _BLANK_SEPARATED.findall(text)]
    if '"' not in text:
        return [(cell.strip(" \t"), False) for cell in text.split(delimiter)]
    cells, start = [], 0
    while start <= len(text):
        match = _QUOTED_CELL.match(text, start)
        stop = text.find(delimiter, match.end() if match else start)
        stop = len(text) if stop < 0 else stop
        cells.append(_unquote(text[start:stop]))
        start = stop + 1
    return cells


def _unquote(cell: str) -> tuple[str, bool]:
    cell = cell.strip(" \t")
    if len(cell) >= 2 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"'), True
    return cell, False


def kind_of(cell: str, decimal: str = ".") -> str:
    """`integer`, `number`, `missing`, `infinite` or `text`."""
    if _INTEGER.fullmatch(cell):
        return "integer" if len(cell) < 300 or abs(float(cell)) < float("inf") else "infinite"
    if decimal == ",":
        if _DECIMAL_COMMA.fullmatch(cell) or ("." not in cell and _NUMBER.fullmatch(cell)):
            return "number" if abs(float(cell.replace(",", "."))) < float("inf") else "infinite"
    elif _NUMBER.fullmatch(cell):
        return "number" if abs(float(cell)) < float("inf") else "infinite"
    folded = cell.strip().casefold()
    return "missing" if folded in _MISSING else "infinite" if folded in _INFINITE else "text"
