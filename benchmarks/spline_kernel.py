"""What the elementwise part of a spline layer costs, forward and backward, beside the usual ways of writing it.

Elements and parameters as in the spline step benchmark: 512 rows of 43 features, 8 bins, float32. Each case computes
value, log-derivative, and the gradient by input and parameters. Cases take turns, so that a busy machine hurts all of
them alike; the fastest round of each counts.

    kernel      ours: parameters lead, loops over bins unrolled, choices by selection, derivatives by hand
    selects     the same layout and selections, automatic derivatives
    gather      parameters along the last axis: cumsum, comparison, take_along_axis, automatic derivatives

    python -m benchmarks.spline_kernel
"""

import argparse
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from benchmarks.common import BINS, BOUND, emit
from pushforward.bijectors import SplineTransformer

LEAST = 1e-3
OFFSET = float(np.log(np.expm1(1 - LEAST)))


def constrained(raw: Array, axis: int) -> tuple[Array, Array, Array]:
    """Widths, heights and all slopes."""
    widths, heights, slopes = jnp.split(raw, [BINS, 2 * BINS], axis)
    widths, heights = (
        2 * BOUND * (LEAST + (1 - BINS * LEAST) * jax.nn.softmax(part, axis)) for part in (widths, heights)
    )
    ends = jnp.ones_like(jax.lax.slice_in_dim(slopes, 0, 1, axis=axis))
    return widths, heights, jnp.concatenate([ends, LEAST + jax.nn.softplus(slopes + OFFSET), ends], axis)


def curve(at: Array, left: Array, width: Array, low: Array, height: Array, d0: Array, d1: Array, direction: str):
    """The spline in its bin (Durkan et al. 2019, eqs. 4 to 8), as papers write it."""
    s = height / width
    if direction == "forward":
        xi = (at - left) / width
    else:
        bend = (at - low) * (d0 + d1 - 2 * s)
        a, b, c = height * (s - d0) + bend, height * d0 - bend, -s * (at - low)
        xi = 2 * c / (-b - jnp.sqrt(b * b - 4 * a * c))
    q = s + (d0 + d1 - 2 * s) * xi * (1 - xi)
    slope = s**2 * (d1 * xi**2 + 2 * s * xi * (1 - xi) + d0 * (1 - xi) ** 2) / q**2
    if direction == "forward":
        return low + height * (s * xi**2 + d0 * xi * (1 - xi)) / q, jnp.log(slope)
    return left + width * xi, -jnp.log(slope)


def selects(raw: Array, at: Array, direction: str):
    """Parameters lead; a running selection over the bins."""
    widths, heights, slopes = constrained(raw, 0)
    left = low = jnp.full_like(at, -BOUND)
    inside = jnp.clip(at, -BOUND, BOUND)
    chosen = [left, widths[0], low, heights[0], slopes[0], slopes[1]]
    for k in range(1, BINS):
        left, low = left + widths[k - 1], low + heights[k - 1]
        beyond = inside >= (left if direction == "forward" else low)
        here = [left, widths[k], low, heights[k], slopes[k], slopes[k + 1]]
        chosen = [jnp.where(beyond, new, old) for new, old in zip(here, chosen, strict=True)]
    value, log_slope = curve(inside, *chosen, direction)
    outside = jnp.abs(at) >= BOUND
    return jnp.where(outside, at, value), jnp.where(outside, 0, log_slope)


def gather(raw: Array, at: Array, direction: str):
    """Parameters along the last axis; knots by cumsum, the bin's numbers by take_along_axis."""
    widths, heights, slopes = constrained(raw, -1)
    knots = [
        jnp.concatenate([jnp.full((*at.shape, 1), -BOUND), jnp.cumsum(sizes, -1) - BOUND], -1)
        for sizes in (widths, heights)
    ]
    inside = jnp.clip(at, -BOUND, BOUND)
    searched = knots[0] if direction == "forward" else knots[1]
    k = jnp.sum(inside[..., None] >= searched[..., 1:-1], -1, keepdims=True)

    def pick(a: Array, index: Array) -> Array:
        return jnp.take_along_axis(a, index, -1)[..., 0]

    parts = [pick(a, k) for a in (knots[0], widths, knots[1], heights, slopes)]
    value, log_slope = curve(inside, *parts, pick(slopes, k + 1), direction)
    outside = jnp.abs(at) >= BOUND
    return jnp.where(outside, at, value), jnp.where(outside, 0, log_slope)


def cases() -> dict[str, tuple[Callable, tuple]]:
    """Name -> (compiled function, arguments)."""
    ours = SplineTransformer(BINS, BOUND, LEAST, LEAST, LEAST)
    rng = np.random.RandomState(0)
    raw, at, by_value, by_slope = (
        jnp.asarray(rng.standard_normal(shape).astype(np.float32))
        for shape in ((3 * BINS - 1, 43, 512), (43, 512), (43, 512), (43, 512))
    )
    out = {}
    for direction in ("forward", "inverse"):
        functions = {
            "kernel": getattr(ours, f"{direction}_and_log_det"),
            "selects": lambda raw, at, d=direction: selects(raw, at, d),
            "gather": lambda raw, at, d=direction: gather(raw, at, d),
        }
        for name, function in functions.items():

            def both_ways(raw, at, cotangents, function=function):
                result, pull = jax.vjp(function, raw, at)
                return result, pull(cotangents)

            parameters = jnp.moveaxis(raw, 0, -1) if name == "gather" else raw
            out[f"{name}-{direction}"] = (jax.jit(both_ways), (parameters, 2 * at, (by_value, by_slope)))
    return out


def main() -> None:
    """Time all cases in turns and check that they agree."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    table = cases()
    results = {name: jax.block_until_ready(fn(*arguments)) for name, (fn, arguments) in table.items()}
    for name, ((value, _), _) in results.items():
        reference = results["kernel-" + name.split("-")[1]][0][0]
        assert float(jnp.max(jnp.abs(value - reference))) < 1e-2, name
    times: dict[str, list[float]] = {name: [] for name in table}
    for _ in range(rounds):
        for name, (fn, arguments) in table.items():
            start = time.perf_counter()
            jax.block_until_ready(fn(*arguments))
            times[name].append(time.perf_counter() - start)
    for name, repeats in times.items():
        emit("ours", f"spline-{name}", repeats, ("jax",), fastest_s=min(repeats))


if __name__ == "__main__":
    main()
