"""Power: y = x^p."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpyro.distributions import constraints

from ..core import constant_field, two_parts
from ..core.elementary import at_least_single, with_slope
from ..core.parameters import as_parameter, known_values
from .base import Bijector


class Power(Bijector):
    """y = x^p, element by element.

    inverse  x = y^(1/p);    log |dy/dx| = log |p| + (p - 1) log |x|;
    domain and codomain: real, where p is a positive odd number; the real numbers but 0 (declared as real), where it is
    a negative odd one; else [0, infinity) for p > 0, (0, infinity) for p < 0.

    The exponent is data and does not train: an odd number would stop being one at the first step, and half of the
    domain be lost. On x > 0, `Chain([Exp(), Scale(p), Log()])` is the same map with an exponent that trains.

    p log x is computed in two parts, so that the power is right to a few units in the last place however large or small
    it is, and so is the root, for which 1 / p is not rounded. The first powers and the square root are products and the
    like where p is known when the program is compiled. Outside the domain, x < 0 gives NaN, or |x|^p where p is even.

    Args:
        power: p, not 0, any shape that broadcasts against x.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known power is 0 or not finite.
    """

    power: jax.Array = constant_field()

    forward_min_event_ndims = 0

    def __init__(self, power: Any, *, validate_args: bool = False):
        known = known_values(power)
        power = as_parameter(power, "Power: power")
        if known is not None and not np.all((known != 0) & np.isfinite(known)):
            raise ValueError(
                f"Power: expected powers other than 0, and got {known.tolist()}: x^0 is 1 for every x, which has no "
                "inverse. Give a finite number that is not 0."
            )
        if known is None and validate_args:
            fine = jnp.all((power != 0) & jnp.isfinite(power))
            power = eqx.error_if(power, ~fine, "Power: expected powers other than 0, and got one that is 0")
        self.power = power
        self.validate_args = validate_args

    @property
    def is_increasing(self) -> Any:
        """Where p > 0; None if some p is a negative odd number, for such a power decreases on either side of 0 only."""
        known = known_values(self.power)
        if known is None:
            return self.power > 0
        if np.any(_is_odd(known) & (known < 0)):
            return None
        return known > 0 if known.ndim else bool(known > 0)

    @property
    def domain(self) -> Any:
        """The numbers that have the power."""
        known = known_values(self.power)
        power = self.power if known is None else known
        odd = _is_odd(power)
        if known is not None and odd.all():
            return constraints.real
        if known is not None and not odd.any() and (known > 0).all():
            return constraints.nonnegative
        if known is not None and not odd.any() and (known < 0).all():
            return constraints.positive
        return constraints.greater_than_eq(jnp.where(odd, -jnp.inf, 0.0))

    @property
    def codomain(self) -> Any:
        """The same as the domain."""
        return self.domain

    def _forward_and_log_det(self, x):
        p, wide = at_least_single(self.power), at_least_single(x)
        value, log_x = _simple(lax.stop_gradient(wide), self._known(1)), jnp.log(jnp.abs(wide))
        if value is None:
            parts, end = _log_size(wide)
            log_slope = _log_slope(parts, end, p)
            even = jnp.where(p % 2 == 0, 1, jnp.nan)
            value = _signed(wide, p, even, end, two_parts.multiply(lax.stop_gradient(parts), two_parts.split(p)))
        else:
            log_slope = jnp.log(jnp.abs(p)) + jnp.where(p == 1, 0, (p - 1) * log_x)
        sign = jnp.sign(p) * jnp.where(_is_odd(p), 1, jnp.sign(wide))
        return with_slope(value, wide, log_slope, sign).astype(x.dtype), log_slope

    def _inverse_and_log_det(self, y):
        p, wide = at_least_single(self.power), at_least_single(y)
        value, log_y = _simple(lax.stop_gradient(wide), self._known(-1)), jnp.log(jnp.abs(wide))
        if value is None:
            (parts, end), power = _log_size(wide), two_parts.split(p)
            log_slope = -_log_slope(two_parts.divide(parts, power), end * jnp.sign(p), p)
            value = _signed(wide, p, jnp.nan, end, two_parts.divide(lax.stop_gradient(parts), power))
        else:
            log_slope = jnp.where(p == 1, 0, (1 / p - 1) * log_y) - jnp.log(jnp.abs(p))
        return with_slope(value, wide, log_slope, jnp.sign(p)).astype(y.dtype), log_slope

    def _known(self, sign: int) -> float | None:
        """The exponent, or (for sign -1) that of the inverse; None if it is an array or not known."""
        known = known_values(self.power)
        return None if known is None or known.ndim else float(known) ** sign


def _is_odd(power: Any) -> Any:
    return abs(power % 2) == 1


def _simple(x: jax.Array, power: float | None) -> jax.Array | None:
    """x^power where that is a product, a quotient or a root, which is faster and exact; else None."""
    table: dict[float | None, Callable[[jax.Array], jax.Array]] = {
        -1.0: lambda x: 1 / x,
        0.5: jnp.sqrt,
        1.0: lambda x: x,
        2.0: lambda x: x * x,
        3.0: lambda x: x * x * x,
    }
    return table[power](x) if power in table else None


def _log_size(a: jax.Array) -> tuple[two_parts.Parts, jax.Array]:
    """log |a|, and it where it is infinite, else 0; then the first is that of 1."""
    size = jnp.abs(a)
    end = jnp.where(size < jnp.finfo(a.dtype).tiny, -jnp.inf, jnp.where(size == jnp.inf, jnp.inf, 0)).astype(a.dtype)
    return two_parts.log(jnp.where(end == 0, size, 1)), end


def _signed(a: jax.Array, p: jax.Array, even: Any, end: jax.Array, log_b: two_parts.Parts) -> jax.Array:
    """|b| with the sign that a power of `a` has; `even` is what multiplies it for a < 0 where p is not odd."""
    size = jnp.where(end == 0, two_parts.exp(log_b), jnp.where(end * p < 0, 0, jnp.inf))
    return jnp.where(p == 1, jnp.abs(lax.stop_gradient(a)), size) * jnp.where(a < 0, jnp.where(_is_odd(p), -1, even), 1)


def _log_slope(log_x: two_parts.Parts, end: jax.Array, p: jax.Array) -> jax.Array:
    """log |p| + (p - 1) log |x|; near its zero too."""
    product = two_parts.multiply(log_x, two_parts.add(two_parts.split(p), -jnp.ones_like(p)))
    log_p = two_parts.log(jnp.abs(p))
    ordinary = (product.high + log_p.high) + (product.low + log_p.low)
    return jnp.where(end == 0, ordinary, jnp.where(p == 1, 0, (p - 1) * end))
