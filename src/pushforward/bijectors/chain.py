"""Chain: composition."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core import map_ndims, replace
from .base import Bijector
from .domains import constraint_bounds, is_real


class Chain(Bijector):
    """y = b_1(b_2(... b_n(x))) for Chain([b_1, ..., b_n]): **the last of the list is applied first**.

    inverse  x = b_n^-1(... b_1^-1(y));    log-det: the sum of the parts' at the points they are applied to.
    The parts may change the shape and the rank of the event. An empty chain is the identity on scalars.

    Args:
        bijectors: the parts, outermost first (TensorFlow Probability's order).
    """

    bijectors: tuple[Bijector, ...]

    def __init__(self, bijectors: Sequence[Bijector], *, validate_args: bool = False):
        self.bijectors = tuple(bijectors)
        for k, part in enumerate(self.bijectors):
            if not isinstance(part, Bijector):
                raise TypeError(
                    f"Chain expects bijectors, and part {k} is {type(part).__name__}; wrap plain functions in Inline"
                )
        self.validate_args = validate_args

    def _repr_children(self):
        return [(f"applied {k + 1}", part) for k, part in enumerate(reversed(self.bijectors))]

    @property
    def forward_min_event_ndims(self) -> Any:
        """The least rank that gives every part at least its own minimum."""
        if not self.bijectors:
            return 0
        lifted = self.bijectors[-1].forward_min_event_ndims
        running = self.bijectors[-1].inverse_min_event_ndims
        for part in self.bijectors[-2::-1]:
            short = jax.tree.map(lambda need, have: max(need - have, 0), part.forward_min_event_ndims, running)
            lift = max(jax.tree.leaves(short), default=0)
            lifted = map_ndims(lambda n, lift=lift: n + lift, lifted)
            running = map_ndims(lambda n, lift=lift: n + lift, running)
            running = part.forward_event_ndims(running)
        return lifted

    @property
    def inverse_min_event_ndims(self) -> Any:
        """The rank to which `forward_min_event_ndims` leads."""
        ndims = self.forward_min_event_ndims
        for part in reversed(self.bijectors):
            ndims = part.forward_event_ndims(ndims)
        return ndims

    @property
    def is_constant_jacobian(self) -> bool:
        """Whether every part's is constant."""
        return all(part.is_constant_jacobian for part in self.bijectors)

    @property
    def is_increasing(self) -> Any:
        """Increasing if an even number of parts decrease; None if some part is not declared monotone."""
        increasing: Any = True
        for part in self.bijectors:
            if part.is_increasing is None:
                return None
            increasing = part.is_increasing == increasing
        return increasing

    @property
    def domain(self) -> Any:
        """The domain of the part applied first, narrowed by no later one (see `Bijector._inverse_within`)."""
        return self.bijectors[-1].domain if self.bijectors else constraints.real

    @property
    def codomain(self) -> Any:
        """The image: bounds are carried through monotone scalar parts, other parts give their own codomain."""
        image: Any = constraints.real
        for part in reversed(self.bijectors):
            image = _image(part, image)
        return image

    def _forward_and_log_det(self, x):
        total: Any = 0.0
        ndims = self.forward_min_event_ndims
        for part in reversed(self.bijectors):
            x, log_det = part.forward_and_log_det(x, ndims)
            ndims = part.forward_event_ndims(ndims)
            total = total + log_det
        return x, total

    def _inverse_and_log_det(self, y):
        total: Any = 0.0
        ndims = self.inverse_min_event_ndims
        for part in self.bijectors:
            y, log_det = part.inverse_and_log_det(y, ndims)
            ndims = part.inverse_event_ndims(ndims)
            total = total + log_det
        return y, total

    def _forward(self, x):
        for part in reversed(self.bijectors):
            x = part.forward(x)
        return x

    def _inverse(self, y):
        for part in self.bijectors:
            y = part.inverse(y)
        return y

    def _inverse_within(self, y):
        if not self.bijectors:
            return super()._inverse_within(y)
        total: Any = 0.0
        ndims, inside = self.inverse_min_event_ndims, jnp.asarray(True)
        for part in self.bijectors:
            minimum = part.inverse_min_event_ndims
            extra = jax.tree.leaves(ndims)[0] - jax.tree.leaves(minimum)[0] if jax.tree.leaves(ndims) else 0
            y, log_det, part_inside = part._inverse_within(y)
            axes = tuple(range(-extra, 0))
            total = total + jnp.sum(log_det, axis=axes)
            inside = inside & jnp.all(part_inside, axis=axes)
            ndims = part.inverse_event_ndims(ndims)
        return y, total, inside

    def _forward_event_shape(self, shape):
        for part in reversed(self.bijectors):
            shape = part.forward_event_shape(shape)
        return shape

    def _inverse_event_shape(self, shape):
        for part in self.bijectors:
            shape = part.inverse_event_shape(shape)
        return shape

    def batch_shape(self, event_shape):
        """The broadcast of the parts' batch shapes."""
        batch: tuple[int, ...] = ()
        for part in reversed(self.bijectors):
            batch = jnp.broadcast_shapes(batch, part.batch_shape(event_shape))
            event_shape = part.forward_event_shape(event_shape)
        return batch

    def _is_sequential(self, direction):
        return any(part._is_sequential(direction) for part in self.bijectors)

    def condition(self, c):
        """Bind `c` in every part."""
        return replace(self, bijectors=tuple(part.condition(c) for part in self.bijectors))

    def initialize(self, x):
        """Initialise the parts from the data side inwards, each from what reaches it; nothing when frozen."""
        if self.frozen:
            return self
        parts = []
        for part in self.bijectors:
            parts.append(part.initialize(x))
            x = parts[-1].inverse(x)
        return replace(self, bijectors=tuple(parts))

    def update_statistics(self, x):
        """Update the parts from the data side inwards, each from what reaches it; nothing when frozen."""
        if self.frozen:
            return self
        parts = []
        for part in self.bijectors:
            parts.append(part.update_statistics(x))
            x = part.inverse(x)
        return replace(self, bijectors=tuple(parts))

    def __len__(self) -> int:
        return len(self.bijectors)

    def __getitem__(self, index: Any) -> Any:
        picked = self.bijectors[index]
        return Chain(picked) if isinstance(index, slice) else picked

    def __iter__(self) -> Iterator[Bijector]:
        return iter(self.bijectors)


def sequential(*bijectors: Bijector) -> Chain:
    """A `Chain` in reading order: the first argument is applied first."""
    return Chain(bijectors[::-1])


def _image(part: Bijector, inside: Any) -> Any:
    """The image under `part` of the set `inside`, as far as bounds can tell it."""
    lower, upper = constraint_bounds(inside)
    if part.permutes and jnp.ndim(lower) == jnp.ndim(upper) == 0:
        return inside
    if is_real(inside) or not is_real(part.domain) or part.is_increasing is None or part.forward_min_event_ndims != 0:
        # All of the part's domain, or more than bounds can say.
        return part.codomain
    ends = part.forward(jnp.asarray(lower)), part.forward(jnp.asarray(upper))
    increasing = part.is_increasing
    low, high = jnp.where(increasing, ends[0], ends[1]), jnp.where(increasing, ends[1], ends[0])
    if _unbounded(lower) or _unbounded(upper):
        one_sided_low = jnp.where(increasing, not _unbounded(lower), not _unbounded(upper))
        if isinstance(one_sided_low, jax.core.Tracer) or one_sided_low.ndim:
            return constraints.interval(low, high)
        return constraints.greater_than(low) if one_sided_low else constraints.less_than(high)
    return (constraints.open_interval if _is_open(inside) else constraints.interval)(low, high)


def _unbounded(end: Any) -> bool:
    """Whether an end of an interval is infinite; arrays, which may be traced, are taken to be finite."""
    return isinstance(end, int | float) and not math.isfinite(end)


def _is_open(constraint: Any) -> bool:
    while isinstance(constraint, constraints.independent):
        constraint = constraint.base_constraint
    return isinstance(constraint, constraints.open_interval)
