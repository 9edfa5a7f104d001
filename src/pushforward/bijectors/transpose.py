"""Transpose: the axes of the event in another order."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core import static_field
from ..core.parameters import known_values
from .base import Bijector


class Transpose(Bijector):
    """y = x with its last k axes in another order: axis i of an event of y is axis perm[i] of the event of x.

    inverse  the axes go back;    log |det dy/dx| = 0;    domain and codomain: real.

    Args:
        perm: integers 0 to k - 1 in some order; 0 is the first of the last k axes.
        rightmost_transposed_ndims: k, for the last k axes in reverse order. Give this or perm.
        validate_args: check values, also under `jit`.

    Raises:
        TypeError: if they do not hold integers, or are traced: shapes depend on them.
        ValueError: if both or neither are given, or perm is not a permutation.

    Example:
        Transpose([1, 0]).forward(jnp.zeros((10, 2, 3)))    # shape (10, 3, 2)
    """

    perm: tuple[int, ...] = static_field()

    is_constant_jacobian = True
    permutes = True  # the entries of y are entries of x, so bounds on all of them carry over

    def __init__(
        self,
        perm: Sequence[int] | None = None,
        rightmost_transposed_ndims: int | None = None,
        *,
        validate_args: bool = False,
    ):
        if (perm is None) == (rightmost_transposed_ndims is None):
            raise ValueError(
                "Transpose takes either perm or rightmost_transposed_ndims, and got "
                f"{'neither' if perm is None else 'both'}; the second stands for the axes in reverse order. Give "
                "exactly one."
            )
        if perm is not None:
            self.perm = _checked_perm(_as_integers(perm, "perm"))
        else:
            self.perm = tuple(range(_as_count(_as_integers(rightmost_transposed_ndims, "rightmost_transposed_ndims"))))
            self.perm = self.perm[::-1]
        self.validate_args = validate_args

    @property
    def rightmost_transposed_ndims(self) -> int:
        """The number of axes that take part."""
        return len(self.perm)

    @property
    def forward_min_event_ndims(self) -> int:
        """The number of axes that take part."""
        return len(self.perm)

    @property
    def is_increasing(self) -> bool | None:
        """True of no axes, where the map is the identity of scalars."""
        return None if self.perm else True

    def _forward_and_log_det(self, x):
        return _transposed(x, self.perm), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return _transposed(y, self._inverse_perm()), jnp.zeros((), y.dtype)

    def _forward_event_shape(self, shape):
        return _reordered(shape, self.perm)

    def _inverse_event_shape(self, shape):
        return _reordered(shape, self._inverse_perm())

    def batch_shape(self, event_shape):
        """There are no parameters."""
        return ()

    def _inverse_perm(self) -> tuple[int, ...]:
        return tuple(int(i) for i in np.argsort(self.perm))


def _transposed(x: Any, perm: tuple[int, ...]) -> Any:
    batch = x.ndim - len(perm)
    return jnp.transpose(x, (*range(batch), *(batch + i for i in perm)))


def _reordered(shape: tuple[int, ...], perm: tuple[int, ...]) -> tuple[int, ...]:
    batch = len(shape) - len(perm)
    return (*shape[:batch], *(shape[batch + i] for i in perm))


def _as_integers(value: Any, name: str) -> np.ndarray:
    known = known_values(value)
    if known is None or not (np.issubdtype(known.dtype, np.integer) or known.size == 0):
        raise TypeError(
            f"Transpose: expected integers as {name}, and got "
            f"{'a traced array' if known is None else f'dtype {known.dtype}'}; the shape of y depends on their values. "
            "Give Python integers."
        )
    return known


def _checked_perm(perm: np.ndarray) -> tuple[int, ...]:
    if perm.ndim != 1 or not np.array_equal(np.sort(perm), np.arange(perm.size)):
        raise ValueError(
            f"Transpose: expected perm to hold the integers 0 to k - 1 once each, and got {perm.tolist()}; they are "
            "the places of the last k axes among themselves. To swap the last two, give [1, 0]."
        )
    return tuple(int(i) for i in perm)


def _as_count(count: np.ndarray) -> int:
    if count.ndim or count < 0:
        raise ValueError(
            f"Transpose: expected rightmost_transposed_ndims to be a number of axes, 0 or more, and got "
            f"{count.tolist()}; that many of the last axes are reversed. Give 2 for the transpose of a matrix."
        )
    return int(count)
