"""Events of a fixed shape: what a layer needs whose parameters have the shape of its event."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ..core.shapes import accumulation_dtype


def as_event_shape(shape: int | Sequence[int]) -> tuple[int, ...]:
    """A shape as a tuple; an integer is the size of a vector."""
    return tuple(int(n) for n in shape) if isinstance(shape, Sequence) else (int(shape),)


def check_event(x: jax.Array, event_shape: tuple[int, ...], who: str) -> None:
    """The last axes of x are `event_shape`; else `ValueError`. (A repeated entry would spoil the log-det.)"""
    if x.ndim < len(event_shape) or x.shape[x.ndim - len(event_shape) :] != event_shape:
        raise ValueError(
            f"{who}: expected events of shape {event_shape}, as the parameters have, and got an input of shape "
            f"{x.shape}. Leading axes are batch, the last ones the event."
        )


def check_square(x: jax.Array, who: str) -> None:
    """The last two axes of x are a square matrix; else `ValueError`."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(
            f"{who}: expected square matrices, shape [..., n, n], and got shape {x.shape}; others have neither a "
            "determinant nor an inverse. Leading axes are batch, the last two the matrix."
        )


def batch_size(x: jax.Array, event_shape: tuple[int, ...]) -> int:
    """The number of events in x."""
    return math.prod(x.shape[: x.ndim - len(event_shape)])


def batch_moments(x: jax.Array, event_shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """(mean, variance) over all axes before the event, in two passes, in float32 or wider."""
    x = x.astype(accumulation_dtype(x.dtype))
    axes = tuple(range(x.ndim - len(event_shape)))
    mean = jnp.mean(x, axis=axes)
    return mean, jnp.mean((x - mean) ** 2, axis=axes)
