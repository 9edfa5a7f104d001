"""From figures to findings: what is compared, what is allowed, and why.

Two questions are kept apart. Is the mathematics right? This is asked in float64, where a right formula is right to many
digits and a wrong one is not. Does the arithmetic hold, in the dtype of the flow, on these rows? A flow may lose up to
half the digits of its dtype, and more only where rounding its input alone moves the result as much: no arithmetic can
mend that.
"""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..distributions import TransformedDistribution
from .findings import Finding, LayerReport, worst
from .layers import parts_of, spread

# Float64 arithmetic is right to 1e-12 or so; parameters that a layer derives from others when it is built, and keeps in
# float32, to 1e-6. A wrong formula is off by more than this.
EXACT = 1e-5
# Roundings of the size of the input's own that a flow may add: tens of operations a layer.
ROUNDINGS = 64.0


def finite_values(log_prob: np.ndarray, first: TransformedDistribution, x: np.ndarray) -> Finding:
    """Whether every row has a density; `first` is the flow bound to the condition of the first bad row, if any."""
    bad = np.flatnonzero(~np.isfinite(log_prob))
    where, reason = "", "the log-density of every row must be a number."
    if len(bad):
        row = int(bad[0])
        where = f"row {row}"
        reason = f"the log-density of {len(bad)} of {len(x)} rows is not finite; that of row {row} is {log_prob[row]}. "
        reason += _outside(first) if log_prob[row] == -np.inf else _where_it_breaks(first, x[[row]])
    return Finding("finite log-density", not len(bad), float(len(bad)), 0.0, "rows", where, reason)


def _outside(flow: TransformedDistribution) -> str:
    return (
        "The flow gives it no density: it lies outside the support, or so far out that a layer overflows. Look at "
        f"flow.support, which is {flow.support}, and at the scale of the data."
    )


def _where_it_breaks(flow: TransformedDistribution, x: np.ndarray) -> str:
    point: Any = jnp.asarray(x)
    for name, part in parts_of(flow):
        point = part.inverse(point)
        if not all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(point)):
            return f"Going inwards, {name} ({type(part).__name__}) is the first layer whose result is not finite."
    return "The points are finite after every layer, so a log-determinant or the base's density is not."


def finite_gradients(log_prob: np.ndarray, gradient: np.ndarray, bad_parameters: list[str]) -> Finding:
    """Whether derivatives with respect to data and parameters are finite."""
    finite = np.all(np.isfinite(gradient.reshape(len(gradient), -1)), axis=1) | ~np.isfinite(log_prob)
    bad = np.flatnonzero(~finite)
    names = [name.lstrip(".") for name in bad_parameters]
    reason = "the log-density must have finite derivatives with respect to the data and the parameters, at every row."
    if names:
        reason += f" Those of {', '.join(names[:3])} are not."
    if len(bad) or names:
        reason += " Usually a branch that was not taken overflows, or a root or logarithm is taken at its edge."
    where = f"row {bad[0]}" if len(bad) else (names or [""])[0]
    count = len(bad) + len(names)
    return Finding("finite gradients", count == 0, float(count), 0.0, "rows and parameters", where, reason)


def round_trip(x: np.ndarray, rows: np.ndarray, exact: dict[str, np.ndarray]) -> Finding:
    """forward(inverse(x)) against x, in float64."""
    error = _in_spreads(exact["back"] - x[rows].astype(np.float64), x)
    reason = (
        "the data, mapped to the latents and back in float64, must come back to a hundred-thousandth of a column's "
        "standard deviation; a right inverse is many digits better. Look for a layer with a large round trip in the "
        "table."
    )
    return per_row("round trip", error, np.full(len(rows), EXACT), "spreads", rows, reason)


def log_determinant(
    layers: list[LayerReport], claimed: np.ndarray, by_autodiff: np.ndarray, uncertain: np.ndarray, rows: np.ndarray
) -> Finding:
    """The flow's log-determinant, and every layer's, against automatic differentiation, in float64."""
    reason = (
        "the flow's log-determinant is compared with log |det J| of its layers' Jacobians by automatic "
        "differentiation, in float64, at a few rows, and so is every layer's by itself. A wrong formula is off by more "
        "than 1e-5 nats; what float64 may get wrong in an ill-conditioned Jacobian is allowed."
    )
    square = [layer for layer in layers if not math.isnan(layer.log_det)]
    if len(square) < len(layers):
        reason += " A layer that changes the number of coordinates has no determinant; the others are looked at singly."
        claimed = by_autodiff = uncertain = np.zeros(len(rows))
    finding = per_row(
        "log-determinant",
        np.abs(claimed - by_autodiff),
        EXACT * (1 + np.abs(by_autodiff)) + uncertain,
        "nats",
        rows,
        reason,
    )
    # Layers may err with opposite signs.
    limit = EXACT * (1 + float(np.max(np.abs(by_autodiff)))) + float(np.max(uncertain))
    wrong = [layer for layer in square if not layer.log_det <= limit]
    if not wrong:
        return dataclasses.replace(finding, ok=None) if layers and not square else finding
    reason += f" Wrong by itself: {', '.join(f'{layer.name} ({layer.kind})' for layer in wrong[:3])}."
    error = max(finding.figure, *(layer.log_det for layer in wrong))
    return Finding("log-determinant", False, error, limit, "nats", wrong[0].name, reason)


def rounded_round_trip(
    x: np.ndarray,
    rows: np.ndarray,
    exact: dict[str, np.ndarray],
    rounded: np.ndarray,
    layers: list[LayerReport],
    epsilon: float,
) -> Finding:
    """forward(inverse(x)) against x, in the flow's dtype."""
    error = _in_spreads(rounded.astype(np.float64) - x[rows].astype(np.float64), x)
    moved = _in_spreads(exact["moved"], x) + _in_spreads(epsilon * np.abs(x[rows].astype(np.float64)), x)
    reason = (
        "the same round trip in the flow's dtype. Half of its digits may go (the root of machine epsilon), and more "
        f"where rounding the latents alone moves the data that far: {ROUNDINGS:.0f} times that. {_culprit(layers)}"
    )
    allowed = math.sqrt(epsilon) + ROUNDINGS * moved
    return per_row("round trip, rounded", error, allowed, "spreads", rows, reason)


def rounded_density(
    x: np.ndarray,
    rows: np.ndarray,
    exact: dict[str, np.ndarray],
    log_prob: np.ndarray,
    gradient: np.ndarray,
    layers: list[LayerReport],
    epsilon: float,
) -> Finding:
    """The log-density in the flow's dtype against float64."""
    reason = (
        "the log-density in the flow's dtype against that in float64. Half the digits of its terms may go, and more "
        f"where rounding the data alone moves it that far: {ROUNDINGS:.0f} times that. {_culprit(layers)}"
    )
    error = np.abs(log_prob - exact["log_prob"])
    allowed = half_the_digits(x, log_prob, epsilon) + ROUNDINGS * moved_by_rounding(x[rows], gradient, epsilon)
    return per_row("log-density, rounded", error, allowed, "nats", rows, reason)


def resolution(x: np.ndarray, rows: np.ndarray, log_prob: np.ndarray, gradient: np.ndarray, epsilon: float) -> Finding:
    """Whether the dtype is fine enough for the data."""
    reason = (
        f"by how much rounding the data to {x.dtype} moves the log-density, by its gradient. Beyond a tenth of a nat "
        "the dtype is too coarse for these numbers: subtract an offset, divide by the spread, or use float64."
    )
    moved = moved_by_rounding(x[rows], gradient, epsilon / 2)
    allowed = 0.1 + half_the_digits(x, log_prob, epsilon)
    return per_row("resolution of the data", moved, allowed, "nats", rows, reason)


def per_row(
    name: str, error: np.ndarray, allowed: np.ndarray, unit: str, rows: np.ndarray | None, reason: str
) -> Finding:
    """The finding at the row that is worst for what is allowed there; `rows` of None are draws."""
    k = worst(error, allowed)
    where = f"draw {k}" if rows is None else f"row {rows[k]}"
    return Finding(name, bool(error[k] <= allowed[k]), float(error[k]), float(allowed[k]), unit, where, reason)


def half_the_digits(x: np.ndarray, log_prob: np.ndarray, epsilon: float) -> np.ndarray:
    """An error of half the digits in each of the terms of a log-density, one or so a coordinate."""
    return math.sqrt(epsilon) * (math.prod(x.shape[1:]) + np.abs(log_prob))


def moved_by_rounding(x: np.ndarray, gradient: np.ndarray, epsilon: float) -> np.ndarray:
    """How far a function of this gradient moves when its argument is rounded to relative precision `epsilon`."""
    moved = np.abs(gradient) * np.abs(x.astype(np.float64)) * epsilon
    return np.sum(moved.reshape(len(x), -1), axis=1)


def _in_spreads(difference: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The largest entry of each row, in standard deviations of its column of the data."""
    flat = np.abs(difference).reshape(len(difference), -1) / spread(x.reshape(len(x), -1).astype(np.float64))
    return np.max(flat, axis=1, initial=0.0)


def _culprit(layers: list[LayerReport]) -> str:
    known = [layer for layer in layers if not math.isnan(layer.digits_lost)]
    if not known:
        return ""
    layer = max(known, key=lambda layer: layer.digits_lost)
    return f"The layer that loses most digits is {layer.name} ({layer.kind}): {layer.digits_lost:.1f}."
