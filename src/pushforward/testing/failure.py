"""How a failed check speaks: what failed, by how much, at which input, and probably why."""

from typing import Any

import jax
import numpy as np


class CheckFailure(AssertionError):
    """One or more checks failed; `failures` maps the name of a check to its message."""

    def __init__(self, message: str, failures: dict[str, str] | None = None):
        super().__init__(message)
        self.failures = failures or {}


def show(value: Any) -> str:
    """An array (or a pytree of them) in a few characters."""
    leaves = [
        np.array2string(np.asarray(leaf), precision=6, threshold=12, edgeitems=3) for leaf in jax.tree.leaves(value)
    ]
    text = leaves[0] if len(leaves) == 1 else "(" + ", ".join(leaves) + ")"
    return " ".join(text.split()).removesuffix(".")  # NumPy writes -1000. for a single number; a full stop follows.


def row(tree: Any, index: int) -> Any:
    """Row `index` of every array of `tree`."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[index], tree)


def relative_error(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """|got - want| / (1 + |want|); 0 where both are the same infinity or NaN, infinite where only one is."""
    got, want = np.broadcast_arrays(np.asarray(got, float), np.asarray(want, float))
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(got - want) / (1 + np.abs(want))
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return np.where(same, 0.0, np.where(np.isfinite(error), error, np.inf))


def expect_close(
    got: Any,
    want: Any,
    tolerance: float,
    *,
    what: str,
    at: Any = None,
    where: str = "",
    cause: Any = "",
    slack: np.ndarray | float = 0.0,
) -> None:
    """Raise `CheckFailure` unless every number of `got` is within `tolerance` of `want`, relative to 1 + |want|.

    Args:
        slack: a further absolute error allowed, [batch axes]: what rounding the input of an ill-conditioned map does.
        what: names the two quantities: "log-det against automatic differentiation".
        at: the inputs, rows first; the row with the worst error is shown.
        where: precision and parameters.
        cause: the probable reason, or a function of (got, want) at the worst place that words it.
    """
    for mine, theirs in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        mine, theirs = np.asarray(mine), np.asarray(theirs)
        if mine.shape != theirs.shape:
            raise CheckFailure(
                f"{what}{where}: the shapes differ, {mine.shape} against {theirs.shape}. {_word(cause, mine, theirs)}"
            )
        if mine.size == 0:
            continue
        error = relative_error(mine, theirs)
        extra = np.asarray(slack).reshape(np.shape(slack) + (1,) * (error.ndim - np.ndim(slack)))
        allowed = np.broadcast_to(tolerance + extra / (1 + np.abs(theirs)), error.shape)
        worst = np.unravel_index(np.argmax(np.where(error <= allowed, 0.0, error)), error.shape)
        if not error[worst] <= allowed[worst]:
            place = f" at the input {show(row(at, int(worst[0])))}" if at is not None and worst else ""
            raise CheckFailure(
                f"{what}{where}{place}: {float(mine[worst]):.9g} against {float(theirs[worst]):.9g}, an error of "
                f"{error[worst]:.2g} where {allowed[worst]:.2g} (relative to 1 + size) is allowed. "
                f"{_word(cause, mine[worst], theirs[worst])}"
            )


def _word(cause: Any, got: Any, want: Any) -> str:
    return str(cause(got, want) if callable(cause) else cause)
