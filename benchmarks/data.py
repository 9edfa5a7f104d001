"""Splits of real tables for the fit benchmarks, as one ``.npz`` a table.

    python -m benchmarks.data                 # the four default tables into benchmarks/.data
    python -m benchmarks.data htru2 --out DIR

The environment variable PUSHFORWARD_DATA names the folder with the tables. Each file holds
float32 ``train``, ``val`` and ``test``, standardised by the mean and standard deviation of
``train``. All figures are stated in these standardised units; add ``log_jacobian`` to a
log density to state it in the table's own units.

Preprocessing, the same for all models: linearly dependent columns are dropped, a column of
fewer than 1,000 distinct values gets uniform noise of one step (its smallest gap), drawn
from ``RandomState(0)``. Test rows are those stored with the table, if any, else a tenth
(``RandomState(0)``); validation is a tenth of the remaining rows, or the stored rows.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

UCI = ("airfoil", "bike", "concrete", "energy", "pol", "protein", "wine", "yacht")
DEFAULT = ("protein", "htru2", "power_head", "gaia")
GAIA_COLUMNS = ("RA", "DEC", "Plx", "pmRA", "pmDE", "Gmag", "BP-RP")
FOLDER = Path(__file__).resolve().parent / ".data"

Split = tuple[np.ndarray, np.ndarray, np.ndarray]


def independent(x: np.ndarray) -> np.ndarray:
    """Columns that are not linear functions of those before them (nor constant)."""
    z = x - x.mean(0)
    norms = np.linalg.norm(z, axis=0)
    basis: list[np.ndarray] = []
    kept = []
    for j in np.flatnonzero(norms > 0):
        rest = z[:, j] / norms[j]
        for _ in range(2):  # twice is enough for orthogonality to rounding
            for b in basis:
                rest = rest - b * (b @ rest)
        if np.linalg.norm(rest) > 1e-5:
            basis.append(rest / np.linalg.norm(rest))
            kept.append(j)
    return x[:, kept]


def dequantise(x: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Add uniform noise of one step to columns of fewer than 1,000 distinct values."""
    x = x.copy()
    for j in range(x.shape[1]):
        values = np.unique(x[:, j])
        if len(values) < 1000:
            gaps = np.diff(values)
            step = gaps[gaps > 1e-6 * (values[-1] - values[0])].min()
            x[:, j] += step * rng.random_sample(len(x))
    return x


def split(x: np.ndarray, test: np.ndarray | None = None) -> Split:
    """Test rows by mask or a random tenth; validation is a random tenth of the rest."""
    rng = np.random.RandomState(0)
    if test is None:
        test = np.zeros(len(x), bool)
        test[rng.permutation(len(x))[: round(len(x) / 10)]] = True
    rest = np.flatnonzero(~test)
    rest = rest[rng.permutation(len(rest))]
    cut = round(len(rest) / 10)
    return x[rest[cut:]], x[rest[:cut]], x[test]


def read(folder: Path, name: str) -> Split:
    """Train, validation and test rows of a table, in its own units, float64."""
    if name == "power_head":
        with np.load(folder / "power_head" / "power_head.npz") as stored:
            parts = [stored[part].astype(np.float64) for part in ("train", "val", "test")]
        rows = dequantise(independent(np.concatenate(parts)), np.random.RandomState(0))
        ends = np.cumsum([len(part) for part in parts])
        return rows[: ends[0]], rows[ends[0] : ends[1]], rows[ends[1] :]
    mask = None
    if name in UCI:
        with np.load(folder / "uci_regression" / f"{name}.npz") as stored:
            x = np.column_stack([stored["x"], stored["y"]]).astype(np.float64)
            mask = stored["test_mask"][:, 0]
    elif name == "htru2":
        path = folder / "tables" / "htru2.csv.gz"
        x = np.loadtxt(path, delimiter=",", skiprows=1)[:, :8]
    elif name == "gaia":
        path = folder / "tables" / "gaia_edr3_ngc6558.dat.gz"
        table = np.genfromtxt(path, names=True, deletechars="", dtype=np.float64)
        x = np.stack([table[column] for column in GAIA_COLUMNS], 1)
        x = x[np.isfinite(x).all(1)]
    else:
        names = ", ".join(sorted({*UCI, *DEFAULT}))
        raise ValueError(f"unknown table {name!r}; choose from {names}")
    return split(dequantise(independent(x), np.random.RandomState(0)), mask)


def make(folder: Path, name: str) -> dict[str, np.ndarray]:
    """The arrays of one ``.npz``."""
    train, val, test = read(folder, name)
    mean, scale = train.mean(0), train.std(0)
    parts = {"train": train, "val": val, "test": test}
    arrays = {key: ((x - mean) / scale).astype(np.float32) for key, x in parts.items()}
    log_jacobian = np.asarray(-np.log(scale).sum())
    return {**arrays, "mean": mean, "scale": scale, "log_jacobian": log_jacobian}


def main(argv: list[str] | None = None) -> int:
    """Write the tables named on the command line, by default the four of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="TABLE")
    parser.add_argument("--out", type=Path, default=FOLDER)
    arguments = parser.parse_args(argv)
    folder = os.environ.get("PUSHFORWARD_DATA", "")
    if not folder or not Path(folder).is_dir():
        print("Set PUSHFORWARD_DATA to the folder that holds the tables.", file=sys.stderr)
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or DEFAULT:
        try:
            arrays = make(Path(folder), name)
        except (OSError, ValueError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
        np.savez(arguments.out / f"{name}.npz", **arrays)
        sizes = " / ".join(str(len(arrays[part])) for part in ("train", "val", "test"))
        columns = arrays["train"].shape[1]
        print(f"{name}: {sizes} rows of {columns}, log_jacobian {arrays['log_jacobian']:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
