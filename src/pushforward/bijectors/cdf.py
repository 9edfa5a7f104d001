"""CDF: the distribution function of any NumPyro distribution."""

import copy
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero
from numpyro.distributions import Distribution, constraints

from ..core.elementary import with_slope
from ..core.parameters import as_parameter
from ..solvers import invert_monotone
from .base import Bijector
from .domains import constraint_bounds, feasible_like, satisfies


class CDF(Bijector):
    """y = P(X <= x), element by element, for X of a continuous distribution on numbers.

    inverse  x = the quantile at y;    log |dy/dx| = log p(x);    domain: the distribution's support;
    codomain: (0, 1), open.

    The quantile is the distribution's `icdf` where it has one, else it is found by bisection of its `cdf`. What the
    distribution rounds, this rounds: of a plain `cdf` near 1 float32 keeps 1e-7, and the quantile is no sharper; the
    log-determinant has no such loss. Outside the support y is 0 or 1 and the log-determinant -infinity. Bijectors of
    one law (`NormalCDF`, `WeibullCDF`, ...) are precise in both tails.

    The parameters of a NumPyro distribution do not train. A `TransformedDistribution`'s bijector does; `freeze` it to
    hold it constant.

    Args:
        distribution: a NumPyro `Distribution` (ours are) with a `cdf` and events of rank 0; its batch shape broadcasts
            against x.
        validate_args: check values, also under `jit`.

    Raises:
        TypeError: if it is no distribution.
        ValueError: if it is discrete, its events are not numbers, or it has no `cdf`.

    Example:
        Chain([Invert(NormalCDF()), CDF(Gamma(2.0, 1.0))])     # Gamma variables to normal ones
    """

    distribution: Any

    forward_min_event_ndims = 0
    is_increasing = True
    codomain = constraints.open_interval(0.0, 1.0)

    def __init__(self, distribution: Any, *, validate_args: bool = False):
        if not isinstance(distribution, Distribution):
            raise TypeError(f"CDF expects a NumPyro distribution, and got {type(distribution).__name__}")
        name = type(distribution).__name__
        if distribution.event_shape:
            raise ValueError(
                f"CDF expects a distribution of numbers, and got {name} with events of shape "
                f"{distribution.event_shape}: of vectors, the probability of X <= x is no bijector. Give the law of "
                "one coordinate; of one made by .to_event(...), the distribution before that call."
            )
        if distribution.is_discrete:
            raise ValueError(
                f"CDF expects a continuous distribution, and got {name}, which is discrete: its distribution function "
                "is a step function, which has no inverse"
            )
        self.distribution = _quiet(distribution)
        self.validate_args = validate_args
        try:
            jax.eval_shape(lambda x: self._probability(x), jax.ShapeDtypeStruct((), jnp.result_type(float)))
        except NotImplementedError:
            raise ValueError(
                f"CDF expects a distribution with a `cdf`, and got {name}, which has none in the NumPyro installed "
                "here. Of one made by .expand(...), give the distribution before that call; else write a bijector of "
                "your own: `_forward` and is_increasing = True are enough."
            ) from None

    @property
    def domain(self) -> Any:
        """The support."""
        return self.distribution.support

    def _forward_and_log_det(self, x):
        log_density = self._log_density(x)
        y = self._probability(lax.stop_gradient(x))
        return with_slope(y, x, lax.stop_gradient(log_density)), log_density

    def _inverse_and_log_det(self, y):
        x = _quantile(self, y)
        return x, -self._log_density(x)

    def _probability(self, x: jax.Array) -> jax.Array:
        """P(X <= x), also outside the support."""
        inside, point = self._within(x)
        with _numpys_promotion():
            y = self.distribution.cdf(point).astype(x.dtype)
            return jnp.where(inside, y, (x > point).astype(x.dtype))

    def _log_density(self, x: jax.Array) -> jax.Array:
        """log p(x), -infinity outside the support."""
        inside, point = self._within(x)
        with _numpys_promotion():
            log_density = self.distribution.log_prob(point).astype(x.dtype)
            return jnp.where(inside, log_density, -jnp.inf)

    def _within(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(whether x is in the support and finite, x or a point that is)."""
        support = self.domain
        inside = satisfies(support, x, 0) & ~jnp.isinf(x)
        return inside, jnp.where(inside, x, feasible_like(support, x).astype(x.dtype))


@jax.custom_jvp
def _quantile(cdf: CDF, y: jax.Array) -> jax.Array:
    """The x with P(X <= x) = y."""
    try:
        with _numpys_promotion():
            return cdf.distribution.icdf(y).astype(y.dtype)
    except (NotImplementedError, ImportError):  # NumPyro borrows some quantiles from TFP
        lower, upper = constraint_bounds(cdf.domain)
        return invert_monotone(cdf._probability, y, lower=lower, upper=upper)


@partial(_quantile.defjvp, symbolic_zeros=True)
def _quantile_jvp(primals, tangents):
    """The implicit function theorem: p(x) dx = dy - dP(X <= x), the last by the parameters that vary.

    NumPyro's own derivatives are not asked for others: of some parameters there is none, not even times zero.
    """
    (cdf, y), (cdf_dot, y_dot) = primals, tangents
    x = _quantile(cdf, y)
    rise = jnp.zeros_like(x) if _is_zero(y_dot) else y_dot
    leaves, structure = jax.tree.flatten(cdf)
    dots = jax.tree.leaves(cdf_dot, is_leaf=_is_zero)
    varying = [k for k, dot in enumerate(dots) if not _is_zero(dot)]
    if varying:

        def probability(*values: jax.Array) -> jax.Array:
            for k, value in zip(varying, values, strict=True):
                leaves[k] = value
            return jax.tree.unflatten(structure, leaves)._probability(x)

        rise = rise - jax.jvp(probability, [leaves[k] for k in varying], [dots[k] for k in varying])[1]
    log_density = cdf._log_density(x)
    finite = jnp.isfinite(log_density)
    return x, jnp.where(finite, rise * jnp.exp(-jnp.where(finite, log_density, 0)), 0)


def _is_zero(tangent: Any) -> bool:
    return isinstance(tangent, SymbolicZero) or getattr(tangent, "dtype", None) == jax.dtypes.float0


def _numpys_promotion() -> Any:
    """NumPyro mixes dtypes."""
    return jax.numpy_dtype_promotion("standard")


def _quiet(dist: Any) -> Any:
    """A copy of `dist` whose numbers are arrays, and that does not validate: validation would turn NaN into -inf."""

    def array(leaf: Any) -> Any:
        if jnp.issubdtype(jnp.result_type(leaf), jnp.bool_):
            return jnp.asarray(leaf)
        return as_parameter(leaf, f"CDF: a parameter of {type(dist).__name__}")

    return _without_validation(jax.tree.map(array, dist))


def _without_validation(dist: Any) -> Any:
    if hasattr(dist, "_with_frozen"):  # a distribution of ours, which does this itself
        return dist
    new = copy.copy(dist)
    if dist._validate_args:
        new._validate_args = False
    for name, part in vars(dist).items():
        if isinstance(part, Distribution):
            setattr(new, name, _without_validation(part))
    return new
