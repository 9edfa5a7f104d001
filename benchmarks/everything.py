"""The tables of RESULTS.md, made again.

    PUSHFORWARD_DATA=... make bench-all                          # all that this machine can run; some six hours
    python -m benchmarks.everything --only step small            # some sections
    python -m benchmarks.everything --fill                       # runs nothing: what benchmarks/results holds

In RESULTS.md the lines between `<!-- NAME -->` and `<!-- end of NAME -->` are a section's, and are replaced by the
tables of its commands, which say machine, versions and day themselves. The words around them are written by people.
Each command is a process of its own, one after another; leave the machine alone meanwhile. One that fails, or has no
data, no GPU or no environment of a peer, is told, and leaves its section as it was. What the
commands of a section print is kept, with the machine, in `benchmarks/results/everything/NAME.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.common import versions
from benchmarks.compare import ROOT
from benchmarks.tables import RESULTS, brief, machine, origin

REPORT = ROOT / "benchmarks" / "RESULTS.md"
KEPT = RESULTS / "everything"
PARITY = ROOT / ".venv-parity" / "bin" / "python"
PACKAGES = ("pushforward", "jax")


@dataclass(frozen=True)
class Section:
    """Tables that belong together.

    Attributes:
        commands: modules with their arguments, run in this order.
        text: Markdown, from what the commands left.
        needs: "data" (PUSHFORWARD_DATA), "parity" (`.venv-parity`), "gpu", or nothing.
    """

    commands: tuple[str, ...]
    text: Callable[[], str]
    needs: str = ""


def table(found: dict[str, Any], heads: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A Markdown table below a line with the machine."""
    heads = list(heads)
    rows = ["| " + " | ".join(line) + " |" for line in (heads, ["---"] * len(heads), *lines)]
    return "\n".join([origin(found["versions"], found["machine"]), "", *rows])


def compared(name: str) -> Callable[[], str]:
    """Of `benchmarks.compare`."""

    def text() -> str:
        result = json.loads((RESULTS / f"{name}.json").read_text())
        for rows in result["summary"].values():
            for who, row in rows.items():
                if "no environment" in row.get("error", ""):
                    raise ValueError(f"{who} has {row['error']}")
        return brief(result)

    return text


def written(name: str) -> Callable[[], str]:
    """Of a script that writes its own Markdown; its heading is RESULTS.md's."""
    return lambda: "\n".join(
        line for line in (RESULTS / f"{name}.md").read_text().splitlines() if not line.startswith("# ")
    )


def kept(name: str) -> dict[str, Any]:
    """What the section's commands printed, and where."""
    return json.loads((KEPT / f"{name}.json").read_text())


def last_lines(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The JSON that ends what each command printed."""
    return [json.loads(printed.strip().splitlines()[-1]) for printed in found["printed"]]


def torsions() -> str:
    """Medians and ranges over the seeds."""
    names = {"circular": "flows.circular", "line": "the same on the line", "von Mises": "von Mises mixture"}
    found = kept("torsions")
    (line,) = last_lines(found)
    lines = []
    for key, label in names.items():
        runs = line[key]["runs"]
        lines.append([label, f"{line[key]['median']:.3f} ({min(runs):.3f} to {max(runs):.3f})"])
    return table(found, ["", "test NLL"], lines)


def bsds300() -> str:
    """One flow, and its mixture over the symmetries."""
    found = kept("bsds300")
    run, mixed = last_lines(found)
    minutes = f"{run['seconds'] * run['cores'] / 60:.0f}"
    lines = [
        [f"one flow, {run['epochs']} epochs", f"{run['test_ll']:.2f} ± {run['test_se']:.2f}", minutes],
        ["mixed over the eight symmetries", "{test_ll:.2f} ± {test_se:.2f}".format_map(mixed["symmetric"]), ""],
    ]
    return table(found, ["", "test LL", "core minutes"], lines)


def made_mnist() -> str:
    """A line a setting."""
    found = kept("made_mnist")
    lines = []
    for command, run in zip(found["commands"], last_lines(found), strict=True):
        members = f"{run['members_test_nll']:.2f}" if "members_test_nll" in run else ""
        test = f"{run['test_nll']:.2f} ± {run['test_se']:.2f}"
        lines.append([f"`{command.split(' ', 1)[1]}`", test, members, f"{run['seconds'] / 60:.0f}"])
    return table(found, ["", "test NLL", "its members one by one", "minutes"], lines)


def accelerator() -> str:
    """Both tables, as printed."""
    found = kept("accelerator")
    return "\n\n".join(
        [origin(found["versions"], found["machine"]), *(printed.strip() for printed in found["printed"])]
    )


_SMALL_MADE = "benchmarks.made_mnist --units 500 500 --direct --epochs 12 --batch-size 200 --rate 3e-3"
SECTIONS = {
    "fits": Section(("benchmarks.fits",), written("fits"), "data"),
    "torsions": Section(("benchmarks.torsions --epochs 12",), torsions, "data"),
    "bsds300": Section(
        ("benchmarks.bsds300 --minutes 58 --name maf5", "benchmarks.bsds300 --mix maf5"), bsds300, "data"
    ),
    "made_mnist": Section(
        (
            "benchmarks.made_mnist --units 2000 --epochs 10 --rate 3e-3",
            _SMALL_MADE,
            f"{_SMALL_MADE} --masks 32",
        ),
        made_mnist,
        "data",
    ),
    "accelerator": Section(("benchmarks.accelerator step", "benchmarks.accelerator agree"), accelerator, "gpu"),
    "moons": Section(("benchmarks.compare moons",), compared("moons")),
    "step": Section(("benchmarks.compare step",), compared("step")),
    "sampling": Section(("benchmarks.compare sampling",), compared("sampling")),
    "sequential_gradient": Section(("benchmarks.sequential_gradient",), written("sequential_gradient")),
    "small": Section(("benchmarks.compare small",), compared("small")),
    "compiling": Section(("benchmarks.compiling",), written("compiling")),
    "round_trip": Section(("benchmarks.round_trip",), written("round_trip")),
    "bijectors": Section(("benchmarks.bijectors",), written("bijectors"), "parity"),
    "startup": Section(("benchmarks.startup",), written("startup")),
}


def missing(needs: str) -> str | None:
    """Why a section cannot be run here; None where it can."""
    if needs == "data" and not os.environ.get("PUSHFORWARD_DATA"):
        return "PUSHFORWARD_DATA does not name the folder with the tables"
    if needs == "parity" and not PARITY.exists():
        return f"{PARITY} is missing; `make bench-bijectors` makes it"
    if needs == "gpu":
        ask = [sys.executable, "-c", "import jax; print(jax.default_backend())"]
        if subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip() != "gpu":
            return "JAX sees no GPU"
    return None


def run(name: str) -> str | None:
    """Run the commands of a section; why one failed, or None."""
    section = SECTIONS[name]
    python = str(PARITY) if section.needs == "parity" else sys.executable
    printed = []
    for command in section.commands:
        print(f"{name}: {command}", file=sys.stderr, flush=True)
        argv = [python, "-m", *command.split()]
        done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            return f"`{command}` ended with {done.returncode}"
        printed.append(done.stdout)
    KEPT.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "versions": versions(*PACKAGES), "commands": section.commands, "printed": printed}
    (KEPT / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    return None


def filled(report: str, name: str, text: str) -> str:
    """The report with the section's lines replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, mark, rest = report.partition(begin)
    _, other, after = rest.partition(end)
    if not (mark and other):
        raise ValueError(f"RESULTS.md has no place for {name!r}: no lines {begin} and {end}, in this order")
    return f"{before}{begin}\n{text.strip()}\n{end}{after}"


def main() -> int:
    """Run, and fill in; 1 where a section could not be made."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), help="sections; default all")
    parser.add_argument("--fill", action="store_true", help="run nothing")
    options = parser.parse_args()
    failed = 0
    for name in options.only or SECTIONS:
        why = None if options.fill else missing(SECTIONS[name].needs) or run(name)
        if why is None:
            try:
                REPORT.write_text(filled(REPORT.read_text(), name, SECTIONS[name].text()))
            except (OSError, ValueError) as error:
                why = str(error)
        if why is not None:
            print(f"{name}: left as it was: {why}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
