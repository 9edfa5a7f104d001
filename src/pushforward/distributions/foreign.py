"""NumPyro's distributions made ready for one computation.

Three things are in the way of using them as they come. Their validation turns NaN into -inf with a warning. Their
stored batch shape is that of construction, also inside `vmap`. And their parameters are Python floats, or arrays of
another dtype than the value. `prepared` returns a copy without these.
"""

import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import Distribution, ExpandedDistribution, Independent

from ..core.module import _describe
from .base import PytreeDistribution


def prepared(dist: Any, dtype: Any) -> Any:
    """A copy of `dist` that does not validate, has the shapes of its leaves, and parameters of `dtype`."""
    if isinstance(dist, PytreeDistribution):
        return dist

    def cast(leaf: Any) -> Any:
        if isinstance(leaf, float):
            return jnp.asarray(leaf, dtype)
        floating = hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)
        return jnp.asarray(leaf, dtype) if floating else leaf

    return refreshed(jax.tree.map(cast, dist))


def refreshed(dist: Any) -> Any:
    """A copy of `dist` that does not validate and whose batch shape is that of its leaves, at every depth."""
    if isinstance(dist, PytreeDistribution):
        return dist
    new = copy.copy(dist)
    new._validate_args = False
    lost = 0
    for name, part in vars(dist).items():
        if isinstance(part, Distribution):
            fresh = refreshed(part)
            setattr(new, name, fresh)
            lost = max(lost, len(part.batch_shape) - len(fresh.batch_shape))
    if isinstance(new, Independent):
        batch = new.base_dist.batch_shape
        new._batch_shape = batch[: len(batch) - new.reinterpreted_batch_ndims]
        return new
    own = _batch_shape_of_arguments(dist)
    # Inside `vmap` the arguments have fewer axes than they had; a wrapper loses the leading axes that its parts lost.
    fewer = own is not None and len(own) < len(dist.batch_shape)
    new._batch_shape = own if fewer else dist.batch_shape[lost:]
    return new


def _batch_shape_of_arguments(dist: Any) -> tuple[int, ...] | None:
    """The broadcast batch shape of a distribution's arguments; None where their declaration does not tell."""
    shapes = []
    try:
        for name, value in dist.get_args().items():
            event_dim = dist.arg_constraints[name].event_dim
            if np.ndim(value) < event_dim:
                return None
            shapes.append(np.shape(value)[: np.ndim(value) - event_dim])
    except (NotImplementedError, AttributeError):
        return None
    return jnp.broadcast_shapes(*shapes) if shapes else None


def log_prob_of(dist: Any, x: jax.Array) -> jax.Array:
    """`dist.log_prob(x)`, also of an empty batch, which NumPyro's sum over the axes of an event cannot reshape."""
    if isinstance(dist, Independent):
        events = tuple(range(-dist.reinterpreted_batch_ndims, 0))
        return jnp.sum(log_prob_of(dist.base_dist, x), axis=events)
    return dist.log_prob(x)


def model_dtype(tree: Any) -> Any:
    """The widest dtype of the floating arrays of `tree`, Python numbers aside; JAX's default float if it has none."""
    dtypes = [
        leaf.dtype
        for leaf in jax.tree.leaves(tree)
        if hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating) and not getattr(leaf, "weak_type", False)
    ]
    return max(dtypes, key=lambda dtype: jnp.finfo(dtype).bits) if dtypes else jnp.result_type(float)


def with_array_leaves(tree: Any) -> Any:
    """`tree` with arrays in place of Python floats, so that a compiled program does not depend on their values."""
    if not any(isinstance(leaf, float) for leaf in jax.tree.leaves(tree)):
        return tree
    dtype = model_dtype(tree)
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype) if isinstance(leaf, float) else leaf, tree)


def unwrapped(dist: Any) -> Any:
    """The distribution under NumPyro's `expand`."""
    while isinstance(dist, ExpandedDistribution):
        dist = dist.base_dist
    return dist


def describe(dist: Any) -> str:
    """One line for a distribution: its class and arguments."""
    if isinstance(dist, PytreeDistribution) or not isinstance(dist, Distribution):
        return repr(dist)
    name = type(dist).__name__
    if isinstance(dist, Independent):
        return f"{describe(dist.base_dist)}.to_event({dist.reinterpreted_batch_ndims})"
    if isinstance(dist, ExpandedDistribution):
        return f"{describe(dist.base_dist)}.expand({dist.batch_shape})"
    arguments = {k: v for k, v in vars(dist).items() if k in dist.arg_constraints}
    if arguments:
        return f"{name}({', '.join(f'{k}={_describe(v)}' for k, v in arguments.items())})"
    return f"{name}(batch_shape={dist.batch_shape}, event_shape={dist.event_shape})"
