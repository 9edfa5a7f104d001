"""The support of a transformed distribution: the image of the base's support, as far as bounds can tell it.

NumPyro chooses by it the coordinates in which it samples (`biject_to(flow.support)`), so it is a NumPyro constraint
with bounds that are plain numbers wherever they are known. `log_prob` does not depend on it: it masks by the base's
support itself.
"""

from typing import Any

import jax
import numpy as np
from numpyro.distributions import constraints

from ..bijectors import Bijector, Blockwise, Chain, Composition, Invert, JointMap
from ..bijectors.composition import is_bijector
from ..core import replace

_BELOW, _ABOVE, _BETWEEN = constraints.greater_than, constraints.less_than, constraints.interval


def spread(bijector: Bijector) -> Bijector:
    """The same map with inverses of chains as chains of inverses, so that every part meets its own codomain."""
    if isinstance(bijector, Composition):
        return replace(bijector, bijectors=jax.tree.map(spread, bijector.bijectors, is_leaf=is_bijector))
    if isinstance(bijector, Invert):
        inner = bijector.bijector
        if isinstance(inner, Invert):
            return spread(inner.bijector)
        if isinstance(inner, Chain):
            return Chain([_spread_inverse(part) for part in reversed(inner.bijectors)])
        if isinstance(inner, JointMap):
            return JointMap(jax.tree.map(_spread_inverse, inner.bijectors, is_leaf=is_bijector))
        if isinstance(inner, Blockwise):
            return Blockwise([_spread_inverse(part) for part in inner.bijectors], inner.inverse_block_sizes)
    return bijector


def _spread_inverse(bijector: Bijector) -> Bijector:
    return spread(Invert(bijector))


def image(bijector: Bijector, inside: Any) -> Any:
    """The image of the set `inside` (a constraint on one number, or on an event) under `bijector`.

    Exact for compositions of monotone scalar maps; otherwise the codomain of the map, which contains the image.
    """
    bijector = spread(bijector)
    if isinstance(bijector, Chain):
        for part in reversed(bijector.bijectors):
            inside = image(part, inside)
        return inside
    # Values that are known are known under `jit` too.
    with jax.ensure_compile_time_eval():
        return _image(bijector, scalar_constraint(inside))


def scalar_constraint(constraint: Any) -> Any:
    """The constraint on one number where `constraint` is independent copies of it; otherwise `constraint` itself."""
    while isinstance(constraint, constraints.independent):
        constraint = constraint.base_constraint
    return constraint


def event_constraint(constraint: Any, event_dim: int) -> Any:
    """`constraint` on every part of an event of rank `event_dim`."""
    constraint = scalar_constraint(constraint)
    if constraint is constraints.real and event_dim in (1, 2):
        return constraints.real_vector if event_dim == 1 else constraints.real_matrix
    short = event_dim - constraint.event_dim
    return constraints.independent(constraint, short) if short > 0 else constraint


def bounds(constraint: Any) -> tuple[Any, Any]:
    """(lower, upper) of a constraint on one number, None where it has no such end."""
    constraint = scalar_constraint(constraint)
    lower = constraint.lower_bound if isinstance(constraint, _BELOW | _BETWEEN) else None
    upper = constraint.upper_bound if isinstance(constraint, _ABOVE | _BETWEEN) else None
    return lower, upper


def _image(part: Bijector, inside: Any) -> Any:
    lower, upper = bounds(inside)
    whole = scalar_constraint(part.codomain)
    if lower is None and upper is None:
        return whole
    if getattr(part, "permutes", False) and np.ndim(lower) == np.ndim(upper) == 0:
        return inside
    direction = _direction(part)
    if part.forward_min_event_ndims != 0 or direction is None:
        return whole
    ends = [_end(part, bound, k, direction) for k, bound in enumerate((lower, upper))]
    low, high = ends if direction else ends[::-1]
    if low is None:
        return whole if high is None else _ABOVE(high)
    if high is None:
        return _BELOW(low)
    return constraints.open_interval(low, high) if type(inside) is constraints.open_interval else _BETWEEN(low, high)


def _direction(part: Bijector) -> bool | None:
    """Whether the map increases everywhere; None where that is not known or differs between coordinates."""
    increasing = part.is_increasing
    if increasing is None or isinstance(increasing, bool):
        return increasing
    if isinstance(increasing, jax.core.Tracer):
        return None
    increasing = np.asarray(increasing)
    return bool(increasing.flat[0]) if increasing.size and np.all(increasing == increasing.flat[0]) else None


def _end(part: Bijector, bound: Any, side: int, increasing: bool) -> Any:
    """The image of one end (side 0: lower, 1: upper), which for an end of the domain is an end of the codomain."""
    domain_end = bounds(part.domain)[side]
    if bound is None or _equal(bound, domain_end):
        return bounds(part.codomain)[side if increasing else 1 - side]
    value = part.forward(bound)
    known = not isinstance(value, jax.core.Tracer) and value.ndim == 0
    return float(value) + 0.0 if known else value  # + 0.0: no negative zeros


def _equal(a: Any, b: Any) -> bool:
    known = not any(isinstance(v, jax.core.Tracer) or v is None for v in (a, b))
    return known and bool(np.all(np.asarray(a) == np.asarray(b)))
