"""What is minimised: pure functions (model, batch, key) -> scalar loss."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ..core.shapes import accumulation_dtype
from ..nets.products import IN_BFLOAT16


class Batch(NamedTuple):
    """Rows of one step.

    Attributes:
        x: [rows | event].
        condition: [rows | condition], or None.
        weight: [rows]; 0 for the rows that fill up the last batch of an epoch.
    """

    x: jax.Array
    condition: jax.Array | None
    weight: jax.Array


Objective = Callable[[Any, Batch, jax.Array], jax.Array]

# What `fit(matmul_precision=...)` may be, and how JAX names it.
PRECISIONS = {"tensorfloat32": "tensorfloat32", "bfloat16": IN_BFLOAT16}


def maximum_likelihood(model: Any, batch: Batch, key: jax.Array) -> jax.Array:
    """loss = - sum_n w_n log p(x_n | c_n) / sum_n w_n, in nats.

    Args:
        model: a distribution; with `batch.condition`, a callable that gives one.
        batch: the rows and their weights.
        key: not used.
    """
    del key
    distribution = model if batch.condition is None else model(batch.condition)
    log_prob = distribution.log_prob(batch.x)
    if log_prob.shape != batch.weight.shape:
        raise ValueError(
            f"expected one log-density for each of the {batch.weight.shape[0]} rows of a batch, and got an array of "
            f"shape {log_prob.shape}: the rank of the model's events is not that of a row. Check model.event_shape and "
            "model.batch_shape; a model with batch axes of its own is several models."
        )
    dtype = accumulation_dtype(log_prob.dtype)
    weight = batch.weight.astype(dtype)
    return -jnp.sum(weight * log_prob.astype(dtype)) / jnp.sum(weight)


@dataclasses.dataclass(frozen=True)
class Rounded:
    """The objective with rounded factors in the networks' products, and sums and all else as they are.

    Attributes:
        objective: the loss.
        precision: a name for `jax.default_matmul_precision`.
    """

    objective: Objective
    precision: str

    def __call__(self, model: Any, batch: Batch, key: jax.Array) -> jax.Array:
        with jax.default_matmul_precision(self.precision):
            return self.objective(model, batch, key)


_BY_NAME: dict[str, Objective] = {"maximum_likelihood": maximum_likelihood}


def objective_named(loss: str | Objective) -> Objective:
    """The objective of that name, or the function itself.

    Raises:
        ValueError: for a name that is not known.
        TypeError: for something that is no function, or one that cannot be hashed (a module that holds arrays).
    """
    if isinstance(loss, str):
        if loss not in _BY_NAME:
            raise ValueError(
                f"loss: expected one of {sorted(_BY_NAME)} or a function (model, batch, key) -> loss, and got {loss!r}"
            )
        return _BY_NAME[loss]
    return plain_function(loss, "loss", "(model, batch, key) -> loss")


def plain_function(function: Any, name: str, signature: str) -> Any:
    """`function` if compiled programs can be found again by it; else `TypeError`."""
    try:
        hash(function)
    except TypeError:
        raise TypeError(
            f"{name}: expected a plain function {signature}, and got {type(function).__name__}, which cannot be "
            "hashed, so that a program compiled for it would never be found again. Wrap it in a function."
        ) from None
    if not callable(function):
        raise TypeError(f"{name}: expected a function {signature}, and got {type(function).__name__}")
    return function
