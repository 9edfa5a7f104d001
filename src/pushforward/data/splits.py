"""Rows set aside, the same for the same seed on every machine and with every version of NumPy."""

import numpy as np

from .errors import TableError, count

_SPLIT = 0x73706C6974  # "split"


def split_rows(rows: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw round(fraction · rows) of the rows: (the rest, those drawn), each sorted.

    Every row gets a 64-bit number from the PCG64 generator, whose stream NumPy keeps for ever, and those with the
    smallest are drawn. At least one row is left on either side, unless `fraction` is 0 (none drawn).

    Args:
        rows: how many there are.
        fraction: of rows to draw, in [0, 1).
        seed: a whole number ≥ 0.

    Raises:
        TableError: if `fraction` is outside [0, 1), `seed` is negative, or there are too few rows to share.
    """
    if not 0 <= fraction < 1:
        raise TableError(f"the fraction of rows to set aside must lie in [0, 1); got {fraction}")
    if seed < 0:
        raise TableError(f"the seed must be a whole number ≥ 0; got {seed}")
    if fraction == 0:
        return np.arange(rows), np.arange(0)
    if rows < 2:
        raise TableError(f"{count(rows, 'row')} cannot be shared; at least two are needed to set some aside")
    drawn = min(max(1, round(fraction * rows)), rows - 1)
    # A stream of its own: made-up tables often come from default_rng(seed) with the same small seed, and the rows drawn
    # would be those with the smallest values of their first column.
    stream = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(_SPLIT,)))
    order = np.argsort(stream.random_raw(rows), kind="stable")
    return np.sort(order[drawn:]), np.sort(order[:drawn])
