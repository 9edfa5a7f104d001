"""The optimiser: Adam, an Optax transformation, or a function from the learning rate to one."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
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
    if optimizer is None:
        return optax.scale_by_adam().init(parameters)
    with jax.numpy_dtype_promotion("standard"):
        return _transformation(optimizer, 0.0).init(parameters)


def updates(optimizer: Any, rate: Any, gradient: Any, state: Any, parameters: Any) -> tuple[Any, Any]:
    """(what to add to the parameters, the next state) of a step of size `rate`."""
    if optimizer is None:
        return _adam(rate, gradient, state)
    # Optax relies on NumPy's promotion of dtypes; a caller may have forbidden it.
    with jax.numpy_dtype_promotion("standard"):
        return _transformation(optimizer, rate).update(gradient, state, parameters)


def _transformation(optimizer: Any, rate: Any) -> optax.GradientTransformation:
    # The rate goes in as a schedule that ignores Optax's count: ours counts skipped steps too.
    if has_own_rate(optimizer):
        return optimizer
    return optimizer(lambda count: rate)


def _adam(rate: jax.Array, gradient: Any, state: optax.ScaleByAdamState) -> tuple[Any, optax.ScaleByAdamState]:
    """Adam in the form without bias-corrected moments (Kingma & Ba 2015, end of section 2): one division a number."""
    b1, b2, eps = 0.9, 0.999, 1e-8
    count = optax.safe_increment(state.count)
    steps = count.astype(rate.dtype)
    root = jnp.sqrt(1 - b2**steps)
    scale, eps_hat = -rate * root / (1 - b1**steps), eps * root
    mu = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mu, gradient)
    nu = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * (g * g), state.nu, gradient)
    step = jax.tree.map(lambda m, v: scale.astype(m.dtype) * m / (jnp.sqrt(v) + eps_hat.astype(m.dtype)), mu, nu)
    return step, optax.ScaleByAdamState(count=count, mu=mu, nu=nu)
