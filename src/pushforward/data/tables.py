"""A table of numbers with names, read whole or in chunks."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .chunks import gather, regroup
from .columns import choose
from .delimited import delimited_blocks
from .diagnosis import refuse_text_columns
from .dialect import find_dialect
from .errors import TableError, count, instead, label, show
from .files import find_file
from .parquet import ParquetTable


@dataclass(frozen=True)
class Table:
    """Finite numbers in named columns.

    Args:
        names: of the columns, each another.
        values: float64 [rows, columns].
        integer: for each column, whether all its values were written as integers.
        source: the path it was read from, for messages.
        has_header: whether the names were in the file; if not they are `x1`, `x2`, ...
    """

    names: tuple[str, ...]
    values: np.ndarray
    integer: tuple[bool, ...]
    source: str = ""
    has_header: bool = True

    def __len__(self) -> int:
        return len(self.values)

    def select(self, names: Sequence[str]) -> "Table":
        """The columns `names`, in that order.

        Raises:
            TableError: if there is no such column.
        """
        source = label(self.source) or "the table"
        for name in names:
            if name not in self.names:
                raise TableError(f"{source} has no column {show(name)}; {instead(name, self.names)}")
        places = [self.names.index(name) for name in names]
        integer = tuple(self.integer[j] for j in places)
        return replace(self, names=tuple(names), values=self.values[:, places], integer=integer)

    @classmethod
    def of(cls, values: np.ndarray, names: Sequence[str] | None = None, *, source: str = "") -> "Table":
        """A table of an array [rows, columns]; without names the columns are `x1`, `x2`, ...

        Raises:
            TableError: if a value is not finite, or a name is there twice.
        """
        plain = np.ascontiguousarray(values, np.float64)
        if plain.ndim != 2:
            raise TableError(f"a table needs an array [rows, columns]; got one of shape {plain.shape}")
        given = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(plain.shape[1]))
        where = label(source) or "the table"
        if len(given) != plain.shape[1]:
            raise TableError(
                f"{where} has {count(plain.shape[1], 'column')} and {count(len(given), 'name')}; give one name each"
            )
        choose(given, None, has_header=True, source=where)
        wrong = ~np.isfinite(plain)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise TableError(
                f"{where}, row {row + 1}, column {show(given[column])}: the value is {plain[row, column]:g}; "
                "correct or remove the row"
            )
        return cls(given, plain, tuple(_integral(plain).tolist()), source, names is not None)


def read_table(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Table:
    """Read a table of numbers from CSV (or another delimited text, also compressed by gzip) or Parquet.

    Args:
        path: the file; what it is shows in its content, not in its ending.
        columns: names of the columns to keep, in this order (also positions from 1, as text, if there is no header).
            Only these must be numeric. None keeps all.
        delimiter: one character, or `tab` or `whitespace`; None finds it out.
        header: whether the first line names the columns; None finds it out.

    Raises:
        TableError: for a file that is missing, damaged or no table, and for text, missing values, NaN and infinities
            in the columns kept; it names the row and the column.
    """
    opened = _open(path, columns, delimiter, header, 1 << 16)
    integer = np.array(opened.integer)

    def noted() -> Iterator[np.ndarray]:
        for block in opened.blocks:
            integer[:] &= _integral(block)
            yield block

    try:
        values = gather(noted(), len(opened.names), opened.rows)
    except MemoryError:
        raise TableError(
            f"{label(path)} does not fit into the memory here; keep fewer columns with --columns, or fewer rows"
        ) from None
    if not len(values):
        raise TableError(f"{label(path)} has no rows; expected rows of numbers")
    return Table(opened.names, values, tuple(integer.tolist()), os.fspath(path), opened.has_header)


def iterate_table(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    rows: int = 262_144,
) -> Iterator[Table]:
    """`read_table` in tables of `rows` rows (the last may be shorter), for files larger than memory."""
    opened = _open(path, columns, delimiter, header, rows)
    return (
        Table(opened.names, values, tuple((_integral(values) & opened.integer).tolist()), source, opened.has_header)
        for source in [os.fspath(path)]
        for values in regroup(opened.blocks, rows)
    )


def read_names(
    path: str | os.PathLike[str], *, delimiter: str | None = None, header: bool | None = None
) -> tuple[tuple[str, ...], bool]:
    """The names of all columns of a file, numeric or not, and whether they stand in it (else they are `x1`, ...).

    Raises:
        TableError: for a file that is missing, damaged or no table.
    """
    file = find_file(path)
    if file.parquet:
        return ParquetTable(file).names, True
    dialect = find_dialect(file, delimiter, header)
    return dialect.names, dialect.has_header


@dataclass(frozen=True)
class _Opened:
    # A file whose head has been looked at: what is known of the columns kept, and their blocks, still to be read.
    names: tuple[str, ...]
    integer: tuple[bool, ...]
    has_header: bool
    blocks: Iterator[np.ndarray]
    rows: int  # as far as is known


def _open(
    path: str | os.PathLike[str], columns: Sequence[str] | None, delimiter: str | None, header: bool | None, rows: int
) -> _Opened:
    file = find_file(path)
    if file.parquet:
        parquet = ParquetTable(file)
        keep = choose(parquet.names, columns, has_header=True, source=file)
        parquet.refuse_text(keep)
        names = tuple(parquet.names[j] for j in keep)
        return _Opened(names, parquet.integer(keep), True, parquet.blocks(keep, rows), parquet.rows)
    dialect = find_dialect(file, delimiter, header)
    keep = choose(dialect.names, columns, has_header=dialect.has_header, source=file)
    refuse_text_columns(file, dialect, keep)
    names = tuple(dialect.names[j] for j in keep)
    integer = tuple(dialect.kinds[j] == {"integer"} for j in keep)
    size = 0 if file.compression else file.path.stat().st_size
    rows = int(size / dialect.row_size * 1.02) + (1 << 14)
    return _Opened(names, integer, dialect.has_header, delimited_blocks(file, dialect, keep), rows)


def _integral(values: np.ndarray) -> np.ndarray:
    return (values == np.rint(values)).all(axis=0)
