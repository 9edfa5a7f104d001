"""What a flow knows of its table: the columns, which of them it is conditioned on, and the change of units."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .column import Column
from .errors import TableError, count, instead, label, listed, option, show
from .tables import Table

_FORMAT = 1


@dataclass(frozen=True)
class Schema:
    """The columns of a density, and of its condition; z = (x − loc) / scale, computed in float64.

    Args:
        columns: of the density.
        condition: conditioned on.
        order: names of all of them as they stood in the table; a file without a header is matched in this order.
    """

    columns: tuple[Column, ...]
    condition: tuple[Column, ...] = ()
    order: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: Table, *, condition: Sequence[str] = (), rows: np.ndarray | None = None) -> "Schema":
        """The schema of `table`: the columns `condition` are conditioned on, the others are of the density.

        Args:
            table: the data.
            condition: names of columns.
            rows: numbers of the training rows, from which everything is computed; None takes all.

        Raises:
            TableError: if a column is constant, there are no two different rows, or `condition` does not fit.
        """
        source = label(table.source) or "the table"
        _check_condition(table, condition, source)
        values = table.values if rows is None else table.values[rows]
        if len(values) < 2:
            raise TableError(
                f"{source} has {count(len(values), 'row')} to learn from; give two at least, better hundreds"
            )
        _refuse_constant(table.names, values, source)
        made = {
            name: Column.of(name, values[:, j], integer=table.integer[j], source=source)
            for j, name in enumerate(table.names)
        }
        density = tuple(made[name] for name in table.names if name not in set(condition))
        return cls(density, tuple(made[name] for name in condition), table.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the density."""
        return tuple(column.name for column in self.columns)

    @property
    def condition_names(self) -> tuple[str, ...]:
        """Names of the columns conditioned on."""
        return tuple(column.name for column in self.condition)

    @property
    def log_jacobian(self) -> float:
        """log|dz/dx| = −Σ log scale, so that log p(x) = log p(z) + log_jacobian."""
        return -math.fsum(math.log(column.scale) for column in self.columns)

    def select(self, table: Table) -> tuple[np.ndarray, np.ndarray | None]:
        """The columns of the density [rows, D] and of the condition [rows, C] (None without one), by name.

        Their order in `table` does not matter, and other columns are left out. A table without a header that lacks
        the names is matched by position, if it has as many columns.

        Raises:
            TableError: if columns are missing.
        """
        wanted = self.names + self.condition_names
        present = set(table.names)
        missing = [name for name in wanted if name not in present]
        order = table.names
        if missing:
            if table.has_header or len(table.names) != len(wanted):
                raise TableError(_lacking(table, missing, wanted))
            order = self.order or wanted
        places = {name: j for j, name in enumerate(order)}
        x = table.values[:, [places[name] for name in self.names]]
        return x, table.values[:, [places[name] for name in self.condition_names]] if self.condition else None

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """z = (x − loc) / scale for x [rows, D]."""
        return _to_units(self.columns, x)

    def unstandardize(self, z: np.ndarray) -> np.ndarray:
        """x = loc + scale z for z [rows, D]."""
        loc, scale = _units(self.columns)
        return np.asarray(z, np.float64) * scale + loc

    def standardize_condition(self, c: np.ndarray) -> np.ndarray:
        """(c − loc) / scale for c [rows, C]."""
        return _to_units(self.condition, c)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns into the same schema, to the last digit."""
        return {
            "format": _FORMAT,
            "columns": [asdict(column) for column in self.columns],
            "condition": [asdict(column) for column in self.condition],
            "order": list(self.order),
        }

    @classmethod
    def from_json(cls, data: Any) -> "Schema":
        """The schema that `to_json` wrote.

        Raises:
            TableError: if `data` is no such thing.
        """
        entries = data if isinstance(data, Mapping) else {}
        version = entries.get("format")
        if version != _FORMAT:
            raise TableError(f"the schema has the format {version!r}, and {_FORMAT} is read here; save the model again")
        groups: list[Any] = [entries.get(key) for key in ("columns", "condition", "order")]
        if not all(isinstance(group, list) for group in groups) or not groups[0]:
            raise TableError("the schema is damaged: it does not list its columns; save the model again")
        columns, condition = (tuple(map(Column.from_json, group)) for group in groups[:2])
        names = [column.name for column in columns + condition]
        if len(set(names)) < len(names) or (groups[2] and sorted(map(repr, groups[2])) != sorted(map(repr, names))):
            raise TableError("the schema is damaged: its names do not agree with each other; save the model again")
        return cls(columns, condition, tuple(groups[2]))


def _units(columns: Sequence[Column]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([column.loc for column in columns]), np.array([column.scale for column in columns])


def _to_units(columns: Sequence[Column], values: np.ndarray) -> np.ndarray:
    loc, scale = _units(columns)
    return (np.asarray(values, np.float64) - loc) / scale


def _check_condition(table: Table, condition: Sequence[str], source: str) -> None:
    if isinstance(condition, str):
        raise TypeError("condition must be a sequence of names, not one text; write ['a', 'b'] for columns a and b")
    for name in condition:
        if name not in table.names:
            raise TableError(f"{source} has no column {show(name)} to condition on; {instead(name, table.names)}")
    if len(set(condition)) < len(condition):
        raise TableError(f"{source}: one column is to be conditioned on twice ({listed(condition)}); name each once")
    if len(condition) >= len(table.names):
        raise TableError(f"{source}: every column is conditioned on; leave at least one to the density")


def _refuse_constant(names: Sequence[str], values: np.ndarray, source: str) -> None:
    constant = np.flatnonzero(values.min(axis=0) == values.max(axis=0)).tolist()
    if len(constant) == len(names):
        raise TableError(f"{source}: the {len(values):,} rows to learn from are all the same; give different rows")
    if len(constant):
        left = option([name for j, name in enumerate(names) if j not in set(constant)])
        value = values[0, constant[0]]
        which = f"column {show(names[constant[0]])} is constant ({value:g} in each of {len(values):,} rows)"
        if len(constant) > 1:
            which = f"{len(constant):,} columns are constant ({listed(names[j] for j in constant)})"
        raise TableError(f"{source}: {which} and so has no density; leave it out with {left}")


def _lacking(table: Table, missing: Sequence[str], wanted: Sequence[str]) -> str:
    source = label(table.source) or "the table"
    if not table.has_header:
        return (
            f"{source} has no header and {count(len(table.names), 'column')}, and the model has {len(wanted)} "
            f"({listed(wanted)}); give these with --columns, or a file with a header"
        )
    which = "column" if len(missing) == 1 else "columns"
    return f"{source} lacks the {which} {listed(missing)} of the model; {instead(missing[0], table.names)}"
