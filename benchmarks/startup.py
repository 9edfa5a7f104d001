"""What people feel first: imports, compile time by depth, memory of `fit`.

    python -m benchmarks.startup

Medians of three fresh interpreters. Prints a table and writes ``benchmarks/results/startup.md``.
"""

import subprocess
import sys
from statistics import median

from benchmarks.common import versions
from benchmarks.tables import origin, publish

IMPORT = "import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"

DEPTH = """
import time
import equinox as eqx, jax
from pushforward import flows, trainable
key = jax.random.key(0)
x = jax.random.normal(key, (256, 8))
flow = flows.maf(key, 8, layers={layers})
parameters, constants = eqx.partition(flow, trainable(flow))
loss = lambda p: -eqx.combine(p, constants).log_prob(x).mean()
step = jax.jit(lambda p: jax.tree.map(lambda a, g: a - 1e-3 * g, p, jax.grad(loss)(p)))
start = time.perf_counter()
jax.block_until_ready(step(parameters))
print(time.perf_counter() - start)
"""

MEMORY = """
import resource
import jax, numpy as np
import pushforward as pf
from pushforward import flows
flow = flows.maf(jax.random.key(0), 20)
jax.block_until_ready(jax.numpy.ones(3) + 1)
x = np.random.default_rng(0).standard_normal((1_000_000, 20), dtype=np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - x.nbytes / 1024
pf.fit(jax.random.key(1), flow, x, epochs=1, batch_size=4096, progress=False)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / x.nbytes)
"""


def number(code: str, repeats: int = 3) -> float:
    """The median of the number that a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    return median(
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(repeats)
    )


def main() -> None:
    """Print the table and write it."""
    shallow, deep = (number(DEPTH.format(layers=layers)) for layers in (5, 40))
    figures = {
        "`import jax`, s": number(IMPORT.format(module="jax")),
        "with `pushforward`, whose names are imported on use, s": number(IMPORT.format(module="jax, pushforward")),
        "with its flows and training, s": number(IMPORT.format(module="jax, pushforward.flows, pushforward.training")),
        "compiling and the first step, MAF at D = 8, 5 layers, s": shallow,
        "the same with 40 layers, s": deep,
        "peak memory of `fit` on 1,000,000 x 20 float32, in tables, the table included": number(MEMORY, 1),
    }
    lines = [f"{origin(versions('pushforward', 'jax'))} Medians of three interpreters.", ""]
    lines += ["| | |", "| --- | --- |", *(f"| {what} | {figure:.2f} |" for what, figure in figures.items())]
    publish("startup", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
