"""What the distributions ask of their arguments, in words."""

import operator
from typing import Any

import jax.numpy as jnp
from numpyro.distributions import Distribution
from numpyro.util import is_prng_key

from ..bijectors import Bijector
from .base import PytreeDistribution


def as_shape(shape: Any) -> tuple[int, ...]:
    """An integer or a sequence of them as a shape."""
    try:
        return (operator.index(shape),)
    except TypeError:
        return tuple(operator.index(size) for size in shape)


def checked_key(key: Any) -> Any:
    """`key`, if it is one random key; else `TypeError`."""
    if not is_prng_key(key):
        raise TypeError(
            f"sample expects one random key first, and got {type(key).__name__}: draws are a function of the key. "
            "Write sample(jax.random.key(0), (n,)), and jax.vmap over several keys."
        )
    return key


def check_parts(flow: Any) -> None:
    """The checks of `TransformedDistribution`'s constructor."""
    base, bijector = flow.base, flow.bijector
    if not isinstance(base, Distribution) or not isinstance(bijector, Bijector):
        raise TypeError(
            "TransformedDistribution expects (a NumPyro distribution, a bijector), in this order, and got "
            f"({type(base).__name__}, {type(bijector).__name__}). Put several bijectors into a Chain."
        )
    ranks = bijector.forward_min_event_ndims, bijector.inverse_min_event_ndims
    if not all(isinstance(rank, int) for rank in ranks):
        raise TypeError(
            f"TransformedDistribution expects a map from one array to one array, and {type(bijector).__name__} has "
            f"events of the structure {ranks[0]} -> {ranks[1]}. Compose it with a map that joins the parts, such as "
            "Invert(Split)."
        )
    if base.support.is_discrete:
        raise ValueError(
            f"TransformedDistribution expects a continuous base, and {type(base).__name__} is discrete: the change of "
            "variables needs a density. Dequantise the variable first."
        )
    if flow.event_shape_override is not None and base.shape():
        raise ValueError(
            f"event_shape={flow.event_shape_override} lifts a scalar base, and this one has shape {base.shape()}: "
            "which axes are the event is then ambiguous. Give the base its shape with .expand(...).to_event(...)."
        )
    lifted = len(flow.event_shape_override or ()) + base.event_dim
    batch = base.batch_shape if flow.batch_shape_override is None else flow.batch_shape_override
    if ranks[0] > lifted + len(batch):
        raise ValueError(
            f"{type(bijector).__name__} maps events of rank {ranks[0]}, and the base has shape {base.shape()}, too few "
            "axes for one event. Lift a scalar base with event_shape=(...)."
        )
    if not bijector.is_injective and lifted > ranks[0]:
        raise ValueError(
            f"{type(bijector).__name__} takes several points to one, and events of rank {lifted} would have branches "
            f"for each of their parts: of |x| of n numbers, 2^n. Build the distribution on events of rank {ranks[0]}, "
            "and make independent copies one event afterwards: flow.to_event(...)."
        )
    if flow.train_base and not (isinstance(base, PytreeDistribution) and base.pytree_data_fields):
        raise ValueError(
            f"train_base=True expects a base whose parameters may take any real value, and {type(base).__name__} is "
            "not one: a step of the optimiser could make its scale negative, or there is nothing to train. Use "
            "MultivariateNormalDiag(loc, scale_diag)."
        )


def check_value(flow: Any, shape: tuple[int, ...]) -> None:
    """A value of `shape` has the event's axes last, and the rest broadcasts against the batch; else `ValueError`."""
    rank, event, batch = flow.event_dim, flow.event_shape, flow.batch_shape
    if len(shape) < rank or shape[len(shape) - rank :] != event:
        raise ValueError(
            f"log_prob expects a value of shape [sample and batch axes | {event}], and got {shape}: the last axes "
            f"({rank} of them) are one event. Reshape the value, or build the distribution for this event shape."
        )
    try:
        jnp.broadcast_shapes(shape[: len(shape) - rank], batch)
    except ValueError:
        raise ValueError(
            f"log_prob expects leading axes that broadcast against the batch shape {batch}, and got a value of shape "
            f"{shape} with events {event}: each member of the batch needs its own values. Insert axes of size 1."
        ) from None


def require_monotone(flow: Any, what: str) -> None:
    """A monotone map of a scalar variable, or, for its tails, one like |x|; else `NotImplementedError`."""
    bijector = flow.bijector
    ranks = flow.base.event_dim, bijector.forward_min_event_ndims, len(flow.event_shape_override or ())
    known = bijector.is_increasing is not None
    known |= what != "quantile" and bijector.branches_increasing == (False, True)
    if any(ranks) or bijector.inverse_min_event_ndims or not known:
        raise NotImplementedError(
            f"the {what} needs a monotone map of a scalar variable, and this is {type(bijector).__name__} with events "
            f"of shape {flow.event_shape}: a vector has no {what}, and without monotony it has no closed form. "
            "Estimate it from flow.sample(key, (n,))."
        )
