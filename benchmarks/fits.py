"""Fits of real tables, all models in the same budget of seconds on one core: ours by default, and the peers.

    PUSHFORWARD_DATA=... make bench-fits                       # everything; some two hours
    python -m benchmarks.fits --tables yacht wine --who ours zuko --repeats 1 --core 1

A run is a process of its own on one core, after that core has fallen quiet, and leaves `benchmarks/results/fits/
MODEL-TABLE-SEED.json`; runs that are there are not made again. Repeat r has seed r and all models run it before the
next begins, ours first: where it needs more than the budget, the others get as many seconds as it took. Prints medians
over the repeats, and writes `benchmarks/results/fits.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks import data
from benchmarks.envs import python_of
from benchmarks.quiet import wait_for_quiet
from benchmarks.tables import machine

HERE = Path(__file__).resolve().parent
OURS = "flows.default"
MODELS = {  # name: (heading, environment or None for this one, module)
    "ours": (OURS, None, "benchmarks.ours.fit"),
    "zuko": ("Zuko NSF", "torch", "benchmarks.peers.zuko.fit"),
    "flowjax": ("FlowJAX spline MAF", "flowjax", "benchmarks.peers.flowjax.fit"),
    "nflows": ("nflows NSF", "torch", "benchmarks.peers.nflows.fit"),
    "mixture": ("Gaussian mixture", "torch", "benchmarks.gaussian_mixture"),
}


def place(who: str, table: str, seed: int, options: argparse.Namespace) -> Path:
    """Where the JSON line of a run is."""
    return options.out / "fits" / f"{who}-{table}-{seed}.json"


def budget(table: str, seed: int, options: argparse.Namespace) -> float:
    """Seconds of a run; where ours took longer, which ends by itself, as many as ours took."""
    ours = place("ours", table, seed, options)
    return max(options.budget, round(json.loads(ours.read_text())["seconds"], 1) if ours.exists() else 0.0)


def run(who: str, table: str, seed: int, options: argparse.Namespace) -> dict:
    """The JSON line of a run, made now unless it is there."""
    target = place(who, table, seed, options)
    if target.exists():
        return json.loads(target.read_text())
    _, environment, module = MODELS[who]
    python = python_of(environment) if environment else Path(sys.executable)
    if not python.exists():
        sys.exit(f"{python} is missing; make it with: python benchmarks/envs.py {environment}")
    busy = wait_for_quiet(cap=options.quiet_cap, core=options.core) if options.quiet_cap else None
    command = [str(python), "-W", "ignore", "-m", module, f"benchmarks/.data/{table}.npz", "--seed", str(seed)]
    if who != "mixture":
        command += ["--budget", str(budget(table, seed, options))]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        command, cwd=HERE.parent, capture_output=True, text=True, check=False, env={**os.environ, **threads}
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    line = json.loads(done.stdout.splitlines()[-1]) | {"busy_before": busy, "core": options.core}
    target.write_text(json.dumps(line) + "\n")
    print(f"{table} {who} seed {seed}: {line['test_ll']:.3f} in {line['seconds']:.0f} s", flush=True)
    return line


def markdown(runs: dict[tuple[str, str], list[dict]], options: argparse.Namespace) -> str:
    """A line for each table: medians of test log-likelihoods with their range, the best in bold; how long ours took."""
    where = machine()
    found = [line["versions"] for lines in runs.values() for line in lines]
    packages = sorted({f"{name} {number}" for versions in found for name, number in versions.items()})
    heads = [MODELS[who][0] for who in options.who]
    lines = [
        f"{where['processor']}, one core, Python {where['python']}, {where['date']}; {', '.join(packages)}. "
        f"Budget {options.budget:.0f} s, medians of {options.repeats} seeds and, in brackets, the least and the most.",
        "",
        "| table | rows | columns | " + " | ".join([*heads, "our seconds"]) + " |",
        "|" + " --- |" * (len(heads) + 4),
    ]
    for table in options.tables:
        with data.np.load(HERE / ".data" / f"{table}.npz") as file:
            rows, columns = file["train"].shape
        values = {who: [line["test_ll"] for line in runs[who, table]] for who in options.who}
        best = max(options.who, key=lambda who: median(values[who]))
        cells = [f"{rows:,}", str(columns)]
        for who in options.who:
            middle = f"{median(values[who]):.2f}"
            spread = f" ({min(values[who]):.2f} to {max(values[who]):.2f})" if len(values[who]) > 1 else ""
            cells.append((f"**{middle}**" if who == best else middle) + spread)
        ours = [line["seconds"] for line in runs.get(("ours", table), [])]
        cells.append(f"{median(ours):.0f}" if ours else "")
        lines.append(f"| {table} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def parse() -> argparse.Namespace:
    """What to run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=list(data.UCI), choices=(*data.UCI, *data.DEFAULT))
    parser.add_argument("--who", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds a model and table")
    parser.add_argument("--core", type=int, default=0, help="the core to run on")
    parser.add_argument("--quiet-cap", type=float, default=60.0, help="longest wait for a quiet core; 0: none")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    return parser.parse_args()


def main() -> int:
    """All repeats of all models on all tables."""
    options = parse()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.core})  # What is started inherits it, and counts its threads by it.
    missing = [table for table in options.tables if not (HERE / ".data" / f"{table}.npz").exists()]
    if missing and data.main(missing):
        return 2
    (options.out / "fits").mkdir(parents=True, exist_ok=True)
    runs: dict[tuple[str, str], list[dict]] = {}
    for seed in range(options.repeats):
        for table in options.tables:
            for who in options.who:
                runs.setdefault((who, table), []).append(run(who, table, seed, options))
    text = markdown(runs, options)
    (options.out / "fits.md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
