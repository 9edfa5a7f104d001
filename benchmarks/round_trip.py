"""How far a float32 round trip to the latents and back misses: max |x - f(f^-1(x))|, ours beside the peers'.

    python -m benchmarks.round_trip
    python -m benchmarks.round_trip --kinds affine spline_coupling --who ours zuko --steps 100

D = 43, inputs x ~ N(0, 3^2), flows trained for 300 steps on the same correlated, skewed, heavy-tailed rows: five
autoregressive layers or ten couplings, hidden (128, 128). The second table is ours alone: how the error grows with the
number of layers and with the scale of the inputs. Each flow is trained in a process of its own, in its environment. No
times are taken, so the machine need not be quiet. Prints two tables, writes ``benchmarks/results/round_trip.json`` and
``round_trip.md``. Wanted: ours no worse than the best peer.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from benchmarks.cases import OURS
from benchmarks.common import COUPLINGS, KINDS
from benchmarks.compare import RESULTS, run_once
from benchmarks.tables import machine

WHO = (OURS, "zuko", "nflows", "normflows", "flowjax")
DEPTHS = (2, 5, 10, 20)
SCALES = ("1", "3", "10")
SCALE = "3"  # that of the first table


def run(who: str, kind: str, layers: int, options: argparse.Namespace) -> dict[str, Any]:
    """One flow: its JSON line, or ``{"error": ...}``."""
    module = "benchmarks.ours.round_trip" if who == OURS else f"benchmarks.peers.{who}.round_trip"
    sizes = f"--kind {kind} --dim 43 --hidden 128 128 --layers {layers} --rows {options.rows} --steps {options.steps}"
    result = run_once(who, [module, *sizes.split(), "--scales", *SCALES], options.timeout, quiet_cap=0)
    words = result.get("error")
    if not words:
        words = (
            ", ".join(f"{s}: {result['errors'][s]['max']:.1e}" for s in SCALES) + f", loss {result['last_loss']:.2f}"
        )
    print(f"{kind}, {layers} layers, {who}: {words}", file=sys.stderr)
    return result


def cell(result: dict[str, Any], scale: str) -> str:
    """Largest error, and the median over rows of the row's largest."""
    if "error" in result:
        return f"failed: {result['error']}".replace("|", "/")
    error = result["errors"][scale]
    return f"{error['max']:.1e} ({error['median']:.1e})"


def table(heads: list[str], lines: list[list[str]]) -> list[str]:
    """A Markdown table."""
    return ["| " + " | ".join(line) + " |" for line in (heads, ["---"] * len(heads), *lines)]


def markdown(result: dict[str, Any]) -> str:
    """Both tables."""
    where, peers, growth = result["machine"], result["peers"], result["growth"]
    lines = [
        "# round_trip",
        "",
        f"{where['processor']}, Python {where['python']}, {where['date']}; flows trained for {result['steps']} steps, "
        f"{result['rows']} rows. Largest error of all numbers and, in brackets, the median of the rows' largest.",
        "",
        f"Inputs N(0, {SCALE}^2):",
        "",
    ]
    kinds = list(peers)
    who = list(dict.fromkeys(name for by_peer in peers.values() for name in by_peer))
    lines += table(["", *kinds], [[w, *(cell(peers[kind][w], SCALE) for kind in kinds)] for w in who])
    lines += ["", "The losses of the last training batch, in nats:", ""]
    losses = [[w, *(f"{peers[kind][w].get('last_loss', float('nan')):.2f}" for kind in kinds)] for w in who]
    lines += table(["", *kinds], losses)
    if growth:
        lines += ["", "Ours, by the number of layers and the scale of the inputs:", ""]
        heads = ["", "layers", *(f"N(0, {scale}^2)" for scale in SCALES)]
        cells = [
            [kind, layers, *(cell(r, scale) for scale in SCALES)]
            for kind, by_depth in growth.items()
            for layers, r in by_depth.items()
        ]
        lines += table(heads, cells)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all, print the tables, write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--who", nargs="+", choices=WHO, default=list(WHO))
    parser.add_argument(
        "--depths", type=int, nargs="*", default=list(DEPTHS), help="of the second table; none: leave out"
    )
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds a process")
    options = parser.parse_args()
    peers: dict[str, dict[str, Any]] = {}
    growth: dict[str, dict[str, Any]] = {}
    for kind in options.kinds:
        layers = 10 if kind in COUPLINGS else 5
        peers[kind] = {who: run(who, kind, layers, options) for who in options.who}
        known = {layers: peers[kind][OURS]} if OURS in peers[kind] else {}
        if options.depths:
            growth[kind] = {str(depth): known.get(depth) or run(OURS, kind, depth, options) for depth in options.depths}
    result = {"machine": machine(), "steps": options.steps, "rows": options.rows, "peers": peers, "growth": growth}
    text = markdown(result)
    print(text)
    if set(options.kinds) == set(KINDS) and set(options.who) == set(WHO):
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "round_trip.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "round_trip.md").write_text(text)


if __name__ == "__main__":
    main()
