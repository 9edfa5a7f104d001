"""Two moons in plain JAX: the whole process, with all left out that is not arithmetic of this very model.

No library, no module, no optimiser package; one program runs all epochs over one fixed order of the rows, and nothing
can interrupt it, validate, stop, average or shuffle. For D = 2 a masked network is a function of the first coordinate
alone, so no mask is needed either, and a sample takes one pass. It says how little time the task takes on JAX.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree

from benchmarks.common import ADAM_RATE, Moons, emit, moons_arguments, since_start


@jax.custom_jvp
def product(weight, a):
    """`weight @ a` whose reverse mode takes the faster kernels of XLA's CPU backend in small batches."""
    return weight @ a


@product.defjvp
def _product_jvp(primals, tangents):
    (weight, a), (d_weight, d_a) = primals, tangents
    through_a = lax.optimization_barrier(lax.optimization_barrier(d_a.T) @ weight.T).T
    return weight @ a, d_weight @ a + through_a


def init(hidden: list[int], layers: int, seed: int) -> list[list]:
    """For each layer the weights and biases of its network, and the first coordinate's own shift and log-scale."""
    rng, sizes = np.random.RandomState(seed), [1, *hidden, 2]

    def dense(out: int, into: int) -> tuple[np.ndarray, np.ndarray]:
        weight = rng.standard_normal((out, into)) / np.sqrt(into) * (0.1 if out == 2 else 1)
        return weight.astype(np.float32), np.zeros((out, 1), np.float32)

    pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
    return [[*(dense(out, into) for out, into in pairs), np.zeros((2, 1), np.float32)] for _ in range(layers)]


def network(parts, x, multiply):
    """Shift and log-scale of the second coordinate, (2, rows), from the first, (1, rows)."""
    for weight, bias in parts[:-1]:
        x = jax.nn.relu(multiply(weight, x) + bias)
    weight, bias = parts[-1]
    return multiply(weight, x) + bias


def log_prob(layers, x, multiply=jnp.matmul):
    """Log-densities of the columns of x, (2, rows)."""
    total = jnp.zeros(x.shape[1])
    for *parts, (shift, log_scale) in layers:
        out = network(parts, x[:1], multiply)
        total -= log_scale + out[1]
        x = jnp.stack([(x[1] - out[0]) * jnp.exp(-out[1]), (x[0] - shift) * jnp.exp(-log_scale)])
    return total - jnp.sum(x**2, 0) / 2 - np.log(2 * np.pi)


def sample(layers, key, count: int):
    """`count` columns."""
    x = jax.random.normal(key, (2, count))
    for *parts, (shift, log_scale) in layers[::-1]:
        first = x[1] * jnp.exp(log_scale) + shift
        out = network(parts, first[None], jnp.matmul)
        x = jnp.stack([first, x[0] * jnp.exp(out[1]) + out[0]])
    return x


def train(layers, rows: np.ndarray, batch: int, epochs: int, seed: int):
    """The parameters after Adam over the rows in one fixed order."""
    flat, unravel = ravel_pytree(layers)
    steps = -(-len(rows) // batch)
    order = np.resize(np.random.RandomState(seed).permutation(len(rows)), steps * batch).astype(np.int32)

    def step(i, state):
        v, m, u = state
        taken = rows_on_device[lax.dynamic_slice_in_dim(order_on_device, i % steps * batch, batch)].T
        gradient = jax.grad(lambda layers: -jnp.mean(log_prob(layers, taken, product)))(unravel(v))
        g = ravel_pytree(gradient)[0]
        m, u = 0.9 * m + 0.1 * g, 0.999 * u + 0.001 * g * g
        t = (i + 1).astype(jnp.float32)
        root = jnp.sqrt(1 - 0.999**t)
        return v - ADAM_RATE * root / (1 - 0.9**t) * m / (jnp.sqrt(u) + 1e-8 * root), m, u

    rows_on_device, order_on_device = jnp.asarray(rows), jnp.asarray(order)
    run = jax.jit(lambda state: lax.fori_loop(0, steps * epochs, step, state))
    return jax.block_until_ready(unravel(run((flat, jnp.zeros_like(flat), jnp.zeros_like(flat)))[0]))


def main() -> None:
    """Train, density on the grid, samples; then the test NLL."""
    arguments = moons_arguments()
    imported = since_start()
    moons = Moons(arguments.points)
    layers = init(arguments.hidden, arguments.layers, arguments.seed)
    layers = train(layers, moons.train, arguments.batch, arguments.epochs, arguments.seed)
    trained = since_start()
    density = jax.jit(lambda layers, x: log_prob(layers, x.T))
    np.asarray(density(layers, moons.grid))
    np.asarray(jax.jit(sample, static_argnames="count")(layers, jax.random.key(2), count=10_000))
    total = since_start()
    emit(
        "bare",
        "moons",
        [total],
        ("jax", "jaxlib"),
        nll=moons.raw_nll(np.asarray(density(layers, moons.test))),
        nll_units="nats, raw units",
        seed=arguments.seed,
        imported_s=imported,
        trained_s=trained,
    )


if __name__ == "__main__":
    main()
