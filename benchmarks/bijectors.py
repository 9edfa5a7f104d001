"""Every bijector beside TensorFlow Probability's: value and log-det of a million float32 numbers, both directions.

    make bench-bijectors                                                    # all, in an environment that has both
    .venv-parity/bin/python -m benchmarks.bijectors Exp Softplus --rounds 50
    .venv-parity/bin/python -m benchmarks.bijectors --all --quiet-cap 0     # every setting, without waiting for quiet

One process has both libraries. Each function is jitted, with its parameters as constants; the two take turns call by
call, and who begins changes with the round, so that a busy machine hurts both alike. The ratio is that of the medians,
ours over TFP's. TFP gives the log-det of a constant Jacobian as one number; it is broadcast to the batch, as ours is.

The settings are those of `tests/parity/cases.py`, which also holds both to the same numbers; here each bijector runs in
the first of them, on events of three to six numbers where it has vectors, or in that of `INSTEAD`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import versions
from benchmarks.quiet import wait_for_quiet
from benchmarks.tables import machine

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tests.parity.cases import CASES, Setting, between, f

    from benchmarks.peers.tfpjax.static_spline import StaticShapes

# TFP asks for shapes as if they were data, which JAX refuses under jit; the spline is mended by that import.
module = import_module("tensorflow_probability.substrates.jax.bijectors.matrix_inverse_tril")
module.tf = StaticShapes(module.tf)

RESULTS = Path(__file__).resolve().parent / "results"
DIRECTIONS = ("forward", "inverse")
EACH, MEAN = 1.10, 1.00  # the largest ratio of one, and the geometric mean of all, that we want

# Instead of the first setting of the table: events of a size that people have, and parameters of which the compiler can
# make nothing (a power of 1 or 2 is no power).
INSTEAD = {
    name: Setting(lambda b, name=name: getattr(b, name)(), event=event)
    for name, event in {
        "Ascending": (32,),
        "CorrelationCholesky": (28,),
        "Cumsum": (32,),
        "FillTriangular": (36,),
        "IteratedSigmoidCentered": (32,),
        "SoftmaxCentered": (32,),
        "UnitVector": (32,),
    }.items()
} | {
    "FrechetCDF": Setting(lambda b: b.FrechetCDF(f(0.5), f(1.5), f(2.5)), between(1.2, 6)),
    "GeneralizedExtremeValueCDF": Setting(
        lambda b: b.GeneralizedExtremeValueCDF(f(0.5), f(1.5), f(0.4)), between(-1, 4)
    ),
    "GumbelCDF": Setting(lambda b: b.GumbelCDF(f(0.5), f(1.5))),
    "KumaraswamyCDF": Setting(lambda b: b.KumaraswamyCDF(f(2.5), f(1.5)), between(0.1, 0.9)),
    "MoyalCDF": Setting(lambda b: b.MoyalCDF(f(0.5), f(1.5))),
    "Power": Setting(lambda b: b.Power(f(2.3)), between(0.1, 5)),
    "PowerTransform": Setting(lambda b: b.PowerTransform(0.3), between(-1, 5)),
    "RayleighCDF": Setting(lambda b: b.RayleighCDF(f(1.5)), between(0.1, 4)),
    "SinhArcsinh": Setting(lambda b: b.SinhArcsinh(f(0.3), f(1.4))),
    "WeibullCDF": Setting(lambda b: b.WeibullCDF(f(1.5), f(2.5)), between(0.1, 3)),
}


def chosen(names: list[str], every: bool) -> dict[str, Setting]:
    """Label -> setting."""
    table = {}
    for name, rows in CASES.items():
        if names and name not in names:
            continue
        rows = [INSTEAD.get(name, rows[0]), *(rows[1:] if every else [])]
        table |= {name if k == 0 else f"{name}, {k}": setting for k, setting in enumerate(rows)}
    return table


def inputs(setting: Setting, numbers: int) -> Any:
    """About this many numbers in all, as float32, with one batch axis, and the axes that the parameters have."""
    leaves = jax.tree.leaves(setting.event, is_leaf=lambda s: isinstance(s, tuple))
    axes = setting.ours().batch_shape(setting.event)
    size = sum(int(np.prod(shape, dtype=int)) for shape in leaves)
    rows = max(numbers // (size * int(np.prod(axes, dtype=int))), 1)
    rng = np.random.default_rng(0)

    def draw(fn: Callable, event: tuple[int, ...]) -> Any:
        x = fn(rng, (rows, *setting.batch[1:], *event))
        # Short inner axes and odd numbers are slow in themselves, so there is none that need not be.
        return jnp.asarray(x.reshape(-1, *axes, *event)[:rows], jnp.float32)

    if callable(setting.inputs):
        return draw(setting.inputs, setting.event)
    return jax.tree.map(draw, setting.inputs, setting.event)


def compiled(bijector: Any, direction: str, at: Any) -> tuple[Callable[[Any], Any], bool]:
    """(value, log-det) of either library, and whether it could be compiled: some of TFP's can not."""
    ndims = getattr(bijector, f"{direction}_min_event_ndims")
    first, rank = jax.tree.leaves(at)[0], jax.tree.leaves(ndims)[0]
    batch = first.shape[: first.ndim - rank]

    def ours(x: Any) -> Any:
        return getattr(bijector, f"{direction}_and_log_det")(x)

    def theirs(x: Any) -> Any:
        log_det = getattr(bijector, f"{direction}_log_det_jacobian")(x, ndims)
        return getattr(bijector, direction)(x), jnp.broadcast_to(log_det, batch)

    if hasattr(bijector, f"{direction}_and_log_det"):
        return jax.jit(ours).lower(at).compile(), True
    try:
        return jax.jit(theirs).lower(at).compile(), True
    except TypeError:
        return theirs, False


def race(functions: list[Callable], at: Any, rounds: int) -> list[float]:
    """Medians in seconds; the functions take turns."""
    for fn in functions:
        for _ in range(3):
            jax.block_until_ready(fn(at))
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(rounds):
        order = range(len(functions)) if turn % 2 else reversed(range(len(functions)))
        for k in order:
            start = time.perf_counter()
            jax.block_until_ready(functions[k](at))
            times[k].append(time.perf_counter() - start)
    return [median(row) for row in times]


def compare(setting: Setting, options: argparse.Namespace) -> dict[str, Any]:
    """direction -> seconds of ours and theirs, and their ratio."""
    with jax.numpy_dtype_promotion("standard"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = setting.ours(), setting.theirs()
        at = {"forward": inputs(setting, options.numbers)}
        # A copy: TFP remembers of an array it gave where it came from.
        at["inverse"] = jax.tree.map(lambda a: jnp.asarray(np.array(a)), theirs.forward(at["forward"]))
        row: dict[str, Any] = {}
        for direction in DIRECTIONS:
            (first, _), (second, jitted) = (compiled(b, direction, at[direction]) for b in (ours, theirs))
            mine, other = race([first, second], at[direction], options.rounds)
            row[direction] = {"ours_s": mine, "tfp_s": other, "ratio": mine / other, "tfp_jitted": jitted}
    return row


def markdown(result: dict[str, Any]) -> str:
    """The table, and what misses the target."""
    where, settings_ = result["machine"], result["settings"]
    lines = [
        "# bijectors",
        "",
        f"{where['processor']}, {where['cores']} cores, Python {where['python']}, {where['date']}; value and log-det "
        f"of {settings_['numbers']:,} float32 numbers, medians of {settings_['rounds']} interleaved calls, ms. "
        "Ratio: our time over TFP's. " + ", ".join(f"{name} {number}" for name, number in result["versions"].items()),
        "",
        "| | forward | TFP | ratio | inverse | TFP | ratio |",
        "|" + " --- |" * 7,
    ]
    ratios = {}
    for name, row in result["rows"].items():
        if "error" in row:
            lines.append(f"| {name} | {row['error'].replace('|', '/')} | | | | | |")
            continue
        cells = [name]
        for direction in DIRECTIONS:
            part = row[direction]
            ratios[f"{name} {direction}"] = part["ratio"]
            note = "" if part["tfp_jitted"] else " (does not run under jit)"
            cells += [f"{part['ours_s'] * 1e3:.2f}", f"{part['tfp_s'] * 1e3:.2f}{note}", f"{part['ratio']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    if ratios:
        slow = sorted((name for name in ratios if ratios[name] > EACH), key=lambda name: -ratios[name])
        lines += [
            "",
            f"Geometric mean of the {len(ratios)} ratios: {geometric_mean(ratios.values()):.2f} (target {MEAN:.2f}). "
            f"Above {EACH:.2f}: " + (", ".join(f"{name} {ratios[name]:.2f}" for name in slow) or "none") + ".",
        ]
    return "\n".join(lines) + "\n"


def parse() -> argparse.Namespace:
    """What to run, and how often."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="BIJECTOR", help="default: all that TFP has")
    parser.add_argument("--all", action="store_true", help="every setting of the table")
    parser.add_argument("--numbers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--quiet-cap", type=float, default=60.0, help="longest wait before each; 0: none")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in CASES]:
        parser.error(f"unknown bijector {unknown[0]!r}; choose from {', '.join(CASES)}")
    return options


def main() -> int:
    """Race all, print and write the table."""
    options = parse()
    rows: dict[str, Any] = {}
    for name, setting in chosen(options.names, options.all).items():
        busy = wait_for_quiet(cap=options.quiet_cap) if options.quiet_cap > 0 else None
        try:
            rows[name] = {**compare(setting, options), "busy_before": busy}
            words = ", ".join(f"{direction} {rows[name][direction]['ratio']:.2f}" for direction in DIRECTIONS)
        except Exception as error:
            words = f"failed: {type(error).__name__}: {error}".split("\n")[0][:150]
            rows[name] = {"error": words}
        print(f"{name}: {words}", file=sys.stderr, flush=True)
    result = {
        "machine": machine(),
        "settings": {"numbers": options.numbers, "rounds": options.rounds, "all": options.all},
        "versions": versions("jax", "tfp-nightly"),
        "rows": rows,
    }
    text = markdown(result)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bijectors.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.out / "bijectors.md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
