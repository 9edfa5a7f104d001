"""AngularTransformer: splines of angles and of numbers, side by side."""

import dataclasses
from collections.abc import Callable
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from .circular_spline import CircularSplineTransformer
from .coupling import take_rows
from .transformers import SplineTransformer


@dataclasses.dataclass(frozen=True)
class AngularTransformer:
    """Circular splines of the coordinates that are angles, splines on [-bound, bound] of the others.

    The coordinates are the first axis of x, as coupling layers hand them on. Parameters of a coordinate: 3 K + 1, see
    `CircularSplineTransformer`, of which the others leave the last two unused; zeros give the identity.

    Args:
        angles: for each coordinate, whether it is an angle.
        bins: bins of each spline, K.
        bound: half the side of the box of the others.

    Raises:
        ValueError: on use with another number of coordinates.
    """

    angles: tuple[bool, ...]
    bins: int = 8
    bound: float = 5.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "angles", tuple(bool(a) for a in self.angles))
        if not self.angles:
            raise ValueError("AngularTransformer: expected a boolean for each coordinate, and got none")
        SplineTransformer(self.bins, self.bound)  # for its checks

    unrolled_layers = 0

    @property
    def params_per_dim(self) -> int:
        """3 * bins + 1."""
        return 3 * self.bins + 1

    @cached_property
    def _order(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        angles = np.asarray(self.angles)
        first, then = np.flatnonzero(angles), np.flatnonzero(~angles)
        return first, then, np.argsort(np.concatenate([first, then]))

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(y, log dy/dx)."""
        return self._run(params, x, lambda transformer: transformer.forward_and_log_det)

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(x, log dx/dy)."""
        return self._run(params, y, lambda transformer: transformer.inverse_and_log_det)

    def _run(self, params: jax.Array, x: jax.Array, direction: Callable) -> tuple[jax.Array, jax.Array]:
        if x.ndim < 1 or x.shape[0] != len(self.angles):
            raise ValueError(
                f"AngularTransformer: expected {len(self.angles)} coordinates as the first axis, and got shape "
                f"{x.shape}; `angles` has one boolean for each"
            )
        circle, line = CircularSplineTransformer(self.bins), SplineTransformer(self.bins, self.bound)
        if all(self.angles):
            return direction(circle)(params, x)
        if not any(self.angles):
            return direction(line)(params[: line.params_per_dim], x)
        first, then, back = self._order
        parts = (
            direction(circle)(_columns(params, first), take_rows(x, first)),
            direction(line)(_columns(params[: line.params_per_dim], then), take_rows(x, then)),
        )
        out, log_det = (take_rows(jnp.concatenate(pair), back) for pair in zip(*parts, strict=True))
        return out, log_det


def _columns(params: jax.Array, places: np.ndarray) -> jax.Array:
    """Of parameters (P, coordinates, ...), those of some coordinates."""
    return jnp.swapaxes(take_rows(jnp.swapaxes(params, 0, 1), places), 0, 1)
