"""BoxedTransformer: what the splines of this folder share, the box that they bend and the identity outside of it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from numpyro.distributions import constraints

from .bins import of_rank


@dataclasses.dataclass(frozen=True)
class BoxedTransformer:
    """y = start + span c((x - start) / span) in the box, an increasing curve c of [0, 1] onto itself; y = x outside.

    A subclass says how many parameters a coordinate takes, and writes both directions of c with their log-slopes.

    Args:
        bins: number of bins K.
        bound: the box is [-bound, bound]; None for the unit interval, of which the map then is one.
    """

    bins: int = 8
    bound: float | None = 5.0

    def __post_init__(self) -> None:
        check_bins(self)
        if self.bound is not None and not self.bound > 0:
            raise ValueError(
                f"{type(self).__name__}: expected bound > 0, and got {self.bound}; the spline acts on [-bound, bound]. "
                "For the unit interval pass None."
            )

    @property
    def params_per_dim(self) -> int:
        """Number of parameters of one coordinate."""
        raise NotImplementedError

    @property
    def domain(self) -> Any:
        """The line, or the unit interval."""
        return constraints.unit_interval if self.bound is None else constraints.real

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(y, log dy/dx)."""
        return self._boxed(self._forward, params, x)

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(x, log dx/dy)."""
        return self._boxed(self._inverse, params, y)

    def _forward(self, params: jax.Array, position: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(c, log c') at a position in [0, 1]."""
        raise NotImplementedError

    def _inverse(self, params: jax.Array, position: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The same of the inverse of c."""
        raise NotImplementedError

    def _boxed(self, curve: Callable, params: jax.Array, at: jax.Array) -> tuple[jax.Array, jax.Array]:
        at = jnp.broadcast_to(at, jnp.broadcast_shapes(at.shape, params.shape[1:]))
        start, span = (0.0, 1.0) if self.bound is None else (-self.bound, 2.0 * self.bound)
        outside = (at < start) | (at > start + span)
        value, log_slope = curve(of_rank(params, at.ndim), (jnp.where(outside, start + span / 2, at) - start) / span)
        # The shares of the bins sum to 1 up to rounding, which has no derivative.
        value = start + span * (value - lax.stop_gradient(jnp.maximum(value - 1, 0)))
        return jnp.where(outside, at, value), jnp.where(outside, 0, jnp.where(jnp.isnan(at), at, log_slope))


def check_bins(transformer: Any) -> None:
    """Refuse options of a spline that leave no room: `bins`, and what it has of the least sizes and `min_slope`.

    Raises:
        ValueError: for an option out of range.
    """
    name, bins = type(transformer).__name__, transformer.bins
    if bins < 1 or int(bins) != bins:
        raise ValueError(f"{name}: expected at least one bin (an integer), and got bins={bins}")
    for option in ("min_bin_width", "min_bin_height"):
        if not 0 < getattr(transformer, option, 0.5 / bins) * bins < 1:
            raise ValueError(
                f"{name}: expected 0 < {option} < 1 / bins = {1 / bins:.3g}, and got {getattr(transformer, option)}; "
                f"it is the least share of the box that each of the {bins} bins takes"
            )
    least = getattr(transformer, "min_slope", 0.5)
    if not 0 < least < 1:
        raise ValueError(f"{name}: expected 0 < min_slope < 1, and got {least}; zero parameters give slopes of 1")
