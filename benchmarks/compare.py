"""Run benchmarks interleaved, ours and the peers', and print the ratios of their medians.

    python -m benchmarks.compare moons --repeats 3
    python -m benchmarks.compare step small --repeats 5 --who ours zuko flowjax
    python -m benchmarks.compare sampling --only spline-d43

In each repeat every script runs once, in its own process and environment, each after the
machine has fallen quiet. Our scripts run with the interpreter that runs this driver. The
results go to ``benchmarks/results`` as JSON and Markdown.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.cases import BENCHMARKS, ENVIRONMENT, OURS, Case
from benchmarks.envs import python_of
from benchmarks.quiet import wait_for_quiet
from benchmarks.tables import RESULTS, machine, markdown, summary

ROOT = Path(__file__).resolve().parents[1]


def interpreter(who: str) -> Path:
    """The Python of a peer's environment; ours is the one that runs this driver."""
    return python_of(ENVIRONMENT[who]) if who in ENVIRONMENT else Path(sys.executable)


def run_once(who: str, command: list[str], timeout: float, quiet_cap: float) -> dict:
    """One process; its JSON line, or ``{"error": ...}``."""
    if not interpreter(who).exists():
        return {"error": "no environment: run python benchmarks/envs.py"}
    busy = wait_for_quiet(cap=quiet_cap) if quiet_cap > 0 else None
    start = time.perf_counter()
    try:
        done = subprocess.run(
            [str(interpreter(who)), "-W", "ignore", "-m", *command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"longer than {timeout:.0f} s"}
    process = time.perf_counter() - start
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        words = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return {"error": f"exit status {done.returncode}: {words[:200]}"}
    return {**json.loads(lines[-1]), "process_s": process, "busy_before": busy}


def run_case(case: Case, options: argparse.Namespace) -> dict[str, list[dict]]:
    """All repeats of a case, interleaved; a script that fails is not run again."""
    modules = case.modules(options.who)
    runs: dict[str, list[dict]] = {who: [] for who, _ in modules}
    for repeat in range(options.repeats):
        for who, module in modules:
            if runs[who] and "error" in runs[who][-1]:
                continue
            seed = ["--seed", str(repeat)] if case.seeded else []
            command = [module, *case.options, *seed, *options.more]
            result = run_once(who, command, options.timeout, options.quiet_cap)
            runs[who].append(result)
            words = result.get("error") or f"{result['median_s'] * 1e3:.2f} ms"
            print(f"[{repeat + 1}/{options.repeats}] {case.name} {who}: {words}", file=sys.stderr)
    return runs


def parse() -> argparse.Namespace:
    """What to run, how often, and with whom."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="BENCHMARK", help=", ".join(BENCHMARKS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--who", nargs="+", help=f"{OURS} and peers to run; default all")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds a process")
    parser.add_argument("--quiet-cap", type=float, default=120.0, help="longest wait; 0: none")
    parser.add_argument("--more", type=shlex.split, default=[], help="more options for scripts")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.names = options.names or ["moons", "sampling", "step", "small"]
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"unknown benchmark {unknown[0]!r}; choose from {', '.join(BENCHMARKS)}")
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    return options


def main() -> int:
    """Run, print the tables, write them."""
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        cases = [case for case in BENCHMARKS[name] if options.only in case.name]
        runs = {case.name: run_case(case, options) for case in cases if case.modules(options.who)}
        if not runs:
            continue
        settings = {"repeats": options.repeats, "more": options.more}
        table = {case: summary(who_runs) for case, who_runs in runs.items()}
        result = {"machine": machine(), "settings": settings, "summary": table, "runs": runs}
        text = markdown(name, result)
        (options.out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
        (options.out / f"{name}.md").write_text(text)
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
