"""GeneralizedExtremeValueCDF: the distribution function of the generalised extreme value law."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core.elementary import largest_exponent, scaled_expm1, scaled_log1p, times_log
from ..core.parameters import as_parameter, check_broadcast, positive_parameter
from .base import Bijector
from .between import between


class GeneralizedExtremeValueCDF(Bijector):
    """y = exp(-exp(-g)), g = log(1 + c z) / c, z = (x - loc) / scale, element by element; c is the concentration.

    At c = 0 it is `GumbelCDF`, g = z; for c > 0 Fréchet's law, from the lower end loc - scale / c; for c < 0 the
    mirrored Weibull's, up to that end.

    inverse  x = loc + scale (exp(c g) - 1) / c, g = -log(-log y);
    log |dy/dx| = -(1 + c) g - exp(-g) - log(scale);
    domain: 1 + c z >= 0;    codomain: (0, 1), open.

    Beyond an end, y is 0 or 1 and the log-determinant -infinity. Near c = 0 neither the values nor their derivatives in
    c cancel.

    Args:
        loc: any shape that broadcasts against x.
        scale: positive, likewise. The parameter that trains is its logarithm, `raw_scale`.
        concentration: c of any sign, likewise.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale is not positive, or the shapes do not broadcast.

    Reference: Jenkinson 1955, "The frequency distribution of the annual maximum (or minimum) values of meteorological
        elements". (Its k, and that of SciPy, is -c.)
    """

    loc: jax.Array
    raw_scale: jax.Array
    concentration: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.open_interval(0.0, 1.0)

    def __init__(self, loc: Any = 0.0, scale: Any = 1.0, concentration: Any = 0.0, *, validate_args: bool = False):
        who = "GeneralizedExtremeValueCDF"
        check_broadcast(who, loc=loc, scale=scale, concentration=concentration)
        self.loc = as_parameter(loc, f"{who}: loc")
        self.raw_scale = jnp.log(positive_parameter(scale, f"{who}: scale", validate=validate_args))
        self.concentration = as_parameter(concentration, f"{who}: concentration")
        self.validate_args = validate_args

    @property
    def scale(self) -> jax.Array:
        """The unit of x - loc."""
        return jnp.exp(self.raw_scale)

    @property
    def domain(self) -> Any:
        """From loc - scale / c up for c > 0, down for c < 0; all numbers for c = 0."""
        c = self.concentration
        end = self.loc - self.scale / jnp.where(c == 0, 1, c)
        return between(jnp.where(c > 0, end, -jnp.inf), jnp.where(c < 0, end, jnp.inf), closed=True)

    def _forward_and_log_det(self, x):
        c, z, most = self.concentration, (x - self.loc) / self.scale, largest_exponent(x.dtype)
        from_zero = c * z
        out = from_zero <= -1
        g = scaled_log1p(jnp.where(out, 0, z), c)
        beyond = -g > most  # t overflows: y is 0 long before
        t = jnp.exp(jnp.where(beyond, most, -g))
        at_end = jnp.where(c > -1, -jnp.inf, jnp.where(c < -1, jnp.inf, -self.raw_scale))
        edge = jnp.where(from_zero == -1, at_end, -jnp.inf)
        log_det = jnp.where(out | beyond, edge, -(1 + c) * g - t - self.raw_scale)
        return jnp.where(out, jnp.where(c < 0, 1, 0), jnp.exp(-t)), log_det

    def _inverse_and_log_det(self, y):
        c, t = self.concentration, -jnp.log(y)
        g = -jnp.log(t)
        infinite = jnp.isinf(g)
        z = scaled_expm1(jnp.where(infinite, 0, g), c)
        at_end = jnp.where(c * jnp.sign(g) < 0, -1 / jnp.where(infinite & (c != 0), c, 1), g)
        x = self.loc + self.scale * jnp.where(infinite, at_end, z)
        return x, t - times_log(1 + c, t) + self.raw_scale
