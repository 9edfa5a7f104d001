"""Density passes and samples of a masked autoregressive flow."""

import equinox as eqx
import jax
import jax.numpy as jnp

from benchmarks.common import flow_arguments
from benchmarks.harness import report_sampling, rows_of
from benchmarks.ours import PACKAGES
from benchmarks.ours.model import flow


def main() -> None:
    """Both directions of one flow, same rows."""
    arguments = flow_arguments(rows=1024)
    model = flow(arguments)
    x = jnp.asarray(rows_of(arguments))
    density = eqx.filter_jit(lambda model, x: model.log_prob(x))
    sample = eqx.filter_jit(lambda model, key: model.sample(key, (arguments.rows,)))
    report_sampling(
        "ours",
        arguments,
        lambda: density(model, x),
        lambda: sample(model, jax.random.key(1)),
        PACKAGES,
        jax.block_until_ready,
    )


if __name__ == "__main__":
    main()
