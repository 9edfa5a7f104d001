"""`pushforward check`: a certificate of a model."""

import dataclasses
from pathlib import Path
from typing import Any

from . import options

NAME = "check"
EXAMPLES = options.examples(
    "pushforward check model",
    "pushforward check model table.csv && echo sound",
)


def run(
    model: options.ModelIn,
    table: options.TableAsked = None,
    rows: options.Rows = 20_000,
    delimiter: options.Delimiter = None,
    header: options.Header = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Check the mathematics of a model; exit 1 if it fails.

    On TABLE, or on samples of MODEL: finite values and gradients, round trips, log-determinants against automatic
    differentiation, normalisation, layer by layer. Exit 0 if all holds, 1 if a check fails.
    """
    from .console import Console
    from .errors import DONE, FAILED
    from .models import load
    from .waiting import Waiting

    console = Console(quiet, as_json)
    flow, _ = load(model)
    x, condition = _rows_of(flow, model, table, rows, seed, delimiter, header, console)
    console.note(f"checking {len(x):,} {'samples' if table is None else 'rows'}")

    from ..diagnostics import check

    with Waiting("checking", quiet):
        certificate = check(flow.flow, x, condition=condition)
    facts = {
        "ok": certificate.ok,
        "subject": certificate.subject,
        "findings": [dataclasses.asdict(finding) for finding in certificate.findings],
        "layers": [dataclasses.asdict(layer) for layer in certificate.layers],
    }
    console.result(str(certificate), facts)
    return DONE if certificate.ok else FAILED


def _rows_of(
    flow: Any,
    model: Path,
    table: Path | None,
    most: int,
    seed: int,
    delimiter: str | None,
    header: bool | None,
    console: Any,
) -> tuple[Any, Any]:
    """(x, condition), standardised: of the table, else samples."""
    import numpy as np

    from .errors import UsageError
    from .models import read_for

    schema = flow.schema
    if table is None:
        if schema.condition_names:
            raise UsageError(
                f"{model}: this model is conditioned on {', '.join(schema.condition_names)}, so its samples need "
                "values of them; give the table, such as the one it was fitted to"
            )
        return schema.standardize(flow.sample(min(most, 2_000), seed=seed)), None
    x, condition = schema.select(read_for(flow, table, delimiter, header, console))
    if len(x) > most:
        chosen = np.sort(np.random.default_rng(seed).choice(len(x), most, replace=False))
        x, condition = x[chosen], None if condition is None else condition[chosen]
    return schema.standardize(x), None if condition is None else schema.standardize_condition(condition)
