"""Early stopping: the best weights so far, and for how long they have been the best."""

import dataclasses
import math
from typing import Any

from .steps import copied


@dataclasses.dataclass
class Best:
    """The weights with the lowest validation loss.

    Attributes:
        weights: a copy of them, or None before the first finite loss.
        loss: their validation loss.
        since: epochs since.
    """

    weights: Any = None
    loss: float = math.inf
    since: int = 0

    def see(self, loss: float, weights: Any) -> None:
        """Keep a copy of `weights` if `loss` is the lowest so far; one that is not finite never is."""
        if loss < self.loss and math.isfinite(loss):
            self.weights, self.loss, self.since = copied(weights), loss, 0
        else:
            self.since += 1

    def is_stale(self, patience: int | None) -> bool:
        """Whether the last `patience` epochs brought nothing better."""
        return patience is not None and self.since >= patience
