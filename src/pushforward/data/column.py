"""The facts of one column: what it is called, where its values lie, and what they are like."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .errors import TableError, show

_MOST_DISTINCT = 1000


@dataclass(frozen=True)
class Column:
    """One column: its mean `loc` and standard deviation `scale` over the training rows, and what its values are like.

    `distinct` is the number of different values, counted up to 1000; `integer` says whether all of the table were
    written as integers.
    """

    name: str
    loc: float
    scale: float
    minimum: float
    maximum: float
    distinct: int
    integer: bool

    @classmethod
    def of(cls, name: str, values: np.ndarray, *, integer: bool, source: str) -> "Column":
        """The facts of `values` [rows], at least two of them different.

        Raises:
            TableError: if 64-bit numbers cannot hold the scale, or its inverse.
        """
        low, high = float(values.min()), float(values.max())
        # About the middle and in units of the half width nothing overflows, and a large mean costs no digits.
        middle = low / 2 + high / 2
        half = max(high - middle, middle - low)
        relative = (values - middle) / half
        loc, scale = middle + half * float(relative.mean()), half * float(relative.std())
        if not (scale >= np.finfo(np.float64).tiny and math.isfinite(1 / scale) and math.isfinite(high - low)):
            raise TableError(
                f"{source}: the values of column {show(name)}, {low:g} to {high:g}, lie too close or too far apart "
                "for 64-bit numbers; change the unit of the column"
            )
        return cls(name, loc, scale, low, high, _distinct(values), bool(integer))

    @classmethod
    def from_json(cls, entry: Any) -> "Column":
        """The column whose fields are the items of `entry`.

        Raises:
            TableError: if they are not, or are not possible.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(entry, Mapping) or set(names) - set(entry):
            raise TableError("the schema is damaged: a column lacks some of its facts; save the model again")
        facts = {name: entry[name] for name in names}
        numbers = [facts[name] for name in ("loc", "scale", "minimum", "maximum")]
        kinds = isinstance(facts["name"], str) and isinstance(facts["integer"], bool) and type(facts["distinct"]) is int
        finite = all(type(number) in (int, float) and abs(number) < math.inf for number in numbers)
        if not (kinds and finite and facts["scale"] > 0 and numbers[2] <= numbers[3] and facts["distinct"] > 0):
            raise TableError(
                f"the schema is damaged: the facts of column {show(facts['name'])} are impossible; save the model again"
            )
        loc, scale, low, high = map(float, numbers)
        return cls(facts["name"], loc, scale, low, high, facts["distinct"], facts["integer"])


def _distinct(values: np.ndarray) -> int:
    # The first rows mostly tell that there are many.
    if len(np.unique(values[: 10 * _MOST_DISTINCT])) >= _MOST_DISTINCT:
        return _MOST_DISTINCT
    return min(_MOST_DISTINCT, len(np.unique(values)))
