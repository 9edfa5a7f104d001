"""A table written as CSV or Parquet, chunk by chunk, with every digit of its numbers."""

import contextlib
import gzip
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from .cells import kind_of
from .chunks import regroup
from .errors import TableError, label, show
from .output import new_file

_ROWS = 262_144
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.()/\[\]-]*", re.ASCII)


def write_table(
    path: str | os.PathLike[str], names: Sequence[str], chunks: Iterable[np.ndarray], *, overwrite: bool = False
) -> int:
    """Write `chunks` below the header `names`, and return the number of rows.

    Numbers are written with the fewest digits that give the same float64 when read; integers stay integers. The file
    appears whole, at the end, or not at all.

    Args:
        path: ends in .csv, .tsv (these also with .gz) or .parquet.
        names: of the columns.
        chunks: arrays [rows, columns], in order.
        overwrite: whether a file that is there may be replaced.

    Raises:
        FileExistsError: if there is one already, unless `overwrite`.
        TableError: if the ending is not known, a chunk does not fit `names`, or the file cannot be written.
    """
    source, names = label(path), [str(name) for name in names]
    delimiter, compressed = form_of(path)
    if not names:
        raise TableError(f"{source}: there are no columns to write; give at least one name")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TableError(f"{source}: every column needs a name of its own; got {show(twice)} twice")
    rows = 0
    with new_file(path, overwrite=overwrite) as file, contextlib.ExitStack() as stack:
        sink: Any = file
        if compressed:
            # On digits level 3 is several times as fast as 9 and loses little. Without the time of day in it, the same
            # table gives the same bytes.
            sink = stack.enter_context(gzip.GzipFile("", "wb", 3, file, mtime=0))
        writer = schema = None
        for chunk in regroup(_checked(source, names, chunks), _ROWS):
            columns = [pa.array(np.ascontiguousarray(chunk[:, j])) for j in range(len(names))]
            batch = pa.record_batch(columns, names)
            if writer is None:
                schema = batch.schema
                writer = stack.enter_context(_writer(delimiter, sink, schema))
            elif batch.schema != schema:
                raise TableError(f"{source}: some chunks hold integers and some do not; make all of them float64")
            writer.write_batch(batch)
            rows += batch.num_rows
        if writer is None:
            schema = pa.schema([(name, pa.float64()) for name in names])
            stack.enter_context(_writer(delimiter, sink, schema))
    return rows


def form_of(path: str | os.PathLike[str]) -> tuple[str | None, bool]:
    """How a table is written at `path`: the delimiter, or None for Parquet; and whether it is compressed by gzip.

    Raises:
        TableError: if the ending does not say it.
    """
    name = Path(path).name.lower()
    plain = name.removesuffix(".gz")
    for ending, delimiter in _DELIMITERS.items():
        if plain.endswith(ending):
            return delimiter, plain != name
    if name.endswith(".parquet"):
        return None, False
    raise TableError(f"{label(path)}: this ending names no way to write a table; use .csv, .csv.gz, .tsv or .parquet")


def _checked(source: str, names: Sequence[str], chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    for chunk in chunks:
        array = np.asarray(chunk)
        if array.ndim != 2 or array.shape[1] != len(names):
            raise TableError(
                f"{source}: expected arrays [rows, {len(names)}], one column a name; got one of shape {array.shape}"
            )
        if array.dtype.kind not in "fiub":
            raise TableError(f"{source}: expected arrays of numbers; got one of type {array.dtype}")
        yield array.astype(np.float64 if array.dtype.kind == "f" else np.int64, copy=False)


def _writer(delimiter: str | None, sink: IO[bytes], schema: pa.Schema) -> Any:
    if delimiter is None:
        return pq.ParquetWriter(sink, schema, write_page_checksum=True)
    sink.write((delimiter.join(map(_quoted, schema.names)) + "\n").encode())
    return csv.CSVWriter(sink, schema, write_options=csv.WriteOptions(include_header=False, delimiter=delimiter))


def _quoted(name: str) -> str:
    # Unless plain: then a number, a #, a blank, a delimiter, a quote or a line end is read as a part of a name again.
    return name if _PLAIN_NAME.fullmatch(name) and kind_of(name) == "text" else '"' + name.replace('"', '""') + '"'
