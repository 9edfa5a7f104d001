"""SinhArcsinh: a variable skewed, and its tails made heavier or lighter."""

from typing import Any

from numpyro.distributions import Distribution, Normal

from ..bijectors import Chain, Scale, Shift
from ..bijectors import SinhArcsinh as SinhArcsinhMap
from .parametric import ParametricDistribution, exponential


class SinhArcsinh(ParametricDistribution):
    """y = loc + scale m sinh(t (arsinh(x) + s)), m = 2 / sinh(t arsinh(2)), x ~ distribution; s is skewness, t
    tailweight.

    With s = 0 and t = 1 it is loc + scale x. Positive s makes the right tail longer, t > 1 makes both tails heavier;
    for s = 0 the probability beyond loc + 2 scale is that of x beyond 2, whatever t. Its moments have no closed form.

    Args:
        loc: any shape; shapes broadcast to the batch shape.
        scale: positive. The parameter that trains is its logarithm, `raw_scale`.
        skewness: s; None is 0.
        tailweight: t > 0; None is 1. The parameter that trains is its logarithm, `raw_tailweight`.
        distribution: of x, any continuous distribution on the line; None is Normal(0, 1). One of this package's trains,
            NumPyro's do not.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if some known scale or tailweight is not positive, or the shapes do not broadcast.
        TypeError: if `distribution` is something else.

    Reference: Jones and Pewsey 2009, "Sinh-arcsinh distributions"; the factor m and the sign of s are TFP's.
    """

    pytree_data_fields = ("loc", "raw_scale", "skewness", "raw_tailweight", "distribution")
    scale = exponential("raw_scale", "The unit of y - loc.")
    tailweight = exponential("raw_tailweight", "t, or None for 1.")

    def __init__(
        self,
        loc: Any,
        scale: Any,
        skewness: Any = None,
        tailweight: Any = None,
        distribution: Distribution | None = None,
        *,
        validate_args: bool = False,
    ):
        self._hold(
            {"loc": loc, "skewness": skewness}, {"scale": scale, "tailweight": tailweight}, validate_args=validate_args
        )
        if distribution is not None and not isinstance(distribution, Distribution):
            raise TypeError(
                f"SinhArcsinh: distribution is the law of the variable that is transformed, and got "
                f"{type(distribution).__name__}. Give a NumPyro distribution, or None for Normal(0, 1)."
            )
        self.distribution = distribution

    @property
    def base(self) -> Any:
        """The law of x."""
        return Normal(0.0, 1.0) if self.distribution is None else self.distribution

    @property
    def bijector(self) -> Any:
        """loc + scale times the map of `pushforward.bijectors.SinhArcsinh`."""
        return Chain([Shift(self.loc), Scale(self.scale), SinhArcsinhMap(self.skewness, self.tailweight)])
