"""Transformers: scalar maps whose parameters a network supplies, shared by coupling and autoregressive layers.

A transformer is a static, hashable description without arrays. It says how many parameters a coordinate takes and maps
coordinates given them, element by element:

    params_per_dim                       number of parameters P of one coordinate
    forward_and_log_det(params, x)       (y, log |dy/dx|), both of the shape of x
    inverse_and_log_det(params, y)       (x, log |dx/dy|)
    unrolled_layers                      optional; up to how many layers with it `Stack` writes out: 0 for a map so long
                                         a program that it had better loop, 6 where nothing is said
    explicit_direction                   optional; "forward", also where nothing is said, or "inverse": the one that is
                                         a formula, of which the other finds the root

**Layout**: parameters lead, `params.shape == (P, *x.shape)` (or broadcastable to it): all operations then run over
contiguous elements. Parameters are unconstrained, and zeros give the identity.
"""

import dataclasses
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax import lax

from .boxed import check_bins
from .spline_kernel import softplus_slope, spline


@runtime_checkable
class Transformer(Protocol):
    """What coupling and autoregressive layers need to know about a scalar map; see the module's docstring."""

    @property
    def params_per_dim(self) -> int: ...

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]: ...

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]: ...


# Few layers written out run up to a third faster than in a loop (no slicing of weights, no stacking of what the
# gradient needs), but take up to twice as long to compile. The shorter a layer's program, the more of them.
UNROLLED_LAYERS = 6
UNROLLED_SHORT_LAYERS = 12


def unrolled_layers(transformer: Any) -> int:
    """Up to how many layers with it `Stack` writes out: the transformer's attribute `unrolled_layers`, or 6."""
    return getattr(transformer, "unrolled_layers", UNROLLED_LAYERS)


def explicit_direction(transformer: Any) -> str:
    """The direction with a formula, of which derivatives are better taken; "forward" unless the transformer says."""
    direction = getattr(transformer, "explicit_direction", "forward")
    if direction not in ("forward", "inverse"):
        raise ValueError(
            f"explicit_direction of {type(transformer).__name__} is 'forward' or 'inverse', and got {direction!r}; it "
            "says which of the two is a formula"
        )
    return direction


@dataclasses.dataclass(frozen=True)
class AdditiveTransformer:
    """y = x + shift.

    inverse  x = y - shift;    log-det: exactly 0 (NICE; Dinh, Krueger & Bengio 2015).
    Parameters of a coordinate: shift.
    """

    params_per_dim = 1
    unrolled_layers = UNROLLED_SHORT_LAYERS

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(x + shift, 0)."""
        y = x + params[0]
        return y, jnp.zeros_like(y)

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(y - shift, 0)."""
        x = y - params[0]
        return x, jnp.zeros_like(x)


@dataclasses.dataclass(frozen=True)
class AffineTransformer:
    """y = exp(a) x + shift, where a = log_scale, or a = m tanh(log_scale / m) with m = `max_log_scale`.

    inverse  x = (y - shift) exp(-a);    log-det  a.
    Parameters of a coordinate: shift, log_scale.

    Args:
        max_log_scale: positive bound of |a|, a soft clamp that leaves small values as they are; None for no clamp.
    """

    max_log_scale: float | None = None

    params_per_dim = 2
    unrolled_layers = UNROLLED_SHORT_LAYERS

    def __post_init__(self) -> None:
        if self.max_log_scale is not None and not self.max_log_scale > 0:
            raise ValueError(
                f"AffineTransformer: expected max_log_scale > 0, and got {self.max_log_scale}; it bounds |log scale|. "
                "Pass None for no bound."
            )

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(exp(a) x + shift, a)."""
        log_scale = self._clamped(params[1])
        y = x * jnp.exp(log_scale) + params[0]
        return y, jnp.broadcast_to(log_scale, y.shape)

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """((y - shift) exp(-a), -a)."""
        log_scale = self._clamped(params[1])
        x = (y - params[0]) * jnp.exp(-log_scale)
        return x, jnp.broadcast_to(-log_scale, x.shape)

    def _clamped(self, log_scale: jax.Array) -> jax.Array:
        m = self.max_log_scale
        return log_scale if m is None else m * jnp.tanh(log_scale / m)


@dataclasses.dataclass(frozen=True)
class SplineTransformer:
    """y = monotone rational-quadratic spline of x on [-bound, bound], the identity outside (Durkan et al. 2019).

    inverse and log-det: closed forms, see `spline_kernel`.
    Parameters of a coordinate: K widths, K heights (through a softmax), K - 1 interior slopes (through a softplus).

    Args:
        bins: number of bins K.
        bound: half the side of the box.
        min_bin_width, min_bin_height: least width and height of a bin, as fractions of the side of the box.
        min_slope: least slope at a knot.
    """

    bins: int = 8
    bound: float = 5.0
    min_bin_width: float = 1e-3
    min_bin_height: float = 1e-3
    min_slope: float = 1e-3

    def __post_init__(self) -> None:
        check_bins(self)
        if not self.bound > 0:
            raise ValueError(
                f"SplineTransformer: expected bound > 0, and got {self.bound}; the spline acts on [-bound, bound]"
            )

    @property
    def params_per_dim(self) -> int:
        """3 * bins - 1."""
        return 3 * self.bins - 1

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(y, log dy/dx)."""
        return self._run("forward", params, x)

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(x, log dx/dy)."""
        return self._run("inverse", params, y)

    def _run(self, direction: str, params: jax.Array, at: jax.Array) -> tuple[jax.Array, jax.Array]:
        widths, heights, slopes = lax.split(params, (self.bins, self.bins, self.bins - 1))
        return spline(
            direction,
            at,
            widths,
            heights,
            slopes,
            start=-self.bound,
            span=2 * self.bound,
            min_width=self.min_bin_width,
            min_height=self.min_bin_height,
            slope_of=partial(softplus_slope, least=self.min_slope),
        )


@dataclasses.dataclass(frozen=True)
class InvertedTransformer:
    """The inner transformer with its directions swapped: y = T^-1(x).

    In an autoregressive flow, which evaluates densities by the inverse of its transformer, an inverted spline puts the
    cheaper direction of the spline (no root to solve) on the density side.

    Args:
        inner: the transformer to swap.
    """

    inner: Transformer

    @property
    def params_per_dim(self) -> int:
        """As the inner transformer."""
        return self.inner.params_per_dim

    @property
    def unrolled_layers(self) -> int:
        """As the inner transformer."""
        return unrolled_layers(self.inner)

    @property
    def explicit_direction(self) -> str:
        """The other one than of the inner transformer."""
        return "inverse" if explicit_direction(self.inner) == "forward" else "forward"

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The inverse of the inner transformer."""
        return self.inner.inverse_and_log_det(params, x)

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The forward of the inner transformer."""
        return self.inner.forward_and_log_det(params, y)
