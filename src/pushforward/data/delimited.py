"""Rows of a delimited text as float64, block by block, read by PyArrow."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from .diagnosis import diagnose
from .dialect import Dialect
from .files import TableFile
from .rewriting import Rewritten, rewriter


def delimited_blocks(file: TableFile, dialect: Dialect, keep: Sequence[int]) -> Iterator[np.ndarray]:
    """Blocks [rows, len(keep)] of the columns `keep`, all finite.

    PyArrow parses to the nearest float64. What it refuses, and NaN and infinities, are looked for again and named.

    Raises:
        TableError: naming the line, the row and the column of the first thing that is no number.
    """
    rows = 0
    try:
        with file.reading():
            reader = _reader(file, dialect, keep)
        while True:
            with file.reading():
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
            values = np.empty((batch.num_rows, len(keep)))
            for i, column in enumerate(batch.columns):
                values[:, i] = column.to_numpy()
            if not np.isfinite(values).all():
                diagnose(file, dialect, keep, rows, "it holds NaN or an infinity")
            rows += len(values)
            yield values
    except pa.ArrowInvalid as error:
        diagnose(file, dialect, keep, rows, str(error))


def _reader(file: TableFile, dialect: Dialect, keep: Sequence[int]) -> Any:
    stream: Any = Rewritten(file.stream(dialect.data_offset), rewriter(dialect), dialect.newline)
    kept = [str(j) for j in keep]
    return csv.open_csv(
        stream,
        # A record must fit into a block, and a block costs time for each column; blocks of 1 MiB stay in the cache.
        read_options=csv.ReadOptions(
            column_names=[str(j) for j in range(dialect.width)], block_size=max(1 << 20, 64 * dialect.longest)
        ),
        parse_options=csv.ParseOptions(
            delimiter=dialect.delimiter,
            newlines_in_values=dialect.has_quotes,
        ),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(kept, pa.float64()),
            include_columns=kept,
            null_values=[],
            decimal_point=dialect.decimal,
        ),
    )
