"""SinhArcsinh: y = m sinh(t (arsinh(x) + s)), which skews and changes the weight of tails."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import two_parts
from ..core.elementary import at_least_single, sinh_and_log_cosh, sinhc_of_small, with_slope
from ..core.parameters import as_parameter, check_broadcast, positive_parameter
from ..core.two_parts import Parts
from .base import Bijector


class SinhArcsinh(Bijector):
    """y = m sinh(t (arsinh(x) + s)), m = 2 / sinh(t arsinh(2)), element by element; s is skewness, t tailweight.

    inverse  x = sinh(arsinh(y / m) / t - s);
    log |dy/dx| = log(m t) + log cosh(t (arsinh(x) + s)) - log(1 + x^2) / 2;    domain and codomain: real.

    Without skewness 2 goes to 2, and with a tailweight of 1 besides, the map is the identity. Of a normal variable,
    positive skewness makes a longer right tail, a larger tailweight makes both longer: y grows as |x|^t.

    The hyperbolic functions are not formed where they overflow or lose digits: exp(t arsinh(x)) is a power of
    |x| + sqrt(1 + x^2), computed in two parts, so that y is right to a few units in the last place up to the largest
    number (for t < 50), and the log-determinant has arsinh(x) only times t - 1.

    Args:
        skewness: s, any shape that broadcasts against x; None is 0.
        tailweight: t > 0, likewise; None is 1. The parameter that trains is its logarithm, `raw_tailweight`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known tailweight is not positive, or the shapes do not broadcast.

    Source: Jones and Pewsey, "Sinh-arcsinh distributions", 2009; the factor m is TFP's.
    """

    skewness: jax.Array | None
    raw_tailweight: jax.Array | None

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(self, skewness: Any = None, tailweight: Any = None, *, validate_args: bool = False):
        if skewness is not None and tailweight is not None:
            check_broadcast("SinhArcsinh", skewness=skewness, tailweight=tailweight)
        self.skewness = None if skewness is None else as_parameter(skewness, "SinhArcsinh: skewness")
        if tailweight is None:
            self.raw_tailweight = None
        else:
            name = "SinhArcsinh: tailweight"
            self.raw_tailweight = jnp.log(positive_parameter(tailweight, name, validate=validate_args))
        self.validate_args = validate_args

    @property
    def tailweight(self) -> jax.Array | None:
        """t, or None for 1."""
        return None if self.raw_tailweight is None else jnp.exp(self.raw_tailweight)

    def _forward_and_log_det(self, x):
        s, t, m = self._single_parameters(x)
        wide = at_least_single(x)

        def line(u: Parts, of: jax.Array) -> Parts:
            return _unless_tiny(of, t * (of + s), two_parts.multiply(two_parts.add(u, s), two_parts.split(t)))

        u, share = _arsinh(wide)
        held = lax.stop_gradient((u, wide))
        log_slope = _log_cosh_ratio(line(u, wide), u, share) + jnp.log(t * m) + _at_infinity(wide, t - 1)
        y = jnp.where(jnp.isinf(wide), wide, _sinh(line(*held), m))
        return with_slope(y, wide, log_slope).astype(x.dtype), log_slope

    def _inverse_and_log_det(self, y):
        s, t, m = self._single_parameters(y)
        wide = at_least_single(y)

        def arguments(y: jax.Array) -> tuple[Parts, Parts, jax.Array]:
            # y / m may overflow.
            large = jnp.abs(y * 2.0**-64) > 2.0**60 * m
            of = jnp.where(large, y * 2.0**-64, y) / m
            u, share = _arsinh(of, jnp.where(large, 64, 0))
            w = two_parts.add(two_parts.divide(u, two_parts.split(t)), -s)
            return _unless_tiny(of, of / t - s, w), u, share

        log_slope = _log_cosh_ratio(*arguments(wide)) - jnp.log(t * m) + _at_infinity(wide, 1 - t)
        x = jnp.where(jnp.isinf(wide), wide, _sinh(arguments(lax.stop_gradient(wide))[0], jnp.ones_like(m)))
        return with_slope(x, wide, log_slope).astype(y.dtype), log_slope

    def _single_parameters(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """s, t and m."""
        dtype = at_least_single(x).dtype
        s = jnp.zeros((), dtype) if self.skewness is None else at_least_single(self.skewness)
        if self.tailweight is None:
            return s, jnp.ones((), dtype), jnp.ones((), dtype)
        t = at_least_single(self.tailweight)
        return s, t, 2 / sinh_and_log_cosh(t * np.arcsinh(2).astype(dtype))[0]


def _arsinh(x: jax.Array, doublings: Any = 0) -> tuple[Parts, jax.Array]:
    """u = arsinh(2^doublings x) and cosh(u) exp(-|u|), which is between 1/2 and 1."""
    size, sign = jnp.minimum(jnp.abs(x), jnp.finfo(x.dtype).max), jnp.where(x < 0, -1, 1)
    # Beyond 2^30, cosh(u) = sqrt(1 + x^2) is |x| to all digits.
    large, held = size > 2**30, jnp.minimum(size, 2**30)
    cosh = jnp.where(large, size, jnp.sqrt(1 + held * held))
    # |u| = log(|x| + cosh(u))
    less_one = jnp.where(large, size, held + held * held / (1 + cosh))
    u = two_parts.log1p(less_one, 0, doublings + jnp.where(large, 1, 0))
    return Parts(sign * u.high, sign * u.low), 1 / (1 + size / cosh)


def _size(a: Parts) -> Parts:
    sign = jnp.where(a.total < 0, -1, 1)
    return Parts(sign * a.high, sign * a.low)


def _sinh(w: Parts, factor: jax.Array) -> jax.Array:
    """factor sinh(w), which overflows only where the result does."""
    size, total = _size(w), w.total
    near = size.total < 1
    w_near = jnp.where(near, total, 0)
    far = jnp.where(total < 0, -1, 1) * (two_parts.exp(size, factor / 2) - factor / 2 * _decay(size))
    return jnp.where(near, factor * (w_near * sinhc_of_small(w_near)), far)


def _decay(size: Parts) -> jax.Array:
    """exp(-size); its exponential is the one that `_sinh` takes."""
    inverse = 1 / jnp.exp(size.high / 2)
    return inverse * inverse / two_parts.exp_of_small(size.low)


def _log_cosh_ratio(w: Parts, u: Parts, share: jax.Array) -> jax.Array:
    """log(cosh(w) / cosh(u)), with share = cosh(u) exp(-|u|), by log cosh(w) = |w| + log((1 + exp(-2 |w|)) / 2)."""
    w, u = _size(w), _size(u)
    return (w.high - u.high) + (w.low - u.low) + jnp.log((1 + _decay(w) ** 2) / 2 / share)


def _unless_tiny(x: jax.Array, total: jax.Array, parts: Parts) -> Parts:
    """`parts`, but `total` where x, which is its own arsinh there, and it are so small that parts may be subnormal."""
    tiny = jnp.maximum(jnp.abs(x), jnp.abs(total)) < 2.0**-64
    return Parts(jnp.where(tiny, 0, parts.high), jnp.where(tiny, total, parts.low))


def _at_infinity(x: jax.Array, growth: jax.Array) -> jax.Array:
    """What an infinite x adds to a log-determinant that grows as `growth` log |x|."""
    end = jnp.where(growth > 0, jnp.inf, jnp.where(growth < 0, -jnp.inf, 0))
    return jnp.where(jnp.isinf(x), end, 0)
