"""LogitNormal: a number in (0, 1) whose logit is normal."""

from typing import Any

from numpyro.distributions import Normal, constraints

from ..bijectors import Chain, Scale, Shift, Sigmoid
from .parametric import ParametricDistribution, exponential


class LogitNormal(ParametricDistribution):
    """y = 1 / (1 + exp(-x)), x ~ Normal(loc, scale).

    log p(y) = log Normal(logit y; loc, scale) - log(y (1 - y));    support: 0 < y < 1. Its moments have no closed form.

    Args:
        loc: mean of the logit, any shape; shapes broadcast to the batch shape.
        scale: positive, the standard deviation of the logit. The parameter that trains is its logarithm, `raw_scale`.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale is not positive, or the shapes do not broadcast.

    (TFP's three arguments that steer its approximations of the mean have no use here.)
    """

    pytree_data_fields = ("loc", "raw_scale")
    support = constraints.unit_interval
    scale = exponential("raw_scale", "The standard deviation of the logit.")

    def __init__(self, loc: Any, scale: Any, *, validate_args: bool = False):
        self._hold({"loc": loc}, {"scale": scale}, validate_args=validate_args)

    @property
    def base(self) -> Any:
        """Normal(0, 1)."""
        return Normal(0.0, 1.0)

    @property
    def bijector(self) -> Any:
        """The logistic function of an affine map."""
        return Chain([Sigmoid(), Shift(self.loc), Scale(self.scale)])
