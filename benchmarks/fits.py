"""Fits of real tables: ours by default, Zuko's NSF in the same wall-clock time, the best Gaussian mixture.

    PUSHFORWARD_DATA=... python -m benchmarks.data && python -m benchmarks.fits [htru2 gaia ...]

One after another on a quiet machine; writes `benchmarks/results/fits.md`.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.quiet import wait_for_quiet

HERE = Path(__file__).parent
TORCH = HERE / ".envs" / "torch" / "bin" / "python"
TABLES = ("protein", "htru2", "power_head", "gaia")


def run(python: object, module: str, *arguments: object) -> dict:
    """The JSON line of one script."""
    wait_for_quiet()
    command = [str(python), "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """All models on all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", default=TABLES)
    parser.add_argument("--mixtures", action="store_true", help="fit the Gaussian mixtures too (a few minutes)")
    options = parser.parse_args()
    lines = [
        "Test log-likelihood in nats, columns standardised by the training rows; ± is the standard error of the mean.",
        "",
        "| table | flows.default | seconds | Zuko NSF, same seconds | best Gaussian mixture |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in options.tables:
        path = HERE / ".data" / f"{name}.npz"
        if not path.exists():
            sys.exit(f"{path} is missing; make it with: PUSHFORWARD_DATA=<folder> python -m benchmarks.data")
        ours = run(sys.executable, "benchmarks.ours.fit", path)
        zuko = run(TORCH, "benchmarks.zuko_fit", path, "--budget", round(ours["seconds"], 1))
        mixture = run(TORCH, "benchmarks.gaussian_mixture", path) if options.mixtures else None
        cells = [f"{r['test_ll']:.3f} ± {r['test_se']:.3f}" if r else "" for r in (ours, zuko, mixture)]
        lines.append(f"| {name} | {cells[0]} | {ours['seconds']:.0f} | {cells[1]} | {cells[2]} |")
        print(lines[-1], flush=True)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "fits.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
