"""A density pass and sampling on TFP's JAX substrate, jitted."""

import jax
import jax.numpy as jnp

from benchmarks.common import flow_arguments
from benchmarks.harness import report_sampling, rows_of
from benchmarks.peers.tfpjax.model import PACKAGES, distribution, init


def main() -> None:
    """Both calls take the parameters as an argument, so they are not constants."""
    arguments = flow_arguments(rows=1024)
    shape = (arguments.kind, arguments.dim, arguments.hidden)
    params = init(*shape, arguments.layers, arguments.seed)
    x, key = jnp.asarray(rows_of(arguments)), jax.random.key(0)
    log_prob = jax.jit(lambda p, rows: distribution(p, *shape).log_prob(rows))
    sample = jax.jit(lambda p, key: distribution(p, *shape).sample(arguments.rows, seed=key))
    report_sampling(
        "tfpjax",
        arguments,
        lambda: log_prob(params, x),
        lambda: sample(params, key),
        PACKAGES,
        jax.block_until_ready,
    )


if __name__ == "__main__":
    main()
