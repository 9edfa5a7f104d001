"""What a flow knows of its table: names, location and scale of the columns; and the change of units both ways."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from .errors import TableError, count, listed, nearest, option
from .tables import Table

_MOST_DISTINCT = 1000


@dataclass(frozen=True)
class Column:
    """One column: its mean `loc` and standard deviation `scale` over the training rows, and what its values are like.

    `distinct` is the number of different values, counted up to 1000; `integer` whether all were written as integers.
    """

    name: str
    loc: float
    scale: float
    minimum: float
    maximum: float
    distinct: int
    integer: bool


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

    _format: ClassVar[int] = 1

    @classmethod
    def of(cls, table: Table, *, condition: Sequence[str] = (), rows: np.ndarray | None = None) -> "Schema":
        """The schema of `table`, with the columns `condition` conditioned on and the others in the density.

        Args:
            table: the data.
            condition: names of columns.
            rows: numbers of the training rows, from which everything is computed; None takes all.

        Raises:
            TableError: if a column is constant, there are fewer than two different rows, or `condition` does not fit.
        """
        source = table.source or "the table"
        _check_condition(table, condition, source)
        values = table.values if rows is None else table.values[rows]
        if len(values) < 2:
            raise TableError(
                f"{source} has {count(len(values), 'row')}; a density needs at least two different rows, and better hundreds"
            )
        lowest, highest = values.min(axis=0), values.max(axis=0)
        constant = [j for j in range(len(table.names)) if lowest[j] == highest[j]]
        if len(constant) == len(table.names):
            raise TableError(
                f"{source}: all {len(values):,} rows are the same; a density needs at least two different rows"
            )
        if constant:
            _refuse_constant(table, constant, lowest, rows is not None, source)
        made = {name: _column(table, j, values[:, j], source) for j, name in enumerate(table.names)}
        return cls(
            tuple(made[name] for name in table.names if name not in condition),
            tuple(made[name] for name in condition),
            table.names,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the density."""
        return tuple(column.name for column in self.columns)

    @property
    def condition_names(self) -> tuple[str, ...]:
        """Names of the columns conditioned on."""
        return tuple(column.name for column in self.condition)

    def select(self, table: Table) -> tuple[np.ndarray, np.ndarray | None]:
        """The columns of the density [rows, D] and of the condition [rows, C] (None without one), by name.

        Their order in `table` does not matter, and other columns are left out. A table without a header is matched by
        position if it lacks the names.

        Raises:
            TableError: if columns are missing.
        """
        wanted = self.names + self.condition_names
        missing = [name for name in wanted if name not in table.names]
        if missing and not table.has_header and len(table.names) == len(wanted):
            order = self.order or wanted
            places = {name: j for j, name in enumerate(order)}
        elif missing:
            raise TableError(_missing(table, missing, wanted))
        else:
            places = {name: j for j, name in enumerate(table.names)}
        x = table.values[:, [places[name] for name in self.names]]
        return x, table.values[:, [places[name] for name in self.condition_names]] if self.condition else None

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """z = (x − loc) / scale for x [rows, D]."""
        return (np.asarray(x, np.float64) - _locs(self.columns)) / _scales(self.columns)

    def unstandardize(self, z: np.ndarray) -> np.ndarray:
        """x = loc + scale z for z [rows, D]."""
        return np.asarray(z, np.float64) * _scales(self.columns) + _locs(self.columns)

    def standardize_condition(self, c: np.ndarray) -> np.ndarray:
        """(c − loc) / scale for c [rows, C]."""
        return (np.asarray(c, np.float64) - _locs(self.condition)) / _scales(self.condition)

    @property
    def log_jacobian(self) -> float:
        """log|dz/dx| = −Σ log scale, so that log p(x) = log p(z) + log_jacobian."""
        return -math.fsum(math.log(column.scale) for column in self.columns)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns into the same schema, to the last digit."""
        return {
            "format": self._format,
            "columns": [asdict(column) for column in self.columns],
            "condition": [asdict(column) for column in self.condition],
            "order": list(self.order),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Schema":
        """The schema that `to_json` wrote.

        Raises:
            TableError: if `data` is no such thing.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("columns"), list) or not data["columns"]:
            raise TableError("the schema is damaged: it lists no columns; save the model again")
        if data.get("format") != cls._format:
            raise TableError(
                f"the schema has the format {data.get('format')!r}, and {cls._format} is known here; upgrade pushforward"
            )
        groups = [data["columns"], data.get("condition", [])]
        columns, condition = (tuple(_column_from_json(entry) for entry in _list(group)) for group in groups)
        names = [column.name for column in columns + condition]
        order = tuple(_list(data.get("order", [])))
        if len(set(names)) < len(names) or (order and sorted(map(str, order)) != sorted(names)):
            raise TableError(
                "the schema is damaged: its names are not each another, or its order is not of them; save the model again"
            )
        return cls(columns, condition, order)


def _locs(columns: Iterable[Column]) -> np.ndarray:
    return np.array([column.loc for column in columns])


def _scales(columns: Iterable[Column]) -> np.ndarray:
    return np.array([column.scale for column in columns])


def _check_condition(table: Table, condition: Sequence[str], source: str) -> None:
    if isinstance(condition, str):
        raise TypeError("condition must be a sequence of names, not one text; write ['a', 'b'] for columns a and b")
    for name in condition:
        if name not in table.names:
            raise TableError(
                f"{source} has no column {listed([name])} to condition on{nearest(name, table.names) or f'; it has {listed(table.names, 12)}'}"
            )
    if len(set(condition)) < len(condition):
        raise TableError(f"{source}: a column is to be conditioned on twice; name each once ({listed(condition)})")
    if len(condition) >= len(table.names):
        raise TableError(
            f"{source}: all columns are conditioned on, and none is left for the density; condition on fewer"
        )


def _refuse_constant(table: Table, constant: Sequence[int], value: np.ndarray, some: bool, source: str) -> None:
    left = [name for j, name in enumerate(table.names) if j not in set(constant)]
    which = f"column {listed([table.names[constant[0]]])} is constant ({value[constant[0]]:g} in every {'training row' if some else 'row'})"
    if len(constant) > 1:
        which = f"the columns {listed([table.names[j] for j in constant])} are constant"
    raise TableError(f"{source}: {which}, so it has no density; leave out what is constant with {option(left)}")


def _column(table: Table, j: int, values: np.ndarray, source: str) -> Column:
    # Halves of the largest number cannot overflow, and a second pass removes the rounding of the first.
    middle = values.min() / 2 + values.max() / 2
    size = max(abs(values.min() - middle), abs(values.max() - middle))
    shifted = (values - middle) / size
    loc = middle + size * shifted.mean()
    scale = size * shifted.std()
    if not (np.isfinite(scale) and np.isfinite(loc) and scale > np.finfo(np.float64).tiny and np.isfinite(1 / scale)):
        raise TableError(
            f"{source}: the values of column {listed([table.names[j]])} lie too close or too far apart for 64-bit numbers "
            f"({values.min():g} to {values.max():g}); rescale the column"
        )
    return Column(
        table.names[j],
        float(loc),
        float(scale),
        float(values.min()),
        float(values.max()),
        _distinct(values),
        bool(table.integer[j]),
    )


def _distinct(values: np.ndarray) -> int:
    for size in (10 * _MOST_DISTINCT, len(values)):
        if (found := len(np.unique(values[:size]))) >= _MOST_DISTINCT:
            return _MOST_DISTINCT
    return found


def _missing(table: Table, missing: Sequence[str], wanted: Sequence[str]) -> str:
    source = table.source or "the table"
    if not table.has_header:
        return (
            f"{source} has no header and {count(len(table.names), 'column')}, and the model has {len(wanted)} "
            f"({listed(wanted)}); give the columns of the model with --columns, or a file with a header"
        )
    plural = "column" if len(missing) == 1 else "columns"
    hint = nearest(missing[0], table.names) or f"; it has {listed(table.names)}"
    return f"{source} lacks the {plural} {listed(missing)} of the model{hint}"


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TableError("the schema is damaged: expected a list of columns; save the model again")
    return value


def _column_from_json(entry: Any) -> Column:
    kinds = {field.name: field.type for field in fields(Column)}
    if not isinstance(entry, Mapping) or set(kinds) - set(entry):
        raise TableError("the schema is damaged: a column lacks some of its facts; save the model again")
    values = {name: entry[name] for name in kinds}
    numbers = [values[name] for name in ("loc", "scale", "minimum", "maximum")]
    whole = (
        isinstance(values["name"], str)
        and isinstance(values["integer"], bool)
        and type(values["distinct"]) is int
        and all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
    )
    if not whole or values["scale"] <= 0 or values["minimum"] > values["maximum"] or values["distinct"] < 1:
        raise TableError(
            f"the schema is damaged: the facts of column {listed([values['name']])} are not possible; save the model again"
        )
    for name in ("loc", "scale", "minimum", "maximum"):
        values[name] = float(values[name])
    return Column(**values)
