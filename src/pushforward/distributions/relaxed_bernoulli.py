"""RelaxedBernoulli: a coin whose two sides are joined by the numbers between 0 and 1."""

from typing import Any

import jax
from numpyro.distributions import constraints

from ..bijectors import Chain, Invert, Scale, Shift, Sigmoid
from .logits import given_logits
from .multivariate_logistic import StandardLogistic
from .parametric import ParametricDistribution, exponential


class RelaxedBernoulli(ParametricDistribution):
    """y = 1 / (1 + exp(-(logits + l) / temperature)), l ~ Logistic(0, 1).

    log p(y) = log T - u - 2 log(1 + exp(-u)) - log(y (1 - y)), u = T logit(y) - logits;    support: 0 < y < 1.
    P(y > 1/2) = probs at every temperature T; as T goes to 0, y becomes a coin with that probability of 1.

    It is the first coordinate of a `RelaxedOneHotCategorical` of two classes.

    Args:
        temperature: T > 0, any shape; shapes broadcast to the batch shape. The parameter that trains is its logarithm,
            `raw_temperature`.
        logits: log odds of 1, any shape.
        probs: the probability of 1, strictly between 0 and 1; give this or `logits`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: unless exactly one of logits and probs is given, and where a known parameter is out of range.

    Reference: Maddison, Mnih and Teh 2017, "The Concrete distribution", section 3 (binary).
    """

    pytree_data_fields = ("raw_temperature", "logits")
    support = constraints.unit_interval
    temperature = exponential("raw_temperature", "T; towards 0 the values go to 0 and 1.")

    def __init__(self, temperature: Any, logits: Any = None, probs: Any = None, *, validate_args: bool = False):
        logits = given_logits("RelaxedBernoulli", logits, probs, binary=True, validate=validate_args)
        self._hold({"logits": logits}, {"temperature": temperature}, validate_args=validate_args)

    @property
    def probs(self) -> jax.Array:
        """P(y > 1/2)."""
        return jax.nn.sigmoid(self.logits)

    @property
    def base(self) -> Any:
        """Logistic(0, 1)."""
        return StandardLogistic()

    @property
    def bijector(self) -> Any:
        """l to the logistic function of (logits + l) / T."""
        return Chain([Sigmoid(), Invert(Scale(self.temperature)), Shift(self.logits)])
