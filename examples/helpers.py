"""What the examples share: two options, promises that are kept or raise, colours, and pictures.

An example makes a `Page` of its docstring and tells it what it finds:

    page = Page(__doc__)                                      # reads --out and --small
    page.promise("integral of the density", mass, near=1.0, within=0.01)
    page.picture(figure, "two_moons_density")
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any kind of colour vision tell apart.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#777777",
)
QUADRANTS = {"z₁ > 0, z₂ > 0": BLUE, "z₁ < 0, z₂ > 0": ORANGE, "z₁ < 0, z₂ < 0": GREEN, "z₁ > 0, z₂ < 0": PURPLE}


class BrokenPromiseError(ValueError):
    """A figure of an example is not what the example says."""


class Page:
    """One run of an example: where its pictures go, whether it is a small run, and what it has promised.

    Args:
        text: the docstring of the example; its first line is printed as the heading.
        argv: the arguments of the command line; None for those of this process.
    """

    def __init__(self, text: str, argv: Sequence[str] | None = None):
        heading = text.strip().splitlines()[0]
        parser = argparse.ArgumentParser(description=heading)
        parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for the pictures (%(default)s)")
        parser.add_argument("--small", action="store_true", help="a few seconds' run, with rougher results")
        arguments = parser.parse_args(argv)
        self.out: Path = arguments.out
        self.small: bool = arguments.small
        self.out.mkdir(parents=True, exist_ok=True)
        print(f"{heading}\n")

    def size(self, full: Any, small: Any) -> Any:
        """`full`, or `small` in a small run."""
        return small if self.small else full

    def promise(
        self,
        what: str,
        value: Any,
        *,
        near: Any = None,
        within: float = 0.0,
        at_least: float = -math.inf,
        at_most: float = math.inf,
    ) -> None:
        """Print `value` beside what it ought to be, and raise `BrokenPromiseError` if it is not."""
        values = np.asarray(value, np.float64)
        digits = 7 if near is not None and within < 1e-4 else 4
        if near is not None:
            good = values.shape == np.shape(near) and bool(np.all(np.abs(values - np.asarray(near)) <= within))
            wanted = _text(near, digits) + (f" ± {within:g}" if within else "")
        else:
            good = bool(np.all((values >= at_least) & (values <= at_most)))
            bounds = (f"at least {at_least:g}", at_least), (f"at most {at_most:g}", at_most)
            wanted = " and ".join(words for words, bound in bounds if math.isfinite(bound))
        found = _text(value, digits)
        # A long value has what was promised right below it.
        print(f"  {what:<60} {found:<18}", end="  " if len(found) <= 18 else "\n" + 54 * " ")
        print(f"promised {wanted}")
        if not good:
            raise BrokenPromiseError(f"{what}: {found}, and the example promises {wanted}")

    def picture(self, figure: Figure, name: str) -> None:
        """Write `figure` as NAME.png into the folder for pictures, and say so."""
        path = self.out / f"{name}.png"
        figure.savefig(path, dpi=120)
        print(f"  -> {path}")


def grid(
    x: tuple[float, float], y: tuple[float, float], points: int = 200
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two axes, and the points (len(y), len(x), 2) that they span."""
    side_x, side_y = np.linspace(*x, points), np.linspace(*y, points)
    return side_x, side_y, np.stack(np.meshgrid(side_x, side_y), axis=-1)


def integral(side_x: np.ndarray, side_y: np.ndarray, density: np.ndarray) -> float:
    """The integral of a density given on a grid."""
    return float(density.sum() * (side_x[1] - side_x[0]) * (side_y[1] - side_y[0]))


def plane(axes: Any, title: str, x: tuple[float, float], y: tuple[float, float], names: str = "x") -> None:
    """Title, limits and names for a picture of the plane, whose two axes have one scale."""
    axes.set(title=title, xlim=x, ylim=y, xlabel=f"${names}_1$", ylabel=f"${names}_2$", aspect="equal")


def plot_loss(axes: Any, history: Any, floor: float | None = None, floor_label: str = "entropy of the data") -> None:
    """Training and validation loss by epoch, and the floor that they cannot cross."""
    epochs = [record.epoch for record in history]
    axes.plot(epochs, history.train_loss, color=BLUE, label="training")
    axes.plot(epochs, history.validation_loss, color=ORANGE, label="validation")
    if floor is not None:
        axes.axhline(floor, color=GREY, linestyle="--", linewidth=1, label=floor_label)
    axes.set(title="Training", xlabel="epoch", ylabel="negative log-likelihood, nats")
    axes.legend(frameon=False)


def two_moons(n: int, seed: int, noise: float = 0.05) -> np.ndarray:
    """Two interleaved half circles of radius 1 with Gaussian noise, shape (n, 2)."""
    rng = np.random.default_rng(seed)
    angle, upper = np.pi * rng.random(n), rng.random(n) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.stack([x, y], axis=-1) + noise * rng.standard_normal((n, 2))


def _text(value: Any, digits: int) -> str:
    values = np.asarray(value)
    if values.dtype.kind in "biu":
        return str(values.tolist())
    if values.ndim == 0:
        return f"{float(values):.{digits}g}"
    with np.printoptions(precision=digits, floatmode="maxprec_equal", suppress=True):
        return np.array2string(values.astype(float), separator=", ", max_line_width=200)
