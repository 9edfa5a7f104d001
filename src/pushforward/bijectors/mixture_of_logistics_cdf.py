"""MixtureOfLogisticsCDF: the distribution function of a mixture of logistic laws, or its logit (Flow++)."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from numpyro.distributions import constraints

from ..core import static_field
from ..core.elementary import logit as logit_of
from ..core.parameters import as_parameter, check_broadcast, positive_parameter
from ..solvers import invert_monotone
from .base import Bijector


class MixtureOfLogisticsCDF(Bijector):
    """y = F(x) = sum_k w_k sigmoid((x - loc_k) / scale_k), w = softmax(logits), or with `logit` log(F / (1 - F)).

    Element by element: each number has the mixture of the last axis of the parameters, whose other axes broadcast
    against x. The layer of Flow++ is `Chain([Shift(b), Scale(log_scale=a), MixtureOfLogisticsCDF(..., logit=True)])`.

    inverse  by a bracketed root find for the logit, which lies between those of the components;
    log |dy/dx| = log F'(x), and with `logit` log F'(x) - log F - log(1 - F);
    domain: real;    codomain: (0, 1), open, and with `logit` real.

    Values with `logit` and all log-determinants come from the logarithm of the smaller tail and are precise in both
    tails, however far; of `Chain([Logit(), MixtureOfLogisticsCDF(...)])` nothing is left where F rounds to 1.

    Args:
        logits: unnormalised log-weights, shape [..., K].
        locs: means, shape [..., K].
        scales: positive, shape [..., K]. The parameter that trains is their logarithm, `raw_scales`. Give this or
            `log_scales`.
        log_scales: their logarithms, as networks give them.
        logit: whether y is the logit of F, a number on the real line.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if both or neither of scales and log_scales are given, some known scale is not positive, the shapes
            do not broadcast, or there is no axis of components.

    Reference: Ho, Chen, Srinivas, Duan & Abbeel 2019, "Flow++", section 3.2.
    """

    logits: jax.Array
    locs: jax.Array
    raw_scales: jax.Array
    logit: bool = static_field()

    forward_min_event_ndims = 0
    is_increasing = True

    def __init__(
        self,
        logits: Any,
        locs: Any,
        scales: Any = None,
        *,
        log_scales: Any = None,
        logit: bool = False,
        validate_args: bool = False,
    ):
        who = "MixtureOfLogisticsCDF"
        if (scales is None) == (log_scales is None):
            raise ValueError(
                f"{who} takes either scales or log_scales, and got "
                f"{'neither' if scales is None else 'both'}; give exactly one"
            )
        if scales is not None:
            log_scales = jnp.log(positive_parameter(scales, f"{who}: scales", validate=validate_args))
        self.logits, self.locs = as_parameter(logits, f"{who}: logits"), as_parameter(locs, f"{who}: locs")
        self.raw_scales = as_parameter(log_scales, f"{who}: log_scales")
        check_broadcast(who, logits=self.logits, locs=self.locs, scales=self.raw_scales)
        shape = jnp.broadcast_shapes(self.logits.shape, self.locs.shape, self.raw_scales.shape)
        if not shape or shape[-1] == 0:
            raise ValueError(
                f"{who} expects parameters of shape [..., K] with K >= 1 components, and got {shape}: the last axis is "
                "summed over. Of a single component, give arrays of shape (1,)."
            )
        self.logit = logit
        self.validate_args = validate_args

    @property
    def scales(self) -> jax.Array:
        """The scales of the components."""
        return jnp.exp(self.raw_scales)

    @property
    def codomain(self) -> Any:
        """(0, 1), or all numbers of the logit."""
        return constraints.real if self.logit else constraints.open_interval(0.0, 1.0)

    def _forward_and_log_det(self, x):
        share, log_tail, upper, log_slope = self._tails(x)
        log_rest = jnp.log1p(-jnp.exp(log_tail))
        if self.logit:
            y = jnp.where(upper, log_rest - log_tail, log_tail - log_rest)
            return jnp.where(jnp.isinf(x), x, y), log_slope - log_rest
        return share, jnp.where(jnp.isinf(x), -jnp.inf, log_slope + log_tail)

    def _inverse_and_log_det(self, y):
        target = y if self.logit else logit_of(y)
        # Between the quantiles of the components; where those overflow, x is that of the widest.
        quantiles = lax.stop_gradient(self.locs + self.scales * target[..., None])
        lower, upper = jnp.min(quantiles, axis=-1), jnp.max(quantiles, axis=-1)
        infinite = jnp.isinf(jnp.where(target > 0, upper, lower))
        end = target * jnp.max(lax.stop_gradient(self.scales), axis=-1)
        finite, lower, upper = (jnp.where(infinite, 0, v) for v in (target, lower, upper))
        x = jnp.where(infinite, end, invert_monotone(self._logit, finite, lower=lower, upper=upper))
        return x, -self._forward_and_log_det(x)[1]

    def _logit(self, x: jax.Array) -> jax.Array:
        _, log_tail, upper, _ = self._tails(x)
        log_rest = jnp.log1p(-jnp.exp(log_tail))
        return jnp.where(upper, log_rest - log_tail, log_tail - log_rest)

    def _tails(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        """F, the log of the smaller of F and 1 - F, whether that is 1 - F, and log(F' / the smaller)."""
        z = _finite((_finite(x)[..., None] - self.locs) / self.scales)
        log_weights = jax.nn.log_softmax(self.logits, axis=-1)
        share = jnp.sum(jnp.exp(log_weights) * jax.nn.sigmoid(z), axis=-1)
        upper = share > 0.5
        # Seen from its own end, the smaller tail is a sum of sigmoid(-z), of which the exponent is kept apart.
        z = jnp.where(upper[..., None], z, -z)
        inner = z < 0
        e = jnp.exp(jnp.where(inner, z, -z))
        near, far = 1 / (1 + e), e / (1 + e)  # sigmoid(|z|) and sigmoid(-|z|)
        exponents = log_weights - jnp.where(inner, 0, z)
        largest = lax.stop_gradient(jnp.max(exponents, axis=-1, keepdims=True))
        parts = jnp.exp(exponents - largest) * near
        tail = jnp.sum(parts, axis=-1)
        slopes = jnp.where(inner, far, near) * jnp.exp(-self.raw_scales)
        log_slope = jnp.log(jnp.sum(parts * slopes, axis=-1) / tail)
        return share, largest[..., 0] + jnp.log(tail), upper, log_slope


def _finite(x: jax.Array) -> jax.Array:
    """x with the largest numbers for infinities."""
    return jnp.where(jnp.isinf(x), jnp.sign(x) * jnp.finfo(x.dtype).max, x)
