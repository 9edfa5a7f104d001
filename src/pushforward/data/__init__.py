"""Layer 5: tables in and out, their schema, splits. NumPy and PyArrow only, so that bad input is refused at once."""

from .column import Column
from .errors import TableError
from .output import check_output
from .schema import Schema
from .splits import split_rows
from .tables import Table, iterate_table, read_names, read_table
from .writing import write_table

__all__ = [
    "Column", "Schema", "Table", "TableError", "check_output", "iterate_table", "read_names", "read_table",
    "split_rows", "write_table",
]  # fmt: skip
