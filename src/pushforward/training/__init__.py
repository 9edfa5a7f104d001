"""Layer 5: from a model and a table to a trained model.

    result = pushforward.fit(key, model, x)
    model, history = result

One call does, in this order:

1. data        numbers, shapes, finite values, columns that vary (`data`); nothing trains if one of these fails
2. rows        one copy of the table on the device; training and validation rows are index vectors into it (`shuffle`)
3. start       layers that set themselves from data do so; layers with batch statistics leave inference mode (`modes`)
4. epochs      each in a few calls of **one** compiled loop with a dynamic number of steps (`steps`), so that one
               compilation serves any data size; between calls there is room for Ctrl-C, progress and checkpoints
5. validation  after each epoch, of the averaged weights if `ema_decay` is given; the best weights are kept (`stopping`)
6. end         the best weights (the last ones without validation), in inference mode, and the `History`

What does not influence the result: how steps are grouped into calls (it depends on the speed of the machine), progress,
checkpoints, interruptions that are resumed. The same key and arguments give the same bits on the same machine.

A step. Rows of the epoch's order are gathered; the last batch of an epoch is filled with rows of its beginning whose
weight is 0, and its gradient counts as the part that it is, so that over an epoch every row counts by its weight. Small
parameters are laid end to end in one vector (`layout`), so that the optimiser costs a few fused passes however many
layers there are. A step whose loss or gradient is not finite changes nothing but a counter.
"""

from .compilation import enable_compilation_cache
from .guard import TrainingDivergedError
from .history import EpochRecord, FitResult, History
from .loop import fit
from .members import each_member
from .objectives import Batch, maximum_likelihood
from .order_agnostic import order_agnostic
from .rate_finder import RateRange, find_learning_rate
from .rematerialization import rematerialized

__all__ = [
    "Batch",
    "EpochRecord",
    "FitResult",
    "History",
    "RateRange",
    "TrainingDivergedError",
    "each_member",
    "enable_compilation_cache",
    "find_learning_rate",
    "fit",
    "maximum_likelihood",
    "order_agnostic",
    "rematerialized",
]
