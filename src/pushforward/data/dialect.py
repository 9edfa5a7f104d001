"""How a text table is written: its delimiter, its header or none, its decimal sign, where its rows begin."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from .cells import WHITESPACE, Cell, Record, kind_of, records, split
from .errors import TableError, show
from .files import TableFile
from .header import checked_names, is_header, names_in_comment

_SAMPLE_RECORDS = 200
_SAMPLE_SIZE = 1 << 22
_SAMPLE_CELLS = 100_000
_DELIMITERS = (",", ";", "\t", "|", WHITESPACE)
_SPOKEN = {
    "comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "tsv": "\t", "pipe": "|", "bar": "|", "colon": ":",
    "space": WHITESPACE, "whitespace": WHITESPACE, "blank": WHITESPACE, "\\s+": WHITESPACE,
}  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """How the rows of one text file are to be read."""

    delimiter: str
    names: tuple[str, ...]
    has_header: bool
    width: int  # cells in a row: one more than names where every row ends in a delimiter
    header_line: int  # the line whose cells the rows must match in number
    data_line: int  # the line and the offset in bytes from which the rows are read
    data_offset: int
    kinds: tuple[frozenset[str], ...]  # the kinds of cells in each column of the head of the file
    texts: tuple[bool, ...]  # the columns of which most cells there are text
    decimal: str = "."
    newline: bytes = b"\n"
    has_comments: bool = False
    has_quotes: bool = False
    spaced_quotes: bool = False
    longest: int = 0  # characters in the longest record of the head
    row_size: float = 1.0  # bytes in a row, on average over the head

    def skips(self, record: Record) -> bool:
        """Whether this record below the header is a comment.

        `#` in front means that where the file has comments above its rows. Elsewhere `#ff0000` may be a cell, and it
        means that only in a line that is no row by its number of cells.
        """
        return record.is_comment and (self.has_comments or len(split(record.text, self.delimiter)) != self.width)


def delimiter_of(text: str | None) -> str | None:
    """The delimiter that is meant by `tab`, `;`, `whitespace` and so on; None is to find out.

    Raises:
        TableError: if it is not one character.
    """
    if text is None:
        return None
    meant = _SPOKEN.get(text.lower(), text)
    if len(meant) != 1 or not meant.isascii() or meant.isalnum() or meant in '"\r\n\0+-.#':
        raise TableError(f"the delimiter {show(text)} is not known; give one character, as ';', or tab or whitespace")
    return meant


def find_dialect(file: TableFile, delimiter: str | None = None, header: bool | None = None) -> Dialect:
    """Look at the head of `file`; `delimiter` and `header` are found out where they are None.

    Raises:
        TableError: if there are no rows, or the head is not text.
    """
    told = delimiter_of(delimiter)
    with file.reading():
        start = file.stream().read(1 << 16)
        if b"\0" in start:
            raise TableError(f"{file} is no text (it holds zero bytes); give a CSV in UTF-8 or a Parquet file")
        newline = b"\r" if b"\r" in start and b"\n" not in start else b"\n"
        head = list(_head(records(file.stream(), file, newline=newline)))
    above = list(takewhile(lambda record: record.is_comment, head))
    rows = head[len(above) :]
    before = above[-1] if above else None  # the last record above the rows
    if rows and len(rows[0].text) == 5 and rows[0].text.lower().startswith("sep="):  # a note of Excel to itself
        told = told or rows[0].text[4]
        before, rows = rows[0], rows[1:]
    plain = [record for record in rows if not record.is_comment]
    if above or len(plain) > 1:
        rows = plain
    if not rows:
        raise TableError(
            f"{file} has no rows (only {'comments' if above else 'blank lines'}); expected rows of numbers"
        )
    found, decimal = _punctuation(rows, [told] if told else _DELIMITERS)
    cells = [split(record.text, found) for record in rows]
    named = None
    if above and header is not False and not any(kind_of(cell.text, decimal) == "text" for cell in cells[0]):
        named = names_in_comment(above[-1], cells[0], found)
    line = above[-1].line if named else rows[0].line
    has_header = named is not None or (is_header(cells[0], cells[1:], decimal) if header is None else header)
    if has_header and named is None:
        named, before, rows, cells = cells[0], rows[0], rows[1:], cells[1:]
        if not rows and checked_names(named, line, file):
            raise TableError(f"{file} has a header (line {line}) and no rows; expected rows of numbers below it")
    usual = Counter(len(row) for row in cells).most_common(1)[0][0]
    # Every row may end in a delimiter, with a name of nothing for the column behind it, or with none.
    trailing = usual > 1 and all(row[-1] == ("", False) for row in cells if len(row) == usual)
    if named is None:
        names = tuple(f"x{j + 1}" for j in range(usual - trailing))
    else:
        dropped = trailing and len(named) == usual and not named[-1].text
        names = checked_names(named[:-1] if dropped else named, line, file)
    width = usual if trailing and len(names) == usual - 1 else len(names)
    kinds = _kinds(cells, width, decimal)
    return Dialect(
        delimiter=found,
        names=names,
        has_header=has_header,
        width=width,
        header_line=line,
        data_line=before.next_line if before else 1,
        data_offset=before.end if before else 3 * start.startswith(b"\xef\xbb\xbf"),
        kinds=tuple(frozenset(column) for column in kinds),
        texts=tuple(2 * column["text"] >= max(1, column.total()) for column in kinds),
        decimal=decimal,
        newline=newline,
        has_comments=bool(above) or found == WHITESPACE,
        has_quotes=any('"' in record.text for record in rows),
        spaced_quotes=any(found + ' "' in record.text for record in rows),
        longest=max(len(record.text) for record in rows),
        row_size=max(1.0, (rows[-1].end - (before.end if before else 0)) / len(rows)),
    )


def _head(stream: Iterator[Record]) -> Iterator[Record]:
    # Enough records to judge by; of very wide tables fewer.
    rows = size = 0
    for record in stream:
        yield record
        rows += not record.is_comment
        size += len(record.text)
        if rows >= _SAMPLE_RECORDS or (rows > 3 and size > _SAMPLE_SIZE):
            return


def _punctuation(rows: Sequence[Record], delimiters: Sequence[str]) -> tuple[str, str]:
    # Delimiter and decimal sign: the delimiter that cuts most rows into equally many cells, more than one; of several
    # the one, with the decimal sign, that leaves most numbers.
    best, choice = (0.0, 0.0), (delimiters[0], ".")
    for delimiter in delimiters:
        cells = [split(record.text, delimiter) for record in rows[:50]]
        widths = Counter(len(row) for row in cells[1:] or cells)
        width, same = widths.most_common(1)[0]
        if width == 1 and len(delimiters) > 1:
            continue
        for decimal in ".," if delimiter != "," else ".":
            merit = (round(same / widths.total(), 1), _numeric(cells, decimal))
            if merit > best:
                best, choice = merit, (delimiter, decimal)
    return choice


def _numeric(cells: Sequence[Sequence[Cell]], decimal: str) -> float:
    kinds = [kind_of(cell.text, decimal) for row in cells for cell in row[:200]]
    return 1.0 - kinds.count("text") / max(1, len(kinds))


def _kinds(cells: Sequence[Sequence[Cell]], width: int, decimal: str) -> list[Counter[str]]:
    kinds: list[Counter[str]] = [Counter() for _ in range(width)]
    for row in cells[: max(10, _SAMPLE_CELLS // max(1, width))]:
        for column, cell in zip(kinds, row, strict=False):
            column[kind_of(cell.text, decimal)] += 1
    return kinds
