"""Split: one event into a list of parts."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core import static_field
from .base import Bijector


class Split(Bijector):
    """y = [x[..., :n_1], x[..., n_1:n_1 + n_2], ...]: the parts of an event along one axis, as a list of arrays.

    inverse  the parts joined;    log |det dy/dx| = 0;    domain and codomain: real.

    Args:
        num_or_size_splits: number of parts of equal size, or a sequence of their sizes, of which one may be -1 (what
            the others leave).
        axis: the axis of the event, negative, counted from the end; an event has at least `-axis` axes.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if axis is not negative, the sizes are not positive, or an input does not fit them.

    Example:
        Split([2, 1]).forward(jnp.zeros((10, 3)))    # arrays of shapes (10, 2) and (10, 1)
    """

    num_or_size_splits: Any = static_field()
    axis: int = static_field()

    is_constant_jacobian = True

    def __init__(self, num_or_size_splits: Any, axis: int = -1, *, validate_args: bool = False):
        if axis >= 0:
            raise ValueError(
                f"Split counts its axis from the end of the event, and got axis={axis}: counted from the front, its "
                "place would change with the number of batch axes. Give a negative axis."
            )
        given: Any = num_or_size_splits
        if np.ndim(given) == 0:
            self.num_or_size_splits = int(given)
            fine = given > 0
        else:
            sizes = self.num_or_size_splits = tuple(int(n) for n in given)
            fine = bool(sizes) and all(n == -1 or n > 0 for n in sizes) and sizes.count(-1) <= 1
        if not fine:
            raise ValueError(
                "Split expects a positive number of parts, or their positive sizes, of which one may be -1 (what the "
                f"others leave), and got {num_or_size_splits}"
            )
        self.axis = axis
        self.validate_args = validate_args

    @property
    def num_splits(self) -> int:
        """The number of parts."""
        return self.num_or_size_splits if isinstance(self.num_or_size_splits, int) else len(self.num_or_size_splits)

    @property
    def forward_min_event_ndims(self) -> int:
        """The axes from the split one to the last."""
        return -self.axis

    @property
    def inverse_min_event_ndims(self) -> list[int]:
        """The same for each part."""
        return [-self.axis] * self.num_splits

    def _forward_and_log_det(self, x):
        ends = list(accumulate(self._sizes(x.shape)))[:-1]
        return jnp.split(x, ends, axis=self.axis), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        self._check_parts([part.shape for part in y])
        batch = jnp.broadcast_shapes(*(part.shape[: self.axis] for part in y))
        y = [jnp.broadcast_to(part, batch + part.shape[self.axis :]) for part in y]
        return jnp.concatenate(y, axis=self.axis), jnp.zeros((), y[0].dtype)

    def _forward_event_shape(self, shape):
        return [self._with_size(shape, n) for n in self._sizes(shape)]

    def _inverse_event_shape(self, shape):
        self._check_parts(shape)
        return self._with_size(shape[0], sum(s[self.axis] for s in shape))

    def batch_shape(self, event_shape):
        """There are no parameters."""
        return ()

    def _with_size(self, shape: tuple[int, ...], size: int) -> tuple[int, ...]:
        place = len(shape) + self.axis
        return (*shape[:place], size, *shape[place + 1 :])

    def _sizes(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The sizes of the parts of an array of this shape."""
        total, declared = shape[self.axis], self.num_or_size_splits
        if isinstance(declared, int):
            sizes, whole = (total // declared,) * declared, total % declared == 0
        else:
            rest = total - sum(n for n in declared if n != -1)
            sizes = tuple(rest if n == -1 else n for n in declared)
            whole = rest > 0 if -1 in declared else rest == 0
        if not whole:
            raise ValueError(
                f"Split: axis {self.axis} of an input of shape {shape} has {total} entries, which do not make up "
                f"num_or_size_splits={self.num_or_size_splits}"
            )
        return sizes

    def _check_parts(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """The parts have the sizes that were declared, and one another's shape on the axes after the split one."""
        total = sum(s[self.axis] for s in shapes)
        sizes = self._sizes(self._with_size(shapes[0], total))
        after = {s[len(s) + self.axis + 1 :] for s in shapes}
        if sizes != tuple(s[self.axis] for s in shapes) or len(after) > 1:
            raise ValueError(
                f"Split: expected parts of sizes {sizes} along axis {self.axis}, otherwise of one shape, and got "
                f"{[tuple(s) for s in shapes]}"
            )
