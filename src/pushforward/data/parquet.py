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
from .errors import TableError, option, show
from .files import TableFile, readable

_INDEX = re.compile(r"__index_level_\d+__")


class ParquetTable:
    """A Parquet file: its names, and the columns that may be kept (an index that pandas stored is not among them)."""

    def __init__(self, file: TableFile) -> None:
        self.path = file.path
        with self._whole():
            self._file = pq.ParquetFile(str(file.path))
            schema = self._file.schema_arrow
        self._fields = [field for field in schema if not _INDEX.fullmatch(field.name)]
        self.names = tuple(field.name.strip() or f"x{j + 1}" for j, field in enumerate(self._fields))
        self.rows: int = self._file.metadata.num_rows
        if not self._fields or not self.rows:
            what = "rows" if self._fields else "columns"
            raise TableError(f"{file.path} has no {what}; expected rows of numbers")

    def integer(self, keep: Sequence[int]) -> tuple[bool, ...]:
        """Whether the columns `keep` are stored as integers."""
        return tuple(
            pa.types.is_integer(self._fields[j].type) or pa.types.is_boolean(self._fields[j].type) for j in keep
        )

    def blocks(self, keep: Sequence[int], rows: int) -> Iterator[np.ndarray]:
        """Blocks [at most rows, len(keep)] of the columns `keep`, all finite.

        Raises:
            TableError: if a column is not numeric, a value is missing or not finite, or the file is damaged.
        """
        self._refuse_text(keep)
        stored = [self._fields[j].name for j in keep]
        done = 0
        with self._whole():
            batches = self._file.iter_batches(batch_size=rows, columns=stored)
        while True:
            with self._whole():
                batch = next(batches, None)
            if batch is None:
                return
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

    def _refuse_text(self, keep: Sequence[int]) -> None:
        numeric = [j for j, field in enumerate(self._fields) if _is_number(field.type)]
        text = [j for j in keep if j not in set(numeric)]
        example = f" (its type is {self._fields[text[0]].type})"[:60] if text else ""
        refuse_text(self.names, text, numeric, source=self.path, example=example)

    def _refuse(self, column: int, row: int, complaint: str, keep: Sequence[int]) -> NoReturn:
        others = [self.names[j] for j in keep if j != column]
        leave = f"or leave the column out with {option(others)}" if others else "for it is the only column"
        raise TableError(
            f"{self.path}, row {row + 1}, column {show(self.names[column])}: {complaint}; correct or remove the row, {leave}"
        )

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        try:
            with readable(self.path):
                yield
        except pa.ArrowException as error:
            reason = str(error).splitlines()[0][:100]
            raise TableError(
                f"{self.path} is a Parquet file that is damaged or cut short ({reason}); get it again"
            ) from None


def _is_number(kind: pa.DataType) -> bool:
    is_type = pa.types
    return is_type.is_integer(kind) or is_type.is_floating(kind) or is_type.is_decimal(kind) or is_type.is_boolean(kind)


def _first(wrong: np.ndarray) -> int:
    return int(np.argmax(wrong))
