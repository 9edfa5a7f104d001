"""SoftClip: the identity between two bounds, bent smoothly towards them."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import constraints

from ..core.elementary import log1p, log1p_of, log_one_minus
from ..core.logistic import softplus_and_log_slope, softplus_inverse_and_log_slope
from ..core.parameters import as_parameter, check_broadcast, known_values, positive_parameter
from .base import Bijector


class SoftClip(Bijector):
    """y = high - k c softplus((w - c softplus((x - low) / c)) / c), k = w / (c softplus(w / c)), w = high - low.

    Element by element; c is the softness of the hinges. With one bound, y = low + c softplus((x - low) / c), or
    y = high - c softplus((high - x) / c); with none, y = x.

    inverse  x = low + c (a + log((1 - exp(-a)) / (1 - exp(-b)))), a = (y - low) / (k c), b = (high - y) / (k c);
    log |dy/dx| = log(k) + log(1 - exp(-a)) + log(1 - exp(-b)) + log(1 + exp(-w / c)), from x by logistic functions;
    domain: real;    codomain: the open interval, half-line or line.

    The first formula is TFP's and defines the numbers; it loses y near `low`. Here y is taken from the bound that is
    nearer, low + k c (z + log(1 + exp(-w / c)) - log(...)), so that the distance to it has full precision and never
    changes its sign. The factor k brings the lower end to `low`, which makes the map slightly asymmetric.

    Args:
        low, high: bounds, low < high, any shapes that broadcast against x; None for no bound.
        hinge_softness: c > 0, likewise; None is 1. The parameter that trains is its logarithm, `raw_hinge_softness`.
        validate_args: check values (low < high included), also under `jit`.

    Raises:
        ValueError: if some known low is not below its high or a softness not positive, or shapes do not broadcast.
    """

    low: jax.Array | None
    high: jax.Array | None
    raw_hinge_softness: jax.Array | None

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(self, low: Any = None, high: Any = None, hinge_softness: Any = None, *, validate_args: bool = False):
        given = {"low": low, "high": high, "hinge_softness": hinge_softness}
        check_broadcast("SoftClip", **{name: value for name, value in given.items() if value is not None})
        known_low, known_high = known_values(low), known_values(high)
        both = low is not None and high is not None
        if both and known_low is not None and known_high is not None and not (known_low < known_high).all():
            raise ValueError(
                f"SoftClip expects low < high, and got low={known_low.tolist()}, high={known_high.tolist()}: the "
                "interval between them is empty. Swap or correct them."
            )
        for name, known in (("low", known_low), ("high", known_high)):
            if given[name] is not None and known is not None and not np.isfinite(known).all():
                raise ValueError(
                    f"SoftClip expects finite bounds, and got {name}={known.tolist()}: an infinite one has no distance "
                    "from x. Leave it out, or give None, for no bound."
                )
        self.low = None if low is None else as_parameter(low, "SoftClip: low")
        self.high = None if high is None else as_parameter(high, "SoftClip: high")
        if hinge_softness is None:
            self.raw_hinge_softness = None
        else:
            name = "SoftClip: hinge_softness"
            self.raw_hinge_softness = jnp.log(positive_parameter(hinge_softness, name, validate=validate_args))
        self.validate_args = validate_args

    @property
    def hinge_softness(self) -> jax.Array | None:
        """c, or None for 1."""
        return None if self.raw_hinge_softness is None else jnp.exp(self.raw_hinge_softness)

    @property
    def is_constant_jacobian(self) -> bool:
        """Only without bounds."""
        return self.low is None and self.high is None

    @property
    def codomain(self) -> Any:
        """Between the bounds."""
        if self.low is None:
            return constraints.real if self.high is None else constraints.less_than(self.high)
        if self.high is None:
            return constraints.greater_than(self.low)
        return constraints.open_interval(self.low, self.high)

    def _forward_and_log_det(self, x):
        low, high, c = self._checked_parameters()
        if low is None and high is None:
            return x, jnp.zeros((), x.dtype)
        if low is None:
            below, log_slope = softplus_and_log_slope(high - x, c)
            return high - below, log_slope
        if high is None:
            above, log_slope = softplus_and_log_slope(x - low, c)
            return low + above, log_slope
        z, rest, width, k, correction = self._in_softness(x)
        below, inside = z < 0, rest >= 0
        decay, decay_from_high = jnp.exp(jnp.where(below, z, -z)), jnp.exp(jnp.where(inside, -rest, rest))
        whole = 1 + decay
        share = decay / whole
        # exp(-a) - 1 below; exp(b) divided by exp(rest), less 1, inside; exp(b) - 1 above.
        change = jnp.where(inside, decay_from_high - share, decay_from_high / whole)
        change = jnp.where(below, -share / (1 + jnp.exp(-width)), change)
        log_change = log1p_of(change, 1 + change)
        from_low = jnp.where(below, 0, z + correction) - log_change
        from_high = jnp.where(inside, rest, 0) + log_change
        unit = k if c is None else k * c
        y = jnp.where(below | (z < rest), low + unit * from_low, high - unit * from_high)
        log_det = jnp.where(below, z - correction, jnp.where(inside, 0, rest))
        return y, log_det - (2 * log1p_of(decay, whole) + log_change) + jnp.log(k)

    def _inverse_and_log_det(self, y):
        low, high, c = self._checked_parameters()
        if low is None and high is None:
            return y, jnp.zeros((), y.dtype)
        if low is None:
            below, log_slope = _inverse_hinge(high - y, c)
            return high - below, log_slope
        if high is None:
            above, log_slope = _inverse_hinge(y - low, c)
            return low + above, log_slope
        a, b, _, k, correction = self._in_softness(y)
        a, b = a / k, b / k
        log_a, log_b = log_one_minus(jnp.exp(-a), -a), log_one_minus(jnp.exp(-b), -b)
        from_low, from_high = a + (log_a - log_b), b + (log_b - log_a) - correction
        if c is not None:
            from_low, from_high = c * from_low, c * from_high
        return jnp.where(a < b, low + from_low, high - from_high), -(log_a + log_b) - (jnp.log(k) + correction)

    def _in_softness(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array]:
        """x - low, high - x and w in units of the softness; k; and log(1 + exp(-w / c))."""
        low, high, c = self._checked_parameters()
        lengths = x - low, high - x, high - low
        above, below, width = lengths if c is None else (length / c for length in lengths)
        correction = log1p(jnp.exp(-width))
        return above, below, width, 1 / (1 + correction / width), correction

    def _checked_parameters(self) -> tuple[Any, Any, Any]:
        low, high = self.low, self.high
        if self.validate_args and low is not None and high is not None:
            words = "SoftClip: expected low < high, and got an empty interval"
            low, high = eqx.error_if((low, high), ~jnp.all(low < high), words)
        return low, high, self.hinge_softness


def _inverse_hinge(y: jax.Array, c: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    """The x with c softplus(x / c) = y, and its log-slope."""
    if c is None:
        return softplus_inverse_and_log_slope(y)
    # Far out x is y, and y / c may overflow.
    x, log_slope = softplus_inverse_and_log_slope(jnp.minimum(y, 1000 * c) / c)
    return jnp.where(y > 40 * c, y, c * x), log_slope
