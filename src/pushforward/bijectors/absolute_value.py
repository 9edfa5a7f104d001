"""AbsoluteValue: y = |x|, the one map here that is not injective."""

from typing import Any, NoReturn

import jax.numpy as jnp
from numpyro.distributions import constraints

from .base import Bijector


class AbsoluteValue(Bijector):
    """y = |x|, element by element, which takes two points to one.

    inverse  the tuple of both, (-y, y);    log |dx/dy| = 0 on either branch, a tuple of zeros;    no forward log-det;
    domain: real;    codomain: [0, infinity), closed: at 0 the branches meet, and the density is that of the limit.

    A `TransformedDistribution` adds up the branches: the density of |X| at y is p(-y) + p(y), of `Normal(0, 1)` that of
    the half-normal law. That is for scalars. The numbers of a vector have 2^n combinations of branches, so an event of
    rank 1 is refused; where its numbers are independent, write `AbsoluteValue()(Normal(loc, scale)).to_event(1)`.

    Args:
        validate_args: check that y is not negative, also under `jit`. (Otherwise a negative y gives (-y, y) as well.)

    Raises:
        NotImplementedError: by forward_log_det_jacobian and forward_and_log_det. As the density of y has a term for
            each branch, what one x gives is no part of a change of variables.
    """

    forward_min_event_ndims = 0
    is_injective = False
    branches_increasing = (False, True)
    codomain = constraints.nonnegative

    def _forward(self, x):
        return jnp.abs(x)

    def _forward_and_log_det(self, x: Any) -> NoReturn:
        raise NotImplementedError(
            "AbsoluteValue has no forward log-det: it takes -y and y to one point, and the density there has a term "
            "for each. Use inverse_log_det_jacobian, which has an entry for each branch, or log_prob of "
            "AbsoluteValue()(base)."
        )

    def _inverse_and_log_det(self, y):
        zero = jnp.zeros((), y.dtype)
        return (-y, y), (zero, zero)
