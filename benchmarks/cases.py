"""Which cases there are, and which script of which peer runs them in which environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common import AUTOREGRESSIVE, COUPLINGS, KINDS

FOLDER = Path(__file__).resolve().parent
OURS = "ours"
ENVIRONMENT = {
    "zuko": "torch",
    "nflows": "torch",
    "normflows": "torch",
    "flowjax": "flowjax",
    "tfp": "tf",
    "tfpjax": "tfpjax",
    "bare_matmuls": "flowjax",  # any with JAX
    "bare": "tfpjax",
}


@dataclass(frozen=True)
class Case:
    """One line of a table: the same work for everyone."""

    name: str
    script: str
    options: list[str] = field(default_factory=list)
    peers: tuple[str, ...] = ("flowjax", "zuko", "nflows", "normflows", "tfpjax")
    floor: bool = False  # time the bare matrix products too
    seeded: bool = False  # repeat r runs with --seed r

    def modules(self, wanted: list[str] | None = None) -> list[tuple[str, str]]:
        """(who, module) of every script that exists, ours first; ``wanted`` narrows it.

        A folder without ``small.py`` uses its ``step.py`` for that case.
        """
        found = []
        for who in (OURS, *self.peers):
            if wanted and who not in wanted:
                continue
            path = [OURS] if who == OURS else ["peers", who]
            for script in dict.fromkeys((self.script, self.script.replace("small", "step"))):
                if FOLDER.joinpath(*path, f"{script}.py").exists():
                    found.append((who, ".".join(["benchmarks", *path, script])))
                    break
        if self.floor and (not wanted or "bare_matmuls" in wanted):
            found.append(("bare_matmuls", "benchmarks.bare_matmuls"))
        return found


def flow(script: str, kind: str, dim: int, hidden: int, rows: int, floor: bool = False) -> Case:
    """A case with two hidden layers: five autoregressive layers, or ten couplings, which move half as much each."""
    layers = 10 if kind in COUPLINGS else 5
    options = f"--kind {kind} --dim {dim} --hidden {hidden} {hidden} --rows {rows} --layers {layers}"
    return Case(f"{script}-{kind}-d{dim}-n{rows}", script, options.split(), floor=floor)


MOONS_PEERS = ("tfp", "zuko", "nflows", "flowjax", "tfpjax", "bare")
SMALL, MIDDLE = (8, 128, 1024), (43, 256, 1024)
COUPLING_SIZES = ((2, 64, 1024), SMALL, MIDDLE, (256, 512, 256))

BENCHMARKS: dict[str, list[Case]] = {
    "moons": [Case("moons", "moons", peers=MOONS_PEERS, seeded=True)],
    "sampling": [
        *(flow("sampling", kind, *size) for size in (SMALL, MIDDLE) for kind in AUTOREGRESSIVE),
        flow("sampling", "affine", 256, 512, 256),
        *(flow("sampling", kind, *size) for size in COUPLING_SIZES for kind in COUPLINGS),
    ],
    # Eager peers need a minute or so for one draw of the splines here.
    "sampling-large": [
        flow("sampling", "affine", 256, 512, 1024),
        flow("sampling", "spline", 256, 512, 256),
        flow("sampling", "spline", 256, 512, 1024),
    ],
    "step": [flow("step", kind, 43, 256, 512, floor=True) for kind in KINDS],
    "small": [flow("small", kind, 2, 64, 256, floor=True) for kind in KINDS],
}
