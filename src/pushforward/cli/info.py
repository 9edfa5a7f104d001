"""`pushforward info`: what a model is, on what data, how good."""

from typing import Any

from . import options
from .console import clock
from .errors import one_line

NAME = "info"
EXAMPLES = options.examples("pushforward info model", "pushforward info model --json | jq .held_out.nll")

_DISTINCT_CAP = 1000  # Of a schema, which counts no further.


def run(
    model: options.ModelIn,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Say what a model is, on what data, and how good."""
    from .console import Console
    from .models import load

    flow, _ = load(model)

    from ..io import info

    folder = info(model)
    facts = {
        **flow.record,
        "model": str(model),
        "saved": folder["saved"],
        "versions": folder["versions"],
        "bytes": folder["bytes"],
        "parameters": _parameters(flow.flow),
        "columns": _columns(flow.schema.columns),
        "condition": _columns(flow.schema.condition),
        "epochs": None if flow.history is None else len(flow.history),
        "stopped": None if flow.history is None else flow.history.stopped,
    }
    Console(quiet, as_json).result(_page(facts), facts)


def _columns(columns: Any) -> list[dict[str, Any]]:
    import dataclasses

    return [dataclasses.asdict(column) for column in columns]


def _parameters(flow: Any) -> int:
    """How many numbers were trained."""
    import jax

    from ..core import trainable

    pairs = zip(jax.tree.leaves(flow), jax.tree.leaves(trainable(flow)), strict=True)
    return sum(leaf.size for leaf, trains in pairs if trains)


def _page(facts: dict[str, Any]) -> str:
    """The facts for a person."""
    training = f"{count(facts['epochs'], 'epoch')}, the best {facts.get('best_epoch')}"
    training += {"patience": "; stopped by patience", "interrupted": "; interrupted"}.get(facts["stopped"] or "", "")
    if facts.get("seconds") is not None:
        training += f"; {clock(facts['seconds'])}"
    lines = [
        ("model", f"{facts['model']}, saved {facts['saved']}, {facts['bytes'] / 1e6:.1f} MB"),
        ("flow", f"{facts.get('flow')}{_options(facts)}, {facts['parameters']:,} trained numbers"),
        ("data", f"{facts.get('source') or 'unknown'}, {count(facts.get('rows'), 'row')}"),
        ("how good", quality(facts)),
        ("training", f"{training}; seed {facts.get('seed')}"),
        ("versions", ", ".join(f"{name} {number}" for name, number in facts["versions"].items())),
    ]
    width = max(len(name) for name, _ in lines)
    text = [f"{name.ljust(width)}  {one_line(words)}" for name, words in lines]
    text += ["", *_table_of(facts["columns"], "column")]
    if facts["condition"]:
        text += ["", *_table_of(facts["condition"], "given")]
    return "\n".join(text)


def quality(facts: dict[str, Any]) -> str:
    """How good a model is, beside what simple models reach."""
    held_out = facts.get("held_out")
    if not held_out:
        return "not known, as no rows were held out"
    error = held_out.get("standard_error")
    text = f"held-out NLL {held_out['nll']:.4f}" + (f" ± {error:.4f}" if error is not None else "")
    text += f" nats a row ({count(held_out['rows'], 'row')})"
    for name, figure in (facts.get("baselines") or {}).items():
        if isinstance(figure, dict) and figure.get("nll") is not None:
            text += f"; {name.replace('_', ' ')} {figure['nll']:.4f}"
    return text


def _options(facts: dict[str, Any]) -> str:
    given = facts.get("flow_options") or {}
    return f" ({', '.join(f'{name}={value}' for name, value in given.items())})" if given else ""


def count(number: Any, noun: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"unknown {noun}s" if number is None else f"{number:,} {noun}{'' if number == 1 else 's'}"


def _table_of(columns: list[dict[str, Any]], head: str, most: int = 50) -> list[str]:
    rows: list[tuple[str, ...]] = [(head, "mean", "std", "minimum", "maximum", "distinct", "kind")]
    for column in columns[:most]:
        numbers = [f"{column[key]:.6g}" for key in ("loc", "scale", "minimum", "maximum")]
        distinct = f"{column['distinct']:,}" + ("+" if column["distinct"] >= _DISTINCT_CAP else "")
        rows.append((one_line(column["name"], 32), *numbers, distinct, "whole" if column["integer"] else "real"))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return lines + ([f"and {len(columns) - most:,} more (all of them with --json)"] if len(columns) > most else [])
