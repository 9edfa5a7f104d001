"""Checks and defaults of `TableFlow.fit` that need no array: quick, and before anything is compiled."""

import inspect
from collections.abc import Mapping
from typing import Any

from .. import flows
from ..data import Table, TableError
from ..training.settings import default_batch_size, default_epochs

LEAST_ROWS, MOST_COLUMNS = 10, 1000

# A table needs the latents of one flow, which a mixture has not.
RECIPES = tuple(name for name in flows.__all__ if name != "mixture")


def check_size(table: Table) -> None:
    """Refuse tables that are too small to train and test on, or too wide.

    The linear maps of a flow grow with the square of the columns: at 1,000 the default flow has 13 million parameters,
    and a step of 256 rows takes 0.3 s on 2 cores, so that 10,000 rows train for a quarter of an hour.

    Raises:
        TableError: naming the size and the cure.
    """
    where = f"{table.source}: " if table.source else ""
    if len(table.names) > MOST_COLUMNS:
        raise TableError(
            f"{where}the table has {len(table.names):,} columns, and a flow is for {MOST_COLUMNS:,} at most; choose "
            "the columns that matter, or reduce them first (principal components, say)"
        )
    if len(table) < LEAST_ROWS:
        raise TableError(
            f"{where}the table has {len(table):,} row{'s' if len(table) != 1 else ''}, and {LEAST_ROWS} are the least "
            "to train a flow and test it; give more rows"
        )


def training_defaults(rows: int) -> dict[str, int]:
    """Batch size and epochs for a number of rows, training and validation together.

    Those of `pushforward.fit`, but large tables are trained in few epochs, so that there are about 30,000 steps in all,
    two or three minutes at 10 columns on 2 cores.
    """
    batch = default_batch_size(rows) if rows < 250_000 else 512
    return {"batch_size": batch, "epochs": min(default_epochs(rows), max(4, -(-30_000 * batch // rows)))}


def recipe_of(flow: Any, options: Mapping[str, Any]) -> Any:
    """The function of `pushforward.flows` called `flow`, once it is known to take these options.

    Raises:
        ValueError: for an unknown flow or option, listing those that there are.
    """
    if flow not in RECIPES:
        raise ValueError(f"flow: expected one of {', '.join(RECIPES)}, and got {flow!r}")
    recipe = getattr(flows, flow)
    fixed = ("key", "dim", "condition_dim", "base", "train_base")
    known = [name for name in inspect.signature(recipe).parameters if name not in fixed]
    for name in options:
        if name not in known:
            raise ValueError(f"flow_options: {flow} takes {', '.join(known)}, and got {name!r}")
    return recipe


def described(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a flow as JSON can hold them; a function by its name."""
    return {name: _plain(value) for name, value in options.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return getattr(value, "__name__", repr(value)) if callable(value) else value
