"""`fit`: the arguments, their checks, and the order of things."""

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..distributions.conditional import NeedsCondition
from ..distributions.foreign import model_dtype
from .data import as_table, check_varies, split_rows
from .history import FitResult, History
from .layout import fingerprint, take_apart
from .objectives import Objective, maximum_likelihood
from .optimizer import Optimizer
from .progress import Progress
from .run import Rows, Run
from .schedule import Schedule
from .settings import DEFAULT_RATE, DEFAULT_SCHEDULE, Settings


def fit(
    key: jax.Array,
    model: Any,
    x: Any,
    condition: Any = None,
    *,
    sample_weight: Any = None,
    loss: str | Objective = "maximum_likelihood",
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float = DEFAULT_RATE,
    schedule: Schedule = DEFAULT_SCHEDULE,
    optimizer: Optimizer = None,
    validation_fraction: float = 0.1,
    validation_data: Any = None,
    patience: int | None = 20,
    max_grad_norm: float | None = None,
    ema_decay: float | None = 0.99,
    matmul_precision: str | None = None,
    checkpoint: str | os.PathLike | None = None,
    checkpoint_seconds: float = 30.0,
    resume: bool = False,
    progress: Progress = None,
) -> FitResult:
    """Train `model` on the rows of `x`:  minimise  - sum_n w_n log p(x_n | c_n) / sum_n w_n.

    Example:
        result = pushforward.fit(jax.random.key(0), flow, x)
        result.model.log_prob(x_new)

    Args:
        key: a random key; the same key and arguments give the same bits.
        model: a distribution, whose events are the rows of `x`; with `condition`, a `ConditionalDistribution`. Any
            pytree with `log_prob` will do, and with a `loss` of your own any pytree. What trains:
            `pushforward.trainable(model)`.
        x: [rows | event], numbers of any kind; cast to the dtype of the model. Standardise it first.
        condition: [rows | condition], for a conditional model.
        sample_weight: [rows], at least 0: how many times each row counts.
        loss: "maximum_likelihood", or a function (model, batch, key) -> scalar of a `Batch`.
        epochs: passes over the training rows; None for 100, and 300 below 2,048 rows; 0 returns the model as it is.
        batch_size: rows in a step, at most all of them; None for a 32nd of the training rows, as a power of two between
            32 and 256 (which it is from 8,192 rows on).
        learning_rate: of Adam, at its highest.
        schedule: "cosine" (down to 0 at the end of all epochs), "constant", or a function of the step that gives the
            rate itself, such as an Optax schedule.
        optimizer: None for Adam; a function from the learning rate to an Optax transformation, such as `optax.adamw`;
            or a finished transformation, with its own learning rate. Give the same object again to compile nothing
            again.
        validation_fraction: share of the rows held out, drawn by `key`; 0 for no validation.
        validation_data: rows for validation instead: `x`, or `(x, condition)`.
        patience: stop after so many epochs without a lower validation loss; None for never.
        max_grad_norm: longer gradients are shortened to this norm; None for no clipping.
        ema_decay: validate and return an exponential moving average of the parameters with this decay a step (brought
            up to date every eighth step, and at the end of an epoch); None for the parameters themselves.
        matmul_precision: "tensorfloat32" or "bfloat16" for networks that multiply in numbers with 10 or 7 bits after
            the point while they train, where one pass evaluates them, and add up in the dtype of the model: faster
            where the hardware has it (GPUs, TPUs; not most CPUs, which leave float32 as it is for "tensorfloat32").
            Parameters, transformers, log-dets and validation keep their dtype. None for all in the dtype of the model.
        checkpoint: a folder to keep the state of the run in.
        checkpoint_seconds: at least so many seconds between two checkpoints.
        resume: continue from the checkpoint, to the same bits as without the interruption; start if there is none.
        progress: True for a line of progress, False for silence, None for a line on a terminal once the run takes more
            than a second, or a function called with each `EpochRecord`.

    Returns:
        `FitResult(model, history)`: the model with the lowest validation loss, without validation the last one, in
        inference mode.

    Raises:
        ValueError: for data, shapes or numbers that do not fit, or a damaged or foreign checkpoint; nothing is trained
            then.
        TrainingDivergedError: if losses or gradients stay non-finite.

    Ctrl-C ends training within about half a second and returns the best model so far (`history.stopped`); pressed twice
    it raises. A step whose loss or gradient is not finite is skipped, and counted in the history.
    """
    settings = Settings(
        loss=loss,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule,
        optimizer=optimizer,
        validation_fraction=0.0 if validation_data is not None else validation_fraction,
        patience=patience,
        max_grad_norm=max_grad_norm,
        ema_decay=ema_decay,
        matmul_precision=matmul_precision,
    )
    if resume and checkpoint is None:
        raise ValueError(
            "resume=True needs checkpoint, the folder to continue from, and got None; pass checkpoint=folder"
        )
    _check_key(key)
    is_likelihood = settings.objective is maximum_likelihood
    if is_likelihood:
        _check_conditional(model, condition)
    _, trained, _ = take_apart(model, packed=True)
    expected = {"dtype": model_dtype(trained), "event_shape": _event_shape(model) if is_likelihood else None}
    del trained
    table = as_table(x, condition, sample_weight, **expected)
    if is_likelihood and not _is_discrete(model):
        check_varies(table)
    held_out = None
    if validation_data is not None:
        held_out = as_table(*_validation_parts(validation_data, condition), None, **expected, name="validation_data")
    if epochs == 0:
        return FitResult(model, History())

    training, validation = split_rows(key, table, settings.validation_fraction)
    settings = settings.for_rows(len(training))
    place = None
    if checkpoint is not None:
        # Imported here, as it brings in what reads and writes models, which a run without checkpoints does not need.
        from .resume import Keeper

        identity = {"key": [key], "data": [*table, *(held_out or ())], "model": fingerprint(model)}
        place = Keeper(os.fspath(checkpoint), checkpoint_seconds, resume, settings.described(), identity)
    rows = Rows(table, training, table, validation)
    if held_out is not None:
        rows = Rows(table, training, held_out, np.arange(len(held_out.x), dtype=np.int32))
    return Run(key, model, rows, settings, place, progress).result()


def _check_key(key: Any) -> None:
    is_key = isinstance(key, jax.Array) and (
        jnp.issubdtype(key.dtype, jax.dtypes.prng_key) or (key.dtype == jnp.uint32 and key.ndim == 1)
    )
    if not is_key:
        raise TypeError(
            f"key: expected a random key as the first argument, and got {type(key).__name__}; write jax.random.key(0)"
        )


def _check_conditional(model: Any, condition: Any) -> None:
    has_density = hasattr(model, "log_prob")
    if not has_density and not callable(model):
        raise TypeError(
            f"model: expected a distribution or a ConditionalDistribution, and got {type(model).__name__}, which has "
            "no log_prob. Build one with pushforward.flows, or pass a loss of your own."
        )
    is_conditional = isinstance(model, NeedsCondition) or not has_density
    if is_conditional and condition is None:
        raise ValueError(
            f"condition: {type(model).__name__} is a different distribution for each condition, and got none; pass an "
            "array with one row for each row of x"
        )
    if condition is not None and not is_conditional:
        raise ValueError(
            f"condition: {type(model).__name__} takes no condition, and got one, which would be ignored; leave it out, "
            "or build the flow with condition_dim"
        )


def _is_discrete(model: Any) -> bool:
    """Whether the events have probabilities, which are bounded: a column may then be constant."""
    return bool(getattr(getattr(model, "support", None), "is_discrete", False))


def _event_shape(model: Any) -> tuple[int, ...] | None:
    shape = getattr(model, "event_shape", None)
    return tuple(shape) if isinstance(shape, tuple | list) else None


def _validation_parts(validation_data: Any, condition: Any) -> tuple[Any, Any]:
    if condition is None:
        return validation_data, None
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise ValueError(
            "validation_data: the model takes a condition, so expected the pair (x, condition), and got one array"
        )
    return validation_data[0], validation_data[1]
