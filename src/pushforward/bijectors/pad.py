"""Pad: an event with more entries at the ends of its axes."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core import constant_field, static_field
from ..core.parameters import as_parameter, known_values
from .base import Bijector

_MODES = ("CONSTANT", "REFLECT", "SYMMETRIC")


class Pad(Bijector):
    """y = x with entries added before and after it along axes of the event.

    inverse  they are cut off;    log |det dy/dx| = 0, of the entries that x has;
    domain and codomain: real. What the added entries of y are is looked at with validate_args only, as in TFP.

    Args:
        paddings: for each padded axis the pair (entries before, entries after).
        mode: what is added: "CONSTANT" for constant_values, "REFLECT" for the mirror image of x without its edge,
            "SYMMETRIC" for that with the edge.
        constant_values: the number to add; it does not train.
        axis: the padded axes, negative, counted from the end: an integer, or one for each pair; None for the last ones.
        validate_args: check values (that the entries cut off are what forward writes), also under `jit`.

    Raises:
        ValueError: if paddings are not pairs of integers from 0, axis is not negative or repeats itself or does not
            match paddings, mode is another, or an input is too short to be reflected or cut.

    Example:
        Pad([(1, 1)]).forward(jnp.array([3.0, 4.0]))    # [0, 3, 4, 0]
    """

    paddings: tuple[tuple[int, int], ...] = static_field()
    mode: str = static_field()
    constant_values: jax.Array = constant_field()
    axis: tuple[int, ...] = static_field()

    is_constant_jacobian = True

    def __init__(
        self,
        paddings: Sequence[tuple[int, int]] = ((0, 1),),
        mode: str = "CONSTANT",
        constant_values: Any = 0,
        axis: int | Sequence[int] | None = None,
        *,
        validate_args: bool = False,
    ):
        self.paddings = _as_pairs(paddings)
        self.mode = str(mode).upper()
        if self.mode not in _MODES:
            raise ValueError(
                f"Pad: expected mode to be one of {', '.join(_MODES)}, and got {mode!r}; other rules say nothing about "
                "what is added. Use CONSTANT."
            )
        self.constant_values = as_parameter(constant_values, "Pad: constant_values")
        if self.constant_values.ndim:
            raise ValueError(
                f"Pad: expected constant_values to be one number, and got shape {self.constant_values.shape}; all "
                "added entries are the same. Pad twice for two different numbers."
            )
        self.axis = _as_axes(axis, len(self.paddings))
        self.validate_args = validate_args

    @property
    def forward_min_event_ndims(self) -> int:
        """The axes from the first padded one to the last."""
        return -min(self.axis)

    def _forward_and_log_det(self, x):
        self._forward_event_shape(x.shape)
        widths = [(0, 0)] * x.ndim
        for axis, pair in zip(self.axis, self.paddings, strict=True):
            widths[axis] = pair
        if self.mode == "CONSTANT":
            y = jnp.pad(x, widths, constant_values=self.constant_values)
        else:
            y = jnp.pad(x, widths, mode=self.mode.lower())
        return y, jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        sizes = self._inverse_event_shape(y.shape)
        inner = [slice(None)] * y.ndim
        for axis, (before, _) in zip(self.axis, self.paddings, strict=True):
            inner[axis] = slice(before, before + sizes[axis])
        x = y[tuple(inner)]
        if self.validate_args:
            differs = jnp.any((self._forward_and_log_det(x)[0] != y) & ~jnp.isnan(y))
            x = eqx.error_if(x, differs, "Pad.inverse: expected the entries that forward adds at the ends")
        return x, jnp.zeros((), y.dtype)

    def _forward_event_shape(self, shape):
        sizes = list(shape)
        for axis, pair in zip(self.axis, self.paddings, strict=True):
            limit = {"REFLECT": sizes[axis] - 1, "SYMMETRIC": sizes[axis]}.get(self.mode)
            if limit is not None and max(pair) > max(limit, 0):
                raise ValueError(
                    f"Pad: expected paddings of at most {max(limit, 0)} along axis {axis} of an input of shape {shape}"
                    f", and got {pair}; the mirror image of x has no more entries. Use CONSTANT."
                )
            sizes[axis] += sum(pair)
        return tuple(sizes)

    def _inverse_event_shape(self, shape):
        sizes = list(shape)
        for axis, pair in zip(self.axis, self.paddings, strict=True):
            sizes[axis] -= sum(pair)
            if sizes[axis] < 0:
                raise ValueError(
                    f"Pad.inverse: expected at least {sum(pair)} entries along axis {axis}, and got an input of shape "
                    f"{shape}; that many are cut off. Give padded arrays."
                )
        return tuple(sizes)


def _as_pairs(paddings: Any) -> tuple[tuple[int, int], ...]:
    known = known_values(paddings)
    fine = known is not None and np.issubdtype(known.dtype, np.integer) and known.ndim == 2 and known.shape[-1] == 2
    if known is None or not fine or not len(known) or np.any(known < 0):
        raise ValueError(
            "Pad: expected paddings to be pairs of integers from 0, (entries before, entries after), one for each "
            f"padded axis, and got {paddings}; shapes depend on them. Give [(0, 1)] for one entry at the end of the "
            "last axis."
        )
    return tuple((int(before), int(after)) for before, after in known)


def _as_axes(axis: Any, count: int) -> tuple[int, ...]:
    axes = range(-count, 0) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    axes = tuple(int(a) for a in axes)
    if any(a >= 0 for a in axes) or len(set(axes)) < len(axes) or len(axes) != count:
        raise ValueError(
            f"Pad: expected {count} different negative integers as axis, one for each pair of paddings, and got {axis}"
            "; counted from the front, the place of an axis would change with the number of batch axes. Count from the "
            "end: -1 is the last."
        )
    return axes
