"""`pushforward demo moons`: everything that the tool does, on two moons."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options

EXAMPLES = options.examples("pushforward demo moons", "pushforward demo moons --out elsewhere --seed 7")
FILES = ("moons.csv", "model", "samples.csv", "scores.csv", "report.html")

_FAREWELL = """
Done after {clock}. Look at
  {report}   how good the fit is: open it in a browser
  {samples}   new points
  {scores}    the log-density of every point of {moons}
Then your own table:
  pushforward fit table.csv --out model"""


def run(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder to write into; made if it is not there.")
    ] = Path("demo"),
    rows: Annotated[int, typer.Option(min=100, metavar="N", help="Points of the two moons.")] = 10_000,
    epochs: Annotated[int, typer.Option(min=1, metavar="N", help="Passes over them, at most.")] = 60,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Fit two moons, and look at the result.

    Makes a table, fits a flow to it, and writes a report, samples and scores, in under a minute.
    """
    from ..data import write_table
    from .console import Console, clock
    from .errors import DONE, UsageError
    from .fitting import Plan, fit
    from .sample import sample
    from .score import score

    began = time.monotonic()
    console = Console(quiet)
    out.mkdir(parents=True, exist_ok=True)
    place = {name: out / name for name in FILES}
    there = [name for name in FILES if place[name].exists()]
    if there and not overwrite:
        raise UsageError(
            f"{place[there[0]]} is there already; add --overwrite to replace it, or give --out another name"
        )
    write_table(place["moons.csv"], ("x1", "x2"), [two_moons(rows, seed)], overwrite=overwrite)
    _say(console, f"pushforward fit {place['moons.csv']} --out {place['model']} --epochs {epochs} --seed {seed}")
    plan = Plan(
        place["moons.csv"],
        place["model"],
        settings={"epochs": epochs, "seed": seed},
        overwrite=overwrite,
    )
    code, _ = fit(plan, console)
    if code != DONE:
        return code
    _say(console, f"pushforward sample {place['model']} -n 5000 --out {place['samples.csv']}")
    sample(place["model"], place["samples.csv"], console, 5000, seed=seed, overwrite=overwrite)
    _say(console, f"pushforward score {place['model']} {place['moons.csv']} --out {place['scores.csv']}")
    score(place["model"], place["moons.csv"], place["scores.csv"], console, overwrite=overwrite)
    report = place["model"] / "report.html"
    if report.exists():
        _copy(report, place["report.html"], overwrite)
    console.result(_FAREWELL.format(clock=clock(time.monotonic() - began), out=out, **_stems(place)), {})
    return DONE


def _say(console: Any, command: str) -> None:
    """The command that does the same by hand."""
    console.note("")
    console.note(f"$ {command}")


def _stems(place: dict[str, Path]) -> dict[str, Path]:
    return {name.split(".")[0]: path for name, path in place.items()}


def _copy(source: Path, target: Path, overwrite: bool) -> None:
    from ..data.output import new_file

    with new_file(target, overwrite=overwrite) as file:
        file.write(source.read_bytes())


def two_moons(n: int, seed: int, noise: float = 0.05) -> Any:
    """Two interleaved half circles with Gaussian noise, shape (n, 2)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    angle = np.pi * rng.random(n)
    upper = rng.random(n) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.stack([x, y], axis=1) + noise * rng.standard_normal((n, 2))
