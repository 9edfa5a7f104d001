"""What a gradient through the sequential direction of an autoregressive layer costs, in density passes.

    python -m benchmarks.sequential_gradient
    python -m benchmarks.sequential_gradient --kinds affine --dim 256 --hidden 512 512 --rows 256

One layer, D = 43, hidden (256, 256), 1,024 rows: a density pass, the sequential direction, and value and gradient of a
function of it by parameters and inputs, taking turns; medians in seconds of the processor, so that other work on the
machine counts little. The gradient's share is value and gradient less the value. Wanted: at most 5 density passes.
Prints a table and writes ``benchmarks/results/sequential_gradient.md``.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

from benchmarks.common import versions
from benchmarks.tables import origin, publish

KINDS = ("affine", "spline", "mixture")


def passes(kind: str, options: argparse.Namespace) -> list[float]:
    """(sequential direction, its value and gradient, the gradient alone), in density passes."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from pushforward import flows, trainable

    recipe = {"affine": flows.maf, "spline": flows.spline_autoregressive, "mixture": flows.maf_mog}[kind]
    key = jax.random.key(0)
    flow = recipe(key, options.dim, layers=1, hidden_units=tuple(options.hidden), permutation=None)
    parameters, constants = eqx.partition(flow, trainable(flow))
    z = jax.random.normal(jax.random.fold_in(key, 1), (options.rows, options.dim))

    def density(parameters, x):
        return jnp.mean(eqx.combine(parameters, constants).log_prob(x))

    def sequential(parameters, z):
        return jnp.mean(jnp.sin(eqx.combine(parameters, constants).bijector.forward(z)))

    functions = [density, sequential, jax.value_and_grad(sequential, argnums=(0, 1))]
    programs = [jax.jit(fn).lower(parameters, z).compile() for fn in functions]
    times: list[list[float]] = [[] for _ in programs]
    for round_ in range(options.rounds + 1):
        for program, found in zip(programs, times, strict=True):
            start = time.process_time()
            jax.block_until_ready(program(parameters, z))
            if round_:
                found.append(time.process_time() - start)
    one, value, both = map(median, times)
    return [value / one, both / one, (both - value) / one]


def main() -> None:
    """Print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--dim", type=int, default=43)
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 256])
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    lines = [
        f"{origin(versions('pushforward', 'jax'))} In density passes, D = {options.dim}, {options.rows:,} rows, "
        f"medians of {options.rounds} interleaved calls.",
        "",
        "| | sequential direction | its value and gradient | the gradient alone |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {kind} | {' | '.join(f'{n:.1f}' for n in passes(kind, options))} |" for kind in options.kinds]
    publish("sequential_gradient", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
