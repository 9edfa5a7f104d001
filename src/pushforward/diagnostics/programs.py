"""What `check` computes, in compiled programs of fixed row counts.

Nearly all the time of a first check is compiling, so programs are few, compiled without optimisation (a quarter of the
time) and as general as they can be: one for the log-density and the latents, one from latents to data, whether these
are draws or the way back of a round trip. In float64 the flow goes layer by layer, in one program for layers of one
structure (`layers`). Rows are filled up to fixed numbers, so that another table finds the programs again.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core import trainable
from ..core.compiling import RUNS_ONCE as WITHOUT_OPTIMISATION
from ..core.compiling import known
from ..distributions import TransformedDistribution
from ..distributions.base import PytreeDistribution
from ..distributions.computing import lifted
from ..distributions.foreign import prepared

CHUNK = 1024
# Chunks from which on a program that runs faster repays the seconds that it takes longer to compile.
MANY_CHUNKS = 64
RUNS_ONCE = (
    *WITHOUT_OPTIMISATION,
    ("xla_llvm_disable_expensive_passes", True),
    ("xla_cpu_use_fusion_emitters", False),
    ("xla_cpu_parallel_codegen_split_count", 1),
)


def runs_once(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`eqx.filter_jit`, compiled without optimisation."""
    jit: Any = eqx.filter_jit
    make = cache(lambda: jit(fn, compiler_options=known(RUNS_ONCE)))
    return wraps(fn)(lambda *args: make()(*args))


def bind(flow: Any, condition: np.ndarray | None, rows: Any) -> TransformedDistribution:
    """The flow itself, or given the conditions of these rows."""
    return flow if condition is None else flow(jax.device_put(condition[rows]))


def filled(rows: np.ndarray, size: int) -> np.ndarray:
    """`rows`, the last one repeated up to `size`."""
    return rows[np.minimum(np.arange(size), len(rows) - 1)]


def gradients(flow: Any, x: np.ndarray, condition: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """log p and its gradient in x, for all rows, and the names of parameters with a gradient that is not finite."""
    run = _gradients_once if len(x) <= MANY_CHUNKS * CHUNK else _gradients_often
    log_prob, gradient, flags = _in_chunks(run, flow, x, condition)
    bad = {jax.tree_util.keystr(path) for path, flag in jax.tree_util.tree_leaves_with_path(flags) if np.any(flag)}
    return log_prob.astype(np.float64), gradient.astype(np.float64), sorted(bad)


def _gradients(flow: Any, x: jax.Array, condition: jax.Array | None) -> tuple[jax.Array, jax.Array, Any]:
    parameters, rest = eqx.partition(flow, trainable(flow))

    def total(parameters: Any, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        whole = eqx.combine(parameters, rest)
        log_prob = (whole if condition is None else whole(condition)).log_prob(x)
        return jnp.sum(jnp.where(jnp.isfinite(log_prob), log_prob, 0.0)), log_prob

    (of_parameters, of_x), log_prob = jax.grad(total, argnums=(0, 1), has_aux=True)(parameters, x)
    return log_prob, of_x, jax.tree.map(lambda g: ~jnp.all(jnp.isfinite(g), keepdims=True).ravel(), of_parameters)


_gradients_once, _gradients_often = runs_once(_gradients), eqx.filter_jit(_gradients)


def densities(flow: Any, x: np.ndarray, condition: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """log p and the latents inverse(x), for all rows, in the dtype of x."""
    log_prob, z = _in_chunks(_densities, flow, x, condition)
    return log_prob.astype(np.float64), z


@runs_once
def _densities(flow: Any, x: jax.Array, condition: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    flow = flow if condition is None else flow(condition)
    # With what `log_prob` does to infinite values, so that the compiler finds that both invert the same.
    return flow.log_prob(x), flow.bijector.inverse(jnp.where(jnp.isinf(x), 0, x))


def _in_chunks(run: Callable[..., Any], flow: Any, x: np.ndarray, condition: np.ndarray | None) -> Any:
    """`run(flow, rows of x, their conditions)`, arrays of a value a row, for always the same number of rows."""
    chunks = []
    for start in range(0, len(x), CHUNK):
        rows = np.minimum(np.arange(start, start + CHUNK), len(x) - 1)
        c = None if condition is None else condition[rows]
        chunks.append(jax.tree.map(np.asarray, run(flow, x[rows], c)))
    return jax.tree.map(lambda *parts: np.concatenate(parts)[: len(x)], *chunks)


def latent_draws(flow: TransformedDistribution, key: jax.Array, number: int) -> np.ndarray:
    """Draws of the base, [number | batch | event]."""
    return np.asarray(_latent_draws(flow, key, number))


@runs_once
def _latent_draws(flow: TransformedDistribution, key: jax.Array, number: int) -> jax.Array:
    return _base(flow).expand(flow.batch_shape).sample(key, (number,))


def _base(flow: TransformedDistribution) -> Any:
    """The base as the flow uses it."""
    return lifted(flow, prepared(flow.base, jnp.result_type(float)))


def outwards(flow: Any, z: np.ndarray, condition: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """`sample_and_log_prob` of the flow when the base draws `z`, a row each: data, and their log-densities."""
    y, log_prob = _outwards(flow, z, condition)
    return np.asarray(y), np.asarray(log_prob, np.float64)


@runs_once
def _outwards(flow: Any, z: jax.Array, condition: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    flow = flow if condition is None else flow(condition)
    given = TransformedDistribution(_Given(_base(flow), z), flow.bijector)
    return given.sample_and_log_prob(jax.random.key(0), () if given.batch_shape else z.shape[:1])


class _Given(PytreeDistribution):
    """A distribution whose draws are given."""

    pytree_data_fields = ("base", "draws")

    def __init__(self, base: Any, draws: jax.Array):
        self.base, self.draws, self.frozen = base, draws, False

    @property
    def event_shape(self) -> tuple[int, ...]:
        return self.base.event_shape

    @property
    def batch_shape(self) -> tuple[int, ...]:
        return self.base.batch_shape

    @property
    def support(self) -> Any:
        return self.base.support

    def expand(self, batch_shape: tuple[int, ...]) -> "_Given":
        return _Given(self.base.expand(batch_shape), self.draws)

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        return self.draws

    def log_prob(self, value: jax.Array, intermediates: Any = None) -> jax.Array:
        return self.base.log_prob(value)


def in_float64(flow: TransformedDistribution, x: np.ndarray) -> dict[str, np.ndarray]:
    """The flow at rows x in float64 arithmetic: `log_prob`; `z` and `log_det` of the inverse.

    The last two are of the whole map, with that of a base that is a flow itself.
    """
    with jax.enable_x64(True):
        return {name: np.asarray(value) for name, value in _in_float64(flow, x.astype(np.float64)).items()}


@runs_once
def _in_float64(flow: TransformedDistribution, x: jax.Array) -> dict[str, Any]:
    ndims: Any = flow.event_dim
    z, log_det = flow.bijector.inverse_and_log_det(x, ndims)
    log_prob = _base(flow).log_prob(z) + log_det
    while isinstance(flow.base, TransformedDistribution):
        ndims, flow = flow.bijector.inverse_event_ndims(ndims), flow.base
        z, more = flow.bijector.inverse_and_log_det(z, ndims)
        log_det = log_det + more
    return {"log_prob": log_prob, "log_det": log_det, "z": z}
