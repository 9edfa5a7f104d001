"""ShiftedGompertzCDF: the distribution function of the shifted Gompertz law."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from numpyro.distributions import constraints

from ..core.elementary import one_minus_exp
from ..core.parameters import check_broadcast, positive_parameter
from .base import Bijector


class ShiftedGompertzCDF(Bijector):
    """y = (1 - q) exp(-q / c), q = exp(-rate x), element by element; c is the concentration.

    inverse  by Halley's method, see below;    log |dy/dx| = log(rate) - rate x - q / c + log(1 + (1 - q) / c);
    domain: x >= 0;    codomain: (0, 1), open.

    It is the law of the larger of an exponential and a Gumbel variable of the same rate (Bemmaor 1994, whose shape
    parameter is 1 / c). Below 0, y is 0 and the log-determinant -infinity.

    The inverse: with 1 - q = exp(-u), u + (1 - exp(-u)) / c = -log y, which is increasing and concave in u. From a
    lower bound the iteration climbs to the root, with full relative precision for y near 1. A last step in exp(-u),
    from y itself, gives it for small y too. (A closed form with Lambert's function loses both tails.)

    Args:
        concentration: c > 0, any shape that broadcasts against x. The parameter that trains is its logarithm,
            `raw_concentration`.
        rate: positive, likewise; `raw_rate`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known parameter is not positive, or the shapes do not broadcast.
    """

    raw_concentration: jax.Array
    raw_rate: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True
    domain = constraints.nonnegative
    codomain = constraints.open_interval(0.0, 1.0)

    def __init__(self, concentration: Any, rate: Any, *, validate_args: bool = False):
        check_broadcast("ShiftedGompertzCDF", concentration=concentration, rate=rate)
        concentration = positive_parameter(concentration, "ShiftedGompertzCDF: concentration", validate=validate_args)
        rate = positive_parameter(rate, "ShiftedGompertzCDF: rate", validate=validate_args)
        self.raw_concentration, self.raw_rate = jnp.log(concentration), jnp.log(rate)
        self.validate_args = validate_args

    @property
    def concentration(self) -> jax.Array:
        """c: the smaller, the further the law is from the exponential one."""
        return jnp.exp(self.raw_concentration)

    @property
    def rate(self) -> jax.Array:
        """The rate of both variables."""
        return jnp.exp(self.raw_rate)

    def _forward_and_log_det(self, x):
        c, z = self.concentration, jnp.where(x < 0, 0, self.rate * x)
        q, p = jnp.exp(-z), one_minus_exp(z)
        log_det = self.raw_rate - z - q / c + jnp.log1p(p / c)
        return p * jnp.exp(-q / c), jnp.where(x < 0, -jnp.inf, log_det)

    def _inverse_and_log_det(self, y):
        shape = 1 / self.concentration
        z = _quantile(y, shape)
        log_det = z + shape * jnp.exp(-z) - jnp.log1p(shape * one_minus_exp(z))
        return z / self.rate, log_det - self.raw_rate


@jax.custom_jvp
def _quantile(y: jax.Array, shape: jax.Array) -> jax.Array:
    """The z >= 0 with (1 - exp(-z)) exp(-shape exp(-z)) = y."""
    zero = y < jnp.finfo(y.dtype).tiny
    safe = jnp.where(zero, 1, y)
    w = -jnp.log(safe)
    tolerance = 4 * jnp.finfo(y.dtype).eps * w  # what the residual is rounded to

    def step(state: Any) -> Any:
        u, _, count = state
        q, p = one_minus_exp(u), jnp.exp(-u)
        residual, bend = u + shape * q - w, shape * p
        slope = 1 + bend
        u = u - 2 * residual * slope / (2 * slope**2 + residual * bend)
        return jnp.maximum(u, 0), jnp.abs(residual) > tolerance, count + 1

    start = jnp.maximum(w / (1 + shape), w - shape)
    state = start, jnp.full(start.shape, True), jnp.asarray(0, jnp.int32)
    # A step may round below the tolerance without end; ten are more than any shape has needed.
    u, *_ = lax.while_loop(lambda state: jnp.any(state[1]) & (state[2] < 64), step, state)
    p = jnp.exp(-u)
    # Newton's step for log(p / y) = shape (1 - p).
    p = p * (1 - (jnp.log(p / safe) - shape * (1 - p)) / (1 + shape * p))
    z = jnp.where(u > 0.5, -jnp.log1p(-p), -jnp.log(one_minus_exp(u)))
    return jnp.where(zero, 0, z)


@_quantile.defjvp
def _quantile_jvp(primals, tangents):
    (y, shape), (y_dot, shape_dot) = primals, tangents
    z = _quantile(y, shape)
    q, p = jnp.exp(-z), one_minus_exp(z)
    return z, (jnp.exp(z + shape * q) * y_dot + p * shape_dot) / (1 + shape * p)
