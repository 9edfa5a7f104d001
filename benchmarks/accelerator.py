"""A GPU beside the CPU: do they give the same numbers, and what does a step take?

    python -m benchmarks.accelerator agree                      # every recipe; --only maf bnaf for some
    python -m benchmarks.accelerator step                       # milliseconds by kind, rows and precision

**agree**: a flow of each recipe, D = 8, weights moved from where they start. For each platform the largest error of
log_prob on 256 normal rows beside float64 on the CPU, in nats, and the largest |x - f(f^-1(x))|: float32's own errors,
which should be alike. **step**: loss, gradient and Adam of D = 43, hidden (256, 256), 5 autoregressive or 10 coupling
layers, by the rows of a batch and by `matmul_precision` of the networks; 50 steps are sent off at once, as in `fit`.

Both print Markdown. Without a GPU, `step` times the CPU and `agree` compares it with itself.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.common import ADAM_RATE, COUPLINGS, KINDS
from benchmarks.ours.model import flow
from pushforward import flows, trainable
from pushforward.training.objectives import PRECISIONS

DIM = 8


def moved(key: jax.Array, model: Any, scale: float = 0.05) -> Any:
    """The model with normal numbers added to what trains."""
    leaves, structure = jax.tree.flatten(eqx.filter(model, trainable(model)))
    keys = jax.random.split(key, len(leaves))
    noise = [scale * jax.random.normal(k, leaf.shape, leaf.dtype) for k, leaf in zip(keys, leaves, strict=True)]
    return eqx.apply_updates(model, jax.tree.unflatten(structure, noise))


def errors(model: Any, x: np.ndarray, exact: np.ndarray, device: jax.Device) -> tuple[float, float]:
    """(of log_prob beside `exact`, of a round trip) on a device."""

    def numbers(model: Any, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        return model.log_prob(x), model.bijector.forward(model.bijector.inverse(x))

    with jax.default_device(device):
        arrays, rest = eqx.partition(model, eqx.is_array)
        arrays = jax.device_put(arrays, device)
        log_prob, back = eqx.filter_jit(numbers)(eqx.combine(arrays, rest), jax.device_put(x, device))
    return float(np.abs(np.asarray(log_prob, np.float64) - exact).max()), float(np.abs(np.asarray(back) - x).max())


def agree(recipes: list[str]) -> None:
    """A line a recipe."""
    cpu, accelerator = jax.devices("cpu")[0], jax.devices()[0]
    rows = np.random.default_rng(0).standard_normal((256, DIM), dtype=np.float32)
    heads = [f"{what}, {where}" for what in ("log p", "round trip") for where in ("CPU", accelerator.platform)]
    print(f"| recipe | {' | '.join(heads)} |")
    print("| --- | --- | --- | --- | --- |")
    for recipe in recipes:
        x = np.clip(rows, -3, 3) if recipe == "circular" else rows
        with jax.default_device(cpu):
            model = moved(jax.random.key(1), getattr(flows, recipe)(jax.random.key(0), DIM))
            if not hasattr(model, "bijector"):
                print(f"| {recipe} | a mixture, of flows that are here | | | |")
                continue
            with jax.enable_x64():
                wide = jax.tree.map(
                    lambda a: (
                        jnp.asarray(a, jnp.float64) if eqx.is_array(a) and jnp.issubdtype(a.dtype, jnp.float32) else a
                    ),
                    model,
                )
                exact = np.asarray(eqx.filter_jit(lambda m, x: m.log_prob(x))(wide, jnp.asarray(x, jnp.float64)))
        found = [errors(model, x, exact, device) for device in (cpu, accelerator)]
        cells = [f"{pair[k]:.1e}" for k in (0, 1) for pair in found]
        print(f"| {recipe} | {' | '.join(cells)} |", flush=True)


def compiled_step(kind: str, rows: int, precision: str | None) -> tuple[Any, list[Any]]:
    """(the compiled step, its arguments)."""
    sizes = argparse.Namespace(kind=kind, seed=0, dim=43, hidden=[256, 256], layers=10 if kind in COUPLINGS else 5)
    model = flow(sizes)
    parameters, constants = eqx.partition(model, trainable(model))
    optimizer = optax.adam(ADAM_RATE)

    def loss(parameters: Any, x: jax.Array) -> jax.Array:
        with jax.default_matmul_precision(PRECISIONS[precision]) if precision else nullcontext():
            return -jnp.mean(eqx.combine(parameters, constants).log_prob(x))

    def update(parameters: Any, state: Any, x: jax.Array) -> tuple[Any, Any, jax.Array]:
        value, gradient = jax.value_and_grad(loss)(parameters, x)
        updates, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state, value

    x = jnp.asarray(np.random.default_rng(0).standard_normal((rows, 43), dtype=np.float32))
    arguments = [parameters, optimizer.init(parameters), x]
    return jax.jit(update, donate_argnums=(0, 1)).lower(*arguments).compile(), arguments


def step(kinds: list[str], sizes: list[int], precisions: list[str | None]) -> None:
    """A line for each kind and number of rows; compiled side by side, timed one after the other."""
    cases = [(kind, rows, precision) for kind in kinds for rows in sizes for precision in precisions]
    with ThreadPoolExecutor(8) as pool:
        programs = list(pool.map(lambda case: compiled_step(*case), cases))
    names = [precision or "float32" for precision in precisions]
    print("| kind | rows | " + " | ".join(f"{name}, ms" for name in names) + " |")
    print("|" + " --- |" * (2 + len(names)))
    cells: list[str] = []
    for (kind, rows, _), (program, (parameters, state, x)) in zip(cases, programs, strict=True):
        taken = []
        for _ in range(4):
            start = time.perf_counter()
            for _ in range(50):
                parameters, state, value = program(parameters, state, x)
            jax.block_until_ready(value)
            taken.append((time.perf_counter() - start) / 50)
        cells.append(f"{1e3 * sorted(taken[1:])[1]:.2f}")
        if len(cells) == len(names):
            print(f"| {kind} | {rows} | {' | '.join(cells)} |", flush=True)
            cells = []


def main() -> None:
    """Say what runs where, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["agree", "step"])
    parser.add_argument("--only", nargs="+", help="recipes, or kinds of steps; default all")
    parser.add_argument("--rows", type=int, nargs="+", default=[512, 4096], help="of the batches of steps")
    parser.add_argument("--precisions", nargs="+", default=["float32", *PRECISIONS])
    given = parser.parse_args()
    print(f"{jax.devices()[0].device_kind}, JAX {jax.__version__}", file=sys.stderr)
    if given.what == "agree":
        agree(given.only or sorted(flows.__all__))
    else:
        precisions = [None if name == "float32" else name for name in given.precisions]
        step(given.only or list(KINDS), given.rows, precisions)


if __name__ == "__main__":
    main()
