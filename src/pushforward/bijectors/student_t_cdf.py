"""StudentTCDF: the distribution function of Student's t."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core import student_t
from ..core.elementary import at_least_single
from ..core.parameters import as_parameter, check_broadcast, positive_parameter
from .base import Bijector


class StudentTCDF(Bijector):
    """y = F(z), z = (x - loc) / scale, element by element; F is the distribution function of Student's t.

    inverse  x = loc + scale F^-1(y);    log |dy/dx| = log p(z) - log(scale), p the density of Student's t:
    p(z) = Gamma((df + 1) / 2) / (Gamma(df / 2) sqrt(df pi)) (1 + z^2 / df)^(-(df + 1) / 2);
    domain: real;    codomain: (0, 1), open.

    Where Sigmoid and NormalCDF expect light tails, this one expects heavy ones: its own fall like |z|^-df. The lower
    tail is right to some units in the last place all the way, for any df, and so is the quantile, which is found by
    Newton's method. Both have a derivative by df.

    Args:
        df: degrees of freedom, positive, any shape that broadcasts against x. The parameter that trains is its
            logarithm, `raw_df`.
        loc: centre, likewise.
        scale: positive, likewise; `raw_scale`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known df or scale is not positive, or the shapes do not broadcast.
    """

    raw_df: jax.Array
    loc: jax.Array
    raw_scale: jax.Array

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.open_interval(0.0, 1.0)

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, *, validate_args: bool = False):
        check_broadcast("StudentTCDF", df=df, loc=loc, scale=scale)
        self.raw_df = jnp.log(positive_parameter(df, "StudentTCDF: df", validate=validate_args))
        self.loc = as_parameter(loc, "StudentTCDF: loc")
        self.raw_scale = jnp.log(positive_parameter(scale, "StudentTCDF: scale", validate=validate_args))
        self.validate_args = validate_args

    @property
    def df(self) -> jax.Array:
        """The degrees of freedom."""
        return jnp.exp(self.raw_df)

    @property
    def scale(self) -> jax.Array:
        """The unit of x - loc."""
        return jnp.exp(self.raw_scale)

    def _forward_and_log_det(self, x):
        z, df, log_scale = self._single((x - self.loc) / self.scale)
        return student_t.cdf(z, df).astype(x.dtype), student_t.log_density(z, df) - log_scale

    def _inverse_and_log_det(self, y):
        wide, df, log_scale = self._single(y)
        z, log_density = student_t.quantile_and_log_density(wide, df)
        return self.loc + self.scale * z.astype(y.dtype), log_scale - log_density

    def _single(self, a: jax.Array) -> list[jax.Array]:
        """`a`, df and the logarithm of the scale in 32 bits or more."""
        return [at_least_single(v) for v in (a, self.df, self.raw_scale)]
