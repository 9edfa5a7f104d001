"""What `check` computes, in compiled programs of fixed row counts."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core import trainable
from ..distributions import TransformedDistribution
from .layers import jacobian_of

CHUNK = 1024


def bind(flow: Any, condition: np.ndarray | None, rows: Any) -> TransformedDistribution:
    """The flow itself, or given the conditions of these rows."""
    return flow if condition is None else flow(jnp.asarray(condition[rows]))


def densities(flow: Any, x: np.ndarray, condition: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """log p and its gradient in x, for all rows, and the names of parameters with a gradient that is not finite."""
    log_probs, gradients, bad = [], [], set()
    for start in range(0, len(x), CHUNK):
        # Always the same number of rows, so that there is one program.
        rows = np.minimum(np.arange(start, start + CHUNK), len(x) - 1)
        c = None if condition is None else jnp.asarray(condition[rows])
        log_prob, gradient, flags = _density_and_gradients(flow, jnp.asarray(x[rows]), c)
        keep = min(CHUNK, len(x) - start)
        log_probs.append(np.asarray(log_prob, np.float64)[:keep])
        gradients.append(np.asarray(gradient, np.float64)[:keep])
        bad |= {jax.tree_util.keystr(path) for path, flag in jax.tree_util.tree_leaves_with_path(flags) if flag}
    return np.concatenate(log_probs), np.concatenate(gradients), sorted(bad)


@eqx.filter_jit
def _density_and_gradients(flow: Any, x: jax.Array, condition: jax.Array | None) -> tuple[jax.Array, jax.Array, Any]:
    parameters, rest = eqx.partition(flow, trainable(flow))

    def total(parameters: Any, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        whole = eqx.combine(parameters, rest)
        log_prob = (whole if condition is None else whole(condition)).log_prob(x)
        return jnp.sum(jnp.where(jnp.isfinite(log_prob), log_prob, 0.0)), log_prob

    (of_parameters, of_x), log_prob = jax.grad(total, argnums=(0, 1), has_aux=True)(parameters, x)
    return log_prob, of_x, jax.tree.map(lambda g: ~jnp.all(jnp.isfinite(g)), of_parameters)


@eqx.filter_jit
def there_and_back(flow: TransformedDistribution, x: jax.Array) -> jax.Array:
    """forward(inverse(x)) in the dtype of x."""
    return flow.bijector.forward(flow.bijector.inverse(x))


@eqx.filter_jit
def latents(flow: TransformedDistribution, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """z = inverse(x), flat, and dz/dx of each row."""
    z = flow.bijector.inverse(x)
    return z.reshape(len(x), -1), jacobian_of(flow.bijector.inverse, x)


def in_float64(
    flow: Any, x: np.ndarray, condition: np.ndarray | None, rows: np.ndarray, epsilon: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """The rows in float64 arithmetic.

    Returns:
        `log_prob`; `log_det` of the inverse; `back`, forward(inverse(x)); `moved`, how far from there the result is if
        the latent is rounded to a relative precision of `epsilon` first (the farther of two directions of rounding).
    """
    with jax.enable_x64(True):
        signs = jnp.asarray(rng.choice([-1.0, 1.0], (2, *x[rows].shape)))
        out = _in_float64(bind(flow, condition, rows), jnp.asarray(x[rows], jnp.float64), signs, epsilon)
        return {name: np.asarray(value) for name, value in out.items()}


@eqx.filter_jit
def _in_float64(flow: TransformedDistribution, x: jax.Array, signs: jax.Array, epsilon: float) -> dict[str, Any]:
    z, log_det = flow.bijector.inverse_and_log_det(x, flow.event_dim)
    rounded = z * (1 + epsilon * jnp.resize(signs, (2, *z.shape)))
    back = flow.bijector.forward(jnp.concatenate([z[None], rounded]))
    return {
        "log_prob": flow.log_prob(x),
        "log_det": log_det,
        "back": back[0],
        "moved": jnp.max(jnp.abs(back[1:] - back[0]), axis=0),
    }
