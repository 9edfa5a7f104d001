"""Adaptive importance sampling: weighted draws of an unnormalised density, from points that lie about right.

The proposal is a mixture of Student-t kernels: one wide one with the shape of the whole cloud, which serves where there
are many dimensions, and narrow ones around centres, each with the shape of the cloud near it, which follow curved and
separate pieces where there are few. In each round its draws are weighted by density over proposal, and centres for the
next round are drawn by these weights (population Monte Carlo, Cappé et al. 2004; local shapes as in Givens and Raftery
1996). The first proposal always stays in as a tenth of the mixture, and kernels have heavy tails, so that weights stay
bounded where the density has tails of its own. The draws of the last round are independent given its proposal, which
makes the estimate of the normalising constant unbiased and its error simple.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

DEGREES = 8
_FIRST_SHARE, _WIDE_SHARE = 0.1, 0.4
# Of products, also where an accelerator's default would drop some.
_ALL_DIGITS = lax.Precision.HIGHEST


class Mixture(NamedTuple):
    """Student-t kernels: centres (K, D), Cholesky factors (K, D, D) and their inverses, log weights."""

    centres: jax.Array
    whitening: jax.Array
    factors: jax.Array
    log_weights: jax.Array


class Weighted(NamedTuple):
    """Draws (N, D), log w = log density - log proposal (N,), and the mixture that they came from."""

    points: jax.Array
    log_weights: jax.Array
    proposal: Mixture


def weighted_draws(
    key: jax.Array,
    log_density: Callable[[jax.Array], jax.Array],
    start: jax.Array,
    start_weights: jax.Array,
    *,
    draws: int,
    rounds: int = 3,
    kernels: int = 128,
) -> Weighted:
    """Draw from log_density, up to its constant.

    Args:
        key: random key.
        log_density: (N, D) -> (N,).
        start: points about where the density is, (S, D), S at least 2.
        start_weights: how much each counts, (S,), not negative.
        draws: of the last round; the others take a quarter.
        rounds: of adaptation, before the last.
        kernels: of a mixture.
    """
    key, first_key = jax.random.split(key)
    first = _mixture(_resampled(first_key, start, jnp.log(start_weights), kernels))

    def adapt(proposal: Mixture, key: jax.Array) -> tuple[Mixture, None]:
        draw_key, pick_key = jax.random.split(key)
        now = _weigh(draw_key, log_density, proposal, max(kernels, draws // 4))
        # Tempered while few draws carry all the weight, so that the centres do not fall onto one point.
        tempered = now.log_weights * _temperature(now.log_weights, 2.0 * start.shape[1] + 8)
        return _joined(_mixture(_resampled(pick_key, now.points, tempered, kernels)), first), None

    key, rounds_key = jax.random.split(key)
    proposal, _ = jax.lax.scan(adapt, _joined(first, first), jax.random.split(rounds_key, rounds))
    return _weigh(key, log_density, proposal, draws)


def log_proposal(mixture: Mixture, x: jax.Array) -> jax.Array:
    """The log-density of the mixture at x (N, D)."""
    size = x.shape[1]
    offset = jnp.einsum("kij,nkj->nki", mixture.whitening, x[:, None] - mixture.centres, precision=_ALL_DIGITS)
    distance = jnp.sum(offset**2, -1)
    constant = math.lgamma((DEGREES + size) / 2) - math.lgamma(DEGREES / 2) - size / 2 * math.log(DEGREES * math.pi)
    log_det = jnp.sum(jnp.log(jnp.abs(jnp.diagonal(mixture.whitening, axis1=1, axis2=2))), -1)
    kernel = constant + log_det - (DEGREES + size) / 2 * jnp.log1p(distance / DEGREES)
    return jax.nn.logsumexp(kernel + mixture.log_weights, axis=1)


def propose(key: jax.Array, mixture: Mixture, count: int) -> jax.Array:
    """`count` draws of the mixture, (count, D)."""
    pick_key, normal_key = jax.random.split(key)
    dtype, size = mixture.centres.dtype, mixture.centres.shape[1]
    below = jnp.cumsum(jnp.exp(mixture.log_weights))
    k = jnp.searchsorted(below, below[-1] * jax.random.uniform(pick_key, (count,), dtype))
    k = jnp.clip(k, 0, len(below) - 1)
    # Student's t is a normal over the root of a mean of DEGREES squared normals.
    normals, others = jnp.split(jax.random.normal(normal_key, (count, size + DEGREES), dtype), [size], axis=1)
    step = jnp.einsum("nij,nj->ni", mixture.factors[k], normals, precision=_ALL_DIGITS)
    return mixture.centres[k] + step / jnp.sqrt(jnp.mean(others**2, 1, keepdims=True))


def effective_size(log_weights: jax.Array) -> jax.Array:
    """(sum w)^2 / sum w^2, the number of equally weighted draws that tell as much (Kong 1992)."""
    return 1 / jnp.sum(jax.nn.softmax(log_weights) ** 2)


def _joined(adapted: Mixture, first: Mixture) -> Mixture:
    """Both, the first with a tenth of the weight."""
    shares = (math.log(share) for share in (1 - _FIRST_SHARE, _FIRST_SHARE))
    weights = [m.log_weights + share for m, share in zip((adapted, first), shares, strict=True)]
    parts = [jnp.concatenate(pair) for pair in zip(adapted[:3], first[:3], strict=True)]
    return Mixture(parts[0], parts[1], parts[2], jnp.concatenate(weights))


def _weigh(key: jax.Array, log_density: Any, proposal: Mixture, count: int) -> Weighted:
    x = propose(key, proposal, count)
    log_p = log_density(x)
    log_weights = jnp.where(jnp.isnan(log_p), -jnp.inf, log_p) - log_proposal(proposal, x)
    return Weighted(x, log_weights, proposal)


def _resampled(key: jax.Array, points: jax.Array, log_weights: jax.Array, count: int) -> jax.Array:
    """`count` of the points, by their weights, one uniform number for all (systematic; Carpenter et al. 1999)."""
    share = jax.nn.softmax(log_weights)
    # Nothing has weight: take all alike.
    share = jnp.where(jnp.isfinite(share), share, 1 / len(points))
    places = (jnp.arange(count, dtype=share.dtype) + jax.random.uniform(key, (), share.dtype)) / count
    return points[jnp.clip(jnp.searchsorted(jnp.cumsum(share), places), 0, len(points) - 1)]


def _mixture(centres: jax.Array) -> Mixture:
    """Kernels around the centres (K, D), each with the covariance of the cloud near it, shrunk as for a density."""
    count, size = centres.shape
    middle = jnp.mean(centres, 0)
    spread = jnp.std(centres, 0) + 1e-6 * (1 + jnp.abs(middle))
    u = (centres - middle) / spread
    distance = jnp.sum((u[:, None] - u) ** 2, -1)
    near = min(count, max(4 * size, count // 8))
    reach = -jax.lax.top_k(-distance, near)[0][:, -1:]
    w = (distance <= reach).astype(u.dtype)
    w = w / w.sum(1, keepdims=True)
    mean = jnp.matmul(w, u, precision=_ALL_DIGITS)
    square = jnp.einsum("kn,ni,nj->kij", w, u, u, precision=_ALL_DIGITS)
    covariance = square - mean[:, :, None] * mean[:, None, :]
    # Some of a round kernel, so that a cloud of few different points still has a shape.
    trace = jnp.trace(covariance, axis1=1, axis2=2)[:, None, None] / size
    covariance = 0.9 * covariance + (0.1 * trace + 1e-6) * jnp.eye(size, dtype=u.dtype)
    # Silverman's factor, for the number of points that a kernel was made of.
    width = (4 / (size + 2)) ** (1 / (size + 4)) * near ** (-1 / (size + 4))
    factors = width * spread[:, None] * jnp.linalg.cholesky(covariance)
    whole = jnp.matmul(u.T, u, precision=_ALL_DIGITS) / count + 1e-6 * jnp.eye(size, dtype=u.dtype)
    factors = jnp.concatenate([factors, (spread[:, None] * jnp.linalg.cholesky(whole))[None]])
    eye = jnp.broadcast_to(jnp.eye(size, dtype=u.dtype), factors.shape)
    whitening = jax.scipy.linalg.solve_triangular(factors, eye, lower=True)
    log_weights = jnp.full((count + 1,), math.log((1 - _WIDE_SHARE) / count), u.dtype).at[-1].set(math.log(_WIDE_SHARE))
    return Mixture(jnp.concatenate([centres, middle[None]]), whitening, factors, log_weights)


def _temperature(log_weights: jax.Array, wanted: float) -> jax.Array:
    """The largest power <= 1 of the weights, of a few, that leaves an effective size of `wanted`; else the least."""
    powers = jnp.asarray([1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05], log_weights.dtype)
    finite = jnp.where(jnp.isfinite(log_weights), log_weights, -1e30)
    enough = jax.vmap(lambda power: effective_size(finite * power))(powers) >= wanted
    return powers[jnp.where(jnp.any(enough), jnp.argmax(enough), len(powers) - 1)]
