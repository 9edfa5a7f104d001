"""The density of a flow on the plane."""

from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure

from .style import DOTS, panels, table_of, window


def density(
    flow: Any,
    *,
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    data: Any = None,
    points: int = 200,
    log: bool = False,
    title: str | None = None,
    names: tuple[str, str] = ("x₁", "x₂"),
) -> Figure:
    """p(x) of a distribution of two numbers as a picture, with the data on it if given.

    Args:
        flow: a distribution with event shape (2,) and batch shape (): a flow, `conditional(c)` for one c, or any of
            NumPyro's.
        x, y: the window; None for that of the data, or of samples where no data are given.
        data: rows to draw on top, shape [rows, 2].
        points: of the grid, along each side.
        log: colours follow log p(x) down to 12 nats below its highest, which shows the tails.
        title: above the picture; None for what is drawn.
        names: of the two axes.

    Raises:
        ValueError: if events are not pairs, several distributions come at once, or the window is empty.
    """
    if tuple(flow.event_shape) != (2,) or tuple(flow.batch_shape) != ():
        raise ValueError(
            "density: expected one distribution of two numbers, and got event_shape="
            f"{tuple(flow.event_shape)}, batch_shape={tuple(flow.batch_shape)}; draw a marginal, or bind one condition"
        )
    rows = None if data is None else table_of("data", data, 2)
    if x is None or y is None:
        shown = rows if rows is not None else table_of("samples", flow.sample(jax.random.key(0), (4096,)), 2)
        x, y = (found if given is None else given for given, found in zip((x, y), window(shown), strict=True))
    if not (x[0] < x[1] and y[0] < y[1]) or points < 2:
        raise ValueError(f"density: expected an increasing x and y and at least 2 points, and got {x}, {y}, {points}")
    side_x, side_y = np.linspace(*x, points), np.linspace(*y, points)
    grid = np.stack(np.meshgrid(side_x, side_y), axis=-1)
    log_prob = np.asarray(flow.log_prob(grid.reshape(-1, 2)), np.float64).reshape(points, points)
    top = np.max(log_prob, initial=-np.inf, where=np.isfinite(log_prob))
    shown = np.maximum(log_prob, top - 12) if log else np.exp(log_prob)

    figure, (axes,) = panels(1, 1, side=5.2, height=4.2)
    image = axes.pcolormesh(side_x, side_y, shown, cmap="viridis", shading="auto", rasterized=True)
    label = "log-density, nats" if log else "density"
    figure.colorbar(image, ax=axes, label=label)
    if rows is not None:
        axes.scatter(*rows.T, **{**DOTS, "s": 2, "alpha": 0.35}, color="white")
    axes.set(xlim=x, ylim=y, xlabel=names[0], ylabel=names[1], title=label.capitalize() if title is None else title)
    return figure
