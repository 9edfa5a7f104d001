"""Pairs of columns: data and samples side by side, on the same axes."""

import itertools

import numpy as np

from ..diagnostics import Calibration
from .charts import display_range
from .raster import DATA, SAMPLES, cloud, opacity_for
from .svg import Frame, Plot
from .text import names, short

MOST, POINTS = 6, 4000


def choose(data: np.ndarray, labels: tuple[str, ...], tests: Calibration | None) -> tuple[list[int], str]:
    """Columns to show in pairs, and why, as HTML.

    Of many columns: those with the strongest rank correlations, and the one where samples fit worst.
    """
    columns = len(labels)
    if columns <= MOST:
        return list(range(columns)), ""
    values = data[:5000]
    ranks = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0, kind="stable")
    strength = np.abs(np.corrcoef(ranks.T)) - np.eye(columns)
    chosen = [int(k) for k in np.unravel_index(int(np.argmax(strength)), strength.shape)]
    worst = int(np.argmax(tests.statistic)) if tests is not None else None
    room = MOST - (worst is not None and worst not in chosen)
    while len(chosen) < room:
        # The next is most like some column shown, but is no copy of one.
        gain = np.max(np.where(strength[chosen] < 0.98, strength[chosen], 0.0), axis=0)
        gain[chosen] = -1.0
        chosen.append(int(np.argmax(gain)))
        room = MOST - (worst is not None and worst not in chosen)
    because = f"{MOST} of {columns} columns are shown: those with the strongest rank correlations"
    if worst is not None and worst not in chosen:
        chosen.append(worst)
        because += f", and {names([labels[worst]])}, whose samples fit worst"
    return sorted(chosen), because + "."


def pair_plots(data: np.ndarray, samples: np.ndarray | None, labels: tuple[str, ...], chosen: list[int]) -> str:
    """A figure for each pair of the chosen columns; equally many points of both."""
    number = min(len(data) or POINTS, POINTS if samples is None else min(len(samples), POINTS))
    ranges = {k: display_range((data if len(data) else samples)[:, k]) for k in chosen}  # type: ignore[index]
    shown = []
    for a, b in itertools.combinations(chosen, 2):
        sides = [("data", data, DATA, "data")] if len(data) else []
        sides += [("samples", samples, SAMPLES, "model")] if samples is not None else []
        plot = Plot(400 if len(sides) == 2 else 223, 232)
        for at, (title, rows, colour, kind) in enumerate(sides):
            frame = Frame(plot, (50 + 177 * at, 22, 165, 165), ranges[a], ranges[b])
            points = rows[:number][:, [a, b]]
            picture = cloud([(points, colour)], ranges[a], ranges[b], size=280, opacity=opacity_for(number))
            frame.picture(picture)
            frame.border()
            frame.x_axis(4, short(labels[a], 22), line=False)
            if at == 0:
                frame.y_axis(4, short(labels[b], 24), grid=False)
            plot.text(50 + 177 * at, 15, title, f"label strong {kind}")
        said = f"{short(labels[b], 60)} against {short(labels[a], 60)}: {' beside '.join(side[0] for side in sides)}"
        shown.append(f'<figure class="pair">{plot.render(said)}</figure>')
    if len(shown) == 1:
        return f'<div class="wide">{shown[0]}</div>'
    return f'<div class="grid {"pairs" if len(data) and samples is not None else "small"}">{"".join(shown)}</div>'
