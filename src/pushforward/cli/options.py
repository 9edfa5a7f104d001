"""Options that several commands have, with their help."""

import enum
from pathlib import Path
from typing import Annotated

import typer

FORMATS = "CSV or Parquet; .gz too"

ModelIn = Annotated[Path, typer.Argument(metavar="MODEL", help="Model folder, written by `pushforward fit`.")]
TableIn = Annotated[Path, typer.Argument(metavar="TABLE", help=f"Table of numbers: {FORMATS}.")]
TableAsked = Annotated[
    Path | None,
    typer.Argument(metavar="[TABLE]", help="Table with the columns of the model.", show_default=False),
]
TableOut = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="TABLE", help="Table to write: .csv, .csv.gz or .parquet.", show_default=False),
]

Delimiter = Annotated[
    str | None,
    typer.Option(metavar="CHARACTER", help="Between cells; or the word tab or space. Found out if not given."),
]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first line holds names. Found out if not given."),
]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, metavar="N", help="The same seed gives the same result.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there already.")]
Rows = Annotated[int, typer.Option(min=1, metavar="N", help="Look at no more rows than this, drawn at random.")]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages; errors only.")]
Json = Annotated[bool, typer.Option("--json", help="The result on stdout as one JSON object.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


class Flow(enum.StrEnum):
    """Recipes of `pushforward.flows`; written out, so that help and completion need not import them."""

    default = "default"
    spline_autoregressive = "spline_autoregressive"
    spline_coupling = "spline_coupling"
    maf = "maf"
    maf_mog = "maf_mog"
    made = "made"
    naf = "naf"
    umnn = "umnn"
    bnaf = "bnaf"
    sum_of_squares = "sum_of_squares"
    bernstein = "bernstein"
    circular = "circular"
    gaussianization = "gaussianization"
    iaf = "iaf"
    realnvp = "realnvp"
    nice = "nice"
    mlp = "mlp"
    planar = "planar"
    radial = "radial"
    sylvester = "sylvester"


def examples(*lines: str) -> str:
    """The end of a command's help: commands to copy. The mark keeps Typer from joining the lines."""
    return "\n  ".join(("\b\nExamples:", *lines))


def names_of(text: str | None, option: str) -> tuple[str, ...] | None:
    """Names separated by commas; a comma inside a name is written in quotes, as in a CSV file.

    Raises:
        ValueError: for an empty name or one given twice.
    """
    if text is None:
        return None
    import csv

    names = tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []))
    if not names or "" in names:
        raise ValueError(f"{option}: expected names separated by commas, and got {text!r}; write {option} a,b,c")
    for k, name in enumerate(names):
        if name in names[:k]:
            raise ValueError(f"{option}: {name!r} is given twice; name each column once")
    return names


def sizes_of(text: str | None, option: str) -> tuple[int, ...] | None:
    """Positive whole numbers separated by commas."""
    if text is None:
        return None
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise ValueError(
            f"{option}: expected positive whole numbers separated by commas, such as 96,96, and got {text!r}"
        )
    return sizes
