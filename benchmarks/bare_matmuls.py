"""The floor of a training step: its matrix products alone, forward and backward, in JAX.

For each layer the three products of its network (from all coordinates in a masked
autoregressive flow, from half of them in a coupling, for the other half), and in the
backward pass two for each: by the weights and by the input. No masks, activations,
transformers, losses or optimiser. Layers are not joined, so nothing else is computed.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import COUPLINGS, case, emit, flow_arguments, measure, parameters_of


def shapes(kind: str, dim: int, hidden: list[int]) -> list[tuple[int, int]]:
    """Shapes of one network's weight matrices."""
    stay, move = (dim // 2, dim - dim // 2) if kind in COUPLINGS else (dim, dim)
    return list(pairwise([stay, *hidden, move * parameters_of(kind)]))


def main() -> None:
    """Time all products of all layers in one compiled call."""
    arguments = flow_arguments(rows=512)
    rng = np.random.RandomState(arguments.seed)

    def draw(*shape):
        return jnp.asarray(rng.standard_normal(shape).astype(np.float32))

    sizes = shapes(arguments.kind, arguments.dim, arguments.hidden)
    weights = [[draw(*size) for size in sizes] for _ in range(arguments.layers)]
    inputs = [draw(arguments.rows, sizes[0][0]) for _ in range(arguments.layers)]
    cotangents = [draw(arguments.rows, sizes[-1][1]) for _ in range(arguments.layers)]

    def network(x, layer):
        for w in layer:
            x = x @ w
        return x

    @jax.jit
    def products(inputs, weights, cotangents):
        results = []
        for x, layer, cotangent in zip(inputs, weights, cotangents, strict=True):
            out, pull = jax.vjp(network, x, layer)
            results.append((out, pull(cotangent)))
        return results

    first, repeats = measure(lambda: products(inputs, weights, cotangents), jax.block_until_ready, arguments.seconds)
    emit(
        "bare_matmuls",
        case("step", arguments),
        repeats,
        ("jax",),
        first_call_s=first,
        flop=6 * arguments.rows * arguments.layers * sum(a * b for a, b in sizes),
    )


if __name__ == "__main__":
    main()
