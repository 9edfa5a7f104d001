"""A round trip of a flow trained a little with FlowJAX."""

import equinox as eqx
import jax
import jax.numpy as jnp
import paramax

from benchmarks.common import round_trip_arguments
from benchmarks.harness import report_round_trip
from benchmarks.peers.flowjax.model import PACKAGES
from benchmarks.peers.flowjax.training import Trainer


def main() -> None:
    """Train; then the bijection, row by row under ``vmap``."""
    arguments = round_trip_arguments()
    trainer = Trainer(arguments)

    @jax.jit
    def there_and_back(params, x):
        bijection = paramax.unwrap(eqx.combine(params, trainer.static)).bijection
        return jax.vmap(lambda row: bijection.transform(bijection.inverse(row)))(x)

    report_round_trip(
        "flowjax",
        arguments,
        lambda x: trainer.step(jnp.asarray(x)),
        lambda x: there_and_back(trainer.params, x),
        PACKAGES,
    )


if __name__ == "__main__":
    main()
