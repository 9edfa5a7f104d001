"""How a flow folds the plane: the same points after each layer."""

from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure

from ..diagnostics.layers import parts_of
from ..distributions import TransformedDistribution
from .style import BLUE, DOTS, GREEN, GREY, ORANGE, PURPLE, panels, table_of, window

_MOST_PANELS = 12
_QUADRANTS = (
    ("z₁ > 0, z₂ > 0", BLUE),
    ("z₁ < 0, z₂ > 0", ORANGE),
    ("z₁ < 0, z₂ < 0", GREEN),
    ("z₁ > 0, z₂ < 0", PURPLE),
)


def deformation(key: jax.Array, flow: TransformedDistribution, *, data: Any = None, rows: int = 3000) -> Figure:
    """Points of the base, coloured by the quadrant they start in, after each layer of the flow.

    Layers that only exchange coordinates count with the one after them. Of more than ten layers some are left out,
    never the last.

    Args:
        key: draws the points.
        flow: a `TransformedDistribution` on pairs of numbers; a conditional one with one condition bound, `flow(c)`.
        data: rows for a last panel, shape [rows, 2].
        rows: number of points.

    Raises:
        TypeError: for something else than a flow.
        ValueError: if its events, or those between its layers, are not pairs.
    """
    if not isinstance(flow, TransformedDistribution):
        raise TypeError(f"deformation: expected a TransformedDistribution, and got {type(flow).__name__}")
    if tuple(flow.event_shape) != (2,) or tuple(flow.batch_shape) != ():
        raise ValueError(
            f"deformation: expected a flow on pairs of numbers, and got event_shape={tuple(flow.event_shape)}, "
            f"batch_shape={tuple(flow.batch_shape)}; more coordinates do not fit the plane"
        )
    stages = _stages(key, flow, rows)
    if len(stages) > _MOST_PANELS - 2:
        kept = np.unique(np.linspace(0, len(stages) - 1, _MOST_PANELS - 2).round().astype(int))
        stages = [stages[k] for k in kept]
    start = stages[0][1]
    quadrant = np.where(start[:, 1] > 0, np.where(start[:, 0] > 0, 0, 1), np.where(start[:, 0] > 0, 3, 2))
    shown = [*stages, *([] if data is None else [("data", table_of("data", data, 2))])]

    figure, axes = panels(len(shown), 4)
    for place, (title, points) in zip(axes, shown, strict=True):
        if title == "data":
            place.scatter(*points[:rows].T, **DOTS, color=GREY)
        else:
            for k, (label, colour) in enumerate(_QUADRANTS):
                place.scatter(*points[quadrant == k].T, **DOTS, color=colour, label=label)
        (left, right), (low, high) = window(points)
        # A square of one scale around the points.
        half = max(right - left, high - low) / 2
        x, y = (left + right) / 2, (low + high) / 2
        place.set(title=title, xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, markerscale=4, frameon=False, title="started at"
    )
    return figure


def _stages(key: jax.Array, flow: TransformedDistribution, rows: int) -> list[tuple[str, np.ndarray]]:
    """(title, points) of the base and after every layer that moves them."""
    parts = parts_of(flow)[::-1]
    innermost = flow
    while isinstance(innermost.base, TransformedDistribution):
        innermost = innermost.base
    z = innermost.bijector.inverse(innermost.sample(key, (rows,)))
    if z.shape != (rows, 2):
        raise ValueError(f"deformation: expected latents of shape ({rows}, 2), and got {z.shape}")
    stages, count = [("base", np.asarray(z))], 0
    for place, (_, part) in enumerate(parts):
        z = part.forward(z)
        if getattr(z, "shape", None) != (rows, 2):
            raise ValueError(
                f"deformation: {type(part).__name__} maps pairs to something else, which is not on the plane"
            )
        if part.permutes and place < len(parts) - 1:
            continue
        count += 1
        stages.append((f"{count}: {type(part).__name__}", np.asarray(z)))
    return stages
