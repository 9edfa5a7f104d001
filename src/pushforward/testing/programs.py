"""The compiled programs behind the checks.

Compiling is what a suite spends its time on. So there are two programs a bijector, each called many times with other
numbers: `exact` (64-bit; values, log-dets and Jacobians of single events under `vmap`) and `mixed` (32-bit, batched;
values and the gradients of everything on a batch that mixes ordinary and extreme rows). Bijectors of one structure
share them. On a CPU they are compiled without optimisation, in a quarter of the time.

A round trip needs no program of its own: the outputs of one call are the inputs of the next.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core import broadcast_batch, map_ndims
from ..core.compiling import RUNS_ONCE, compiled

TRACES: Counter[str] = Counter()
FAST_COMPILE = (
    *RUNS_ONCE,
    ("xla_llvm_disable_expensive_passes", True),
    ("xla_cpu_use_fusion_emitters", False),
    ("xla_cpu_parallel_codegen_split_count", 1),
)


def bound(bijector: Any, c: Any) -> Any:
    """`bijector` with `c` bound, if there is one."""
    return bijector if c is None else bijector.condition(c)


def call(bijector: Any, direction: str, x: Any, extra: int | None = None) -> Any:
    """(value, log-det) in `direction`, with `extra` event axes above the minimum if given."""
    minimum = event_ndims(bijector, direction)[0]
    ndims = None if extra is None else map_ndims(lambda n: n + extra, minimum)
    return getattr(bijector, direction + "_and_log_det")(x, ndims)


def event_ndims(bijector: Any, direction: str) -> tuple[Any, Any]:
    """Minimum ranks of (inputs, outputs) in `direction`."""
    ndims = bijector.forward_min_event_ndims, bijector.inverse_min_event_ndims
    return ndims if direction == "forward" else ndims[::-1]


def flatten(x: Any, ndims: Any) -> jax.Array:
    """The numbers of an event in one last axis: [batch | sum of sizes]."""
    batch = broadcast_batch(x, ndims)
    parts = [
        jnp.broadcast_to(leaf, batch + leaf.shape[leaf.ndim - n :]).reshape((*batch, -1))
        for leaf, n in zip(jax.tree.leaves(x), jax.tree.leaves(ndims), strict=True)
    ]
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis=-1)


def _unflatten(vector: jax.Array, like: Any, ndims: Any) -> Any:
    """A vector of event numbers in the structure of `like`, the same in all its batch axes."""
    leaves, treedef = jax.tree.flatten(like)
    shapes = [leaf.shape[leaf.ndim - n :] for leaf, n in zip(leaves, jax.tree.leaves(ndims), strict=True)]
    ends = np.cumsum([int(np.prod(s, dtype=int)) for s in shapes])
    parts = [vector[end - int(np.prod(s, dtype=int)) : end].reshape(s) for end, s in zip(ends, shapes, strict=True)]
    return jax.tree.unflatten(treedef, [jnp.broadcast_to(p, leaf.shape) for p, leaf in zip(parts, leaves, strict=True)])


def value_log_det_jacobian(bijector: Any, direction: str, x: Any, coordinates: Any) -> tuple[Any, Any, Any]:
    """(value, log-det, Jacobian [batch | outputs, inputs]) at `x`; one column a forward-mode pass."""
    n_in, n_out = event_ndims(bijector, direction)
    size = sum(
        int(np.prod(a.shape[a.ndim - n :], dtype=int))
        for a, n in zip(jax.tree.leaves(x), jax.tree.leaves(n_in), strict=True)
    )

    def column(unit: jax.Array) -> Any:
        (y, log_det), (tangent, _) = jax.jvp(lambda x: call(bijector, direction, x), (x,), (_unflatten(unit, x, n_in),))
        return y, log_det, flatten(tangent, n_out) if coordinates is None else coordinates(tangent)

    basis = jnp.eye(size, dtype=jax.tree.leaves(x)[0].dtype)
    y, log_det, columns = jax.vmap(column, out_axes=(None, None, 0))(basis)
    return y, log_det, jnp.moveaxis(columns, 0, -1)


def _with_axes(c: Any, axes: int) -> Any:
    return None if c is None else c.reshape((c.shape[0],) + (1,) * axes + c.shape[1:])


def fast_jit(*static: str) -> Callable[..., Any]:
    """`jax.jit` with these options."""
    return compiled(FAST_COMPILE, static_argnames=static)


@fast_jit("coordinates")
def exact(bijector: Any, x: Any, y: Any, c: Any, *, coordinates: tuple[Any, Any]) -> dict[str, Any]:
    """direction -> (values, log-dets, Jacobians) of single events under `vmap`.

    Args:
        x, y: inputs of forward and inverse, [rows | parameter batch axes | event].
        c: condition [rows | size] or None.
        coordinates: functions that pick independent coordinates of an event on the (input, output) side, or None.
    """
    TRACES["exact"] += 1
    results: dict[str, Any] = {}
    for direction, point, pick in (("forward", x, coordinates[1]), ("inverse", y, coordinates[0])):

        def single(x: Any, c: Any, direction: str = direction, pick: Any = pick) -> Any:
            return value_log_det_jacobian(bound(bijector, c), direction, x, pick)

        results[direction] = jax.vmap(single)(point, c)
    return results


@fast_jit("axes")
def mixed(trained: Any, rest: Any, x: Any, y: Any, c: Any, *, axes: int) -> tuple[Any, Any]:
    """(gradients, values) with respect to (parameters, x, y, c) of a weighted sum of all values and log-dets."""
    TRACES["mixed"] += 1

    def objective(trained: Any, x: Any, y: Any, c: Any) -> Any:
        bijector = bound(eqx.combine(trained, rest), _with_axes(c, axes))
        values = call(bijector, "forward", x), call(bijector, "inverse", y)
        return sum(jnp.sum(_weights(leaf, k) * leaf) for k, leaf in enumerate(jax.tree.leaves(values))), values

    return jax.grad(objective, argnums=(0, 1, 2, 3), has_aux=True)(trained, x, y, c)


def _weights(leaf: jax.Array, k: int) -> jax.Array:
    """Fixed weights without a pattern that a sum could cancel; others for each output, forward and inverse too."""
    return jnp.asarray(np.cos(1.0 + k + 7.0 * np.arange(leaf.size)).reshape(leaf.shape) + 0.1 * (1 + k), leaf.dtype)


@partial(jax.jit, static_argnames=("direction", "extra"))
def abstract(bijector: Any, x: Any, c: Any, *, direction: str, extra: int | None) -> Any:
    """(value, log-det), to be traced for shapes and never run."""
    return call(bound(bijector, c), direction, x, extra)
