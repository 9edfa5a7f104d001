"""What every benchmark script shares: data, arguments, timing and the one JSON line.

Only NumPy and the standard library are imported here, so that the module works in every
environment and costs the same in each. Scripts run as modules from the repository root,
for instance ``python -m benchmarks.peers.zuko.step --kind spline``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

IMPORTED = time.perf_counter()

ADAM_RATE = 1e-3
BINS = 8
BOUND = 5.0  # splines act on [-BOUND, BOUND] wherever the peer lets one choose
AUTOREGRESSIVE = ("affine", "spline")
COUPLINGS = ("affine_coupling", "spline_coupling")
KINDS = AUTOREGRESSIVE + COUPLINGS


def parameters_of(kind: str) -> int:
    """Numbers that a network gives for each coordinate that moves."""
    return 3 * BINS - 1 if kind.startswith("spline") else 2


def two_moons(n: int, noise: float, seed: int) -> np.ndarray:
    """Two interleaved half circles, as scikit-learn draws them; shape (n, 2), float64."""
    rng = np.random.RandomState(seed)
    outer, inner = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    x = np.concatenate(
        [
            np.stack([np.cos(outer), np.sin(outer)], 1),
            np.stack([1 - np.cos(inner), 0.5 - np.sin(inner)], 1),
        ]
    )
    x = x[rng.permutation(n)]
    return x + noise * rng.standard_normal(x.shape)


class Moons:
    """Standardised two moons: train, test, a 200 x 200 grid, and the way back to raw units."""

    def __init__(self, points: int = 10_000) -> None:
        """Draw the data; they do not depend on the seed of the model."""
        train, test = two_moons(points, 0.05, 0), two_moons(10_000, 0.05, 1)
        mean, scale = train.mean(0), train.std(0)
        side = [np.linspace(-1.5, 2.5, 200), np.linspace(-1.25, 1.75, 200)]
        grid = np.stack(np.meshgrid(*side), -1).reshape(-1, 2)
        self.train, self.test, self.grid = (((x - mean) / scale).astype(np.float32) for x in (train, test, grid))
        self.mean, self.scale = mean, scale

    def raw_nll(self, log_prob: np.ndarray) -> float:
        """Mean negative log-likelihood in raw units, from standardised log densities."""
        return float(-np.mean(log_prob, dtype=np.float64) + np.log(self.scale).sum())


def moons_arguments() -> argparse.Namespace:
    """Arguments of every ``moons`` script."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--hidden", type=int, nargs="+", default=[128, 128])
    parser.add_argument("--scan", action="store_true", help="one compiled scan an epoch, if any")
    return parser.parse_args()


def flow_arguments(rows: int) -> argparse.Namespace:
    """Arguments of every ``sampling`` and ``step`` script; ``rows`` is the default batch."""
    return _flow_parser(rows).parse_args()


def round_trip_arguments() -> argparse.Namespace:
    """Arguments of every ``round_trip`` script."""
    parser = _flow_parser(512)
    parser.add_argument("--steps", type=int, default=300, help="of training")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 3.0, 10.0], help="of the inputs")
    return parser.parse_args()


def _flow_parser(rows: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=KINDS, default="affine")
    parser.add_argument("--dim", type=int, default=43)
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 256])
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3.0, help="time to spend on repeats")
    return parser


def case(name: str, arguments: argparse.Namespace) -> str:
    """The name of a case, the same for all peers: ``step-spline-d43-n512``."""
    return f"{name}-{arguments.kind}-d{arguments.dim}-n{arguments.rows}"


def measure(
    call: Callable[[], Any], sync: Callable[[Any], Any] | None = None, seconds: float = 3.0
) -> tuple[float, list[float]]:
    """Time ``call``: the first call by itself, then repeats for about ``seconds``.

    ``sync`` waits for an asynchronous result. After the first call one more is thrown
    away; then come at least 3 and at most 200 repeats.
    """
    wait = sync or (lambda result: result)

    def once() -> float:
        start = time.perf_counter()
        wait(call())
        return time.perf_counter() - start

    first = once()
    if first < seconds:
        once()
    repeats: list[float] = []
    while len(repeats) < 3 or (sum(repeats) < seconds and len(repeats) < 200):
        repeats.append(once())
    return first, repeats


def since_start() -> float:
    """Seconds since this process started (Linux), else since this module was imported."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return now - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):
        return time.perf_counter() - IMPORTED


def versions(*packages: str) -> dict[str, str]:
    """Installed versions of ``packages``."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


def emit(peer: str, case: str, repeats: list[float], packages: tuple[str, ...], **extra: object) -> None:
    """Print the one JSON line: the median and all repeats in seconds, and the versions."""
    line = {
        "peer": peer,
        "case": case,
        "median_s": median(repeats),
        "repeats": [round(r, 6) for r in repeats],
        "versions": versions(*packages),
        **extra,
    }
    print(json.dumps(line), flush=True)
