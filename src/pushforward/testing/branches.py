"""Maps that are not injective: each branch of the inverse is a map of its own, and goes through the suite as one.

The branch number k of a map f takes y to x_k with f(x_k) = y. It is injective, its inverse is f, and its log-det is the
k-th of `inverse_log_det_jacobian`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from ..bijectors import Bijector
from ..core import replace, static_field
from .failure import CheckFailure, relative_error, row, show
from .programs import fast_jit
from .subject import ROWS, Subject


class Branch(Bijector):
    """x = the branch `number` of the inverse of `bijector` at y."""

    bijector: Bijector
    number: int = static_field()

    @property
    def forward_min_event_ndims(self) -> Any:
        """That of y."""
        return self.bijector.inverse_min_event_ndims

    @property
    def inverse_min_event_ndims(self) -> Any:
        """That of x."""
        return self.bijector.forward_min_event_ndims

    @property
    def is_increasing(self) -> Any:
        """As declared for this branch."""
        directions = self.bijector.branches_increasing
        return None if directions is None else directions[self.number]

    @property
    def domain(self) -> Any:
        """The codomain of the map."""
        return self.bijector.codomain

    @property
    def codomain(self) -> Any:
        """The domain of the map, of which the branch reaches a piece."""
        return self.bijector.domain

    def _forward_and_log_det(self, x):
        branches, log_dets = self.bijector.inverse_and_log_det(x)
        return branches[self.number], log_dets[self.number]

    def _inverse(self, y):
        return self.bijector.forward(y)

    def _forward_event_shape(self, shape):
        return self.bijector.inverse_event_shape(shape)

    def _inverse_event_shape(self, shape):
        return self.bijector.forward_event_shape(shape)

    def condition(self, c):
        """The branch of the map with `c` bound."""
        return replace(self, bijector=self.bijector.condition(c))


def branch_subjects(bijector: Bijector, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Subject]]:
    """(name, subject) of each branch, from the arguments of the subject of the whole map."""
    x_shape = arguments["event_shape"]
    condition_dim = arguments["condition_dim"]
    example = bijector if condition_dim is None else bijector.condition(np.zeros(condition_dim, np.float32))
    y_shape = example.forward_event_shape(x_shape)
    point = jax.tree.map(lambda n, s: jax.ShapeDtypeStruct(s, np.float32), bijector.inverse_min_event_ndims, y_shape)
    branches = len(jax.eval_shape(lambda b, y: b.inverse(y), example, point))
    swapped = {
        "event_shape": y_shape,
        "points": None,
        "draw": arguments["draw_output"],
        "draw_output": None,
        "extremes": arguments["output_extremes"],
        "output_extremes": arguments["extremes"],
        "structure": None,
        "coordinates": arguments["coordinates"][::-1],
        "images": True,
    }
    for k in range(branches):
        yield f"branch {k}", Subject(Branch(bijector, k), **{**arguments, **swapped})


@fast_jit()
def _way_back(bijector: Bijector, x: Any) -> Any:
    return bijector.inverse(bijector.forward(x))


def coverage(s: Subject) -> None:
    """Every x is on a branch of the inverse at f(x)."""
    for k in s.kinds:
        x, _, c = jax.tree.map(lambda a: np.float32(a[:ROWS]), s.inputs(k))
        b = s.parameters(k)
        if c is not None:
            b = b.condition(c.reshape((ROWS,) + (1,) * len(s.batch_shape) + c.shape[1:]))
        nearest = np.min([_row_errors(branch, x) for branch in jax.device_get(_way_back(b, x))], axis=0)
        if not np.all(nearest <= s.float32):
            worst = int(np.argmax(nearest))
            raise CheckFailure(
                f"no branch of the inverse{s.where(k, 'float32')} goes back to {show(row(x, worst))}: the nearest is "
                f"{nearest[worst]:.2g} off (relative to 1 + size). The density would lack what this point contributes"
            )


def _row_errors(got: Any, want: Any) -> np.ndarray:
    """The largest error of each row over all arrays; a row with NaN is infinitely far off."""
    pairs = zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True)
    errors = [relative_error(mine, theirs).reshape(len(theirs), -1).max(axis=1) for mine, theirs in pairs]
    return np.max(errors, axis=0)
