"""Log-determinants by automatic differentiation, for bijectors that do not write one."""

import math
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp


def autodiff_log_det(fn: Callable, x: Any, event_ndims: Any) -> jax.Array:
    """log |det dfn/dx| at rank `event_ndims`, by automatic differentiation.

    Batch elements do not mix, so one Jacobian-vector product with a unit vector in every batch element gives one column
    of all their Jacobians, and parameters with batch axes need no care.
    """
    if event_ndims == 0:
        return jnp.log(jnp.abs(jax.jvp(fn, (x,), (jnp.ones_like(x),))[1]))
    leaves, treedef = jax.tree.flatten(x)
    ranks = jax.tree.leaves(event_ndims)
    shapes = [leaf.shape[leaf.ndim - n :] for leaf, n in zip(leaves, ranks, strict=True)]
    sizes = [math.prod(s) for s in shapes]
    basis = jnp.eye(sum(sizes), dtype=leaves[0].dtype)

    def column(unit: jax.Array) -> jax.Array:
        parts = jnp.split(unit, list(accumulate(sizes))[:-1])
        tangents = [
            jnp.broadcast_to(p.reshape(s), leaf.shape) for p, s, leaf in zip(parts, shapes, leaves, strict=True)
        ]
        out = jax.jvp(fn, (x,), (jax.tree.unflatten(treedef, tangents),))[1]
        axes = [o.ndim - _rank_of(o, leaves, ranks) for o in jax.tree.leaves(out)]
        flat = [
            o.reshape((*o.shape[:n], math.prod(o.shape[n:]))) for n, o in zip(axes, jax.tree.leaves(out), strict=True)
        ]
        return jnp.concatenate(flat, axis=-1)

    matrix = jnp.moveaxis(jax.vmap(column)(basis), 0, -1)
    if matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(
            f"the Jacobian has shape {matrix.shape[-2:]}: an event of {matrix.shape[-1]} numbers is mapped to one of "
            f"{matrix.shape[-2]}, and only a square Jacobian has a determinant. Write the log-determinant yourself."
        )
    return jnp.linalg.slogdet(matrix)[1]


def _rank_of(out: jax.Array, inputs: list, ranks: list) -> int:
    """The event rank of an output: batch axes are those of the inputs."""
    batch = max(a.ndim - n for a, n in zip(inputs, ranks, strict=True))
    return out.ndim - batch
