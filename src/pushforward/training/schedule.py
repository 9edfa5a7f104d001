"""The learning rate of a step."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .objectives import plain_function

Schedule = str | Callable[[Any], Any]


def schedule_named(schedule: Schedule) -> Schedule:
    """`schedule` itself, checked.

    Raises:
        ValueError: for a name that is not known.
    """
    if isinstance(schedule, str):
        if schedule not in ("cosine", "constant"):
            raise ValueError(
                f"schedule: expected 'cosine', 'constant' or a function of the step (an Optax schedule), and got "
                f"{schedule!r}"
            )
        return schedule
    return plain_function(schedule, "schedule", "step -> learning rate")


def rate_at(schedule: Schedule, learning_rate: Any, step: jax.Array, total: Any) -> jax.Array:
    """The learning rate at `step` of `total`.

    cosine    learning_rate (1 + cos(pi step / total)) / 2   (Loshchilov & Hutter 2017, eq. 5, without restarts)
    constant  learning_rate
    function  schedule(step)
    """
    dtype = jnp.result_type(float)
    if callable(schedule):
        with jax.numpy_dtype_promotion("standard"):  # Optax's schedules divide integers by floats.
            return jnp.asarray(schedule(step)).astype(dtype)
    rate = jnp.asarray(learning_rate).astype(dtype)
    if schedule == "constant":
        return rate
    done = step.astype(dtype) / jnp.asarray(total).astype(dtype)
    return rate * jnp.square(jnp.cos(0.5 * math.pi * done))  # The same, without cancellation at the end.
