"""The shape contract in code.

    array axes   =  [ sample and batch axes ... | event axes ... ]

Leading axes broadcast; the last `event_ndims` axes are one event. Where an event is a pytree of arrays, `event_ndims`
is a matching pytree of integers, and the number of *extra* event axes (those above the minimum) is the same for all.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def numeric_inputs(x: Any, like: Any = ()) -> Any:
    """`x` as floating JAX arrays. Integers and booleans take the dtype of the floating leaves of `like`.

    Raises:
        TypeError: for anything that is not a number (text, None, objects), naming what came.
    """

    def convert(leaf: Any) -> jax.Array:
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf
        try:
            # `jnp.asarray` of a NumPy array compiles a program for every shape; `device_put` may keep its memory.
            is_array = isinstance(leaf, np.ndarray) and leaf.dtype.kind in "biuf"
            array = jax.device_put(leaf.copy()) if is_array else jnp.asarray(leaf)
        except (TypeError, ValueError) as error:
            raise TypeError(f"expected an array of numbers, and got {type(leaf).__name__}: {error}") from None
        if jnp.issubdtype(array.dtype, jnp.floating):
            return array
        if jnp.issubdtype(array.dtype, jnp.integer) or array.dtype == bool:
            return array.astype(floating_dtype(like))
        raise TypeError(f"expected real numbers, and got an array of dtype {array.dtype}")

    return jax.tree.map(convert, _lists_of_numbers(x))


def _lists_of_numbers(x: Any) -> Any:
    """A (nested) list of plain numbers is an array, as in NumPy; a list of arrays is a pytree."""
    if isinstance(x, list | tuple) and x and all(isinstance(v, int | float | list | np.number) for v in x):
        return jnp.asarray(np.asarray(x, dtype=float)) if _all_numbers(x) else x
    return x


def _all_numbers(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return all(_all_numbers(v) for v in x)
    return isinstance(x, int | float | np.number)


def floating_dtype(tree: Any) -> Any:
    """The common dtype of the floating leaves of `tree`; JAX's default float if it has none."""
    dtypes = [leaf.dtype for leaf in jax.tree.leaves(tree) if _is_floating(leaf)]
    return jnp.result_type(*dtypes) if dtypes else jnp.result_type(float)


def _is_floating(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)


def cast_floating(tree: Any, dtype: Any) -> Any:
    """`tree` with its floating leaves in `dtype`; the same object if they are already."""
    if all(leaf.dtype == dtype for leaf in jax.tree.leaves(tree) if _is_floating(leaf)):
        return tree
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if _is_floating(leaf) else leaf, tree)


def map_ndims(fn: Any, ndims: Any, *rest: Any) -> Any:
    """`jax.tree.map` over pytrees of integers, where a bare integer is a tree of one leaf."""
    return jax.tree.map(fn, ndims, *rest)


def extra_event_ndims(event_ndims: Any, minimum: Any, who: str) -> int:
    """How many event axes `event_ndims` asks for above `minimum`; one number, also for pytrees.

    Raises:
        ValueError: if fewer than the minimum, or not the same number in every part.
    """
    if event_ndims is None:
        return 0
    if not same_structure(event_ndims, minimum):
        raise ValueError(
            f"{who}: event_ndims has the structure {event_ndims!r}, but the events of this map have {minimum!r}; "
            "give one integer for each part"
        )
    extras = [int(n) - m for n, m in zip(jax.tree.leaves(event_ndims), jax.tree.leaves(minimum), strict=True)]
    if not extras:
        return 0
    if min(extras) < 0:
        raise ValueError(
            f"{who}: event_ndims={event_ndims!r} is below the minimum {minimum!r}: one event of this map has at least "
            "that many axes, so its log-determinant cannot be split further. Pass event_ndims=None for the minimum."
        )
    if len(set(extras)) > 1:
        raise ValueError(
            f"{who}: event_ndims={event_ndims!r} adds different numbers of axes to the minimum {minimum!r}; the parts "
            "share one log-determinant, so add the same number to each"
        )
    return extras[0]


def same_structure(one: Any, other: Any) -> bool:
    """Whether two pytrees differ in their leaves only."""
    structures: list[Any] = [jax.tree.structure(one), jax.tree.structure(other)]
    return bool(structures[0] == structures[1])


def check_rank(x: Any, event_ndims: Any, who: str) -> None:
    """Every array of `x` has at least as many axes as its event; else `ValueError`."""
    if not same_structure(x, event_ndims):
        raise ValueError(
            f"{who}: expected an input of the structure {event_ndims!r} (numbers of event axes), "
            f"and got {jax.tree.structure(x)}"
        )
    for leaf, n in zip(jax.tree.leaves(x), jax.tree.leaves(event_ndims), strict=True):
        if leaf.ndim < n:
            raise ValueError(
                f"{who}: expected an array with at least {n} axes (the event), and got shape {leaf.shape}; "
                "leading axes are batch, the last ones the event"
            )


def broadcast_batch(x: Any, event_ndims: Any) -> tuple[int, ...]:
    """The common batch shape of the arrays of `x`, whose last `event_ndims` axes are events."""
    leaves = zip(jax.tree.leaves(x), jax.tree.leaves(event_ndims), strict=True)
    return jnp.broadcast_shapes(*(jnp.shape(a)[: jnp.ndim(a) - n] for a, n in leaves))


def accumulation_dtype(dtype: Any) -> Any:
    """The dtype in which log-determinants of inputs of `dtype` are summed: at least float32."""
    return dtype if jnp.finfo(dtype).bits >= 32 else jnp.float32


def sum_event(log_det: jax.Array, batch: tuple[int, ...], extra: int) -> jax.Array:
    """Broadcast a log-determinant to `batch` and sum its last `extra` axes, in float32 or wider."""
    log_det = jnp.asarray(log_det)
    log_det = log_det.astype(accumulation_dtype(log_det.dtype))
    log_det = jnp.broadcast_to(log_det, batch)
    return jnp.sum(log_det, axis=tuple(range(-extra, 0))) if extra else log_det
