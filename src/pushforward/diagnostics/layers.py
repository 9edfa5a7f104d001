"""A flow taken apart: its layers from the data inwards, each measured by itself, in float64.

Parameters are those of the flow, rounded as they are; only the arithmetic is done in float64. So what is found here is
a wrong formula, not rounding.
"""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..bijectors import Bijector, Chain, Invert, Stack
from ..distributions import TransformedDistribution
from .findings import LayerReport


def parts_of(flow: TransformedDistribution) -> list[tuple[str, Bijector]]:
    """(name, bijector) of every layer, from the data inwards; those of a base that is a flow come after."""
    parts, name = [], "bijector"
    while isinstance(flow, TransformedDistribution):
        parts += _walk(flow.bijector, name)
        flow, name = flow.base, f"base.{name}"
    return parts


def _walk(part: Bijector, name: str) -> list[tuple[str, Bijector]]:
    if isinstance(part, Chain):
        return [pair for k, inner in enumerate(part.bijectors) for pair in _walk(inner, f"{name}.bijectors[{k}]")]
    if isinstance(part, Stack):
        layers = [layer.condition(part.bound) if part.is_bound else layer for layer in part]
        return [pair for k, layer in enumerate(layers) for pair in _walk(layer, f"{name}[{k}]")]
    if isinstance(part, Invert) and isinstance(part.bijector, Chain | Stack | Invert):
        inner = _walk(part.bijector, f"{name}.bijector")
        return [(n, p.bijector if isinstance(p, Invert) else Invert(p)) for n, p in reversed(inner)]
    return [(name, part)]


def measure_layers(
    flow: TransformedDistribution, y: np.ndarray, epsilon: float
) -> tuple[list[LayerReport], np.ndarray, np.ndarray]:
    """Reports of all layers at the rows `y`, with the sum of their log-dets by automatic differentiation.

    Args:
        flow: with its condition bound to these rows.
        y: rows of data, shape [rows | event].
        epsilon: machine epsilon of the flow's dtype.

    Returns:
        the reports; for each row the log-determinant of the inverse (NaN where a layer's Jacobian is not square), and
        what float64 may get wrong in it.
    """
    reports, total, uncertain = [], np.zeros(len(y)), np.zeros(len(y))
    with jax.enable_x64(True):
        point: Any = jnp.asarray(y, jnp.float64)
        ndims: Any = flow.event_dim
        for name, part in parts_of(flow):
            seen = jax.tree.map(np.asarray, _measure(part, point, ndims))
            report, inverse_log_det, rounding = _judge(name, part, point, seen, epsilon)
            reports.append(report)
            total, uncertain = total + inverse_log_det, uncertain + rounding
            point, ndims = jax.tree.map(jnp.asarray, seen["x"]), part.inverse_event_ndims(ndims)
    return reports, total, uncertain


@eqx.filter_jit
def _measure(part: Bijector, y: Any, ndims: Any) -> dict[str, Any]:
    x, inverse_log_det = part.inverse_and_log_det(y, ndims)
    again, forward_log_det = part.forward_and_log_det(x, part.inverse_event_ndims(ndims))
    # One Jacobian determines the other. The inverse is one pass of most layers, and the forward of inverted ones is.
    is_forward = isinstance(part, Invert)
    jacobian = jacobian_of(part.forward if is_forward else part.inverse, x if is_forward else y)
    return {
        "x": x,
        "again": again,
        "inverse_log_det": inverse_log_det,
        "forward_log_det": forward_log_det,
        "jacobian": jacobian,
    }


def jacobian_of(fn: Callable[[Any], Any], x: Any) -> jax.Array:
    """The Jacobian of each row, [rows | outputs | inputs]. Rows do not mix, so one tangent serves all of them."""
    leaves, treedef = jax.tree.flatten(x)
    rows, sizes = leaves[0].shape[0], [math.prod(leaf.shape[1:]) for leaf in leaves]

    def column(unit: jax.Array) -> jax.Array:
        pieces = jnp.split(unit, np.cumsum(sizes)[:-1].tolist())
        tangents = [
            jnp.broadcast_to(piece.reshape(leaf.shape[1:]), leaf.shape)
            for piece, leaf in zip(pieces, leaves, strict=True)
        ]
        return _flat(jax.jvp(fn, (x,), (jax.tree.unflatten(treedef, tangents),))[1], rows)

    return jnp.moveaxis(jax.vmap(column)(jnp.eye(sum(sizes), dtype=leaves[0].dtype)), 0, -1)


def _flat(tree: Any, rows: int) -> Any:
    """The arrays of `tree` side by side, [rows | numbers]."""
    xp = np if isinstance(jax.tree.leaves(tree)[0], np.ndarray) else jnp
    return xp.concatenate([leaf.reshape(rows, -1) for leaf in jax.tree.leaves(tree)], axis=-1)


def _judge(
    name: str, part: Bijector, y: Any, seen: dict[str, Any], epsilon: float
) -> tuple[LayerReport, np.ndarray, np.ndarray]:
    rows = len(seen["inverse_log_det"])
    inner, outer = _flat(seen["x"], rows), _flat(jax.tree.map(np.asarray, y), rows)
    again, jacobian = _flat(seen["again"], rows), seen["jacobian"]
    kind = type(part.bijector).__name__ + " inverted" if isinstance(part, Invert) else type(part).__name__
    inverse_log_det, rounding, lost = np.full(rows, np.nan), np.zeros(rows), math.nan
    with np.errstate(all="ignore"):
        round_trip = float(np.max(np.abs(again - outer) / spread(outer), initial=0.0))
        if jacobian.shape[-1] == jacobian.shape[-2] and np.all(np.isfinite(jacobian)):
            sign = -1.0 if isinstance(part, Invert) else 1.0
            inverse_log_det = sign * np.linalg.slogdet(jacobian)[1]
            rounding, inverted = _rounding(jacobian)
            inverse, forward = (inverted, jacobian) if isinstance(part, Invert) else (jacobian, inverted)
            lost = max(_digits(inverse, outer, inner, epsilon), _digits(forward, inner, outer, epsilon))
        errors = [seen["inverse_log_det"] - inverse_log_det, seen["forward_log_det"] + inverse_log_det]
    log_det = float(np.max(np.abs(errors))) if np.any(np.isfinite(inverse_log_det)) else math.nan
    return LayerReport(name, kind, round_trip, log_det, lost), inverse_log_det, rounding


def _rounding(jacobian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What float64 may get wrong in log |det J|, and J^-1. A relative error e in J moves it by at most e |J^-1| |J|."""
    try:
        inverted = np.linalg.inv(jacobian)
    except np.linalg.LinAlgError:
        inverted = np.full_like(jacobian, np.inf)
    moved = np.einsum("rij,rji->r", np.abs(inverted), np.abs(jacobian))
    return 16 * np.finfo(np.float64).eps * moved, inverted


def _digits(jacobian: np.ndarray, start: np.ndarray, end: np.ndarray, epsilon: float) -> float:
    """Digits of `end` (of its spread) that rounding `start` to relative precision epsilon takes away at worst."""
    moved = np.einsum("rij,rj->ri", np.abs(jacobian), np.abs(start)) / spread(end)
    worst = float(np.max(moved, initial=0.0))
    if math.isnan(worst):
        return math.nan
    return min(max(0.0, math.log10(max(worst, 1.0))), -math.log10(epsilon))


def spread(values: np.ndarray) -> np.ndarray:
    """The standard deviation of each column over the rows; the size of the numbers where they are all the same."""
    deviation = np.std(values, axis=0)
    size = np.max(np.abs(values), axis=0, initial=0.0)
    return np.where(deviation > 1e-12 * size, deviation, np.where(size > 0, size, 1.0))
