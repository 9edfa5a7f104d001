"""Every pair of columns of one or more tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .style import COLOURS, DOTS, table_of, window

_MOST_COLUMNS = 12


def pairs(
    tables: Mapping[str, Any] | Any,
    *,
    names: Sequence[str] | None = None,
    rows: int = 2000,
    bins: int = 40,
    title: str | None = None,
) -> Figure:
    """Histograms of the columns on the diagonal and scatter plots of every two of them below it.

    Args:
        tables: name -> table of shape [rows, columns], drawn over each other ({"data": x, "samples": y}); or one table.
        names: of the columns; default x₁, x₂, ...
        rows: the first so many of each table are drawn as points; histograms take all.
        bins: of a histogram.
        title: above the picture.

    Raises:
        ValueError: for tables of different widths, more than 12 columns, or names that do not fit.
    """
    given = tables if isinstance(tables, Mapping) else {"": tables}
    if not given:
        raise ValueError("pairs: expected at least one table, and got none")
    named = {name: table_of(name or "the table", values) for name, values in given.items()}
    widths = {table.shape[1] for table in named.values()}
    if len(widths) > 1:
        found = ", ".join(f"{name}: {table.shape[1]}" for name, table in named.items())
        raise ValueError(f"pairs: expected tables of the same columns, and got these numbers of them: {found}")
    (count,) = widths
    if count > _MOST_COLUMNS:
        raise ValueError(
            f"pairs: {count} columns make {count * (count - 1) // 2} pictures; choose at most {_MOST_COLUMNS}"
        )
    labels = [f"x{str(k).translate(_SUBSCRIPTS)}" for k in range(1, count + 1)] if names is None else list(names)
    if len(labels) != count:
        raise ValueError(f"pairs: expected {count} names, one a column, and got {len(labels)}")

    side = max(1.6, min(2.6, 12 / count))
    figure = Figure(figsize=(side * count + 0.6, side * count + 0.6), layout="constrained")
    grid = figure.subplots(count, count, squeeze=False)
    windows = window(*named.values())
    for i in range(count):
        for j in range(count):
            axes = grid[i, j]
            if j > i:
                axes.set_axis_off()
                continue
            for (name, table), colour in zip(named.items(), _cycle(len(named)), strict=True):
                if i == j:
                    edges = np.linspace(*windows[i], bins + 1)
                    axes.hist(table[:, i], edges, density=True, histtype="step", color=colour, label=name)
                else:
                    axes.scatter(table[:rows, j], table[:rows, i], **{**DOTS, "alpha": 0.35}, color=colour)
            axes.set(xlim=windows[j])
            if i != j:
                axes.set(ylim=windows[i])
            axes.tick_params(labelsize="small", labelbottom=i == count - 1, labelleft=j == 0 and i > 0)
            if i == j:
                axes.set_yticks([])
            if i == count - 1:
                axes.set_xlabel(labels[j])
            if j == 0:
                axes.set_ylabel(labels[i])
    if len(named) > 1:
        handles, shown = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, shown, loc="outside upper right", ncols=len(named), frameon=False)
    if title is not None:
        figure.suptitle(title)
    return figure


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _cycle(count: int) -> list[str]:
    return [COLOURS[k % len(COLOURS)] for k in range(count)]
