"""When training cannot recover.

A step whose loss or gradient is not finite leaves parameters, optimiser state and averages as they were. With the same
parameters the same batch fails again, so a run in which every batch of an epoch fails, or a hundred steps in a row, has
nowhere to go.
"""

from typing import Any


class TrainingDivergedError(FloatingPointError):
    """Training met losses or gradients that are not finite and could not go on.

    Attributes:
        history: the `History` up to then.
    """

    def __init__(self, message: str, history: Any = None):
        super().__init__(message)
        self.history = history


def stall_limit(steps_per_epoch: int) -> int:
    """How many steps in a row may be skipped: an epoch, at least 10 and at most 100."""
    return min(100, max(10, steps_per_epoch))


def diverged(epoch: int, skipped: int, learning_rate: float, history: Any) -> TrainingDivergedError:
    """The error of a run whose last `skipped` steps failed."""
    return TrainingDivergedError(
        f"training diverged in epoch {epoch}: {skipped} steps in a row gave a loss or gradient that is not finite, and "
        f"a step that fails changes nothing. Lower learning_rate (now {learning_rate:.3g}) or max_grad_norm, "
        "standardise x, or look for values far outside the model's support.",
        history,
    )


def never_finite(history: Any) -> TrainingDivergedError:
    """The error of a run whose validation loss was never finite."""
    return TrainingDivergedError(
        f"the validation loss was not finite after any of {len(history)} epochs, so there are no best weights to "
        "return. Look for validation rows outside the model's support or far from the training rows, lower "
        "learning_rate, or standardise x.",
        history,
    )
