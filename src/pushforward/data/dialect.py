"""How a text table is written: its delimiter, its header or none, its decimal sign, where its rows begin."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from .cells import WHITESPACE, Record, kind_of, records, split
from .errors import TableError, count, show
from .files import TableFile, readable

_SAMPLE_ROWS = 200
_SAMPLE_CELLS = 200_000
_DELIMITERS = (",", ";", "\t", "|", WHITESPACE)
_SPOKEN = {
    "comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "tsv": "\t", "pipe": "|", "bar": "|",
    "space": WHITESPACE, "whitespace": WHITESPACE, "blank": WHITESPACE, "\\s+": WHITESPACE, "colon": ":",
}  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """How the rows of one text file are to be read."""

    delimiter: str
    names: tuple[str, ...]
    has_header: bool
    width: int  # cells in a row; one more than names where every row ends in a delimiter
    header_line: int  # the line whose cells the rows must match in number
    data_line: int  # the line and the offset at which the rows begin
    data_offset: int
    kinds: tuple[frozenset[str], ...]  # kinds of cells seen in each column of the head of the file
    texts: tuple[bool, ...]  # columns of which most cells there are text
    decimal: str = "."
    newline: bytes = b"\n"
    has_comments: bool = False
    has_quotes: bool = False
    spaced_quotes: bool = False
    longest: int = 0  # characters in the longest record seen


def delimiter_of(text: str | None) -> str | None:
    """The delimiter that a user means by `tab`, `;`, `whitespace` and so on; None is to find out.

    Raises:
        TableError: if it is not one character.
    """
    if text is None:
        return None
    meant = _SPOKEN.get(text.lower(), text)
    if len(meant) != 1 or not meant.isascii() or meant.isalnum() or meant in '"\r\n\0+-.#':
        raise TableError(
            f"the delimiter {show(text)} is not known; give one character, such as ',' or ';', or the word tab or whitespace"
        )
    return meant


def find_dialect(file: TableFile, delimiter: str | None = None, header: bool | None = None) -> Dialect:
    """Look at the head of `file`; `delimiter` and `header` are found out where they are None.

    Raises:
        TableError: if there are no rows, or the head is not text.
    """
    told = delimiter_of(delimiter)
    with readable(file.path):
        start = file.stream().read(1 << 16)
    if b"\0" in start:
        raise TableError(f"{file.path} is not a text table (it holds zero bytes); give a CSV or Parquet file")
    newline = b"\r" if b"\r" in start and b"\n" not in start else b"\n"
    with readable(file.path):
        head = list(_head(records(file.stream(), file.path, newline=newline)))
    if head and head[0].text.lower().startswith("sep=") and len(head[0].text) == 5:  # a note of Excel to itself
        told = told or head[0].text[4]
        head = head[1:]
    rows = [record for record in head if not record.is_comment]
    comments = [record for record in head if record.is_comment]
    if not rows:
        what = "only comments and a header" if comments else "only blank lines"
        raise TableError(f"{file.path} has no rows ({what}); expected rows of numbers")
    found, decimal = (told, _decimal(rows, told)) if told else _delimiter(rows)
    cells = [split(record.text, found) for record in rows]
    named = _names_in_comment(comments, rows, cells, found, header)
    has_header = named is not None or (_is_header(cells, decimal) if header is None else header)
    if named is None and has_header:
        named = (rows[0].line, rows[0].text, [cell for cell, _ in cells[0]])
        if len(rows) == 1:
            raise TableError(
                f"{file.path} has a header (line {rows[0].line}) and no rows; expected rows of numbers below it"
            )
        rows, cells = rows[1:], cells[1:]
    begin = max((r for r in head if r.line < rows[0].line), key=lambda r: r.line, default=None)
    usual = Counter(len(row) for row in cells).most_common(1)[0][0]
    trailing = usual > 1 and all(row[-1] == ("", False) for row in cells if len(row) == usual)
    names = _names(named, usual, trailing, file)
    width = usual if len(names) == usual - 1 and trailing else len(names)
    kinds = _kinds(cells, width, decimal)
    return Dialect(
        delimiter=found,
        names=names,
        has_header=has_header,
        width=width,
        header_line=named[0] if named else rows[0].line,
        data_line=rows[0].line,
        data_offset=_offset(begin, start),
        kinds=tuple(frozenset(column) for column in kinds),
        texts=tuple(2 * column["text"] >= max(1, column.total()) for column in kinds),
        decimal=decimal,
        newline=newline,
        has_comments=any(r.line > rows[0].line for r in comments),
        has_quotes=any('"' in record.text for record in rows),
        spaced_quotes=any(found + ' "' in record.text for record in rows),
        longest=max(len(record.text) for record in rows),
    )


def _head(stream: Iterator[Record]) -> Iterator[Record]:
    # Enough rows to judge by; of very wide tables fewer.
    size = 0
    for record in islice(stream, _SAMPLE_ROWS):
        yield record
        size += len(record.text) // 4
        if size > _SAMPLE_CELLS:
            size -= _SAMPLE_CELLS // 4
            if size > 3 * _SAMPLE_CELLS:
                return


def _offset(before: Record | None, start: bytes) -> int:
    return before.end if before else 3 * start.startswith(b"\xef\xbb\xbf")


def _share(cells: Sequence[list[tuple[str, bool]]], decimal: str) -> float:
    kinds = [kind_of(cell, decimal) for row in cells[:50] for cell, _ in row[:200]]
    return 1.0 - kinds.count("text") / max(1, len(kinds))


def _decimal(rows: list[Record], delimiter: str) -> str:
    cells = [split(record.text, delimiter) for record in rows]
    return "," if delimiter != "," and _share(cells, ",") > _share(cells, ".") else "."


def _delimiter(rows: list[Record]) -> tuple[str, str]:
    # The one that cuts most rows into equally many cells; of several, the one that leaves more numbers.
    best, choice = (0.0, 0.0), (",", ".")
    for delimiter in _DELIMITERS:
        cells = [split(record.text, delimiter) for record in rows]
        width, same = Counter(len(row) for row in cells[1:] or cells).most_common(1)[0]
        if width > 1:
            decimal = _decimal(rows, delimiter)
            merit = (round(same / max(1, len(cells) - 1), 1), _share(cells, decimal))
            if merit > best:
                best, choice = merit, (delimiter, decimal)
    return choice


def _names_in_comment(
    comments: list[Record], rows: list[Record], cells: list[list[tuple[str, bool]]], delimiter: str, header: bool | None
) -> tuple[int, str, list[str]] | None:
    # `# x y z` above rows of three cells, when the first row is not a header itself.
    above = [record for record in comments if record.line < rows[0].line]
    if header is False or not above or any(kind_of(cell) == "text" for cell, _ in cells[0]):
        return None
    for text in (above[-1].text.strip(), above[-1].text.strip().lstrip("#").strip()):
        names = [cell for cell, _ in split(text, delimiter)]
        if len(names) == len(cells[0]) and any(kind_of(name) == "text" for name in names):
            return above[-1].line, text, names
    return None


def _is_header(cells: list[list[tuple[str, bool]]], decimal: str) -> bool:
    """Whether the first record names the columns."""
    first, rest = cells[0], cells[1:]
    kinds = [kind_of(cell, decimal) for cell, _ in first]
    below = [{kind_of(row[j][0], decimal) for row in rest if j < len(row)} for j in range(len(first))]
    if "text" in kinds:
        if "number" in kinds:  # 1.5 names no column: this is a row that has some text in it
            return False
        if "integer" not in kinds:
            return True
        # 2019, 2020 may name columns: then the texts beside them do not come again below.
        texts = [(j, cell) for j, (cell, _) in enumerate(first) if kinds[j] == "text"]
        return not any(
            (cell, quoted) in row[j : j + 1] for row in rest for j, cell in texts for quoted in (True, False)
        )
    numbers = [cell for cell, _ in first if cell]
    if any(quoted for _, quoted in first) and not any(quoted for row in rest for _, quoted in row):
        return True
    # 0, 1, 2, ... are the names that pandas gives; no header of ours unless the columns hold other numbers than counts.
    counted = (
        len(numbers) > 1 and numbers == [str(j) for j in range(len(numbers))] and "" not in [c for c, _ in first[1:]]
    )
    return counted and any("number" in column for column in below)


def _names(named: tuple[int, str, list[str]] | None, usual: int, trailing: bool, file: TableFile) -> tuple[str, ...]:
    if named is None:
        return tuple(f"x{j + 1}" for j in range(usual - trailing))
    line, text, cells = named
    if trailing and len(cells) == usual and cells[-1] == "":
        cells = cells[:-1]
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TableError(
            f"{file.path}, line {line}: the names are not UTF-8 (they may be Latin-1 or Windows-1252); save the file as UTF-8"
        ) from None
    if any(ord(c) < 9 for name in cells for c in name):
        raise TableError(
            f"{file.path} is not a text table (control characters in line {line}); give a CSV or Parquet file"
        )
    return tuple(name or f"x{j + 1}" for j, name in enumerate(cells))


def _kinds(cells: list[list[tuple[str, bool]]], width: int, decimal: str) -> list[Counter[str]]:
    kinds: list[Counter[str]] = [Counter() for _ in range(width)]
    for row in cells:
        for column, (cell, _) in zip(kinds, row, strict=False):
            column[kind_of(cell, decimal)] += 1
    return kinds


def describe_width(dialect: Dialect, line: int, cells: int) -> str:
    """What is wrong with a row of another number of cells."""
    where = "header" if dialect.has_header else "first row"
    return (
        f"line {line} has {count(cells, 'cell')} where the {where} (line {dialect.header_line}) has {dialect.width:,}"
    )
