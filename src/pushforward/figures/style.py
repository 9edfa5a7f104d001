"""What the pictures share: colours, panels, checks of what is drawn."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
GREY = "#777777"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY)
DOTS: Mapping[str, Any] = {"s": 4, "alpha": 0.5, "linewidths": 0, "rasterized": True}


def panels(count: int, columns: int, *, side: float = 3.0, height: float | None = None) -> tuple[Figure, list[Any]]:
    """A figure of `count` panels in rows of at most `columns`, and its axes."""
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    size = side * columns + 0.4, (height or side) * rows + 0.4
    figure = Figure(figsize=size, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for empty in axes[count:]:
        empty.set_axis_off()
    return figure, axes[:count]


def table_of(name: str, values: Any, columns: int | None = None) -> np.ndarray:
    """`values` as a float64 table [rows, columns], rows that are not finite left out.

    Raises:
        ValueError: for another shape, or if nothing is left.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or (columns is not None and table.shape[1] != columns):
        wanted = "[rows, columns]" if columns is None else f"[rows, {columns}]"
        raise ValueError(f"{name}: expected a table of shape {wanted}, and got an array of shape {table.shape}")
    table = table[np.all(np.isfinite(table), axis=1)]
    if not len(table):
        raise ValueError(f"{name}: expected rows of finite numbers, and got none; there is nothing to draw")
    return table


def window(*tables: np.ndarray, margin: float = 0.06) -> tuple[tuple[float, float], ...]:
    """For each column the interval that holds all but the outermost thousandth of the rows on either side."""
    low = np.min([np.quantile(t, 0.001, axis=0) for t in tables], axis=0)
    high = np.max([np.quantile(t, 0.999, axis=0) for t in tables], axis=0)
    room = margin * np.where(high > low, high - low, 1.0)
    return tuple((float(a), float(b)) for a, b in zip(low - room, high + room, strict=True))
