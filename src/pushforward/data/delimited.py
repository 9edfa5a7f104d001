"""Rows of a delimited text as float64, chunk by chunk, read by PyArrow."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from .cells import WHITESPACE
from .diagnosis import diagnose
from .dialect import Dialect
from .files import TableFile, readable
from .rewriting import Rewritten, rewriter


def delimited_blocks(file: TableFile, dialect: Dialect, keep: Sequence[int]) -> Iterator[np.ndarray]:
    """Blocks [rows, len(keep)] of the columns `keep`, all finite.

    PyArrow parses to the nearest float64. What it refuses, and NaN and infinities, are found again and named.

    Raises:
        TableError: naming the line, the row and the column of the first thing that is no number.
    """
    rows = 0
    try:
        with readable(file.path):
            reader = _reader(file, dialect, keep)
        while True:
            with readable(file.path):
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
            values = np.empty((batch.num_rows, len(keep)))
            for j, column in enumerate(batch.columns):
                values[:, j] = column.to_numpy(zero_copy_only=True)
            if not np.isfinite(values).all():
                diagnose(file, dialect, keep, rows, "NaN or an infinity")
            rows += len(values)
            if len(values):
                yield values
    except pa.ArrowInvalid as error:
        diagnose(file, dialect, keep, rows, str(error))


def _reader(file: TableFile, dialect: Dialect, keep: Sequence[int]) -> Any:
    stream: Any = file.stream(dialect.data_offset)
    if rewrite := rewriter(dialect):
        stream = Rewritten(stream, rewrite, dialect.newline)
    cells = [str(j) for j in range(dialect.width)]
    kept = [cells[j] for j in keep]
    return csv.open_csv(
        stream,
        # A record must fit into a block. Blocks of 1 MiB stay in the cache.
        read_options=csv.ReadOptions(column_names=cells, block_size=max(1 << 20, 16 * dialect.longest)),
        parse_options=csv.ParseOptions(
            delimiter=dialect.delimiter if dialect.delimiter != WHITESPACE else " ",
            newlines_in_values=dialect.has_quotes,
            invalid_row_handler=_skip_blank,
        ),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(kept, pa.float64()),
            include_columns=kept,
            null_values=[],
            decimal_point=dialect.decimal,
        ),
    )


def _skip_blank(row: Any) -> str:
    return "error" if row.text.strip() else "skip"
