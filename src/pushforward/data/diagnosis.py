"""What is wrong in a text table, looked for once reading has failed: the first cell that is no number, named."""

from collections.abc import Sequence
from typing import NoReturn

from .cells import WHITESPACE, Record, kind_of, records, split
from .columns import refuse_text
from .dialect import Dialect, describe_width
from .errors import TableError, option, show
from .files import TableFile, readable


def refuse_text_columns(file: TableFile, dialect: Dialect, keep: Sequence[int]) -> None:
    """Raise if some of the columns `keep` hold text in most rows of the head of the file.

    Raises:
        TableError: naming these columns, and those that hold numbers.
    """
    texts = [j for j in keep if dialect.texts[j]]
    if not texts:
        return
    with readable(file.path):
        stream = file.stream(dialect.data_offset)
        first = next(records(stream, file.path, newline=dialect.newline, line=dialect.data_line))
    cells = split(first.text, dialect.delimiter)
    example = f" ({show(cells[texts[0]][0])} in line {first.line})" if texts[0] < len(cells) else ""
    numeric = [
        j for j, kinds in enumerate(dialect.kinds[: len(dialect.names)]) if not kinds & {"text", "missing", "infinite"}
    ]
    hint = "; is another delimiter meant (--delimiter)?" if len(dialect.names) == 1 else ""
    refuse_text(dialect.names, texts, numeric, source=file.path, example=example, hint=hint)


def diagnose(file: TableFile, dialect: Dialect, keep: Sequence[int], good: int, reason: str) -> NoReturn:
    """Raise for the first thing that is wrong below the first `good` rows.

    Raises:
        TableError: always.
    """
    rows = 0
    with readable(file.path):
        stream = file.stream(dialect.data_offset)
        for record in records(stream, file.path, newline=dialect.newline, line=dialect.data_line):
            if record.is_comment and (dialect.has_comments or dialect.delimiter == WHITESPACE):
                continue
            rows += 1
            if rows > good:
                _look(file, dialect, keep, record, rows)
    raise TableError(f"{file.path} cannot be read as a table below row {good:,} ({reason.splitlines()[0][:120]})")


def _look(file: TableFile, dialect: Dialect, keep: Sequence[int], record: Record, row: int) -> None:
    if "\0" in record.text:
        raise TableError(f"{file.path}, line {record.line}: holds zero bytes; the file is damaged or is no text")
    cells = split(record.text, dialect.delimiter)
    if len(cells) != dialect.width:
        raise TableError(
            f"{file.path}: {describe_width(dialect, record.line, len(cells))} (row {row}); "
            "give every row the same number of cells"
        )
    for j in keep:
        kind = kind_of(cells[j][0], dialect.decimal)
        if kind in ("integer", "number"):
            continue
        where = f"{file.path}, line {record.line} (row {row}), column {show(dialect.names[j])}"
        others = [dialect.names[k] for k in keep if k != j]
        leave = f"or leave the column out with {option(others)}" if others else "for it is the only column"
        raise TableError(f"{where}: {_complaint(cells[j][0], kind)}; correct or remove the row, {leave}")


def _complaint(cell: str, kind: str) -> str:
    if kind == "missing":
        return f"the value is missing ({show(cell)})" if cell else "the cell is empty"
    if kind == "infinite":
        return f"{show(cell)} is infinite or too large for a 64-bit number"
    return f"{show(cell)} is not a number"
