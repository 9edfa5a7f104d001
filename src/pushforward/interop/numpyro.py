"""NumPyro's transforms as bijectors, and bijectors as NumPyro transforms."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions.transforms import AbsTransform, Transform, _InverseTransform

from ..bijectors import AbsoluteValue, Bijector, Invert
from ..core import broadcast_batch, constant_field
from ..core.parameters import as_parameter
from ..core.shapes import same_structure
from ..distributions.support import event_constraint
from .held import UNSAVEABLE, Held, as_given


class NumPyroMap(Bijector):
    """y = transform(x), for a transform of NumPyro; see `from_numpyro`."""

    held: Held = constant_field()

    unsaveable = UNSAVEABLE

    def _repr_children(self):
        return [("transform", type(self.transform))]

    @property
    def transform(self) -> Transform:
        """The transform."""
        return self.held.whole()

    @property
    def forward_min_event_ndims(self) -> int:
        """The rank of events in the transform's domain."""
        return self.transform.domain.event_dim

    @property
    def inverse_min_event_ndims(self) -> int:
        """The rank of events in the transform's codomain."""
        return self.transform.codomain.event_dim

    @property
    def domain(self) -> Any:
        """The transform's."""
        return self.transform.domain

    @property
    def codomain(self) -> Any:
        """The transform's."""
        return self.transform.codomain

    @property
    def is_increasing(self) -> Any:
        """From the transform's `sign`; None if it has none."""
        if self.forward_min_event_ndims or self.inverse_min_event_ndims:
            return None
        try:
            sign = self.transform.sign
        except NotImplementedError:
            return None
        return sign > 0

    @as_given
    def _forward_and_log_det(self, x):
        transform = self.transform
        y, intermediates = transform.call_with_intermediates(x)
        x, y = self._full(x, y)
        return y, transform.log_abs_det_jacobian(x, y, intermediates)

    @as_given
    def _inverse_and_log_det(self, y):
        transform = self.transform
        x = transform.inv(y)
        x, y = self._full(x, y)
        return x, -transform.log_abs_det_jacobian(x, y)

    @as_given
    def _forward(self, x):
        return self.transform(x)

    @as_given
    def _inverse(self, y):
        return self.transform.inv(y)

    def _full(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Both with the batch axes of either, as NumPyro's log-dets expect."""
        ranks = self.forward_min_event_ndims, self.inverse_min_event_ndims
        events = [a.shape[a.ndim - n :] for a, n in zip((x, y), ranks, strict=True)]
        batch = broadcast_batch((x, y), ranks)
        return jnp.broadcast_to(x, batch + events[0]), jnp.broadcast_to(y, batch + events[1])

    def _forward_event_shape(self, shape):
        return self._event_part(self.transform.forward_shape(shape), shape, "forward")

    def _inverse_event_shape(self, shape):
        return self._event_part(self.transform.inverse_shape(shape), shape, "inverse")

    def _event_part(self, result: tuple[int, ...], shape: tuple[int, ...], direction: str) -> tuple[int, ...]:
        """The axes of an event, without those that the transform's parameters put before them."""
        return tuple(result[len(result) - self._event_ndims(len(shape), direction) :])


class BijectorTransform(Transform):
    """A bijector as a NumPyro transform; see `to_numpyro`."""

    unsaveable = UNSAVEABLE.replace("of another library", "wrapped for another library")

    def __init__(self, bijector: Bijector):
        self.bijector = bijector

    @property
    def domain(self) -> Any:
        """The bijector's, for events of its least rank."""
        return event_constraint(self.bijector.domain, self.bijector.forward_min_event_ndims)

    @property
    def codomain(self) -> Any:
        """The bijector's, for events of its least rank."""
        return event_constraint(self.bijector.codomain, self.bijector.inverse_min_event_ndims)

    @property
    def sign(self) -> Any:
        """1 where the bijector increases, -1 where it decreases."""
        increasing = self.bijector.is_increasing
        if increasing is None:
            raise NotImplementedError(f"{type(self.bijector).__name__} is not declared monotone, so it has no sign")
        return 2 * increasing - 1 if isinstance(increasing, bool) else jnp.where(increasing, 1, -1)

    def __call__(self, x: Any) -> Any:
        return self.bijector.forward(x)

    def _inverse(self, y: Any) -> Any:
        return self.bijector.inverse(y)

    def call_with_intermediates(self, x: Any) -> tuple[Any, Any]:
        """y and its log-det, from one pass."""
        return self.bijector.forward_and_log_det(x)

    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any = None) -> Any:
        """log |det dy/dx|."""
        if intermediates is not None:
            return intermediates
        # x is the inverse of y just computed. The cheap direction: the compiler finds what both have in common.
        if self.bijector._is_sequential("forward"):
            return -self.bijector.inverse_log_det_jacobian(y)
        return self.bijector.forward_log_det_jacobian(x)

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a batch of events y, with the batch axes of the bijector's parameters, from that of x."""
        batch, event = self._cut(shape, self.bijector.forward_min_event_ndims)
        return self._batch(batch, event) + tuple(self.bijector.forward_event_shape(event))

    def inverse_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a batch of events x, with the batch axes of the bijector's parameters, from that of y."""
        batch, event = self._cut(shape, self.bijector.inverse_min_event_ndims)
        event = tuple(self.bijector.inverse_event_shape(event))
        return self._batch(batch, event) + event

    def _cut(self, shape: tuple[int, ...], rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return tuple(shape[: len(shape) - rank]), tuple(shape[len(shape) - rank :])

    def _batch(self, batch: tuple[int, ...], event: tuple[int, ...]) -> tuple[int, ...]:
        return jnp.broadcast_shapes(batch, self.bijector.batch_shape(event))

    def tree_flatten(self) -> Any:
        """The bijector is the one child."""
        return (self.bijector,), (("bijector",), {})

    def eq(self, other: object, static: bool = False) -> Any:
        """The same structure and the same numbers."""
        if not isinstance(other, BijectorTransform):
            return False
        alike: Any = same_structure(self, other)
        for a, b in zip(jax.tree.leaves(self), jax.tree.leaves(other), strict=False):
            alike = alike & jnp.array_equal(a, b)
        return alike


def from_numpyro(transform: Any) -> Bijector:
    """The bijector y = transform(x).

    Ranks of events, domain, codomain and direction are those that the transform declares. Its arrays are constants: a
    scale that has to stay positive does not say so, and training it would be the caller's surprise.

    Args:
        transform: an instance of a class of `numpyro.distributions.transforms`, `ComposeTransform` and inverses
            included. `AbsTransform` becomes `AbsoluteValue`, and what `to_numpyro` made becomes what it was.

    Raises:
        TypeError: for anything else.

    Example:
        from_numpyro(numpyro.distributions.transforms.StickBreakingTransform()).forward(jnp.zeros(2))
    """
    if not isinstance(transform, Transform):
        raise TypeError(
            "from_numpyro expects a transform of numpyro.distributions.transforms, and got "
            f"{type(transform).__name__}; a distribution is transformed by calling a bijector: Exp()(Normal(0.0, 1.0))"
        )
    if isinstance(transform, BijectorTransform):
        return transform.bijector
    if isinstance(transform, _InverseTransform) and isinstance(transform.inv, BijectorTransform):
        return Invert(transform.inv.bijector)
    if isinstance(transform, AbsTransform):
        return AbsoluteValue()
    # Numbers become arrays, which are cast to the dtype of the input.
    numbers = jax.tree.map(lambda leaf: as_parameter(leaf) if isinstance(leaf, float) else leaf, transform)
    return NumPyroMap(Held(numbers))


def to_numpyro(bijector: Bijector) -> Transform:
    """The bijector as a NumPyro transform: in `numpyro.distributions.TransformedDistribution`, or `.inv` of it.

    Its `domain` and `codomain` are the bijector's as constraints on whole events, so that NumPyro lifts a base to them
    and finds unconstrained coordinates (`biject_to`). Batch axes of parameters broadcast as in NumPyro's own. A
    bijector with a condition is given with the condition bound.

    Args:
        bijector: an injective map from arrays to arrays. What `from_numpyro` made becomes what it was.

    Raises:
        TypeError: if that is no bijector, or one whose events are structures.
        ValueError: if it is not injective.

    Example:
        numpyro.distributions.TransformedDistribution(base, [to_numpyro(Softplus())])
    """
    if not isinstance(bijector, Bijector):
        raise TypeError(
            f"to_numpyro expects a bijector, and got {type(bijector).__name__}; a distribution of pushforward is one "
            "of NumPyro's already"
        )
    ranks = bijector.forward_min_event_ndims, bijector.inverse_min_event_ndims
    if not all(isinstance(rank, int) for rank in ranks):
        raise TypeError(
            f"to_numpyro expects a map from one array to one array, and {type(bijector).__name__} has events of the "
            f"structure {ranks[0]} -> {ranks[1]}. Compose it with a map that joins the parts, such as Invert(Split)."
        )
    if not bijector.is_injective:
        raise ValueError(
            f"to_numpyro expects an injective map, and got {type(bijector).__name__}: NumPyro's transforms have one "
            "inverse. Transform the distribution here, bijector(distribution), which is one of NumPyro's."
        )
    return bijector.transform if isinstance(bijector, NumPyroMap) else BijectorTransform(bijector)
