"""Chain: composition."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core import static_field
from ..core.shapes import same_structure
from .base import Bijector
from .composition import Composition
from .domains import constraint_bounds, is_real
from .identity import Identity


class Chain(Composition):
    """y = b_1(b_2(... b_n(x))) for Chain([b_1, ..., b_n]): **the last of the list is applied first**.

    inverse  x = b_n^-1(... b_1^-1(y));    log-det: the sum of the parts' at the points they are applied to.
    The parts may change the shape, rank and structure of the event. An empty chain is the identity on scalars.

    A part that is not injective passes its branches on: `inverse` and `inverse_log_det_jacobian` are then tuples, with
    all combinations of the parts' branches. Where an inner part does not reach a branch, its inverse gives what it
    gives outside of its codomain, NaN as a rule; a `TransformedDistribution` leaves such branches out.

    Args:
        bijectors: the parts, outermost first (TensorFlow Probability's order).
        validate_event_size: refuse log-dets where a part acts on what another has made longer. After SoftmaxCentered,
            say, an event of n + 1 numbers has n degrees of freedom, and Scale would count n + 1. (A map that does count
            degrees of freedom, such as TransformDiagonal after FillTriangular, is refused as well: hence not default.)

    Raises:
        ValueError: if a part cannot take the events of the one before it.
    """

    bijectors: tuple[Bijector, ...]
    validate_event_size: bool = static_field()

    def __init__(
        self, bijectors: Sequence[Bijector] = (), *, validate_args: bool = False, validate_event_size: bool = False
    ):
        self.bijectors = tuple(bijectors or ())
        for k, part in enumerate(self.bijectors):
            if not isinstance(part, Bijector):
                raise TypeError(
                    f"Chain expects bijectors, and part {k} is {type(part).__name__}; wrap plain functions in Inline"
                )
            part._require_ranks()
        self.validate_args = validate_args
        self.validate_event_size = bool(validate_event_size)
        for inner, outer in zip(self.bijectors[1:], self.bijectors[:-1], strict=True):
            have, need = inner.inverse_min_event_ndims, outer.forward_min_event_ndims
            if not same_structure(have, need):
                raise ValueError(
                    f"Chain expects each part to take the events of the one before it, and got {type(outer).__name__} "
                    f"after {type(inner).__name__}: events of the structure {need} after {have} (their ranks). To act "
                    "on each array of a structure, use JointMap; to rearrange them, Restructure; to join them, "
                    "Invert(Split(...))."
                )

    def _repr_children(self):
        return [(f"applied {k + 1}", part) for k, part in enumerate(reversed(self.bijectors))]

    def _walk_forward(self, step, x):
        for part in reversed(self._steps):
            x = step(part, x)
        return x

    def _walk_inverse(self, step, y):
        for part in self._steps:
            y = step(part, y)
        return y

    @property
    def _steps(self) -> tuple[Bijector, ...]:
        return self.bijectors or (Identity(),)

    @property
    def forward_min_event_ndims(self) -> Any:
        """The least ranks that give every part at least its own minimum."""
        if not self.bijectors:
            return 0
        need, interact = self.bijectors[0].forward_min_event_ndims, self.bijectors[0].parts_interact
        for part in self.bijectors[1:]:
            need = part._event_ndims(_least(need, interact, part), "inverse")
            interact = interact or part.parts_interact
        return need

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

    # --------------------------------------------------------------- branches
    def _at_ranks(self, x, event_ndims, direction):
        if self.validate_event_size:
            self._check_sizes(x, event_ndims, direction)
        if direction == "forward" or self.is_injective:
            return super()._at_ranks(x, event_ndims, direction)
        branches = self._branches(x, event_ndims, _inverses)
        return tuple(x for x, _, _ in branches), tuple(log_det for _, log_det, _ in branches)

    def _inverse(self, y):
        return super()._inverse(y) if self.is_injective else self._inverse_and_log_det(y)[0]

    def _preimages(self, y, event_ndims):
        if self.is_injective:
            return super()._preimages(y, event_ndims)
        return self._branches(y, event_ndims, lambda part, y, ranks: part._preimages(y, ranks))

    def _branches(self, y: Any, event_ndims: Any, step: Callable[..., list]) -> list[tuple[Any, Any, Any]]:
        """(x, log-det, whether x is there) for every way back, by `step`, which gives those of one part."""
        branches: list[tuple[Any, Any, Any]] = [(y, None, None)]
        for part in self.bijectors:
            branches = [
                (x, log_det if total is None else total + log_det, flag if inside is None else inside & flag)
                for y, total, inside in branches
                for x, log_det, flag in step(part, y, event_ndims)
            ]
            event_ndims = part._event_ndims(event_ndims, "inverse")
        return branches

    def _check_sizes(self, x: Any, event_ndims: Any, direction: str) -> None:
        """No part acts on events that an earlier one has made longer; else `ValueError`."""
        grown: list[Bijector] = []

        def step(part: Bijector, shape: Any) -> Any:
            if grown and not part.permutes:
                raise ValueError(
                    f"Chain(validate_event_size=True): {type(part).__name__} acts on what {type(grown[0]).__name__} "
                    "has made longer, whose numbers are not independent, so that the log-det would count too many. Put "
                    f"{type(part).__name__} before it, or leave validate_event_size out if its log-det counts degrees "
                    "of freedom."
                )
            after = part.forward_event_shape(shape) if direction == "forward" else part.inverse_event_shape(shape)
            ranks = part._minimum_ranks(direction)
            if _size(after, ranks[1]) > _size(shape, ranks[0]):
                grown.append(part)
            return after

        self._walk(direction, step, jax.tree.map(lambda n, a: a.shape[a.ndim - n :], event_ndims, x))

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


def _least(need: Any, interact: bool, part: Bijector) -> Any:
    """The least output ranks of `part` that are at least `need`, and that both sides can take.

    Where parts of an event are mixed, by what needs the ranks (`interact`) or by `part`, further axes belong to all.
    """
    have = part.inverse_min_event_ndims
    short = jax.tree.leaves(jax.tree.map(lambda need, have: need - have, need, have))
    if interact:
        lift = max((-n for n in short if n < 0), default=0)
        return jax.tree.map(lambda n: n + lift, need)
    if part.parts_interact:
        lift = max((n for n in short if n > 0), default=0)
        return jax.tree.map(lambda n: n + lift, have)
    return jax.tree.map(max, need, have)


def _inverses(part: Bijector, y: Any, event_ndims: Any) -> list[tuple[Any, Any, Any]]:
    x, log_det = part._run_at(y, event_ndims, "inverse")
    return [(x, log_det, True)] if part.is_injective else [(*branch, True) for branch in zip(x, log_det, strict=True)]


def _size(shape: Any, event_ndims: Any) -> int:
    """The number of numbers in an event."""
    return sum(jax.tree.leaves(jax.tree.map(lambda _, shape: math.prod(shape), event_ndims, shape)))


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
