"""A model folder, and the columns of a table that it wants."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .console import Console
from .errors import UsageError, one_line


def load(path: Path) -> tuple[Any, Any]:
    """(the `TableFlow` in the folder `path`, what compiling takes from here on).

    Raises:
        OSError, ValueError: for a folder that is not there, damaged, or no model of a table.
    """
    if not path.exists():
        raise UsageError(f"{path}: there is no model here; check the path, or make one with `pushforward fit`")

    from . import caching

    caching.show_warnings_briefly()
    compiling = caching.start()

    from ..estimators import TableFlow

    return TableFlow.load(path), compiling


def read_for(model: Any, path: Path, delimiter: str | None, header: bool | None, console: Console) -> Any:
    """The columns of the table at `path` that the model works with, as a `Table`."""
    from ..data import read_table

    wanted = model.schema.order or (*model.schema.names, *model.schema.condition_names)
    columns = columns_of(path, wanted, delimiter, header, console)
    return read_table(path, columns=columns, delimiter=delimiter, header=header)


def columns_of(
    path: Path, wanted: Sequence[str], delimiter: str | None, header: bool | None, console: Console
) -> tuple[str, ...] | None:
    """What to ask `read_table` for: the columns wanted, by name; None for all, where a table without names has as many.

    Raises:
        TableError: if the file cannot be read. Columns that are missing are left to `read_table` to name.
    """
    names, has_header = _head(path, delimiter, header)
    if not has_header and len(names) == len(wanted) and set(names) != set(wanted):
        console.note(f"{path}: no header, so its {len(names)} columns are taken for {listed(wanted)}, in this order")
        return None
    extra = [name for name in names if name not in wanted]
    if extra and has_header:
        console.note(f"{path}: left aside, as the model does not know them: {listed(extra)}")
    return tuple(wanted)


def _head(path: Path, delimiter: str | None, header: bool | None) -> tuple[tuple[str, ...], bool]:
    """(names of the columns, whether they are in the file)."""
    from ..data.dialect import find_dialect
    from ..data.files import find_file
    from ..data.parquet import ParquetTable

    file = find_file(path)
    if file.parquet:
        return ParquetTable(file).names, True
    dialect = find_dialect(file, delimiter, header)
    return dialect.names, dialect.has_header


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in a message: short, and not too many."""
    shown = [one_line(str(name), 40) for name in names]
    return ", ".join(shown) if len(shown) <= most else f"{', '.join(shown[:most])} and {len(shown) - most:,} more"
