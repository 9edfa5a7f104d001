"""RelaxedOneHotCategorical, the Gumbel-softmax or Concrete distribution, and its logarithm."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from numpyro.distributions import constraints

from ..bijectors import Bijector, Chain, Invert, Scale, Shift, SoftmaxCentered
from .logits import given_logits
from .multivariate_logistic import StandardMultivariateLogistic
from .parametric import ParametricDistribution, exponential


class _Relaxed(ParametricDistribution):
    """What the two have in common: a temperature and logits of shape [batch axes | K]."""

    pytree_data_fields = ("raw_temperature", "logits")
    temperature = exponential("raw_temperature", "T; towards 0 the values go to the corners of the simplex.")

    def __init__(self, temperature: Any, logits: Any = None, probs: Any = None, *, validate_args: bool = False):
        who = type(self).__name__
        logits = given_logits(who, logits, probs, validate=validate_args)
        if logits.ndim < 1 or logits.shape[-1] < 2:
            raise ValueError(
                f"{who} expects logits or probs of shape [batch axes | K] for K >= 2 classes, and got shape "
                f"{logits.shape}: a single class leaves nothing to choose. For one of two classes use RelaxedBernoulli."
            )
        self._hold(positive={"temperature": temperature}, validate_args=validate_args)
        self.logits = logits
        try:
            jnp.broadcast_shapes(self.raw_temperature.shape, logits.shape[:-1])
        except ValueError:
            raise ValueError(
                f"{who} expects a temperature that broadcasts against the batch axes {logits.shape[:-1]} of its "
                f"{logits.shape[-1]} classes, and got shape {self.raw_temperature.shape}: all classes share one. Give "
                "one number, or one for each member of the batch."
            ) from None

    @property
    def probs(self) -> jax.Array:
        """The probability of each class to be the largest coordinate, softmax(logits)."""
        return jax.nn.softmax(self.logits, axis=-1)


class RelaxedOneHotCategorical(_Relaxed):
    """y = softmax((logits + g) / T), g independent Gumbel variables, T the temperature.

    log p(y) = log Γ(K) + (K - 1) log T + sum_k log softmax(logits - T log y)_k - sum_k log y_k;    support: the inside
    of the simplex of K numbers. The measure is that of the first K - 1 coordinates, as for the Dirichlet.

    The largest coordinate is k with probability probs_k at every temperature. It is the image under `SoftmaxCentered`
    of the K - 1 differences of (logits + g) / T to the last one, whose law is the multivariate logistic; for K = 2,
    `RelaxedBernoulli`. At low temperatures, y_k may round to 0, where the density is that of the edge, 0: use
    `ExpRelaxedOneHotCategorical`, of log y, or `sample_and_log_prob`.

    Args:
        temperature: T > 0, of shape [batch axes]. The parameter that trains is its logarithm, `raw_temperature`.
        logits: unnormalised log-probabilities of the classes, shape [batch axes | K].
        probs: probabilities of the classes instead, positive; they need not sum to 1.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: unless exactly one of logits and probs is given; for fewer than two classes, shapes that do not
            broadcast, and parameters that are known to be out of range.

    Reference: Maddison, Mnih and Teh 2017, "The Concrete distribution", eq. 10; Jang, Gu and Poole 2017.
    """

    pytree_data_fields = _Relaxed.pytree_data_fields
    support = constraints.simplex

    @property
    def base(self) -> Any:
        """Differences of Gumbel variables to the last."""
        return StandardMultivariateLogistic(self.logits.shape[-1] - 1)

    @property
    def bijector(self) -> Any:
        """SoftmaxCentered of (u + differences of logits to the last) / T."""
        return Chain([SoftmaxCentered(), *_scores(self)])


class ExpRelaxedOneHotCategorical(_Relaxed):
    """x = log softmax((logits + g) / T): the logarithm of a `RelaxedOneHotCategorical` variable, as long as it.

    log p(x) = log Γ(K) + (K - 1) log T + sum_k log softmax(logits - T x)_k;    support: vectors with sum_k exp(x_k) =
    1.

    The measure is the one under which `Exp` of x has the density of `RelaxedOneHotCategorical`: log p(exp(x)) +
    sum_k x_k. Values stay finite and exact where exp(x) would round to 0.

    Args:
        temperature: T > 0, of shape [batch axes]. The parameter that trains is its logarithm, `raw_temperature`.
        logits: unnormalised log-probabilities of the classes, shape [batch axes | K].
        probs: probabilities of the classes instead, positive; they need not sum to 1.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: as `RelaxedOneHotCategorical`.

    Reference: Maddison, Mnih and Teh 2017, "The Concrete distribution", eq. 23.
    """

    pytree_data_fields = _Relaxed.pytree_data_fields

    @property
    def support(self) -> Any:
        """Logarithms of points of the simplex."""
        return log_simplex

    @property
    def base(self) -> Any:
        """Differences of Gumbel variables to the last."""
        return StandardMultivariateLogistic(self.logits.shape[-1] - 1)

    @property
    def bijector(self) -> Any:
        """log softmax of (u + differences of logits to the last) / T, and of 0."""
        return Chain([_LogSoftmaxCentered(), *_scores(self)])


def _scores(relaxed: _Relaxed) -> tuple[Bijector, Bijector]:
    """The steps from differences of Gumbel variables to those of (logits + g) / T."""
    logits = relaxed.logits
    return Invert(Scale(relaxed.temperature[..., None])), Shift(logits[..., :-1] - logits[..., -1:])


class _LogSimplex(constraints.ParameterFreeConstraint):
    """Vectors x with sum_k exp(x_k) = 1, up to the tolerance of NumPyro's simplex."""

    event_dim = 1

    def __call__(self, x):
        return jnp.abs(logsumexp(x, axis=-1)) < 1e-6

    def feasible_like(self, prototype):
        return jnp.full_like(prototype, -math.log(prototype.shape[-1]))


log_simplex = _LogSimplex()


class _LogSoftmaxCentered(Bijector):
    """y = log softmax([x, 0]); inverse x_i = y_i - y_K. Volume is that of the differences, so its log-det is 0."""

    forward_min_event_ndims = 1
    codomain = log_simplex

    def _forward_and_log_det(self, x):
        scores = jnp.concatenate([x, jnp.zeros_like(x[..., :1], shape=(*x.shape[:-1], 1))], axis=-1)
        return jax.nn.log_softmax(scores, axis=-1), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return y[..., :-1] - y[..., -1:], jnp.zeros((), y.dtype)

    def _forward_event_shape(self, shape):
        return (*shape[:-1], shape[-1] + 1)

    def _inverse_event_shape(self, shape):
        return (*shape[:-1], shape[-1] - 1)
