"""One optimisation step with FlowJAX: its likelihood loss, jitted, buffers donated."""

import jax
import jax.numpy as jnp

from benchmarks.common import flow_arguments
from benchmarks.harness import report_step, rows_of
from benchmarks.peers.flowjax.model import PACKAGES
from benchmarks.peers.flowjax.training import Trainer

if __name__ == "__main__":
    arguments = flow_arguments(rows=512)
    trainer, x = Trainer(arguments), jnp.asarray(rows_of(arguments))
    report_step("flowjax", arguments, lambda: trainer.step(x), PACKAGES, jax.block_until_ready)
