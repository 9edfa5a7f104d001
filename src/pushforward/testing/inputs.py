"""Points to check a bijector at: ordinary ones, and rows in which some numbers are extreme."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import biject_to, constraints

from ..bijectors.domains import constraint_bounds, is_real

REAL_EXTREMES = (-1e3, -30.0, -1e-8, 0.0, 1e-8, 30.0, 1e3)
# Offsets from the finite end of a half-line, and fractions of an interval.
HALF_LINE_EXTREMES = (1e-6, 1e-2, 1.0, 30.0, 1e3)
INTERVAL_EXTREMES = (1e-5, 1e-2, 0.5, 0.99, 1 - 1e-5)
# For other sets (simplices, triangular matrices): coordinates of the unconstrained space.
UNCONSTRAINED_EXTREMES = (-6.0, -1e-6, 6.0)


def take_into(constraint: Any, normals: np.ndarray) -> np.ndarray:
    """Points of `constraint`, in float64, from numbers on the real line: an increasing map for an interval.

    Numbers that are free are float32 numbers, so that both precisions are given the same.

    Raises:
        NotImplementedError: if the constraint has no such map.
    """
    inner = _base(constraint)
    if is_real(inner):
        return normals.astype(np.float64)
    lower, upper = (np.asarray(end, np.float32) for end in constraint_bounds(inner))
    if np.all(np.isfinite(lower)) and np.all(np.isfinite(upper)):
        return _representable(lower + (upper - lower) / (1 + np.exp(-normals)))
    if np.all(np.isfinite(lower)):
        return _representable(lower + np.exp(normals))
    if np.all(np.isfinite(upper)):
        return _representable(upper - np.exp(normals))
    with jax.enable_x64(True):
        return np.asarray(biject_to(inner)(jnp.asarray(normals, np.float64)))


def normals_for(
    constraint: Any,
    event_shape: tuple[int, ...],
    batch: tuple[int, ...],
    rng: Any,
    wide: tuple[int, float] | None = None,
) -> np.ndarray:
    """Standard normals of the shape that `take_into` turns into batch + event_shape; wider in the rows from `wide`."""
    inner = _base(constraint)
    shape = tuple(event_shape)
    if not is_real(inner) and not _is_interval(inner):
        shape = biject_to(inner).inverse_shape(shape)
    normals = rng.standard_normal(batch + shape).astype(np.float32)
    if wide is not None and batch[0] > wide[0]:
        first, size = wide
        normals[first:] = np.clip(4 * normals[first:], -size, size)
        normals[-1] = size * np.sign(normals[-1])
    return normals


def extreme_values(constraint: Any, given: Sequence[float] | None) -> tuple[np.ndarray, bool]:
    """(numbers to put into the rows, whether they are points of the set already)."""
    if given is not None:
        return np.asarray(given, np.float32), True
    inner = _base(constraint)
    if is_real(inner):
        return np.asarray(REAL_EXTREMES, np.float32), True
    lower, upper = (np.asarray(end, np.float32).reshape(-1) for end in constraint_bounds(inner))
    if not _is_interval(inner):
        return np.asarray(UNCONSTRAINED_EXTREMES, np.float32), False
    # Of an array of ends, the narrowest set.
    lower, upper = lower.max(), upper.min()
    if np.isfinite(lower) and np.isfinite(upper):
        return (lower + (upper - lower) * np.asarray(INTERVAL_EXTREMES)).astype(np.float32), True
    if np.isfinite(lower):
        return (lower + np.asarray(HALF_LINE_EXTREMES)).astype(np.float32), True
    return (upper - np.asarray(HALF_LINE_EXTREMES)).astype(np.float32), True


def extreme_rows(ordinary: np.ndarray, values: np.ndarray, event_ndims: int, batch_axes: int) -> np.ndarray:
    """Rows for each value: all coordinates set to it, and (of a vector) one coordinate set to it.

    Args:
        ordinary: an ordinary row, [parameter batch axes | event].
        values: the numbers.
    """
    size = int(np.prod(ordinary.shape[batch_axes:], dtype=int))
    rows = []
    for k, value in enumerate(values):
        rows.append(np.full_like(ordinary, value))
        if size > 1:
            one = ordinary.reshape((*ordinary.shape[:batch_axes], -1)).copy()
            one[..., k % size] = value
            rows.append(one.reshape(ordinary.shape))
    return np.stack(rows) if rows else np.zeros((0, *ordinary.shape), ordinary.dtype)


def _representable(values: np.ndarray) -> np.ndarray:
    """The nearest float32 numbers, in float64."""
    return np.asarray(values).astype(np.float32).astype(np.float64)


def _base(constraint: Any) -> Any:
    while isinstance(constraint, constraints.independent):
        constraint = constraint.base_constraint
    return constraint


def _is_interval(constraint: Any) -> bool:
    lower, upper = constraint_bounds(constraint)
    return bool(np.any(np.isfinite(np.asarray(lower, float))) or np.any(np.isfinite(np.asarray(upper, float))))


def map_events(fn: Any, ndims: Any, *rest: Any) -> Any:
    """`jax.tree.map` over the parts of an event; shapes (tuples) are leaves below the structure of `ndims`."""
    return jax.tree.map(fn, ndims, *rest)
