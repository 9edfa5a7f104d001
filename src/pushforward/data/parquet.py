"""Columns of a Parquet file as float64, chunk by chunk."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .columns import refuse_text
from .errors import TableError, leaving_out, one_line, show
from .files import TableFile

_INDEX = re.compile(r"__index_level_\d+__")


class ParquetTable:
    """A Parquet file: its names, and the columns that may be kept (an index that pandas stored is not among them)."""

    def __init__(self, file: TableFile) -> None:
        self._source = file
        with self._whole():
            # Small buffers: otherwise a whole row group lies in memory beside the block that is wanted.
            self._file = pq.ParquetFile(
                str(file.path), pre_buffer=False, buffer_size=1 << 16, page_checksum_verification=True
            )
            schema = self._file.schema_arrow
        self._fields = [field for field in schema if not _INDEX.fullmatch(field.name)]
        self.names = tuple(field.name if field.name.strip() else f"x{j + 1}" for j, field in enumerate(self._fields))
        self.rows: int = self._file.metadata.num_rows
        if not self._fields or not self.rows:
            what = "rows" if self._fields else "columns"
            raise TableError(f"{file} has no {what}; expected rows of numbers")

    def integer(self, keep: Sequence[int]) -> tuple[bool, ...]:
        """Whether the columns `keep` are stored as integers."""
        return tuple(
            pa.types.is_integer(self._fields[j].type) or pa.types.is_boolean(self._fields[j].type) for j in keep
        )

    def blocks(self, keep: Sequence[int], rows: int) -> Iterator[np.ndarray]:
        """Blocks [at most rows, len(keep)] of the columns `keep`, all finite.

        Raises:
            TableError: if a value is missing or not finite, or the file is damaged.
        """
        stored = [self._fields[j].name for j in keep]
        done = 0
        with self._whole():
            batches = self._file.iter_batches(batch_size=rows, columns=stored)
        while True:
            with self._whole():
                batch = next(batches, None)
            if batch is None and done == self.rows:
                return
            if batch is None:
                raise TableError(
                    f"{self._source} is a Parquet file that is damaged: it holds {done:,} rows and should hold "
                    f"{self.rows:,}; get or make it again"
                )
            values = np.empty((batch.num_rows, len(keep)))
            for i, name in enumerate(stored):
                column = batch.column(name)
                if column.null_count:
                    self._refuse(
                        keep[i], done + _first(np.asarray(column.is_null())), "the value is missing (null)", keep
                    )
                values[:, i] = pc.cast(column, pa.float64(), safe=False).to_numpy()
                if not np.isfinite(values[:, i]).all():
                    at = _first(~np.isfinite(values[:, i]))
                    self._refuse(keep[i], done + at, f"the value is {values[at, i]:g}", keep)
            done += len(values)
            yield values

    def refuse_text(self, keep: Sequence[int]) -> None:
        """Raise if some of the columns `keep` hold no numbers.

        Raises:
            TableError: naming these columns, and those that hold numbers.
        """
        numeric = [j for j, field in enumerate(self._fields) if _is_number(field.type)]
        text = [j for j in keep if j not in set(numeric)]
        kinds = dict.fromkeys(str(self._fields[j].type).partition("<")[0] for j in text)
        refuse_text(self.names, text, numeric, source=self._source, example=" and ".join(list(kinds)[:3]))

    def _refuse(self, column: int, row: int, complaint: str, keep: Sequence[int]) -> NoReturn:
        name = self.names[column]
        others = leaving_out(name, [self.names[j] for j in keep])
        raise TableError(
            f"{self._source}, row {row + 1:,}, column {show(name)}: {complaint}; correct or remove such rows, {others}"
        )

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        try:
            yield
        except pa.ArrowNotImplementedError as error:
            raise TableError(
                f"{self._source} is of a kind of Parquet that is not read here ({one_line(error)})"
            ) from None
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                with self._source.reading():
                    raise
            raise TableError(
                f"{self._source} is a Parquet file that is damaged or cut short ({one_line(error)}); "
                "get or make it again"
            ) from None


def _is_number(kind: pa.DataType) -> bool:
    is_type = pa.types
    return is_type.is_integer(kind) or is_type.is_floating(kind) or is_type.is_decimal(kind) or is_type.is_boolean(kind)


def _first(wrong: np.ndarray) -> int:
    return int(np.argmax(wrong))
