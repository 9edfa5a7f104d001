"""The body of the ``sampling`` and ``step`` scripts: time the calls a peer hands over."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks.common import case, emit, measure


def rows_of(arguments: argparse.Namespace) -> np.ndarray:
    """Standard normal rows, the same for all peers; shape (rows, dim), float32."""
    rng = np.random.RandomState(arguments.seed)
    return rng.standard_normal((arguments.rows, arguments.dim)).astype(np.float32)


def report_sampling(
    peer: str,
    arguments: argparse.Namespace,
    density: Callable[[], Any],
    sample: Callable[[], Any],
    packages: tuple[str, ...],
    sync: Callable[[Any], Any] | None = None,
) -> None:
    """Time a density pass and the sampling of as many rows; ``median_s`` is sampling."""
    _, passes = measure(density, sync, arguments.seconds)
    first, repeats = measure(sample, sync, arguments.seconds)
    emit(
        peer,
        case("sampling", arguments),
        repeats,
        packages,
        density_s=median(passes),
        density_passes=median(repeats) / median(passes),
        first_call_s=first,
    )


def report_step(
    peer: str,
    arguments: argparse.Namespace,
    step: Callable[[], Any],
    packages: tuple[str, ...],
    sync: Callable[[Any], Any] | None = None,
) -> None:
    """Time one optimisation step; the value ``step`` returns is its loss."""
    first, repeats = measure(step, sync, arguments.seconds)
    emit(
        peer,
        case("step", arguments),
        repeats,
        packages,
        first_call_s=first,
        last_loss=float(step()),
    )
