"""A small plot as inline SVG: axes, lines, areas, pictures. Colours come from the page, so it fits light and dark.

Texts are set here and not by a plotting library, so that a column may be called anything: it is escaped, and nothing
in it is taken for mathematics or looked for in a font.
"""

import itertools
import math
from collections.abc import Sequence
from html import escape

import numpy as np

from .text import number, plain


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers within [low, high]."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return []
    raw = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


class Plot:
    """A drawing of so many units, in which frames with axes are set out."""

    def __init__(self, width: float, height: float):
        self.width, self.height = width, height
        self.parts: list[str] = []

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start", turn: bool = False) -> None:
        """Words, escaped."""
        place = f'transform="translate({x:.1f} {y:.1f}) rotate(-90)"' if turn else f'x="{x:.1f}" y="{y:.1f}"'
        about = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.parts.append(f'<text {place}{about} class="{kind}">{escape(plain(text))}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """A straight line."""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>')

    def rect(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """A rectangle."""
        size = f'width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" {size} class="{kind}"/>')

    def circle(self, x: float, y: float, radius: float, kind: str) -> None:
        """A dot."""
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{kind}"/>')

    def render(self, label: str) -> str:
        """The SVG element; `label` is what it shows, for those who cannot see it."""
        head = f'<svg viewBox="0 0 {self.width:.0f} {self.height:.0f}" role="img" aria-label="{escape(plain(label))}">'
        return head + "".join(self.parts) + "</svg>"


class Frame:
    """A rectangle of a plot with a scale in x and y."""

    def __init__(
        self, plot: Plot, box: tuple[float, float, float, float], x: tuple[float, float], y: tuple[float, float]
    ):
        self.plot, self.box = plot, box
        self.x_range, self.y_range = _widened(x), _widened(y)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The place of a point."""
        left, top, width, height = self.box
        (x0, x1), (y0, y1) = self.x_range, self.y_range
        return left + width * (x - x0) / (x1 - x0), top + height * (1 - (y - y0) / (y1 - y0))

    def x_axis(self, most: int = 5, label: str = "", line: bool = True) -> None:
        """Ticks and numbers below."""
        left, top, width, height = self.box
        bottom = top + height
        if line:
            self.plot.line(left, bottom, left + width, bottom, "axis")
        values = ticks(*self.x_range, most)
        for value, text in zip(values, labels(values), strict=True):
            x = self.at(value, 0)[0]
            self.plot.line(x, bottom, x, bottom + 3, "axis")
            self.plot.text(x, bottom + 14, text, "tick", "middle")
        if label:
            self.plot.text(left + width / 2, bottom + 30, label, "label", "middle")

    def y_axis(self, most: int = 4, label: str = "", grid: bool = True) -> None:
        """Numbers on the left, and lines across."""
        left, top, width, height = self.box
        values = ticks(*self.y_range, most)
        for value, text in zip(values, labels(values), strict=True):
            y = self.at(self.x_range[0], value)[1]
            self.plot.line(left if grid else left - 3, y, left + (width if grid else 0), y, "grid" if grid else "axis")
            self.plot.text(left - 6, y + 3.5, text, "tick", "end")
        if label:
            self.plot.text(10, top + height / 2, label, "label middle", "middle", turn=True)

    def border(self) -> None:
        """A thin line around."""
        self.plot.rect(*self.box, "frame")

    def curve(self, x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, kind: str) -> None:
        """A line through points; where one is not finite it is interrupted."""
        path, before, top = "", None, self.y_range[1]
        for a, b in zip(map(float, x), map(float, y), strict=True):
            inside = math.isfinite(a) and math.isfinite(b) and b <= top
            if before is not None and inside != (before[1] <= top) and math.isfinite(b):
                # Where the line crosses the upper edge.
                share = (top - before[1]) / (b - before[1])
                path += ("L" if inside is False else "M") + _place(*self.at(before[0] + share * (a - before[0]), top))
            if inside:
                path += ("L" if before is not None else "M") + _place(*self.at(a, b))
            before = (a, b) if math.isfinite(a) and math.isfinite(b) else None
        self.plot.parts.append(f'<path d="{path}" class="{kind}"/>')

    def steps(self, edges: np.ndarray, heights: np.ndarray, kind: str, closed: bool = False) -> None:
        """A histogram's outline, or area if closed."""
        x, y = np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])
        points = [self.at(float(a), float(min(b, self.y_range[1]))) for a, b in zip(x, y, strict=True)]
        path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points) + ("Z" if closed else "")
        self.plot.parts.append(f'<path d="{path}" class="{kind}"/>')

    def picture(self, uri: str) -> None:
        """A picture that fills the frame."""
        left, top, width, height = self.box
        size = f'width="{width:.1f}" height="{height:.1f}"'
        picture = f'<image x="{left:.1f}" y="{top:.1f}" {size} preserveAspectRatio="none" href="{uri}"/>'
        self.plot.parts.append(picture)


def labels(values: Sequence[float]) -> list[str]:
    """Tick labels of one precision."""
    if not values:
        return []
    largest = max(abs(v) for v in values)
    step = min((abs(b - a) for a, b in itertools.pairwise(values)), default=largest or 1.0)
    if largest >= 1e6 or (largest < 1e-3 and largest > 0) or step < 1e-4 * largest:
        digits = min(max(1, math.ceil(math.log10(max(largest / step, 1.0)) + 1e-9) + 1), 8)
        return [number(v if abs(v) > 1e-9 * step else 0.0, digits) for v in values]
    scaled = [f"{step:.10f}".rstrip("0"), f"{values[0]:.10f}".rstrip("0")]
    decimals = min(max(len(text.split(".")[1]) for text in scaled), 6)
    return [f"{v + 0.0:,.{decimals}f}".replace("-", "−") if abs(v) > 1e-9 * step else "0" for v in values]


def _place(x: float, y: float) -> str:
    return f"{x:.1f} {y:.1f}"


def _widened(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = float(limits[0]), float(limits[1])
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    return (low, high) if high > low else (low - 0.5 * max(abs(low), 1.0), high + 0.5 * max(abs(low), 1.0))
