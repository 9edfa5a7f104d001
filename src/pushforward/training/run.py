"""One run: epochs of compiled steps, validation, and what happens between calls of the compiled loop."""

import dataclasses
import math
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from .compilation import release_memory
from .data import Table
from .guard import diverged, never_finite, stall_limit
from .history import EpochRecord, FitResult, History
from .interrupt import between_calls
from .layout import take_apart
from .modes import initialized, looks_at_data, with_inference
from .pace import Pace
from .progress import Progress, Reporter
from .settings import Settings
from .shuffle import epoch_order, repeated
from .steps import Numbers, Program, initial_state, mean_loss, run_steps, unpacked
from .stopping import Best

if TYPE_CHECKING:
    from .resume import Keeper

_FIRST_ROWS = 4096
_LARGE_TABLE = 1 << 24
_VALIDATION_ROWS, _VALIDATION_NUMBERS = 2048, 1 << 22


class Rows(NamedTuple):
    """What to train and to validate on: tables, and row numbers in them."""

    table: Table
    training: np.ndarray
    validation_table: Table
    validation: np.ndarray | None

    def on_device(self) -> "Rows":
        """The same with the tables on the device, once where they are one."""
        table = self.table.on_device()
        is_one = self.validation_table is self.table
        return self._replace(table=table, validation_table=table if is_one else self.validation_table.on_device())


class Run:
    """A run from its first step, or from a checkpoint, to its result."""

    def __init__(
        self,
        key: jax.Array,
        model: Any,
        rows: Rows,
        settings: Settings,
        keeper: "Keeper | None",
        progress: Progress,
    ):
        self.key, self.rows, self.settings, self.keeper = key, rows, settings, keeper
        count = len(rows.training)
        assert settings.epochs is not None
        assert settings.batch_size is not None  # `Settings.for_rows` has filled them in.
        self.epochs, batch_size = settings.epochs, min(settings.batch_size, count)
        self.steps_per_epoch = -(-count // batch_size)
        self.began = time.monotonic()
        self.reporter = Reporter(progress, self.epochs, self.steps_per_epoch)

        start = with_inference(model, False)
        self.sets_itself = looks_at_data(start, "initialize")
        if self.sets_itself:
            first = rows.training[: max(_FIRST_ROWS, batch_size)]
            x, condition, _ = rows.table.at(first).on_device()
            start = initialized(start, x, condition)
        layout, leaves, self.constants = take_apart(start, packed=settings.optimizer is None)
        self.layout = layout.of(with_inference(start, True))
        self.program = Program(
            layout=layout,
            objective=settings.training_objective,
            optimizer=settings.optimizer,
            schedule=settings.schedule,
            batch_size=batch_size,
            averages=settings.ema_decay is not None,
            statistics=looks_at_data(start, "update_statistics"),
        )
        self.numbers = Numbers(
            learning_rate=float(settings.learning_rate),
            max_grad_norm=float("inf") if settings.max_grad_norm is None else float(settings.max_grad_norm),
            ema_decay=float(settings.ema_decay or 0.0),
            total_steps=self.epochs * self.steps_per_epoch,
            stall_limit=stall_limit(self.steps_per_epoch),
            rows=count,
        )
        self.validation = self._validation_batches()
        self.state = initial_state(self.program, leaves, self.constants)
        self.history, self.best, self.pace = History(), Best(), Pace()
        self.done = False
        self.order: tuple[int, jax.Array] | None = None
        if keeper is not None:
            found = keeper.found()
            if found is None:
                keeper.save(self._snapshot(), first=True)
            else:
                self._continue(*found)
        if not self.done:
            # Before the tables are on the device, so that they are not there together with what the compiler needs.
            self._compile()
            self.rows = rows.on_device()

    def result(self) -> FitResult:
        """Train to the end, and give the best model."""
        if self.done:
            return self._result()
        with between_calls() as pressed:
            try:
                self._train(pressed)
            except KeyboardInterrupt:
                if self.best.weights is None and self._is_lost():
                    raise
                self.history.stopped = "interrupted"
            finally:
                self.reporter.close()
        if self.keeper is not None and not self._is_lost():
            self.keeper.save(self._snapshot())
        return self._result()

    def _train(self, pressed: Any) -> None:
        epochs, patience = self.epochs, self.settings.patience
        while len(self.history) < epochs:
            self._steps(len(self.history), pressed)
            record = self._validated(len(self.history) + 1)
            self.history.records.append(record)
            self.reporter.ended(record)
            if self.rows.validation is not None and self.best.is_stale(patience) and len(self.history) < epochs:
                self.history.stopped = "patience"
                break
        if self.rows.validation is not None and self.best.weights is None:
            raise never_finite(self.history)
        self.done = True

    def _steps(self, epoch: int, pressed: Any) -> None:
        """The steps of an epoch (from 0) that are not done yet."""
        steps = self.steps_per_epoch
        first = epoch * steps
        order = self._order(epoch)
        at = int(self.state.step)
        while at < first + steps:
            if pressed():
                raise KeyboardInterrupt
            if self.keeper is not None:
                self.keeper.save_if_due(self._snapshot)
            last = min(at + self.pace.steps, first + steps)
            began = time.perf_counter()
            self.state = run_steps(*self._step_arguments(order, first, last))
            if last == first + steps and epoch + 1 < self.epochs:
                self._order(epoch + 1)  # Drawn while the device computes.
            stalled = int(self.state.stalled)  # Waits for the steps.
            self.pace.measured(last - at, time.perf_counter() - began)
            at = last
            if stalled >= self.numbers.stall_limit:
                raise diverged(epoch + 1, stalled, float(self.state.learning_rate), self.history)
            if self.reporter.is_due():
                self.reporter.running(epoch + 1, at - first, float(self.state.loss), self.pace.rate)

    def _validated(self, epoch: int) -> EpochRecord:
        """The record of an epoch (from 1) whose steps are done; keeps the weights if they are the best."""
        loss = None
        if self.rows.validation is not None:
            loss = self._validation_loss()
            self.best.see(loss, self._weights())
        state = self.state
        return EpochRecord(
            epoch=epoch,
            train_loss=float(state.loss) if float(state.weight) > 0 else float("nan"),
            validation_loss=loss,
            learning_rate=float(state.learning_rate),
            skipped=int(state.skipped),
            seconds=time.monotonic() - self.began,
        )

    def _order(self, epoch: int) -> jax.Array:
        """The rows of an epoch in its order, on the device; kept until another epoch is asked for."""
        if self.order is None or self.order[0] != epoch:
            length = self.steps_per_epoch * self.program.batch_size
            self.order = epoch, jax.device_put(epoch_order(self.key, epoch, self.rows.training, length))
        return self.order[1]

    def _validation_batches(self) -> tuple[jax.Array, int, int] | None:
        """The validation rows, filled up to whole batches, on the device; the size of a batch; how many are real."""
        rows = self.rows.validation
        if rows is None:
            return None
        fitting = _VALIDATION_NUMBERS // max(1, math.prod(self.rows.validation_table.x.shape[1:]))
        size = min(len(rows), max(self.program.batch_size, min(_VALIDATION_ROWS, fitting)))
        return jax.device_put(repeated(rows, -(-len(rows) // size) * size)), size, len(rows)

    def _validation_loss(self) -> float:
        return float(mean_loss(*self._validation_arguments()))

    def _validation_arguments(self) -> tuple[Any, ...]:
        assert self.validation is not None
        rows, size, count = self.validation
        parameters, constants = self._weights()
        constants = self.constants if constants is None else constants
        table = self.rows.validation_table
        return self.layout, self.settings.objective, size, parameters, constants, table, rows, count, self.key

    def _step_arguments(self, order: Any, first: int, last: int) -> tuple[Any, ...]:
        state, constants, table = self.state, self.constants, self.rows.table
        return self.program, state, constants, table, order, self.numbers, self.key, first, last

    def _compile(self) -> None:
        """Compile the programs for the shapes of the tables; the calls find them again."""
        length = self.steps_per_epoch * self.program.batch_size
        steps = self._step_arguments(jax.ShapeDtypeStruct((length,), np.int32), 0, 1)
        run_steps.lower(*jax.tree.map(_shape_of, steps)).compile()
        if self.validation is not None:
            mean_loss.lower(*jax.tree.map(_shape_of, self._validation_arguments())).compile()
        if self.rows.table.x.nbytes >= _LARGE_TABLE:
            release_memory()

    def _weights(self) -> tuple[Any, Any]:
        """(parameters, constants that change or None): what is validated and returned."""
        state = self.state
        return (state.parameters if state.average is None else state.average), state.constants

    def _is_lost(self) -> bool:
        # Interrupted between giving the state to the compiled loop and receiving the next.
        return any(leaf.is_deleted() for leaf in jax.tree.leaves(self.state))

    def _result(self) -> FitResult:
        parameters, constants = self._weights() if self.best.weights is None else self.best.weights
        constants = self.constants if constants is None else constants
        return FitResult(self.layout.combine(*unpacked(self.layout, parameters, constants)), self.history)

    def _snapshot(self) -> tuple[Any, dict[str, Any]]:
        """(arrays, record): everything that the rest of the run depends on, besides its arguments."""
        # Constants that a layer took from data are in the state only if they go on changing.
        constants = self.constants if self.sets_itself and not self.program.statistics else None
        tree = {"state": self.state, "best": self.best.weights, "constants": constants}
        return tree, {
            "records": [dataclasses.astuple(record) for record in self.history],
            "stopped": self.history.stopped,
            "done": self.done,
            "best": [self.best.weights is not None, self.best.loss, self.best.since],
            "seconds": time.monotonic() - self.began,
        }

    def _continue(self, arrays: list[Any], record: dict[str, Any]) -> None:
        """Take over a snapshot."""
        from .checkpoint import restored

        has_best, loss, since = record["best"]
        template, _ = self._snapshot()
        template["best"] = self._weights() if has_best else None
        tree = restored(template, arrays)
        self.state, self.best = tree["state"], Best(tree["best"], loss, since)
        self.constants = self.constants if tree["constants"] is None else tree["constants"]
        self.history.records = [EpochRecord(*values) for values in record["records"]]
        for past in self.history:
            self.reporter.remember(past)
        self.done = record["done"]
        self.history.stopped = record["stopped"] if self.done else "epochs"
        self.began = time.monotonic() - record["seconds"]


def _shape_of(part: Any) -> Any:
    return jax.ShapeDtypeStruct(part.shape, part.dtype) if isinstance(part, np.ndarray) else part
