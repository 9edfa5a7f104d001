"""The course of a training run."""

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from .style import BLUE, COLOURS, GREY, ORANGE, panels


def training(
    history: Any, *, floor: float | None = None, floor_label: str = "entropy of the data", title: str = "Training"
) -> Figure:
    """Training and validation loss by epoch.

    Args:
        history: `FitResult.history`, or several by name, {"realnvp": history, ...}, of which the validation loss is
            drawn (the training loss where there is none).
        floor: a loss that cannot be beaten, drawn as a line.
        floor_label: what that is.
        title: above the picture.

    Raises:
        ValueError: if no epoch has run.
    """
    figure, (axes,) = panels(1, 1, side=6.0, height=3.6)
    several = history if isinstance(history, Mapping) else None
    for name, run in (several or {"": history}).items():
        if not len(run):
            raise ValueError(
                f"training: the history{' of ' + name if name else ''} has no epoch; there is nothing to draw"
            )
    if several is None:
        _line(axes, history, history.train_loss, BLUE, "training")
        _line(axes, history, history.validation_loss, ORANGE, "validation")
        if history.best_epoch is not None:
            axes.axvline(history.best_epoch, color=GREY, linewidth=0.8, label=f"best, epoch {history.best_epoch}")
    else:
        for k, (name, run) in enumerate(several.items()):
            validated = any(value is not None for value in run.validation_loss)
            _line(axes, run, run.validation_loss if validated else run.train_loss, COLOURS[k % len(COLOURS)], name)
    if floor is not None:
        axes.axhline(floor, color=GREY, linestyle="--", linewidth=1, label=floor_label)
    axes.set(title=title, xlabel="epoch", ylabel="loss, nats")
    axes.legend(frameon=False)
    return figure


def _line(axes: Any, run: Any, losses: list[float | None], colour: str, label: str) -> None:
    known = [(record.epoch, loss) for record, loss in zip(run, losses, strict=True) if loss is not None]
    known = [(epoch, loss) for epoch, loss in known if math.isfinite(loss)]
    if known:
        axes.plot(*zip(*known, strict=True), color=colour, label=label, marker="." if len(known) < 30 else None)
