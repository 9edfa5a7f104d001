"""The circular spline: a smooth map of the circle (Rezende, Papamakarios, Racanière et al. 2020)."""

import dataclasses
import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from numpyro.distributions import constraints

from .boxed import check_bins
from .from_transformer import FromTransformer, counted
from .spline_kernel import softplus_slope, spline

_PI = math.pi


@dataclasses.dataclass(frozen=True)
class CircularSplineTransformer:
    """y = S(x) + rotation on the circle [-pi, pi), S a monotone rational-quadratic spline with S(-pi) = -pi.

    S has the same slope at both ends, so that the map is smooth across the seam (Rezende et al. 2020, section 2.1).
    inverse and log-det: closed forms, see `spline_kernel`. Angles are taken modulo 2 pi. Parameters of a coordinate: K
    widths, K heights (through a softmax), K slopes (through a softplus; the last one at the seam), the rotation. Zeros
    give the identity.

    Args:
        bins: number of bins K.
        min_bin_width, min_bin_height: least width and height of a bin, as fractions of the circle.
        min_slope: least slope at a knot.
    """

    bins: int = 8
    min_bin_width: float = 1e-3
    min_bin_height: float = 1e-3
    min_slope: float = 1e-3

    domain = constraints.circular

    def __post_init__(self) -> None:
        check_bins(self)

    @property
    def params_per_dim(self) -> int:
        """3 K + 1."""
        return 3 * self.bins + 1

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(y, log dy/dx)."""
        value, log_slope = self._run("forward", params, x)
        return wrapped(value + params[-1]), log_slope

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(x, log dx/dy)."""
        return self._run("inverse", params, y - params[-1])

    def _run(self, direction: str, params: jax.Array, at: jax.Array) -> tuple[jax.Array, jax.Array]:
        k = self.bins
        widths, heights, slopes, seam, _ = lax.split(params, (k, k, k - 1, 1, 1))
        return spline(
            direction,
            wrapped(at),
            widths,
            heights,
            slopes,
            start=-_PI,
            span=2 * _PI,
            min_width=self.min_bin_width,
            min_height=self.min_bin_height,
            slope_of=partial(softplus_slope, least=self.min_slope),
            end_slope=seam[0],
        )


def wrapped(angle: jax.Array) -> jax.Array:
    """The angle in [-pi, pi], modulo 2 pi; unchanged if it is there already."""
    turned = angle - 2 * _PI * jnp.floor((angle + _PI) / (2 * _PI))
    return jnp.where(jnp.abs(angle) <= _PI, angle, jnp.where(turned < -_PI, -_PI, jnp.where(turned > _PI, _PI, turned)))


class CircularSpline(FromTransformer):
    """y = S(x) + rotation on the circle [-pi, pi), element by element, S a rational-quadratic spline with S(-pi) = -pi.

    inverse and log-det: closed forms, see `CircularSplineTransformer` (Rezende et al. 2020);    domain and codomain:
    angles in [-pi, pi], of which the ends are one point. Other angles are taken modulo 2 pi.

    Args:
        params: unconstrained, shape [..., 3 K + 1]: K widths, K heights, K slopes (the last one at -pi and pi), the
            rotation. Leading axes are axes of x, or broadcast against them. Zeros give the identity.
        min_bin_width, min_bin_height: least width and height of a bin, as fractions of the circle.
        min_slope: least slope at a knot.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: for another number of params, or options out of range.
    """

    is_increasing = None  # along the circle it is, but the numbers jump by 2 pi

    def __init__(
        self,
        params: Any,
        *,
        min_bin_width: float = 1e-3,
        min_bin_height: float = 1e-3,
        min_slope: float = 1e-3,
        validate_args: bool = False,
    ):
        params, bins = counted(params, 3, 1, "CircularSpline", "number of bins")
        super().__init__(
            params, CircularSplineTransformer(bins, min_bin_width, min_bin_height, min_slope), validate_args
        )
