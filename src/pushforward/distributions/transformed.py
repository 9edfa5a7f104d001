"""TransformedDistribution: the distribution of f(X), a NumPyro distribution."""

from typing import Any

import jax
from numpyro.distributions import Distribution

from ..bijectors import Bijector
from ..core import numeric_inputs
from . import computing
from .base import PytreeDistribution
from .checks import as_shape, check_parts, checked_key, require_monotone
from .computing import lifted
from .foreign import describe, with_array_leaves
from .moments import exact_entropy, exact_mean, exact_variance
from .support import event_constraint, image


class TransformedDistribution(PytreeDistribution):
    """The distribution of y = f(x), x ~ base:  log p(y) = log p_base(f^-1(y)) + log |det df^-1/dy|.

    Of a map that is not injective (`AbsoluteValue`, a `Chain` with it), p(y) is the sum over the branches of f^-1.

    A NumPyro distribution, so it is a prior, likelihood or guide in any NumPyro program: `numpyro.sample("y", flow)`.
    `exp_normal = Exp()(Normal(0.0, 1.0))` is the short way to build one.

    Shapes. With base axes [batch | event], an event is lifted to the rank that the bijector needs: batch axes of the
    base become event axes. `event_shape` is what the bijector makes of the base's; `batch_shape` is the base's,
    broadcast against the batch axes that the bijector's parameters, or a condition bound in it, carry. Members of a
    batch are independent.

    Args:
        base: a NumPyro distribution of a continuous variable.
        bijector: the map from the base's events to the data.
        event_shape: lift a scalar base to independent copies of this shape (the shape of the base's events).
        batch_shape: expand the base to this batch shape.
        train_base: whether the base's parameters train too. Only for a base whose parameters may take any real value:
            `MultivariateNormalDiag` or another flow.

    `log_prob` is -inf outside the support, also where the base's own formula does not vanish there, and NaN where the
    value is NaN. Outside `jit` the methods compile once for each structure and shape and are found again.

    Raises:
        TypeError: if base or bijector is something else (swapped, say).
        ValueError: if the base has fewer axes than the bijector's events, is discrete, or cannot train and should; or
            has events of a higher rank than a map that is not injective takes.
    """

    pytree_data_fields: tuple[str, ...] = ("base", "bijector")
    pytree_aux_fields: tuple[str, ...] = ("event_shape_override", "batch_shape_override", "train_base", "frozen")

    def __init__(
        self,
        base: Distribution,
        bijector: Bijector,
        *,
        event_shape: tuple[int, ...] | None = None,
        batch_shape: tuple[int, ...] | None = None,
        train_base: bool = False,
    ):
        self.base = base
        self.bijector = bijector
        self.event_shape_override = None if event_shape is None else as_shape(event_shape)
        self.batch_shape_override = None if batch_shape is None else as_shape(batch_shape)
        self.train_base = bool(train_base)
        self.frozen = False
        check_parts(self)

    # ----------------------------------------------------------------- shapes
    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one event of y."""
        return self._shapes()[1]

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The axes of distributions held in this object, from the arrays that it holds."""
        return self._shapes()[0]

    @property
    def event_dim(self) -> int:
        """The rank of one event of y."""
        return int(self.bijector.forward_event_ndims(lifted(self).event_dim))

    @property
    def support(self) -> Any:
        """Where the density is positive, as a NumPyro constraint; a set that holds it where bounds cannot tell."""
        return event_constraint(image(self.bijector, lifted(self).support), self.event_dim)

    @property
    def has_rsample(self) -> bool:
        """Whether samples have derivatives with respect to the parameters: whether the base's have."""
        return bool(self.base.has_rsample)

    # ----------------------------------------------------------------- public
    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draw y = f(x), x ~ base.

        Args:
            key: a random key.
            sample_shape: how many draws; an integer or a shape.

        Returns:
            an array of shape [sample_shape | batch_shape | event_shape].
        """
        return computing.sample(with_array_leaves(self), checked_key(key), as_shape(sample_shape))

    def rsample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """`sample`, if the base's samples have derivatives."""
        if not self.has_rsample:
            raise NotImplementedError(f"samples of the base, {describe(self.base)}, have no derivatives")
        return self.sample(key, sample_shape)

    def sample_and_log_prob(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> tuple[jax.Array, jax.Array]:
        """Draw y and give log p(y) from the same forward pass; nothing is inverted. Arguments as in `sample`.

        Returns:
            y of shape [sample_shape | batch_shape | event_shape], and log p(y) of shape [sample_shape | batch_shape].
        """
        return computing.sample_and_log_prob(with_array_leaves(self), checked_key(key), as_shape(sample_shape))

    def sample_with_intermediates(self, key: Any, sample_shape: tuple[int, ...] = ()) -> tuple[jax.Array, list[Any]]:
        """NumPyro's name for it: the second part goes to `log_prob`, which then has nothing left to invert."""
        y, log_prob = self.sample_and_log_prob(key, sample_shape)
        return y, [log_prob]

    def log_prob(self, value: Any, intermediates: list[Any] | None = None) -> jax.Array:
        """log p(y) in nats.

        Args:
            value: y of shape [sample axes | batch_shape | event_shape]; leading axes broadcast against `batch_shape`.
            intermediates: what `sample_with_intermediates` gave with this value.

        Returns:
            an array of shape [sample axes | batch_shape]; -inf outside the support, NaN where an event has a NaN.

        Raises:
            ValueError: if the last axes of `value` are not the event's.
        """
        if intermediates:
            return intermediates[0]
        flow = with_array_leaves(self)
        return computing.log_prob(flow, numeric_inputs(value, flow))

    def cdf(self, value: Any) -> jax.Array:
        """P(Y <= value), of a monotone map of a scalar distribution; broadcasts against `batch_shape`.

        Of `AbsoluteValue` too, as a difference of two values of the base's, which keeps their absolute precision.

        Raises:
            NotImplementedError: for a vector, or another map that is not declared monotone.
        """
        flow = with_array_leaves(self)
        return computing.cdf(flow, numeric_inputs(value, flow))

    def survival_function(self, value: Any) -> jax.Array:
        """P(Y > value), with its own digits where `1 - cdf` has none left; as `cdf` otherwise."""
        flow = with_array_leaves(self)
        return computing.survival_function(flow, numeric_inputs(value, flow))

    def icdf(self, q: Any) -> jax.Array:
        """The y with P(Y <= y) = q, of a monotone map of a scalar distribution; NaN for q outside [0, 1]."""
        flow = with_array_leaves(self)
        return computing.icdf(flow, numeric_inputs(q, flow))

    def quantile(self, q: Any) -> jax.Array:
        """The same as `icdf`."""
        return self.icdf(q)

    @property
    def mean(self) -> jax.Array:
        """E[y], of an affine map; `NotImplementedError` otherwise."""
        flow = with_array_leaves(self)
        return exact_mean(flow, lifted(flow))

    @property
    def variance(self) -> jax.Array:
        """The variance of each coordinate, of an affine map of independent ones; `NotImplementedError` otherwise."""
        flow = with_array_leaves(self)
        return exact_variance(flow, lifted(flow))

    def entropy(self) -> jax.Array:
        """-E[log p(y)] in nats, of an affine map; `NotImplementedError` otherwise."""
        flow = with_array_leaves(self)
        return exact_entropy(flow, lifted(flow))

    # -------------------------------------------------------------- machinery
    def _shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if "_shape_cache" not in self.__dict__:
            self._shape_cache = computing.shapes(self)
        return self._shape_cache

    def _trainable(self, trainable: Any, all_false: Any) -> Any:
        if self.frozen:
            parts = all_false(self.base), all_false(self.bijector)
        else:
            parts = (trainable if self.train_base else all_false)(self.base), trainable(self.bijector)
        return self.tree_unflatten(self.tree_flatten()[1], parts)

    def _survival(self, value: jax.Array) -> jax.Array:
        require_monotone(self, "cdf")
        return computing.tail(self, value, upper=True)

    def _survival_quantile(self, q: jax.Array) -> jax.Array:
        require_monotone(self, "quantile")
        return computing.from_tail(self, q, upper=True)

    def __repr__(self) -> str:
        shown = [("event_shape", self.event_shape_override), ("batch_shape", self.batch_shape_override)]
        own = [f"{name}={shape}" for name, shape in shown if shape is not None]
        own += [f"{name}=True" for name in ("train_base", "frozen") if getattr(self, name)]
        base, *more_base = describe(self.base).splitlines()
        bijector, *more = repr(self.bijector).splitlines()
        lines = [type(self).__name__ + (f"({', '.join(own)})" if own else "")]
        lines += [f"├─ base: {base}", *("│  " + line for line in more_base)]
        lines += [f"└─ bijector: {bijector}", *("   " + line for line in more)]
        return "\n".join(lines)
