"""The data of a run: cast, checked, and divided into training and validation rows.

Everything is looked at in slices of rows, so that no temporary is as large as the table. Nothing trains if a check
fails.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .shuffle import split_order

_SLICE_BYTES = 1 << 22
_ALIGNMENT = 64


class Table(NamedTuple):
    """Rows, on the host or on the device.

    Attributes:
        x: [rows | event].
        condition: [rows | condition] or None.
        weight: [rows] or None.
    """

    x: Any
    condition: Any
    weight: Any

    def at(self, rows: np.ndarray) -> "Table":
        """Some of the rows."""
        return Table(*(None if part is None else part[rows] for part in self))

    def on_device(self) -> "Table":
        """The same as JAX arrays."""
        return Table(*(None if part is None else jax.device_put(part) for part in self))


def as_table(
    x: Any, condition: Any, sample_weight: Any, *, dtype: Any, event_shape: tuple[int, ...] | None, name: str = "x"
) -> Table:
    """Rows of the model's dtype, every one of them finite.

    Args:
        x: [rows | event], numbers of any kind.
        condition: [rows | condition] or None.
        sample_weight: [rows] or None.
        dtype: of the model's parameters.
        event_shape: that a row must have; None if the model does not tell.
        name: what to call `x` in messages.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite (naming the first), weights below zero.
        TypeError: for anything that is not real numbers.
    """
    rows = _numbers(x, dtype, name)
    if event_shape is None:
        if rows.ndim < 1:
            raise ValueError(f"{name}: expected an array with one row for each observation, and got a single number")
    elif rows.shape[1:] != event_shape or rows.ndim != 1 + len(event_shape):
        wanted = ", ".join(("rows", *map(str, event_shape)))
        raise ValueError(
            f"{name}: expected an array of shape ({wanted}), and got {rows.shape}: the events of the model have shape "
            f"{event_shape}, and the first axis counts the rows. Reshape {name}, or build the model for the width of "
            "the data."
        )
    if len(rows) == 0:
        raise ValueError(f"{name}: expected at least one row, and got an array of shape {rows.shape}")
    _check_finite(rows, name)
    given = None if condition is None else _numbers(condition, dtype, "condition")
    if given is not None:
        if given.ndim < 1 or len(given) != len(rows):
            raise ValueError(
                f"condition: expected one row for each of the {len(rows)} rows of {name}, and got an array of shape "
                f"{given.shape}"
            )
        _check_finite(given, "condition")
    return Table(rows, given, None if sample_weight is None else _weights(sample_weight, len(rows), dtype))


def check_varies(table: Table) -> None:
    """Refuse data to which a density cannot be fitted because a column does not vary.

    Raises:
        ValueError: for one row, identical rows, or a constant column, by its number.
    """
    x = table.x
    if len(x) < 2:
        raise ValueError(
            "x: expected at least two different rows, and got one; the likelihood of a single point grows without "
            "bound as the density shrinks to it"
        )
    varies = np.zeros(x.shape[1:], bool)
    for _, rows in _slices(x):
        varies |= (rows != x[0]).any(0)
    if not varies.any():
        raise ValueError(
            f"x: expected rows that differ, and got {len(x)} identical ones; the likelihood of a single point grows "
            "without bound as the density shrinks to it"
        )
    if x.ndim > 2 or varies.all():  # In an image a constant pixel is no mistake; what dequantises it is not known here.
        return
    column = int(np.argmin(varies))
    more = int(np.sum(~varies)) - 1
    raise ValueError(
        f"x: column {column} is constant (value {x[0, column].item()})"
        + (f", and so are {more} more" if more else "")
        + "; the likelihood grows without bound as the density shrinks to it. Drop the column, or add noise."
    )


def split_rows(key: jax.Array, table: Table, validation_fraction: float) -> tuple[np.ndarray, np.ndarray | None]:
    """(training rows, validation rows or None), drawn at random; rows of weight 0 are in neither."""
    order = split_order(key, len(table.x))
    if table.weight is not None:
        order = order[table.weight[order] > 0]
    if validation_fraction == 0:
        return order, None
    held_out = max(1, round(len(order) * validation_fraction))
    if held_out >= len(order):
        raise ValueError(
            f"validation_fraction={validation_fraction} of {len(order)} rows leaves none to train on; pass a smaller "
            "fraction, or 0 for no validation"
        )
    return order[held_out:], order[:held_out]


def _numbers(value: Any, dtype: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: expected an array of numbers, and got {type(value).__name__}: {error}") from None
    if not (jnp.issubdtype(array.dtype, jnp.floating) or array.dtype.kind in "biu"):
        raise TypeError(
            f"{name}: expected an array of real numbers, and got one of dtype {array.dtype}; encode text and "
            "categories first"
        )
    return array if array.dtype == dtype and array.flags.c_contiguous else _cast(array, np.dtype(dtype))


def _cast(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A copy in `dtype`, placed in memory so that JAX on a CPU can use it without another copy."""
    size = array.size * dtype.itemsize
    buffer = np.empty(size + _ALIGNMENT, np.uint8)
    start = -buffer.ctypes.data % _ALIGNMENT
    cast = buffer[start : start + size].view(dtype).reshape(array.shape)
    # Numbers too large for the dtype become inf, which is reported by its place.
    with np.errstate(over="ignore"):
        np.copyto(cast, array, casting="unsafe")
    return cast


def _check_finite(array: np.ndarray, name: str) -> None:
    wrong, first = 0, None
    for start, rows in _slices(array):
        finite = np.isfinite(rows)
        if finite.all():
            continue
        bad = ~finite.reshape(len(rows), -1)
        if first is None:
            row, column = np.argwhere(bad)[0]
            first = start + int(row), int(column), rows.reshape(len(rows), -1)[row, column].item()
        wrong += int(bad.any(1).sum())
    if first is None:
        return
    row, column, value = first
    place = f"row {row}, column {column}" if array.ndim == 2 else f"row {row}"
    raise ValueError(
        f"{name}: expected finite numbers, and got {value} in {place} (rows counted from 0; {wrong} of {len(array)} "
        "rows hold such values). Nothing was trained. Drop these rows or fill them in; numbers that were finite before "
        f"are too large for {array.dtype}."
    )


def _weights(sample_weight: Any, rows: int, dtype: Any) -> np.ndarray:
    weight = _numbers(sample_weight, dtype, "sample_weight")
    if weight.shape != (rows,):
        raise ValueError(
            f"sample_weight: expected one number for each of the {rows} rows, and got shape {weight.shape}"
        )
    _check_finite(weight, "sample_weight")
    if (weight < 0).any():
        row = int(np.argmax(weight < 0))
        raise ValueError(
            f"sample_weight: expected numbers of at least 0, and got {weight[row].item()} in row {row}; a weight says "
            "how many times a row counts"
        )
    if not weight.any():
        raise ValueError("sample_weight: all weights are 0, so no row counts; give some row a positive weight")
    # Relative to their mean over the rows that take part, so that a learning rate means the same for any scale.
    return (weight / (weight.sum(dtype=np.float64) / np.count_nonzero(weight))).astype(dtype)


def _slices(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    step = max(1, _SLICE_BYTES // max(1, array.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))))
    for start in range(0, len(array), step):
        yield start, array[start : start + step]
