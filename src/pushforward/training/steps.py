"""The compiled programs of a run: steps of training, and a loss over many rows.

Both are functions of plain arrays and of a hashable description, `Program`, so that a second run of the same structure
and shapes compiles nothing. Numbers that may change between runs (learning rate, clipping, number of steps) are
arguments.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from ..bijectors.stack import inside_loop
from ..core.compiling import RUNS_LONG, RUNS_ONCE, compiled
from ..core.shapes import accumulation_dtype
from . import optimizer
from .data import Table
from .layout import Layout
from .modes import with_statistics
from .objectives import Batch, Objective
from .optimizer import has_own_rate
from .schedule import Schedule, rate_at

_TRAINING, _VALIDATION = range(2)
# The moving average takes in the parameters after so many steps and at the end of an epoch: at every step it costs a
# tenth of a small flow's, and neighbouring steps differ little.
_AVERAGED_STEPS = 8


@dataclasses.dataclass(frozen=True)
class Program:
    """What a program is compiled for, besides the shapes of its arrays."""

    layout: Layout
    objective: Objective
    optimizer: Any
    schedule: Schedule
    batch_size: int
    averages: bool
    statistics: bool


class Numbers(NamedTuple):
    """Numbers of a run that a compiled program takes as they come."""

    learning_rate: float
    max_grad_norm: float
    ema_decay: float
    total_steps: int
    stall_limit: int
    rows: int


class State(NamedTuple):
    """Where a run stands: all of it, so that a run continues from it bit for bit.

    Attributes:
        parameters: what trains.
        optimizer: the optimiser's state.
        average: exponential moving average of the parameters, or None.
        constants: the arrays that do not train, if some layer keeps statistics in them; else None.
        step: steps since the beginning, skipped ones included.
        loss, weight: mean loss of this epoch's steps, and the batches in it (a part-filled one counts as a part).
        skipped: of this epoch's steps, those that were not finite.
        stalled: steps skipped in a row, up to now.
        learning_rate: of the last step.
    """

    parameters: Any
    optimizer: Any
    average: Any
    constants: Any
    step: jax.Array
    loss: jax.Array
    weight: jax.Array
    skipped: jax.Array
    stalled: jax.Array
    learning_rate: jax.Array


@compiled(RUNS_ONCE, static_argnames="program")
def initial_state(program: Program, leaves: list[jax.Array], constants: tuple[jax.Array, ...]) -> State:
    """The state before the first step; it shares no memory with what is given."""
    parameters = _copied(program.layout.pack(leaves))
    real, whole = jnp.zeros((), jnp.result_type(float)), jnp.zeros((), jnp.int32)
    return State(
        parameters=parameters,
        optimizer=_copied(optimizer.start(program.optimizer, parameters)),
        average=_copied(parameters) if program.averages else None,
        constants=_copied(constants) if program.statistics else None,
        step=whole,
        loss=real,
        weight=real,
        skipped=whole,
        stalled=whole,
        learning_rate=real,
    )


@jax.jit
def copied(tree: Any) -> Any:
    """A copy that outlives the original being given away."""
    return _copied(tree)


@compiled(RUNS_ONCE, static_argnames="layout")
def unpacked(layout: Layout, parameters: Any, constants: tuple[jax.Array, ...]) -> tuple[list[jax.Array], Any]:
    """Fresh (trained arrays, constant arrays) for the model that is returned."""
    return _copied((layout.leaves(parameters), constants))


@compiled(RUNS_LONG, static_argnames="program", donate_argnames="state")
def run_steps(
    program: Program,
    state: State,
    constants: tuple[jax.Array, ...],
    table: Table,
    order: jax.Array,
    numbers: Numbers,
    key: jax.Array,
    first: int,
    last: int,
) -> State:
    """Take the steps up to `last`, or until `numbers.stall_limit` of them were skipped in a row.

    Args:
        program: what to compile for.
        state: where to start; given away.
        constants: arrays of the model that do not train (not used where the state has them).
        table: all rows, on the device.
        order: the rows of this epoch, in its order.
        numbers: of the run.
        key: of the run; each step draws from it and its number.
        first: the step at which this epoch began.
        last: the step to stop before.
    """

    def more(state: State) -> jax.Array:
        return (state.step < last) & (state.stalled < numbers.stall_limit)

    def step(state: State) -> State:
        batch = _batch(program.batch_size, table, order, state.step - first, numbers.rows)
        with inside_loop(True):
            return _step(program, state, constants, batch, numbers, key, state.step == first)

    if not program.averages:
        return lax.while_loop(more, step, state)

    def group(state: State) -> State:
        """Steps up to the next one after which the average is brought up to date."""
        average, begun = state.average, (state.step - first) % _AVERAGED_STEPS
        end = jnp.minimum(state.step - begun + _AVERAGED_STEPS, first + order.shape[0] // program.batch_size)
        state = lax.while_loop(lambda s: more(s) & (s.step < end), step, state._replace(average=None))
        # Stopped half-way: the next call finishes the group.
        taken = jnp.where(state.step < end, 0, (state.step - first - 1) % _AVERAGED_STEPS + 1)
        return state._replace(average=_averaged(average, state, numbers.ema_decay, taken))

    return lax.while_loop(more, group, state)


@compiled(RUNS_LONG, static_argnames=("layout", "objective", "batch_size"))
def mean_loss(
    layout: Layout,
    objective: Objective,
    batch_size: int,
    parameters: Any,
    constants: tuple[jax.Array, ...],
    table: Table,
    rows: jax.Array,
    count: int,
    key: jax.Array,
) -> jax.Array:
    """The objective's weighted mean over the first `count` of `rows`, in batches; the others fill up the last one."""
    key = jax.random.fold_in(key, _VALIDATION)
    model = layout.combine(layout.leaves(parameters), constants)

    def add(k: jax.Array, so_far: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        batch = _batch(batch_size, table, rows, k, count)
        with inside_loop(True):
            loss = _scalar(objective(model, batch, jax.random.fold_in(key, k)))
        return _mean_with(*so_far, loss, _share(batch, so_far[1].dtype), jnp.asarray(True))

    nothing = jnp.zeros((), jnp.result_type(float))
    return lax.fori_loop(0, rows.shape[0] // batch_size, add, (nothing, nothing))[0]


def _step(
    program: Program,
    state: State,
    constants: tuple[jax.Array, ...],
    batch: Batch,
    numbers: Numbers,
    key: jax.Array,
    fresh: jax.Array,
) -> State:
    layout = program.layout
    constants = constants if state.constants is None else state.constants
    leaves = layout.leaves(state.parameters)
    key = jax.random.fold_in(jax.random.fold_in(key, _TRAINING), state.step)

    def loss_of(leaves: list[jax.Array]) -> jax.Array:
        return _scalar(program.objective(layout.combine(leaves, constants), batch, key))

    loss, gradients = jax.value_and_grad(loss_of)(leaves)
    gradient = layout.pack(gradients)
    # A part-filled or light batch counts as the part that it is, so that over an epoch every row counts by its weight.
    share = _share(batch, state.weight.dtype)
    norm = _norm(gradient)
    norm = norm * share.astype(norm.dtype)
    good = jnp.isfinite(loss) & jnp.isfinite(norm)
    factor = share.astype(norm.dtype) * jnp.where(norm > numbers.max_grad_norm, numbers.max_grad_norm / norm, 1)
    gradient = jax.tree.map(lambda g: g * factor.astype(g.dtype), gradient)

    rate = rate_at(program.schedule, numbers.learning_rate, state.step, numbers.total_steps)
    updates, memory = optimizer.updates(program.optimizer, rate, gradient, state.optimizer, state.parameters)
    parameters = jax.tree.map(lambda p, u: p + u.astype(p.dtype), state.parameters, updates)
    statistics = state.constants
    if program.statistics:
        seen = with_statistics(layout.combine(leaves, constants), batch.x, batch.condition)
        statistics = layout.constants(seen)

    new = state._replace(parameters=parameters, optimizer=memory, constants=statistics)
    new = jax.tree.map(
        lambda new, old: jnp.where(good, new if new.dtype == old.dtype else new.astype(old.dtype), old), new, state
    )
    before = jnp.where(fresh, 0, state.loss), jnp.where(fresh, 0, state.weight)
    mean, weight = _mean_with(*before, loss, share, good)
    return new._replace(
        step=state.step + 1,
        loss=mean,
        weight=weight,
        skipped=jnp.where(fresh, 0, state.skipped) + (~good).astype(jnp.int32),
        stalled=jnp.where(good, 0, state.stalled + 1),
        learning_rate=jnp.full_like(rate, jnp.nan) if has_own_rate(program.optimizer) else rate,
    )


def _averaged(average: Any, state: State, decay: Any, count: jax.Array) -> Any:
    """The average after `count` more steps: for each, its weight falls by the factor `decay`; unchanged after none."""
    # Early on the average is short, so that the initial parameters are soon forgotten.
    dtype = jnp.result_type(float)
    step = state.step.astype(dtype)
    decay = jnp.minimum(jnp.asarray(decay).astype(dtype), step / (9 + step))
    move = 1 - decay ** count.astype(dtype)
    return jax.tree.map(lambda a, p: a + move.astype(a.dtype) * (p - a), average, state.parameters)


def _batch(size: int, table: Table, order: jax.Array, number: jax.Array, count: int | jax.Array) -> Batch:
    """Batch `number` of the rows in `order`, of which `count` are real and the rest fill up the last batch."""
    start = number * size
    rows = lax.dynamic_slice_in_dim(order, start, size)
    real = start + lax.iota(jnp.int32, size) < count
    taken = jax.tree.map(lambda a: a.at[rows].get(mode="promise_in_bounds"), table)
    weight = real.astype(taken.x.dtype)
    return Batch(taken.x, taken.condition, weight if taken.weight is None else weight * taken.weight)


def _share(batch: Batch, dtype: Any) -> jax.Array:
    """How much of a batch counts, in batches: 1 for a full one with unit weights."""
    return jnp.sum(batch.weight.astype(dtype)) / batch.weight.shape[0]


def _mean_with(mean: jax.Array, weight: jax.Array, value: jax.Array, share: jax.Array, good: jax.Array) -> Any:
    """(mean, weight) with one more value, if it is `good`. A running mean: a sum of millions would lose digits."""
    weight = weight + jnp.where(good, share, 0)
    moved = mean + (value.astype(mean.dtype) - mean) * (share / jnp.where(weight > 0, weight, 1))
    return jnp.where(good, moved, mean), weight


def _norm(tree: Any) -> jax.Array:
    """The Euclidean norm of all numbers in `tree`."""
    squares = [jnp.sum(jnp.square(a.astype(accumulation_dtype(a.dtype)))) for a in jax.tree.leaves(tree)]
    dtype = max((s.dtype for s in squares), key=lambda d: jnp.finfo(d).bits)
    return jnp.sqrt(sum((s.astype(dtype) for s in squares), jnp.zeros((), dtype)))


def _scalar(loss: Any) -> jax.Array:
    if jnp.shape(loss) != () or not jnp.issubdtype(jnp.result_type(loss), jnp.floating):
        raise ValueError(
            f"loss: expected the objective to return one floating number, and got shape {jnp.shape(loss)} of dtype "
            f"{jnp.result_type(loss)}; take the mean over the rows, weighted by batch.weight"
        )
    return jnp.asarray(loss)


def _copied(tree: Any) -> Any:
    # Numbers that were weakly typed become firm, so that all calls of the loop compile the same program.
    def copy(leaf: Any) -> jax.Array:
        is_key = jnp.issubdtype(jnp.result_type(leaf), jax.dtypes.prng_key)
        return jnp.copy(leaf) if is_key else jnp.array(leaf, dtype=jnp.result_type(leaf), copy=True)

    return jax.tree.map(copy, tree)
