"""Blocks of rows, cut or joined into blocks of one length."""

from collections.abc import Iterable, Iterator

import numpy as np


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


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
