"""`pushforward fit`: its options. The work is in `fitting`."""

from pathlib import Path
from typing import Annotated

import typer

from . import options

NAME = "fit"
EXAMPLES = options.examples(
    "pushforward fit table.csv --out model",
    "pushforward fit stars.dat.gz --columns RA,DEC,Gmag --out stars",
    "pushforward fit weather.parquet --condition hour,month --out weather",
    "pushforward fit table.csv --out model --resume",
)


def run(
    table: options.TableIn,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="MODEL", help="Model folder to write.", show_default=False)
    ],
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Columns to model; all if not given. Without names, numbers.")
    ] = None,
    condition: Annotated[
        str | None, typer.Option(metavar="A,B", help="Columns to condition on: learn p(the others | these).")
    ] = None,
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    flow: Annotated[
        options.Flow, typer.Option(case_sensitive=False, metavar="KIND", help=f"{', '.join(options.Flow)}.")
    ] = options.Flow.default,
    layers: Annotated[int | None, typer.Option(min=1, metavar="N", help="Layers of the flow.")] = None,
    hidden: Annotated[
        str | None, typer.Option(metavar="N,N", help="Hidden units of its networks, such as 96,96.")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Passes over the rows, at most.",
            show_default="by the rows, 100 to 300, fewer for large tables",
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Rows in a step.", show_default="by the rows, 32 to 512")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="RATE", help="Of Adam, at its highest.", show_default="0.003")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Stop after so many epochs without progress.", show_default="20"),
    ] = None,
    test_fraction: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the rows kept out, to say how good the fit is.")
    ] = 0.1,
    seed: options.Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a fit that was interrupted or killed.")] = False,
    overwrite: options.Overwrite = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Leave report.html out of the folder.")] = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Train a flow on a table and write a model folder.

    A tenth of the rows is kept out of training, to say how good the fit is. Ctrl-C ends training and keeps the best
    model so far; after a crash, the same command with --resume goes on.
    """
    from .console import Console
    from .fitting import Plan, fit

    plan = Plan(
        table=table,
        out=out,
        columns=options.names_of(columns, "--columns"),
        condition=options.names_of(condition, "--condition") or (),
        delimiter=delimiter,
        header=header,
        flow=flow.value,
        layers=layers,
        hidden=options.sizes_of(hidden, "--hidden"),
        settings={
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "patience": patience,
            "test_fraction": test_fraction,
            "seed": seed,
        },
        resume=resume,
        overwrite=overwrite,
        report=not no_report,
    )
    return fit(plan, Console(quiet, as_json))[0]
