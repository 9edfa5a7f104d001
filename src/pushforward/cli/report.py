"""`pushforward report`: one HTML file on a model."""

import time
from pathlib import Path
from typing import Annotated

import typer

from . import options

NAME = "report"
EXAMPLES = options.examples(
    "pushforward report model table.csv --out report.html",
    "pushforward report model --out report.html",
)


def run(
    model: options.ModelIn,
    table: options.TableAsked = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="HTML file to write; it needs no other file.")
    ] = Path("report.html"),
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write a page of figures on how good a model is.

    With TABLE, the model is held against its rows (of the table that it was fitted to, those kept out of training);
    without, the page shows what the model folder knows.
    """
    from ..data import check_output
    from .console import Console, clock
    from .models import load, read_for
    from .waiting import Waiting

    began = time.monotonic()
    console = Console(quiet, as_json)
    check_output(out, overwrite=overwrite)
    flow, _ = load(model)
    data = None if table is None else read_for(flow, table, delimiter, header, console)
    console.note("writing the report")

    from ..report import write_report

    with Waiting("writing the report", quiet):
        write_report(out, flow, data, overwrite=overwrite)
    seconds = time.monotonic() - began
    size = out.stat().st_size
    console.result(
        f"{out}: {size / 1e6:.1f} MB, after {clock(seconds)}; open it in a browser",
        {"out": str(out), "bytes": size, "seconds": round(seconds, 3)},
    )
