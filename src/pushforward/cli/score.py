"""`pushforward score`: the log-density of every row of a table, in order."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options

NAME = "score"
EXAMPLES = options.examples(
    "pushforward score model table.csv --out scores.csv",
    "pushforward score model table.parquet --out scored.parquet --keep",
)
COLUMN = "log_density"
_ROWS = 131_072


def run(
    model: options.ModelIn,
    table: options.TableIn,
    out: options.TableOut,
    keep: Annotated[bool, typer.Option("--keep", help="Write the model's columns beside the scores.")] = False,
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write the log-density of every row of a table.

    The output has one row for each row of TABLE, in order. Its first column is log_density, in nats and the units of
    the table. Tables larger than memory are fine.
    """
    from .console import Console

    score(model, table, out, Console(quiet, as_json), keep, delimiter, header, overwrite)


def score(
    model: Path,
    table: Path,
    out: Path,
    console: Any,
    keep: bool = False,
    delimiter: str | None = None,
    header: bool | None = None,
    overwrite: bool = False,
) -> None:
    """Read, score and write side by side: each in a thread of its own."""
    from ..data import iterate_table, write_table
    from .models import columns_of, load
    from .pipeline import in_thread
    from .places import check_table_place

    began = time.perf_counter()
    check_table_place(out, overwrite)
    flow, compiling = load(model)
    wanted = (*flow.schema.names, *flow.schema.condition_names)
    columns = columns_of(table, flow.schema.order or wanted, delimiter, header, console)
    tables = in_thread(iterate_table(table, columns=columns, delimiter=delimiter, header=header, rows=_ROWS))
    _compile(flow)
    start_up = time.perf_counter() - began
    with console.meter("scored") as meter:
        chunks = in_thread(_scores(flow, tables, keep, meter))
        try:
            rows = write_table(out, (COLUMN, *wanted) if keep else (COLUMN,), chunks, overwrite=overwrite)
        finally:
            chunks.close()
            tables.close()
    seconds = time.perf_counter() - began - start_up
    facts = {
        "out": str(out),
        "rows": rows,
        "mean_log_density": meter.facts["sum"] / rows,
        "rows_per_second": round(rows / seconds),
        "seconds": round(seconds, 3),
        "start_up_seconds": round(start_up, 3),
        "compile_seconds": round(compiling.seconds, 3),
        "compile_seconds_saved": round(compiling.saved, 3),
    }
    console.result(
        f"{out}: {rows:,} rows, mean log-density {facts['mean_log_density']:.4f} nats; {rows / seconds:,.0f} rows/s "
        f"after {start_up:.1f} s of starting and compiling",
        facts,
    )


def _compile(flow: Any) -> None:
    """Compile before the clock runs: one row fills a block."""
    import numpy as np

    schema = flow.schema
    x = np.array([[column.loc for column in schema.columns]])
    flow.log_density(x, np.array([[column.loc for column in schema.condition]]) if schema.condition else None)


def _scores(flow: Any, tables: Iterator[Any], keep: bool, meter: Any) -> Iterator[Any]:
    """[rows, 1 + what is kept] for each of the tables."""
    import numpy as np

    meter.facts["sum"] = 0.0
    for table in tables:
        x, condition = flow.schema.select(table)
        scores = flow.log_density(x, condition)
        meter.facts["sum"] += float(np.sum(scores))
        meter.advance(len(scores))
        kept = [x] if condition is None else [x, condition]
        yield np.concatenate([scores[:, None], *(kept if keep else [])], axis=1)
