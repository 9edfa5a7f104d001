"""What is wrong in a text table, looked for once reading has failed: the first cell that is no number, named."""

from collections.abc import Iterator, Sequence
from typing import NoReturn

from .cells import Record, kind_of, records, split
from .columns import refuse_text
from .dialect import Dialect
from .errors import TableError, count, leaving_out, one_line, show
from .files import TableFile


def refuse_text_columns(file: TableFile, dialect: Dialect, keep: Sequence[int]) -> None:
    """Raise if some of the columns `keep` hold text in most rows of the head of the file.

    Raises:
        TableError: naming these columns, and those that hold numbers.
    """
    texts = [j for j in keep if dialect.texts[j]]
    if not texts:
        return
    first = next(_rows(file, dialect))
    cells = split(first.text, dialect.delimiter)
    example = f"text ({show(cells[texts[0]].text)} in line {first.line})" if texts[0] < len(cells) else "text"
    numbers = {"integer", "number"}
    numeric = [j for j, kinds in enumerate(dialect.kinds[: len(dialect.names)]) if kinds <= numbers]
    hint = "; another delimiter can be given with --delimiter" if len(dialect.names) == 1 else ""
    refuse_text(dialect.names, texts, numeric, source=file, example=example, hint=hint)


def diagnose(file: TableFile, dialect: Dialect, keep: Sequence[int], good: int, reason: str) -> NoReturn:
    """Raise for the first thing that is wrong below the first `good` rows; `reason` if nothing is found.

    Raises:
        TableError: always.
    """
    cut = None
    for number, record in enumerate(_rows(file, dialect), 1):
        if number > good:
            _look(file, dialect, keep, record, number)
            if "\r" in record.text:
                cut = cut or record.line
    if cut is not None:
        raise TableError(f"{file}, line {cut}: a carriage return within the line; make all line ends of one kind")
    raise TableError(f"{file} cannot be read as a table below row {good:,} ({one_line(reason)})")


def _rows(file: TableFile, dialect: Dialect) -> Iterator[Record]:
    with file.reading():
        stream = file.stream(dialect.data_offset)
        for record in records(stream, file, newline=dialect.newline, line=dialect.data_line):
            if not dialect.skips(record):
                yield record


def _look(file: TableFile, dialect: Dialect, keep: Sequence[int], record: Record, row: int) -> None:
    if "\0" in record.text:
        raise TableError(f"{file}, line {record.line} (row {row:,}): zero bytes; the file is damaged or is no text")
    cells = split(record.text, dialect.delimiter)
    if len(cells) != dialect.width:
        other = "the header" if dialect.has_header else "the first row"
        raise TableError(
            f"{file}: line {record.line} (row {row:,}) has {count(len(cells), 'cell')} where {other} "
            f"(line {dialect.header_line}) has {dialect.width:,}; give all of them the same number of cells"
        )
    for j in keep:
        kind = kind_of(cells[j].text, dialect.decimal)
        if kind not in ("integer", "number"):
            name = dialect.names[j]
            others = leaving_out(name, [dialect.names[k] for k in keep])
            where = f"{file}, line {record.line} (row {row:,}), column {show(name)}"
            raise TableError(f"{where}: {_complaint(cells[j].text, kind)}; correct or remove such rows, {others}")


def _complaint(cell: str, kind: str) -> str:
    if kind == "missing":
        return f"the value is missing ({show(cell)})" if cell else "the cell is empty"
    if kind == "infinite":
        return f"{show(cell)} is infinite, or too large for a 64-bit number"
    return f"{show(cell)} is not a number"
