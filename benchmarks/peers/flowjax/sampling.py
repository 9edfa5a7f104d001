"""A density pass and sampling with FlowJAX, jitted."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from benchmarks.common import flow_arguments
from benchmarks.harness import report_sampling, rows_of
from benchmarks.peers.flowjax.model import PACKAGES, build


def main() -> None:
    """Both calls take the model as an argument, so its weights are not constants."""
    arguments = flow_arguments(rows=1024)
    shape = (arguments.dim, arguments.hidden, arguments.layers)
    flow = build(arguments.kind, *shape, arguments.seed)
    x, key = jnp.asarray(rows_of(arguments)), jr.key(0)
    log_prob = eqx.filter_jit(lambda model, rows: model.log_prob(rows))
    sample = eqx.filter_jit(lambda model, key: model.sample(key, (arguments.rows,)))
    report_sampling(
        "flowjax",
        arguments,
        lambda: log_prob(flow, x),
        lambda: sample(flow, key),
        PACKAGES,
        jax.block_until_ready,
    )


if __name__ == "__main__":
    main()
