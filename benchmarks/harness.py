"""The body of the ``sampling``, ``step`` and ``round_trip`` scripts: run the calls a peer hands over."""

from __future__ import annotations

import argparse
import time
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


def correlated_rows(dim: int, rows: int = 20_000) -> np.ndarray:
    """Standardised rows whose columns are correlated, skewed and heavy-tailed; the same for all peers, float32."""
    rng = np.random.RandomState(0)
    x = rng.standard_normal((rows, dim)) @ rng.standard_normal((dim, dim)) / dim**0.5
    x[:, 1::2] += 0.5 * x[:, : dim // 2 * 2 : 2] ** 2  # bananas
    x[:, ::4] = np.sinh(0.5 * x[:, ::4])
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32)


def report_round_trip(
    peer: str,
    arguments: argparse.Namespace,
    step: Callable[[np.ndarray], Any],
    round_trip: Callable[[np.ndarray], Any],
    packages: tuple[str, ...],
) -> None:
    """Train on `correlated_rows`, then max |x - f(f^-1(x))| of x ~ N(0, scale^2) for each scale, f to the data.

    ``step`` trains on a batch and returns its loss; ``errors`` has for each scale the largest error of all numbers and
    the median over the rows of the row's largest. A number that is not finite counts as an infinite error.
    """
    data, rng = correlated_rows(arguments.dim), np.random.RandomState(arguments.seed)
    start = time.perf_counter()
    loss = float("nan")
    for _ in range(arguments.steps):
        loss = float(step(data[rng.randint(len(data), size=arguments.batch)]))
    trained = time.perf_counter() - start
    errors = {}
    x = rows_of(arguments)
    for scale in arguments.scales:
        inputs = np.float32(scale) * x
        error = np.abs(np.asarray(round_trip(inputs), np.float64) - inputs)
        error = np.where(np.isfinite(error), error, np.inf).max(-1)
        errors[f"{scale:g}"] = {"max": float(error.max()), "median": float(np.median(error))}
    emit(
        peer,
        case("round_trip", arguments),
        [trained],
        packages,
        layers=arguments.layers,
        last_loss=loss,
        errors=errors,
    )
