"""The charts of a report: scores side by side, training curves, histograms."""

import math

import numpy as np

from ..training import History
from .facts import Facts
from .svg import Frame, Plot
from .text import nats, short, with_error


def comparison(facts: Facts) -> str:
    """Scores of flow, mixture and Gaussian as dots on one scale, with bars of two standard errors."""
    rows = [("this flow", facts.held_out_score, "model")] if facts.held_out_score is not None else []
    if facts.baselines is not None:
        n = facts.baselines.components
        rows.append((f"best mixture of Gaussians ({n})", facts.baselines.mixture, "other"))
        rows.append(("one Gaussian", facts.baselines.gaussian, "other"))
    rows = [row for row in rows if math.isfinite(row[1].nll)]
    if not rows:
        return ""
    errors = [0.0 if math.isnan(s.error) else 2 * s.error for _, s, _ in rows]
    low = min(s.nll - e for (_, s, _), e in zip(rows, errors, strict=True))
    high = max(s.nll + e for (_, s, _), e in zip(rows, errors, strict=True))
    margin = 0.08 * (high - low) or 0.5
    plot = Plot(380, 46 * len(rows) + 44)
    frame = Frame(plot, (4, 4, 372, 46 * len(rows)), (low - margin, high + margin), (0, 1))
    for k, ((label, figure, kind), error) in enumerate(zip(rows, errors, strict=True)):
        y = 38 + 46 * k
        plot.line(4, y, 376, y, "grid")
        plot.text(4, y - 17, label, "row strong" if kind == "model" else "row")
        plot.text(376, y - 17, with_error(figure.nll, figure.error), "row strong" if kind == "model" else "row", "end")
        x = frame.at(figure.nll, 0)[0]
        plot.line(frame.at(figure.nll - error, 0)[0], y, frame.at(figure.nll + error, 0)[0], y, f"whisker {kind}")
        plot.circle(x, y, 5.5 if kind == "model" else 4.5, f"dot {kind}")
    frame.x_axis(5, "nats per held-out row", line=False)
    said = "; ".join(f"{label} {with_error(s.nll, s.error)}" for label, s, _ in rows)
    return plot.render(f"Held-out negative log likelihood in nats, lower is better: {said}")


def training_curves(history: History) -> str:
    """Training and validation loss over epochs, the best epoch marked; the steep beginning may leave the frame."""
    epochs = [record.epoch for record in history]
    train, validation = history.train_loss, [math.nan if v is None else v for v in history.validation_loss]
    values = np.array([v for v in (*train, *validation) if math.isfinite(v)])
    if not len(values):
        return ""
    # The first tenth may be far above all that matters.
    late = np.array([v for v in (*train[len(train) // 10 :], *validation[len(train) // 10 :]) if math.isfinite(v)])
    late = late if len(late) else values
    low, high = float(np.min(values)), float(np.max(late))
    plot = Plot(460, 250)
    frame = Frame(plot, (52, 10, 392, 190), (epochs[0], max(epochs[-1], epochs[0] + 1)), _padded(low, high))
    frame.y_axis(5)
    frame.x_axis(min(6, max(len(epochs), 2)), "epoch")
    frame.curve(epochs, train, "curve data")
    frame.curve(epochs, validation, "curve model")
    best = history.best_epoch
    if best is not None:
        level = validation[epochs.index(best)]
        x, y = frame.at(best, level if math.isfinite(level) else train[epochs.index(best)])
        plot.line(x, 10, x, 200, "mark")
        plot.circle(x, y, 4.5, "dot model" if math.isfinite(level) else "dot data")
        side = "end" if x > 330 else "start"
        plot.text(x - 6 if side == "end" else x + 6, 22, f"best epoch {best}", "label", side)
    return plot.render(
        f"Loss in nats by epoch: training from {nats(train[0])} to {nats(train[-1])}, validation from "
        f"{nats(validation[0])} to {nats(validation[-1])}; best epoch {best}"
    )


def marginal(name: str, data: np.ndarray, samples: np.ndarray | None) -> str:
    """One column: the data as an area, samples as a line, on bins that hold the middle of the data."""
    either = data if len(data) else samples
    limits = display_range(either) if either is not None else (0.0, 1.0)
    plot = Plot(220, 128)
    edges = bins(either, limits)
    heights = [_density(values, edges) if values is not None and len(values) else None for values in (data, samples)]
    top = max((float(np.max(h)) for h in heights if h is not None), default=1.0) or 1.0
    frame = Frame(plot, (8, 6, 204, 96), limits, (0.0, 1.08 * top))
    if heights[0] is not None:
        frame.steps(edges, heights[0], "area data", closed=True)
    if heights[1] is not None:
        frame.steps(edges, heights[1], "curve model")
    frame.x_axis(4)
    return plot.render(f"Histogram of column {short(name, 60)}: data and samples")


def pit_histogram(u: np.ndarray, what: str, wrong: bool) -> str:
    """u in 20 bins against the flat line; the band holds 99 of 100 bins if all is right."""
    count = 20 if len(u) >= 200 else 10
    heights, edges = np.histogram(np.clip(u, 0.0, 1.0), bins=count, range=(0.0, 1.0))
    expected = len(u) / count
    spread = 2.576 * math.sqrt(expected * (1 - 1 / count)) / expected
    plot = Plot(160, 92)
    heights = heights / expected
    top = max(1.6, 1.05 * float(np.max(heights)), 1.15 * (1 + spread))
    frame = Frame(plot, (6, 4, 148, 68), (0, 1), (0, top))
    high, low = frame.at(0, 1 + spread)[1], frame.at(0, max(0.0, 1 - spread))[1]
    plot.rect(6, high, 148, low - high, "band")
    middle = frame.at(0, 1)[1]
    plot.line(6, middle, 154, middle, "mark")
    frame.steps(edges, heights, "curve wrong" if wrong else "curve model")
    frame.x_axis(3)
    return plot.render(f"Histogram of u of {what}; flat if the model is right")


def display_range(values: np.ndarray) -> tuple[float, float]:
    """From least to greatest, or without the outermost two in a thousand where these would take half of the room."""
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(np.min(values)), float(np.max(values))
    inner = [float(q) for q in np.quantile(values, [0.002, 0.998])]
    if high - low > 1.6 * (inner[1] - inner[0]) > 0:
        return _padded(*inner)
    return _padded(low, high)


def bins(values: np.ndarray | None, limits: tuple[float, float]) -> np.ndarray:
    """Bin edges: about 36, or one for each of a few whole numbers."""
    if values is not None and len(values):
        distinct = np.unique(values[:5000])
        if len(distinct) <= 30 and len(distinct) > 1:
            step = float(np.min(np.diff(distinct)))
            if (limits[1] - limits[0]) / step <= 60:
                first = distinct[0] - step / 2
                return first + step * np.arange(round((distinct[-1] - distinct[0]) / step) + 2)
    return np.linspace(*limits, 37 if values is None or len(values) >= 1000 else 25)


def _density(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    values = values[np.isfinite(values)]
    return np.histogram(values, bins=edges)[0] / max(len(values), 1) / np.diff(edges)


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = 0.05 * (high - low)
    return (low - margin, high + margin) if margin > 0 else (low - 0.5, high + 0.5)
