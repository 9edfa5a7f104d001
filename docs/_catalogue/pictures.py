"""A scalar map and its log-derivative side by side, as inline SVG whose colours come from the page.

Curves of one map share a compiled program, since its parameters are arrays.
"""

import math
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors import Bijector
from pushforward.bijectors.domains import constraint_bounds
from pushforward.distributions import Distribution
from pushforward.report.svg import Frame, Plot

from .examples import CURVES, DENSITIES, RANGES

POINTS = 241
# Compiling is what takes the time, for programs that run once.
QUICKLY = {"xla_backend_optimization_level": 0}
# How much of a half-line or a line is shown.
SPAN = 4.0
# A log-derivative is shown so far down from its top: further down the map is flat to the eye.
DEEPEST = 10.0
# In units of the drawing, which is about as many pixels wide as a telephone.
LEFT, GAP, SIDE, HEIGHT, TOP = 30.0, 40.0, 140.0, 92.0, 15.0


def picture(name: str) -> str:
    """The figure of a map, as HTML; empty where no arguments are given for it."""
    built = [(label, build()) for label, build in CURVES.get(name, [])]
    return _figure(name, built, lambda b: b.domain, _map_and_slope, ("y", "log |dy/dx|"))


def density(name: str) -> str:
    """The figure of a distribution of numbers: its density and the logarithm of it."""
    built = [(label, build()) for label, build in DENSITIES.get(name, [])]
    return _figure(name, built, lambda d: d.support, _density, ("p(y)", "log p(y)"))


def _figure(
    name: str,
    built: list[tuple[str, Any]],
    where: Callable[[Any], Any],
    evaluate: Callable[[Any, jax.Array], tuple[jax.Array, jax.Array]],
    titles: tuple[str, str],
) -> str:
    """Two panels side by side with a curve for each thing that is built, and a legend."""
    if not built:
        return ""
    ends = [tuple(float(v) for v in constraint_bounds(where(thing))) for _, thing in built]
    spans = [_span(*e) for e in ends]
    x_range = RANGES.get(name) or (min(low for low, _ in spans), max(high for _, high in spans))
    drawn = [_evaluated(evaluate, thing, e, x_range) for (_, thing), e in zip(built, ends, strict=True)]
    plot = Plot(LEFT + SIDE + GAP + SIDE + 8, TOP + HEIGHT + 18)
    for k, title in enumerate(titles):
        box = (LEFT + k * (SIDE + GAP), TOP, SIDE, HEIGHT)
        ys = [curves[k + 1] for curves in drawn]
        frame = Frame(plot, box, x_range, _limits(ys, DEEPEST if k else math.inf))
        plot.text(box[0], TOP - 6, title, "title")
        frame.y_axis(6)
        frame.x_axis(5)
        for i, (curves, y) in enumerate(zip(drawn, ys, strict=True)):
            _curve(plot, frame, curves[0], y, f"curve c{i + 1}")
    shown = [label or "default" for label, _ in built]
    keys = [f'<span class="key"><i class="c{i + 1}"></i>{escape(label)}</span>' for i, label in enumerate(shown)]
    caption = f"<figcaption>{''.join(keys)}</figcaption>" if shown != ["default"] else ""
    described = f"{name}, {'; '.join(shown)}: {titles[0]} and {titles[1]}"
    return f'<figure class="map">{plot.render(described)}{caption}</figure>'


def _evaluated(
    evaluate: Callable, thing: Any, ends: tuple[float, ...], shown: tuple[float, float]
) -> tuple[np.ndarray, ...]:
    """(x, two curves) on the domain as far as shown; open ends are left out by less than a pixel."""
    low, high = (float(v) for v in np.clip(ends, *shown))
    inset = 1e-3 * (high - low)
    x = jnp.linspace(low + inset, high - inset, POINTS)
    return tuple(np.asarray(values, np.float64) for values in (x, *evaluate(thing, x)))


@partial(eqx.filter_jit, compiler_options=QUICKLY)
def _map_and_slope(bijector: Bijector, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    if bijector.is_injective:
        return bijector.forward_and_log_det(x)
    # Of the map that takes two points to one: the branches are as steep as each other.
    y = bijector.forward(x)
    return y, -bijector.inverse_log_det_jacobian(y)[0]


@partial(eqx.filter_jit, compiler_options=QUICKLY)
def _density(distribution: Distribution, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    log_density = distribution.log_prob(y)
    return jnp.exp(log_density), log_density


def _span(low: float, high: float) -> tuple[float, float]:
    """The part of a domain that is shown."""
    if math.isinf(low) and math.isinf(high):
        return -SPAN, SPAN
    if math.isinf(high):
        return low, low + SPAN
    if math.isinf(low):
        return high - SPAN, high
    return low, high


def _limits(curves: list[np.ndarray], deepest: float) -> tuple[float, float]:
    """From least to greatest, without poles: at most 1.5 times the width of the middle nine tenths beyond them."""
    values = np.concatenate([c[np.isfinite(c)] for c in curves])
    if not len(values):
        return 0.0, 1.0
    low, inner_low, inner_high, high = np.quantile(values, [0.0, 0.05, 0.95, 1.0])
    width = inner_high - inner_low
    high = min(high, inner_high + 1.5 * width)
    low = max(low, inner_low - 1.5 * width, high - deepest)
    if high - low < 1e-6 * max(1.0, abs(high)):
        return low - 1.0, high + 1.0
    margin = 0.05 * (high - low)
    return low - margin, high + margin


def _curve(plot: Plot, frame: Frame, x: np.ndarray, y: np.ndarray, kind: str) -> None:
    """A line through points, cut at the edges of the frame, interrupted where it is not finite or jumps."""
    left, top, width, height = frame.box
    y0, y1 = frame.y_range
    beyond = 0.5 * (y1 - y0)
    within = np.clip(np.nan_to_num(y), y0 - beyond, y1 + beyond)
    px, py = frame.at(x, within)
    px, py = px - left, py - top
    path = ""
    for run in _runs(np.isfinite(y), np.abs(np.diff(within)) > 0.6 * (y1 - y0)):
        u, v = px[run], py[run]
        path += "M" + "L".join(f"{u[k]:.2f} {v[k]:.2f}" for k in _thinned(u, v))
    # An inner element of its own clips what it holds.
    size = f'x="{left}" y="{top}" width="{width}" height="{height}"'
    plot.parts.append(f'<svg {size}><path d="{path}" class="{kind}"/></svg>')


def _runs(flags: np.ndarray, cuts: np.ndarray) -> list[slice]:
    """Where flags are true without a gap, and without a cut between one and the next."""
    runs, first = [], None
    for i, flag in enumerate(flags):
        if first is not None and (not flag or cuts[i - 1]):
            runs.append(slice(first, i))
            first = None
        if flag and first is None:
            first = i
    return runs if first is None else [*runs, slice(first, len(flags))]


def _thinned(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Which points to keep, so that no other lies further than a twentieth of a unit from the line through those."""
    kept, first = [0], 0
    for last in range(2, len(x)):
        dx, dy = x[last] - x[first], y[last] - y[first]
        between = slice(first + 1, last)
        off = np.abs(dx * (y[between] - y[first]) - dy * (x[between] - x[first]))
        if off.max() > 0.05 * math.hypot(dx, dy):
            first = last - 1
            kept.append(first)
    return [*kept, len(x) - 1]
