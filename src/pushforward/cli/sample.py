"""`pushforward sample`: new rows."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options

NAME = "sample"
EXAMPLES = options.examples(
    "pushforward sample model -n 1000 --out samples.csv",
    "pushforward sample model -n 1000000 --out samples.parquet --seed 7",
    "pushforward sample model -n 20 --condition-table given.csv --out samples.csv",
)
_CHUNK = 131_072


def run(
    model: options.ModelIn,
    out: options.TableOut,
    n: Annotated[int, typer.Option("-n", "--rows", min=1, metavar="N", help="Rows; of each condition, if any.")] = 1000,
    condition_table: Annotated[
        Path | None,
        typer.Option(
            help="Table of conditions, for a model fitted with --condition; they come out as the last columns."
        ),
    ] = None,
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Draw new rows, in the units of the table fitted."""
    from .console import Console

    sample(model, out, Console(quiet, as_json), n, condition_table, delimiter, header, seed, overwrite)


def sample(
    model: Path,
    out: Path,
    console: Any,
    n: int,
    condition_table: Path | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Draw in chunks, and write while drawing."""
    from ..data import read_table, write_table
    from .errors import UsageError
    from .models import columns_of, listed, load
    from .pipeline import in_thread
    from .places import check_table_place

    began = time.perf_counter()
    check_table_place(out, overwrite)
    flow, compiling = load(model)
    given = flow.schema.condition_names
    if given and condition_table is None:
        raise UsageError(f"{model}: this model needs values of {listed(given)}; add --condition-table")
    if condition_table is not None and not given:
        raise UsageError(f"{model}: this model was fitted without --condition; leave out --condition-table")
    conditions = None
    if condition_table is not None:
        columns = columns_of(condition_table, given, delimiter, header, console)
        conditions = read_table(condition_table, columns=columns, delimiter=delimiter, header=header).values
    with console.meter("drew", n * (1 if conditions is None else len(conditions))) as meter:
        chunks = in_thread(_draws(flow, n, conditions, seed, meter))
        try:
            rows = write_table(out, flow.schema.names + given, chunks, overwrite=overwrite)
        finally:
            chunks.close()
    facts = {
        "out": str(out),
        "rows": rows,
        "columns": flow.schema.names + given,
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 3),
        "compile_seconds": round(compiling.seconds, 3),
        "compile_seconds_saved": round(compiling.saved, 3),
    }
    console.result(f"{out}: {rows:,} rows of {listed(facts['columns'])}", facts)


def _draws(flow: Any, n: int, conditions: Any, seed: int, meter: Any) -> Iterator[Any]:
    """The rows in chunks, each with a seed of its own, so that memory does not grow with their number."""
    import numpy as np

    total = n * (1 if conditions is None else len(conditions))
    for k, first in enumerate(range(0, total, _CHUNK)):
        count = min(_CHUNK, total - first)
        own = seed if k == 0 else int(np.random.SeedSequence([seed, k]).generate_state(1)[0])
        if conditions is None:
            rows = flow.sample(count, seed=own)
        else:
            c = conditions[np.arange(first, first + count) // n]
            rows = np.concatenate([flow.sample(count, seed=own, condition=c), c], axis=1)
        meter.advance(count)
        yield rows
