"""Seconds to trace and compile each recipe at its default size: log_prob, sample, and one program of `fit`.

    python -m benchmarks.compiling                      # all recipes
    python -m benchmarks.compiling --only maf realnvp

D = 8, and 43 too for the autoregressive recipes. Each line is two fresh processes that share an empty folder for the
persistent cache of compiled programs: **cold** fills it, **warm** finds everything there. A time is that of the first
call less that of the second, with 512 rows; of `fit`, one epoch on them. Building the flow, which compiles too, and
importing are not in it (`built` has the former). Wanted: none above 6 s, cold. Prints a table and writes
``benchmarks/results/compiling.json`` and ``compiling.md``. On a busy machine, ``--processor-time`` counts the seconds
that the process has had from all cores instead of those that went by.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from benchmarks.compare import RESULTS, ROOT
from benchmarks.quiet import wait_for_quiet
from benchmarks.tables import machine

ROWS, SMALL, LARGE = 512, 8, 43
LIMIT = 6.0
AUTOREGRESSIVE = [
    "bernstein",
    "default",
    "iaf",
    "made",
    "maf",
    "maf_mog",
    "naf",
    "spline_autoregressive",
    "sum_of_squares",
    "umnn",
    "bnaf",
    "gaussianization",
]
PARTS = ("log_prob", "sample", "fit")


def first_less_second(call: Callable[[], Any], clock: Callable[[], float]) -> float:
    """Seconds that the first call takes longer than the second."""
    import jax

    times = []
    for _ in range(2):
        start = clock()
        jax.block_until_ready(call())
        times.append(clock() - start)
    return max(times[0] - times[1], 0.0)


def measure(recipe: str, dim: int, cache: str, clock: Callable[[], float]) -> dict[str, float]:
    """The times of one recipe in this process."""
    import equinox as eqx
    import jax
    import numpy as np

    import pushforward as pf
    from pushforward import flows
    from pushforward.training import enable_compilation_cache

    enable_compilation_cache(cache)
    rows = np.random.default_rng(0).standard_normal((ROWS, dim), dtype=np.float32)
    start = clock()
    flow = getattr(flows, recipe)(jax.random.key(0), dim)
    jax.block_until_ready(jax.tree.leaves(eqx.filter(flow, eqx.is_array)))
    built = clock() - start
    if recipe == "circular":
        rows = np.clip(rows, -3, 3)
    log_prob = eqx.filter_jit(lambda flow, x: flow.log_prob(x))
    sample = eqx.filter_jit(lambda flow, key: flow.sample(key, (ROWS,)))
    quiet = {"epochs": 1, "validation_fraction": 0.0, "progress": False}
    return {
        "built": built,
        "log_prob": first_less_second(lambda: log_prob(flow, rows), clock),
        "sample": first_less_second(lambda: sample(flow, jax.random.key(1)), clock),
        "fit": first_less_second(lambda: jax.tree.leaves(pf.fit(jax.random.key(2), flow, rows, **quiet).model), clock),
    }


def in_a_process(recipe: str, dim: int, cache: str, timeout: float, more: list[str]) -> dict[str, Any]:
    """The same in a fresh process; ``{"error": ...}`` where it fails."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.compiling", "--one", recipe, str(dim), cache, *more]
    # Only the folder decides what is found: no cache that the caller's environment names.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION")}
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"longer than {timeout:.0f} s"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no output"])[-1][:200]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def markdown(result: dict[str, Any]) -> str:
    """One line a recipe and size."""
    where = result["machine"]
    heads = ["recipe", "D", *(f"{part}, {state}" for state in ("cold", "warm") for part in PARTS), "built, cold"]
    lines = [
        "# compiling",
        "",
        f"{where['processor']}, {result['cores']} cores of {where['cores']}, Python {where['python']}, "
        f"{where['date']}; {result['seconds']}, one run. Cold above {LIMIT:.0f} s in bold.",
        "",
        "| " + " | ".join(heads) + " |",
        "|" + " --- |" * len(heads),
    ]
    for line in result["lines"]:
        cells = [line["recipe"], str(line["dim"])]
        for state in ("cold", "warm"):
            times = line[state]
            if "error" in times:
                cells += ["failed", "", times["error"].replace("|", "/")]
                continue
            bold = ["**" if state == "cold" and times[part] > LIMIT else "" for part in PARTS]
            cells += [f"{mark}{times[part]:.2f}{mark}" for part, mark in zip(PARTS, bold, strict=True)]
        cells.append(f"{line['cold']['built']:.2f}" if "built" in line["cold"] else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run every recipe in processes of its own, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="recipes; default all")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds a process")
    parser.add_argument("--quiet-cap", type=float, default=30.0, help="longest wait for a quiet machine; 0: none")
    parser.add_argument("--dims", type=int, nargs="+", default=[SMALL, LARGE])
    parser.add_argument("--processor-time", action="store_true", help="seconds of all cores, for busy machines")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        recipe, dim, cache = options.one
        clock = time.process_time if options.processor_time else time.perf_counter
        print(json.dumps(measure(recipe, int(dim), cache, clock)))
        return
    from pushforward import flows

    lines, more = [], ["--processor-time"] if options.processor_time else []
    for recipe in options.only or flows.__all__:
        for dim in options.dims:
            if dim != SMALL and recipe not in AUTOREGRESSIVE:
                continue
            line: dict[str, Any] = {"recipe": recipe, "dim": dim}
            with tempfile.TemporaryDirectory() as cache:
                for state in ("cold", "warm"):
                    line["busy_before"] = wait_for_quiet(cap=options.quiet_cap) if options.quiet_cap > 0 else None
                    line[state] = in_a_process(recipe, dim, cache, options.timeout, more)
            print(f"{recipe} D = {dim}: cold {line['cold']}, warm {line['warm']}", file=sys.stderr)
            lines.append(line)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    seconds = "seconds of the processor" if options.processor_time else "seconds"
    result = {"machine": machine(), "cores": cores, "seconds": seconds, "lines": lines}
    text = markdown(result)
    print(text)
    if not options.only:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "compiling.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "compiling.md").write_text(text)


if __name__ == "__main__":
    main()
