"""The optimiser: Adam, an Optax transformation, or a function from the learning rate to one."""

from collections.abc import Callable
from typing import Any

import jax
import optax

from .objectives import plain_function

Optimizer = None | optax.GradientTransformation | Callable[..., optax.GradientTransformation]


def optimizer_checked(optimizer: Any) -> Any:
    """`optimizer` itself; `TypeError` for anything that is not one."""
    if optimizer is None or isinstance(optimizer, optax.GradientTransformation):
        return optimizer
    return plain_function(optimizer, "optimizer", "learning rate -> Optax transformation")


def has_own_rate(optimizer: Any) -> bool:
    """Whether it is a finished transformation, which carries its learning rate."""
    return isinstance(optimizer, optax.GradientTransformation)


def start(optimizer: Any, parameters: Any) -> Any:
    """The optimiser's state before the first step."""
    with jax.numpy_dtype_promotion("standard"):
        return _transformation(optimizer, 0.0).init(parameters)


def updates(optimizer: Any, rate: Any, gradient: Any, state: Any, parameters: Any) -> tuple[Any, Any]:
    """(what to add to the parameters, the next state) of a step of size `rate`."""
    # Optax relies on NumPy's promotion of dtypes; a caller may have forbidden it.
    with jax.numpy_dtype_promotion("standard"):
        return _transformation(optimizer, rate).update(gradient, state, parameters)


def _transformation(optimizer: Any, rate: Any) -> optax.GradientTransformation:
    # The rate goes in as a schedule that ignores Optax's count: ours counts skipped steps too.
    if has_own_rate(optimizer):
        return optimizer
    return (optax.adam if optimizer is None else optimizer)(lambda count: rate)
