"""Blocks of rows, cut or joined into blocks of one length, or into one array."""

from collections.abc import Iterable, Iterator

import numpy as np

_MOST_EXPECTED = 1 << 29  # numbers to set memory aside for, as what is expected may be wrong


def regroup(blocks: Iterable[np.ndarray], rows: int) -> Iterator[np.ndarray]:
    """The rows of `blocks` [any, columns] in order, in blocks [rows, columns]; the last may be shorter."""
    parts: list[np.ndarray] = []
    held = 0
    for block in blocks:
        while held + len(block) >= rows:
            cut = rows - held
            parts.append(block[:cut])
            yield _joined(parts)
            block, parts, held = block[cut:], [], 0
        if len(block):
            parts.append(block)
            held += len(block)
    if parts:
        yield _joined(parts)


def gather(blocks: Iterable[np.ndarray], columns: int, expected: int) -> np.ndarray:
    """All rows of `blocks` [any, columns] as one array, which is grown if there are more than `expected` rows.

    To grow and to shrink moves no memory on most systems, so that the peak is little more than the array.
    """
    values, rows = np.empty((min(expected, _MOST_EXPECTED // columns), columns)), 0
    for block in blocks:
        if rows + len(block) > len(values):
            values.resize((rows + max(len(block), rows // 4), columns), refcheck=False)
        values[rows : rows + len(block)] = block
        rows += len(block)
    if rows < len(values):
        values.resize((rows, columns), refcheck=False)
    return values


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
