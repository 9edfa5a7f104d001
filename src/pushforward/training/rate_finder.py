"""A learning rate from a few dozen steps: the range test of Smith (2017)."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import trainable
from ..core.compiling import RUNS_ONCE, compiled
from .data import as_table
from .modes import initialized, looks_at_data, with_inference
from .objectives import Batch, Objective, objective_named
from .optimizer import Optimizer, optimizer_checked, start, updates

_FIRST_ROWS = 4096
_SMOOTHING = 0.9
# Steps in which the smoothed loss is still that of the first few batches.
_SETTLING = 10


@dataclasses.dataclass(frozen=True)
class RateRange:
    """What `find_learning_rate` saw.

    Attributes:
        suggested: a third of the rate at which `smoothed` is lowest; past that it rises.
        rates: of each step.
        losses: of the batch of each step, before it; infinite from the first one on that is not finite.
        smoothed: how much lower than that of the model at the start, on the same batch; the exponential moving average,
            corrected for its start. (The difference, because batches differ by more than a few steps bring.)
    """

    suggested: float
    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray

    def __repr__(self) -> str:
        return f"RateRange(suggested={self.suggested:.2g}, from {self.rates[0]:.2g} to {self.rates[-1]:.2g})"


def find_learning_rate(
    key: jax.Array,
    model: Any,
    x: Any,
    condition: Any = None,
    *,
    loss: str | Objective = "maximum_likelihood",
    optimizer: Optimizer = None,
    batch_size: int = 256,
    lowest: float = 1e-5,
    highest: float = 1.0,
    steps: int = 150,
) -> RateRange:
    """Take steps whose rate grows from `lowest` to `highest`, and see at which one the loss stops falling.

    The model that is given is left as it is. With the cosine schedule of `fit` the rate falls from the suggested one,
    so that one a little high does no harm.

    Args:
        key: random key, of the batches.
        model, x, condition, loss, optimizer, batch_size: as of `pushforward.fit`; a finished Optax transformation has
            its own rate, so give a function from the rate to one.
        lowest, highest: the first and the last rate, which grow by one factor a step.
        steps: number of steps.

    Raises:
        ValueError: for rates that do not grow, too few steps, a loss that does not fall, or rows that `fit` refuses.

    Example:
        rate = find_learning_rate(key, flow, x).suggested
        result = pushforward.fit(key, flow, x, learning_rate=rate)
    """
    if not 0 < lowest < highest or steps < 20:
        raise ValueError(
            f"find_learning_rate: expected 0 < lowest < highest and at least 20 steps, and got {lowest}, {highest} and "
            f"{steps}; the rate grows from one to the other"
        )
    objective = objective_named(loss)
    optimizer = optimizer_checked(optimizer)
    start_model = with_inference(model, False)
    leaves = [a for a in jax.tree.leaves(eqx.filter(model, trainable(model))) if eqx.is_array(a)]
    dtype = jnp.result_type(*leaves) if leaves else jnp.result_type(float)
    table = as_table(x, condition, None, dtype=dtype, event_shape=getattr(model, "event_shape", None)).on_device()
    if looks_at_data(start_model, "initialize"):
        first = table.at(slice(_FIRST_ROWS))  # type: ignore[arg-type]
        start_model = initialized(start_model, first.x, first.condition)
    parameters, rest = eqx.partition(start_model, trainable(start_model))
    rates = np.geomspace(lowest, highest, steps)
    rows = min(batch_size, len(table.x))
    losses, before = np.asarray(
        _range_test(objective, optimizer, parameters, rest, table, jnp.asarray(rates, dtype), key, rows), np.float64
    )
    lost = np.logical_or.accumulate(~np.isfinite(losses))
    losses = np.where(lost, np.inf, losses)
    smoothed = _smoothed(np.where(lost, np.inf, losses - before))
    best = int(np.argmin(smoothed))
    if best < _SETTLING:
        raise ValueError(
            f"find_learning_rate: the loss does not fall at any rate from {lowest} to {highest}; standardise the "
            "columns, give a larger batch_size, or a smaller lowest rate"
        )
    return RateRange(float(rates[best]) / 3, rates, losses, smoothed)


@compiled(RUNS_ONCE, static_argnames=("objective", "optimizer", "batch_size"))
def _range_test(
    objective: Objective,
    optimizer: Any,
    parameters: Any,
    rest: Any,
    table: Any,
    rates: jax.Array,
    key: jax.Array,
    batch_size: int,
) -> jax.Array:
    def step(state: Any, at: Any) -> tuple[Any, Any]:
        parameters, memory = state
        rate, key = at
        row_key, loss_key = jax.random.split(key)
        rows = jax.random.randint(row_key, (batch_size,), 0, len(table.x))
        condition = None if table.condition is None else table.condition[rows]
        batch = Batch(table.x[rows], condition, jnp.ones(batch_size, table.x.dtype))
        loss, gradient = jax.value_and_grad(lambda p: objective(eqx.combine(p, rest), batch, loss_key))(parameters)
        change, memory = updates(optimizer, rate, gradient, memory, parameters)
        before = objective(eqx.combine(start_parameters, rest), batch, loss_key)
        return (jax.tree.map(lambda p, c: p + c.astype(p.dtype), parameters, change), memory), (loss, before)

    start_parameters = parameters
    begin = parameters, start(optimizer, parameters)
    return jnp.stack(lax.scan(step, begin, (rates, jax.random.split(key, len(rates))))[1])


def _smoothed(losses: np.ndarray) -> np.ndarray:
    average, out = 0.0, []
    for k, loss in enumerate(losses):
        average = _SMOOTHING * average + (1 - _SMOOTHING) * loss
        out.append(average / (1 - _SMOOTHING ** (k + 1)))
    return np.asarray(out)
