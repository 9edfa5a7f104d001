"""Wait until the rest of the machine is quiet.

Eager PyTorch spins its threads between operations, so a busy neighbour ruins its figures
far more than it ruins others'; every timed process starts on a machine that was idle.
"""

from __future__ import annotations

import time
from pathlib import Path

STAT = Path("/proc/stat")


def busy_share(seconds: float = 1.0, core: int | None = None) -> float | None:
    """The share of all cores (or of one) that was busy for ``seconds``; None where it cannot be read."""
    name = "cpu" if core is None else f"cpu{core}"

    def read() -> tuple[int, int] | None:
        try:
            line = next(line for line in STAT.read_text().split("\n") if line.split(" ", 1)[0] == name)
            ticks = [int(t) for t in line.split()[1:9]]
        except (OSError, ValueError, StopIteration):
            return None
        return sum(ticks), ticks[3] + ticks[4]  # all; idle and waiting for input or output

    before = read()
    time.sleep(seconds)
    after = read()
    if before is None or after is None or after[0] == before[0]:
        return None
    return 1 - (after[1] - before[1]) / (after[0] - before[0])


def wait_for_quiet(limit: float = 0.08, cap: float = 120.0, core: int | None = None) -> float | None:
    """Wait until less than ``limit`` of the machine, or of one core, is busy, at most ``cap`` seconds.

    Returns the busy share last seen, so that a run on a machine that never fell quiet can
    be told from the others.
    """
    end = time.monotonic() + cap
    while (share := busy_share(core=core)) is not None and share > limit and time.monotonic() < end:
        pass
    return share
