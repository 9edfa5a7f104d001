"""What a constructor does with the numbers it is given.

Constructors also run under `jit`, `vmap` and `eval_shape`, where values are not known: whatever asks for values asks
`known_values` first.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


def as_parameter(value: Any, name: str = "the parameter") -> jax.Array:
    """`value` as a floating array: integers and booleans become JAX's default float, floating dtypes stay.

    Raises:
        TypeError: for anything that is not real numbers, naming the argument.
    """
    if isinstance(value, str | bytes):
        raise TypeError(f"{name}: expected numbers, and got the text {value!r}")
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: expected an array of numbers, and got {type(value).__name__}: {error}") from None
    if jnp.issubdtype(array.dtype, jnp.floating):
        # With its dtype spelled out, so that it is not weakly typed: an update would change that and compile again.
        return jnp.asarray(array, array.dtype)
    if jnp.issubdtype(array.dtype, jnp.integer) or array.dtype == bool:
        return array.astype(jnp.result_type(float))
    raise TypeError(f"{name}: expected real numbers, and got an array of dtype {array.dtype}")


def known_values(value: Any) -> np.ndarray | None:
    """`value` as a NumPy array; None while it is traced, when only its shape and dtype are known."""
    if any(isinstance(leaf, jax.core.Tracer | jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(value)):
        return None
    return np.asarray(value)


def positive_parameter(value: Any, name: str, *, validate: bool = False) -> jax.Array:
    """`value` as a floating array of positive numbers, checked where the values are known.

    Args:
        value: the numbers.
        name: of class and argument, for messages.
        validate: also check values that are traced, when they are computed.

    Raises:
        ValueError: if some known value is not positive and finite.
    """
    known = known_values(value)
    if known is not None and not np.all((known > 0) & np.isfinite(known)):
        raise ValueError(
            f"{name}: expected positive numbers, and got {known.tolist()}. Its logarithm is the parameter that trains, "
            "so that it stays positive. Give a positive number."
        )
    array = as_parameter(value, name)
    if validate and known is None:
        fine = jnp.all((array > 0) & jnp.isfinite(array))
        return eqx.error_if(array, ~fine, f"{name}: expected positive numbers, and got some that are not")
    return array


def check_broadcast(who: str, **parameters: Any) -> None:
    """Refuse parameters whose shapes do not broadcast against each other.

    Args:
        who: the class, for the message.
        **parameters: arrays under the names of their arguments.

    Raises:
        ValueError: naming all shapes.
    """
    shapes = {name: np.shape(value) for name, value in parameters.items()}
    try:
        jnp.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"{who} expects parameters whose shapes broadcast against each other, and got {listed}: every element of x "
            "takes one number of each. Give shapes that are equal or 1, counted from the last axis."
        ) from None
