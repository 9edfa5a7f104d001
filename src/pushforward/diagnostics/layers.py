"""A flow taken apart: its layers from the data inwards, each measured by itself, in float64.

Parameters are those of the flow, rounded as they are; only the arithmetic is done in float64. So what is found here is
a wrong formula, not rounding. A layer is an argument of the compiled programs, so layers of one structure share them.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..bijectors import Bijector, Chain, Invert, Stack
from ..distributions import TransformedDistribution
from .findings import LayerReport
from .programs import runs_once

# The most rows for which there are Jacobians at a time.
LAYER_ROWS = 32


@dataclasses.dataclass(frozen=True)
class Seen:
    """A layer at some rows of data: y on the side of the data, x on that of the latents.

    Attributes:
        name, part: the layer.
        ndims: ranks of the events of y.
        y, x: the points, [rows | event].
        log_det: of the inverse, as the layer gives it.
        jacobian: dx/dy by automatic differentiation, [rows | numbers of x | numbers of y].
        inverted: dy/dx, or None if the layer changes the number of coordinates.
    """

    name: str
    part: Bijector
    ndims: Any
    y: Any
    x: Any
    log_det: np.ndarray
    jacobian: np.ndarray
    inverted: np.ndarray | None


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
        # Sliced by NumPy and put as they are: JAX would compile a program for every shape of an array.
        layers = jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf.dtype, np.dtype) else leaf, part.layers)
        pairs = []
        for k in range(part.depth):
            layer = jax.tree.map(lambda leaf, k=k: jax.device_put(leaf[k, ...]), layers)
            pairs += _walk(layer.condition(part.bound) if part.is_bound else layer, f"{name}[{k}]")
        return pairs
    if isinstance(part, Invert) and isinstance(part.bijector, Chain | Stack | Invert):
        inner = _walk(part.bijector, f"{name}.bijector")
        return [(n, p.bijector if isinstance(p, Invert) else Invert(p)) for n, p in reversed(inner)]
    return [(name, part)]


def walk_inwards(flow: TransformedDistribution, y: np.ndarray) -> list[Seen]:
    """Every layer of the flow at the rows `y` of data and what becomes of them on the way."""
    seen = []
    with jax.enable_x64(True):
        point: Any = np.asarray(y, np.float64)
        ndims: Any = flow.event_dim
        for name, part in parts_of(flow):
            x, log_det, jacobian = jax.tree.map(np.asarray, _inwards(part, point, ndims))
            other = _inverse(jacobian) if jacobian.shape[-1] == jacobian.shape[-2] else None
            if _takes_forward(part, x, point):
                jacobian, other = other, jacobian
            seen.append(Seen(name, part, ndims, point, x, log_det, jacobian, other))
            point, ndims = x, part.inverse_event_ndims(ndims)
    return seen


def walk_outwards(
    flow: TransformedDistribution, z: Any, seen: Sequence[Seen]
) -> tuple[np.ndarray, list[tuple[Any, np.ndarray]]]:
    """Rows of latents through the layers to the data, and every layer's forward at the points seen there.

    Args:
        flow: with its condition bound to the rows of `z` and, after these, those of `seen`.
        z: latents, shape [rows | event].
        seen: the layers from the data inwards.

    Returns:
        data, shape [rows | event]; for each layer the y of its x, and the log-det of its forward.
    """
    point, count, results = z, len(z), []
    with jax.enable_x64(True):
        for (_, part), at in reversed(list(zip(parts_of(flow), seen, strict=True))):
            both = jax.tree.map(lambda a, b: np.concatenate([a, b]), point, at.x)
            y, log_det = jax.tree.map(np.asarray, _outwards(part, both, part.inverse_event_ndims(at.ndims)))
            point = jax.tree.map(lambda a: a[:count], y)
            results.append((jax.tree.map(lambda a: a[count:], y), log_det[count:]))
    return point, results[::-1]


@runs_once
def _inwards(part: Bijector, y: Any, ndims: Any) -> tuple[Any, jax.Array, jax.Array]:
    x, log_det = part.inverse_and_log_det(y, ndims)
    forward = _takes_forward(part, x, y)
    return x, log_det, jacobian_of(part.forward if forward else part.inverse, x if forward else y)


@runs_once
def _outwards(part: Bijector, x: Any, ndims: Any) -> tuple[Any, jax.Array]:
    return part.forward_and_log_det(x, ndims)


def _takes_forward(part: Bijector, x: Any, y: Any) -> bool:
    """Whether the Jacobian is that of forward: one determines the other if they are square.

    The inverse is one pass of most layers, and the forward of inverted ones is.
    """
    sizes = [sum(math.prod(leaf.shape[1:]) for leaf in jax.tree.leaves(tree)) for tree in (x, y)]
    return isinstance(part, Invert) and sizes[0] == sizes[1]


def jacobian_of(fn: Callable[[Any], Any], x: Any) -> jax.Array:
    """The Jacobian of each row, [rows | outputs | inputs]. Rows do not mix, so one tangent serves all of them."""
    leaves, treedef = jax.tree.flatten(x)
    sizes = [math.prod(leaf.shape[1:]) for leaf in leaves]

    def column(unit: jax.Array) -> jax.Array:
        pieces = jnp.split(unit, np.cumsum(sizes)[:-1].tolist())
        tangents = [
            jnp.broadcast_to(piece.reshape(leaf.shape[1:]), leaf.shape)
            for piece, leaf in zip(pieces, leaves, strict=True)
        ]
        return _flat(jax.jvp(fn, (x,), (jax.tree.unflatten(treedef, tangents),))[1])

    return jnp.moveaxis(jax.vmap(column)(jnp.eye(sum(sizes), dtype=leaves[0].dtype)), 0, -1)


def _flat(tree: Any) -> Any:
    """The arrays of `tree` side by side, [rows | numbers]."""
    leaves = jax.tree.leaves(tree)
    xp = np if isinstance(leaves[0], np.ndarray) else jnp
    return xp.concatenate([leaf.reshape(leaf.shape[0], math.prod(leaf.shape[1:])) for leaf in leaves], axis=-1)


def _inverse(matrices: np.ndarray) -> np.ndarray:
    """The inverse of each matrix; infinite entries where there is none."""
    try:
        return np.linalg.inv(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.full_like(matrices, np.inf)
        return np.concatenate([_inverse(one[None]) for one in matrices])


def latents_at(bound: Callable[[int], TransformedDistribution], y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The latents of rows of data, flat, and their Jacobians dz/dy.

    Args:
        bound: the flow, its condition bound to so many rows.
        y: rows of data.
    """
    latents, jacobians = [], []
    for start in range(0, len(y), LAYER_ROWS):
        rows = np.minimum(np.arange(start, start + LAYER_ROWS), len(y) - 1)
        seen = walk_inwards(bound(LAYER_ROWS), y[rows])
        jacobian = np.broadcast_to(np.eye(math.prod(y.shape[1:])), (LAYER_ROWS, *2 * (math.prod(y.shape[1:]),)))
        with np.errstate(all="ignore"):
            for layer in seen:
                jacobian = layer.jacobian @ jacobian
        latents.append(_flat(seen[-1].x if seen else y[rows]))
        jacobians.append(jacobian)
    return np.concatenate(latents)[: len(y)], np.concatenate(jacobians)[: len(y)]


def judge_layers(
    seen: Sequence[Seen], forwards: Sequence[tuple[Any, np.ndarray]], rows: int, epsilon: float
) -> tuple[list[LayerReport], np.ndarray, np.ndarray]:
    """Reports of all layers, with the sum of their log-dets by automatic differentiation.

    Args:
        seen: the layers at some rows.
        forwards: for each layer, forward of its x, and the log-determinant of that.
        rows: how many these are.
        epsilon: machine epsilon of the flow's dtype.

    Returns:
        the reports; for each row the log-determinant of the inverse (NaN where a layer's Jacobian is not square), and
        what float64 may get wrong in it.
    """
    reports, total, uncertain = [], np.zeros(rows), np.zeros(rows)
    for layer, (again, forward_log_det) in zip(seen, forwards, strict=True):
        report, inverse_log_det, rounding = _judge(layer, _flat(again), forward_log_det, epsilon)
        reports.append(report)
        total, uncertain = total + inverse_log_det, uncertain + rounding
    return reports, total, uncertain


def _judge(
    layer: Seen, again: np.ndarray, forward_log_det: np.ndarray, epsilon: float
) -> tuple[LayerReport, np.ndarray, np.ndarray]:
    part = layer.part
    kind = type(part.bijector).__name__ + " inverted" if isinstance(part, Invert) else type(part).__name__
    inner, outer = _flat(layer.x), _flat(layer.y)
    log_det, rounding, lost = np.full(len(outer), np.nan), np.zeros(len(outer)), math.nan
    with np.errstate(all="ignore"):
        round_trip = float(np.max(np.abs(again - outer) / spread(outer), initial=0.0))
        if layer.inverted is not None:
            inverse, forward = layer.jacobian, layer.inverted
            sign, by_autodiff = (-1.0, forward) if _takes_forward(part, layer.x, layer.y) else (1.0, inverse)
            if np.all(np.isfinite(by_autodiff)):
                log_det = sign * np.linalg.slogdet(by_autodiff)[1]
                # A relative error e in J moves log |det J| by at most e |J^-1| |J|.
                moved = np.einsum("rij,rji->r", np.abs(inverse), np.abs(forward))
                rounding = 16 * np.finfo(np.float64).eps * moved
                lost = max(_digits(inverse, outer, inner, epsilon), _digits(forward, inner, outer, epsilon))
        errors = [layer.log_det - log_det, forward_log_det + log_det]
    error = float(np.max(np.abs(errors))) if np.any(np.isfinite(log_det)) else math.nan
    return LayerReport(layer.name, kind, round_trip, error, lost), log_det, rounding


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
