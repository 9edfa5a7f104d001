"""Composition: the base of the maps that are made of maps."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..core import replace
from ..core.compiling import RUNS_ONCE, compiled
from ..core.shapes import floating_dtype, same_structure
from .base import Bijector


class Composition(Bijector):
    """y = the outcome of a walk over parts, each of them a bijector: the abstract base of `Chain` and `JointMap`.

    A subclass says how x passes through the parts, and everything else follows: both directions, log-dets (the sum of
    the parts'), event shapes and ranks, conditions, facts. It declares `forward_min_event_ndims` and writes

        _walk_forward(self, step, x)    which calls step(part, input of the part) for each part, and returns y
        _walk_inverse(self, step, y)    the same backwards, and returns x

    Only `step` may look into values: a walk puts them into tuples, lists and dictionaries, takes them out again and
    hands them to parts, but computes nothing, since shapes and ranks go the same way as arrays. It calls `step` once
    for each part, with the structure that the part expects.

    Args:
        bijectors: the parts, a pytree of bijectors.

    Raises:
        NotImplementedError: by the inverse, if some part is not injective (in a `Chain` it may be).

    Example:
        class Crossed(Composition):
            # (a, b) -> (f(b), g(a))
            forward_min_event_ndims = (0, 0)

            def _walk_forward(self, step, x):
                f, g = self.bijectors
                return step(f, x[1]), step(g, x[0])

            def _walk_inverse(self, step, y):
                f, g = self.bijectors
                return step(g, y[1]), step(f, y[0])

        Crossed((Exp(), Scale(2.0))).forward((1.0, 3.0))    # (exp(3), 2)
    """

    bijectors: Any

    def _walk_forward(self, step: Callable[[Bijector, Any], Any], x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no walk: write _walk_forward(self, step, x)")

    def _walk_inverse(self, step: Callable[[Bijector, Any], Any], y: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no walk: write _walk_inverse(self, step, y)")

    # ------------------------------------------------------------------ facts
    @property
    def parts(self) -> list[Bijector]:
        """The bijectors, in the order of their pytree."""
        return jax.tree.leaves(self.bijectors, is_leaf=is_bijector)

    @property
    def inverse_min_event_ndims(self) -> Any:
        """The rank to which `forward_min_event_ndims` leads."""
        return self._event_ndims(self.forward_min_event_ndims, "forward")

    @property
    def is_constant_jacobian(self) -> bool:
        """Whether every part's is constant."""
        return all(part.is_constant_jacobian for part in self.parts)

    @property
    def is_injective(self) -> bool:
        """Whether every part is."""
        return all(part.is_injective for part in self.parts)

    @property
    def parts_interact(self) -> bool:
        """Whether the parts of an event are mixed, by some part of this."""
        return any(part.parts_interact for part in self.parts)

    # -------------------------------------------------------------- the walks
    def _walk(self, direction: str, step: Callable[[Bijector, Any], Any], value: Any) -> Any:
        return self._walk_forward(step, value) if direction == "forward" else self._walk_inverse(step, value)

    def _walk_with_ranks(self, direction: str, step: Callable[..., Any], x: Any, event_ndims: Any) -> tuple[Any, Any]:
        """Both at once: `step(part, x, event_ndims)` returns both of the other side."""

        def paired(part: Bijector, pairs: Any) -> Any:
            return _pair(*step(part, _first(pairs), _second(pairs)))

        pairs = self._walk(direction, paired, _pair(x, event_ndims))
        return _first(pairs), _second(pairs)

    def _at_ranks(self, x, event_ndims, direction):
        if direction == "inverse":
            self._require_injective()
        log_dets: list[jax.Array] = []

        def step(part: Bijector, x: Any, ranks: Any) -> tuple[Any, Any]:
            y, log_det = part._run_at(x, ranks, direction)
            log_dets.append(log_det)
            return y, part._event_ndims(ranks, direction)

        y, ranks = self._walk_with_ranks(direction, step, x, event_ndims)
        return y, self._total(log_dets, y, ranks, direction)

    def _total(self, log_dets: list[jax.Array], y: Any, event_ndims: Any, direction: str) -> jax.Array:
        batch = self._batch(y, event_ndims, direction)
        total = sum(log_dets[1:], log_dets[0]) if log_dets else jnp.zeros((), floating_dtype(y))
        return jnp.broadcast_to(total, batch)

    def _preimages(self, y, event_ndims):
        self._require_injective()
        log_dets: list[jax.Array] = []
        flags: list[jax.Array] = []

        def step(part: Bijector, y: Any, ranks: Any) -> tuple[Any, Any]:
            ((x, log_det, inside),) = part._preimages(y, ranks)
            log_dets.append(log_det)
            flags.append(inside)
            return x, part._event_ndims(ranks, "inverse")

        x, ranks = self._walk_with_ranks("inverse", step, y, event_ndims)
        total = self._total(log_dets, x, ranks, "inverse")
        inside = jnp.ones(total.shape, bool)
        for flag in flags:
            inside = inside & flag
        return [(x, total, inside)]

    def _event_ndims(self, event_ndims, direction):
        try:
            return self._walk(direction, lambda part, n: part._event_ndims(n, direction), event_ndims)
        except (ValueError, TypeError, LookupError):
            expected = self._minimum_ranks(direction)[0]
            if same_structure(event_ndims, expected):
                raise
            raise ValueError(
                f"{self._who(direction)}: event_ndims has the structure {event_ndims!r}, but the events of this map "
                f"have {expected!r}; give one integer for each part"
            ) from None

    def _require_injective(self) -> None:
        if not self.is_injective:
            raise NotImplementedError(
                f"{self._who('inverse')} expects injective parts, and got "
                f"{', '.join(type(part).__name__ for part in self.parts if not part.is_injective)}: with several "
                "branches for one part, those of the whole are all combinations. Only a Chain passes branches on."
            )

    # ------------------------------------------------ what an author writes
    def _forward_and_log_det(self, x):
        return self._at_ranks(x, self.forward_min_event_ndims, "forward")

    def _inverse_and_log_det(self, y):
        return self._at_ranks(y, self.inverse_min_event_ndims, "inverse")

    def _forward(self, x):
        return self._walk("forward", lambda part, x: part.forward(x), x)

    def _inverse(self, y):
        self._require_injective()
        return self._walk("inverse", lambda part, y: part.inverse(y), y)

    def _inverse_within(self, y):
        return self._preimages(y, self.inverse_min_event_ndims)[0]

    def _forward_event_shape(self, shape):
        return self._walk("forward", lambda part, shape: part.forward_event_shape(shape), shape)

    def _inverse_event_shape(self, shape):
        return self._walk("inverse", lambda part, shape: part.inverse_event_shape(shape), shape)

    def batch_shape(self, event_shape):
        """The broadcast of the parts' batch shapes."""
        batches: list[tuple[int, ...]] = []

        def step(part: Bijector, shape: Any) -> Any:
            batches.append(part.batch_shape(shape))
            return part.forward_event_shape(shape)

        self._walk("forward", step, event_shape)
        return jnp.broadcast_shapes(*batches)

    def _is_sequential(self, direction):
        return any(part._is_sequential(direction) for part in self.parts)

    @property
    def _unrolled_layers(self):
        return min((n for part in self.parts if (n := part._unrolled_layers) is not None), default=None)

    def condition(self, c):
        """Bind `c` in every part."""
        bound = jax.tree.map(lambda part: part.condition(c), self.bijectors, is_leaf=is_bijector)
        return replace(self, bijectors=bound)

    def initialize(self, x):
        """Initialise the parts from the data side inwards, each from what reaches it; nothing when frozen."""
        return self if self.frozen else self._updated(x, lambda part, x: part.initialize(x), after=True)

    def update_statistics(self, x):
        """Update the parts from the data side inwards, each from what reaches it; nothing when frozen."""
        return self if self.frozen else self._updated(x, lambda part, x: part.update_statistics(x), after=False)

    def _updated(self, x: Any, update: Callable[[Bijector, Any], Bijector], after: bool) -> Any:
        """Every part updated from what reaches it, which is passed on by the new part if `after`, else by the old."""
        new: dict[int, Bijector] = {}

        def step(part: Bijector, x: Any) -> Any:
            new[id(part)] = update(part, x)
            return latents(new[id(part)] if after else part, x)

        # Rebuilt, so that a bijector that stands in two places is two objects.
        own = replace(self, bijectors=jax.tree.map(lambda leaf: leaf, self.bijectors))
        own._walk("inverse", step, x)
        changed = jax.tree.map(lambda part: new.get(id(part), part), own.bijectors, is_leaf=is_bijector)
        return replace(self, bijectors=changed)


def is_bijector(node: Any) -> bool:
    """Whether a node of a pytree is a bijector."""
    return isinstance(node, Bijector)


class _Pair:
    """An array and the rank of its events, as one leaf of a pytree."""

    def __init__(self, value: Any, event_ndims: int):
        self.value = value
        self.event_ndims = event_ndims


def _pair(x: Any, event_ndims: Any) -> Any:
    return jax.tree.map(_Pair, x, event_ndims)


def _first(pairs: Any) -> Any:
    return jax.tree.map(lambda pair: pair.value, pairs)


def _second(pairs: Any) -> Any:
    return jax.tree.map(lambda pair: pair.event_ndims, pairs)


@compiled(RUNS_ONCE)
def latents(bijector: Bijector, x: Any) -> Any:
    """bijector.inverse(x), as one program where layers are set from data one after the other."""
    return bijector.inverse(x)
