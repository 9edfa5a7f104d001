"""Kullback-Leibler divergences: exact where that is known to be possible, estimated where asked to.

    KL(p || q) = E_p[log p(y) - log q(y)]

A bijection changes both densities by the same factor, so an outermost map that p and q share, with equal parameters,
can be taken off both. What remains is compared as normal distributions, if affine maps of normal ones remain, or by
NumPyro's registry. Anything else is refused: parameters are compared by value, and no structure is taken for equality.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as npd
from numpyro.distributions.kl import kl_divergence as numpyro_kl

from ..bijectors import Bijector, Chain, Identity
from ..core import numeric_inputs
from ..core.parameters import known_values
from .base import PytreeDistribution
from .checks import checked_key
from .computing import lifted
from .estimate import Estimate, mean_of
from .foreign import model_dtype, prepared
from .normal import MultivariateNormalDiag, StandardNormal
from .own import own
from .support import spread
from .transformed import TransformedDistribution


def kl_divergence(p: npd.Distribution, q: npd.Distribution) -> jax.Array:
    """KL(p || q) in nats, exactly, of shape broadcast(p.batch_shape, q.batch_shape).

    It is known for (1) distributions of NumPyro that its registry has a formula for (its series for a Kumaraswamy
    against a beta excepted), (2) normal distributions and affine maps of them, of this package and NumPyro's, and (3)
    images of (1) and (2) under the same bijector: one of equal structure and equal parameters.

    Args:
        p: the distribution that the mean is taken over.
        q: the other, of the same event shape.

    Raises:
        NotImplementedError: for anything else; `estimate_kl_divergence` estimates it.
        ValueError: if the event shapes differ.
        TypeError: for something else than distributions.
    """
    _check(p, q)
    batch = jnp.broadcast_shapes(p.batch_shape, q.batch_shape)
    dtype = model_dtype((p, q))
    (base_p, parts_p), (base_q, parts_q) = _flattened(p), _flattened(q)
    while parts_p and parts_q and _same(parts_p[0], parts_q[0]) and parts_p[0].is_injective:
        parts_p, parts_q = parts_p[1:], parts_q[1:]
    normal_p, normal_q = _as_normal(base_p, parts_p, dtype), _as_normal(base_q, parts_q, dtype)
    if normal_p is not None and normal_q is not None:
        return jnp.broadcast_to(_of_normals(normal_p, normal_q), batch)
    if not parts_p and not parts_q:
        if _same(base_p, base_q):
            return jnp.zeros(batch, dtype)
        exact = _by_registry(base_p, base_q, dtype)
        if exact is not None:
            return jnp.broadcast_to(exact, batch)
    raise NotImplementedError(
        f"the divergence of a {_name(base_p, parts_p)} from a {_name(base_q, parts_q)} is not known exactly: after "
        "taking off the maps that both share (with parameters known to be equal), they are neither normal nor in "
        "NumPyro's registry. Estimate it: estimate_kl_divergence(key, p, q, num_samples)."
    )


def estimate_kl_divergence(key: jax.Array, p: Any, q: Any, num_samples: int) -> Estimate:
    """KL(p || q) in nats from draws of p: the mean of log p(y) - log q(y), and its standard error.

    Args:
        key: a random key.
        p: the distribution that is drawn from; its samples cost no inversion if it is a flow.
        q: the other, of the same event shape.
        num_samples: how many draws, at least 2.

    Returns:
        (estimate, standard error), each of shape broadcast(p.batch_shape, q.batch_shape). Infinite where q has density
        0 at a draw of p.

    Raises:
        ValueError: if the event shapes differ, or for fewer than two draws.
    """
    _check(p, q)
    if num_samples < 2:
        raise ValueError(
            f"estimate_kl_divergence expects num_samples >= 2, and got {num_samples}: one draw tells no standard "
            "error. A thousand is a beginning."
        )
    p, q = own(p), own(q)
    if hasattr(p, "sample_and_log_prob"):
        y, log_p = p.sample_and_log_prob(checked_key(key), (num_samples,))
    else:
        y = p.sample(checked_key(key), (num_samples,))
        log_p = p.log_prob(y)
    batch = jnp.broadcast_shapes(p.batch_shape, q.batch_shape)
    short = len(batch) - len(p.batch_shape)
    y = jnp.reshape(y, (num_samples,) + (1,) * short + y.shape[1:])
    log_p = jnp.reshape(log_p, (num_samples,) + (1,) * short + log_p.shape[1:])
    ratio = log_p - q.log_prob(y)
    infinite = jnp.any(ratio == jnp.inf, axis=0)
    found = mean_of(jnp.where(jnp.isinf(ratio), 0, ratio))
    return Estimate(*(jnp.where(infinite, jnp.inf, part) for part in found))


# ------------------------------------------------------------------------------------------- structure


def _check(p: Any, q: Any) -> None:
    for dist in (p, q):
        if not isinstance(dist, npd.Distribution):
            raise TypeError(
                f"expected two distributions, and got a {type(dist).__name__}; a conditional flow becomes one when "
                "called with its condition: flow(c)."
            )
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"expected two distributions of one variable, and got events of shape {p.event_shape} and {q.event_shape}: "
            "log p(y) - log q(y) needs both at the same y. Lift the smaller with .expand(...).to_event(...)."
        )


def _flattened(dist: Any) -> tuple[Any, list[Bijector]]:
    """(base, maps applied to it, the last one first): a flow of a flow as one, with `expand` and `to_event` inside."""
    if isinstance(dist, npd.ExpandedDistribution):
        base, parts = _flattened(dist.base_dist)
        return base.expand(dist.batch_shape), parts
    if isinstance(dist, npd.Independent):
        base, parts = _flattened(dist.base_dist)
        return base.expand(dist.base_dist.batch_shape).to_event(dist.reinterpreted_batch_ndims), parts
    if isinstance(dist, TransformedDistribution):
        base, parts = _flattened(lifted(dist))
        return base, [*_steps(spread(dist.bijector)), *parts]
    return dist, []


def _steps(bijector: Bijector) -> list[Bijector]:
    if isinstance(bijector, Chain):
        return [step for part in bijector.bijectors for step in _steps(part)]
    return [] if isinstance(bijector, Identity) else [bijector]


def _same(one: Any, other: Any) -> bool:
    """Whether two pytrees are known to be equal; traced arrays are if they are one object."""
    structures: list[Any] = [jax.tree.structure(tree) for tree in (one, other)]
    if type(one) is not type(other) or structures[0] != structures[1]:
        return False
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        known = known_values(a), known_values(b)
        if a is not b and (known[0] is None or known[1] is None or not _equal(*known)):
            return False
    return True


def _equal(a: Any, b: Any) -> bool:
    return a.shape == b.shape and bool((a == b).all())


def _name(base: Any, parts: list[Bijector]) -> str:
    while isinstance(base, npd.Independent | npd.ExpandedDistribution):
        base = base.base_dist
    maps = " of ".join(type(part).__name__ for part in parts)
    return f"{maps} of {type(base).__name__}" if maps else type(base).__name__


def _by_registry(p: Any, q: Any, dtype: Any) -> jax.Array | None:
    """NumPyro's formula, if it has one that is exact."""
    parts = [_innermost(p), _innermost(q)]
    if any(isinstance(part, PytreeDistribution) for part in parts) or isinstance(parts[0], npd.Kumaraswamy):
        return None
    try:
        with jax.numpy_dtype_promotion("standard"):  # NumPyro's formulae mix dtypes
            return jnp.asarray(numpyro_kl(prepared(p, dtype), prepared(q, dtype)), dtype)
    except NotImplementedError:
        return None


def _innermost(dist: Any) -> Any:
    while isinstance(dist, npd.Independent | npd.ExpandedDistribution | npd.MaskedDistribution):
        dist = dist.base_dist
    return dist


# ------------------------------------------------------------------------------------------- normal distributions


class _Normal(NamedTuple):
    """Mean [batch | D], and a square root of the covariance: standard deviations [batch | D], or [batch | D, D]."""

    mean: jax.Array
    root: jax.Array
    diagonal: bool


def _as_normal(base: Any, parts: list[Bijector], dtype: Any) -> _Normal | None:
    """The normal distribution that the affine maps `parts` make of `base`; None if it is none, or not known to be."""
    moments = _normal_moments(base, dtype)
    if moments is None or not all(part.is_constant_jacobian and part.is_injective for part in parts):
        return None
    mean, root, diagonal = moments
    rank = base.event_dim
    for part in reversed(parts):
        if not isinstance(part.forward_min_event_ndims, int) or not isinstance(part.inverse_min_event_ndims, int):
            return None
        if diagonal and part.forward_min_event_ndims == 0:
            slope = jnp.exp(part.forward_log_det_jacobian(mean))
            mean = part.forward(mean)
            root = jnp.broadcast_to(root * slope, mean.shape)
            continue
        if diagonal:
            root, diagonal = _columns(root, rank), False
        mean, root, rank = _mapped(part, mean, root, rank)
    batch = mean.ndim - rank
    mean_flat = jnp.reshape(mean, (*mean.shape[:batch], -1))
    if diagonal:
        return _Normal(mean_flat, jnp.reshape(root, (*root.shape[:batch], -1)), True)
    square = jnp.reshape(root, (root.shape[0], *mean_flat.shape))
    return _Normal(mean_flat, jnp.moveaxis(square, 0, -1), False) if square.shape[0] == square.shape[-1] else None


def _columns(std: jax.Array, rank: int) -> jax.Array:
    """diag(std) as its columns: [D | batch | event]."""
    batch, event = std.shape[: std.ndim - rank], std.shape[std.ndim - rank :]
    size = math.prod(event)
    units = jnp.reshape(jnp.eye(size, dtype=std.dtype), (size,) + (1,) * len(batch) + event)
    return units * std


def _mapped(part: Bijector, mean: jax.Array, columns: jax.Array, rank: int) -> tuple[jax.Array, jax.Array, int]:
    """Mean, columns and rank after an affine map: a column goes to the derivative in its direction."""
    new = part.forward(mean)
    mapped = jax.vmap(lambda column: jax.jvp(part.forward, (mean,), (column,))[1])(columns)
    return new, jnp.broadcast_to(mapped, (columns.shape[0], *new.shape)), part.forward_event_ndims(rank)


def _normal_moments(base: Any, dtype: Any) -> tuple[jax.Array, jax.Array, bool] | None:
    """(mean, root, whether the root is diagonal) in the shape [batch | event], columns in front if not diagonal."""
    if isinstance(base, npd.Independent | npd.ExpandedDistribution):
        inner = _normal_moments(base.base_dist, dtype)
        if inner is None or not inner[2]:
            return None if isinstance(base, npd.Independent) else inner
        return jnp.broadcast_to(inner[0], base.shape()), jnp.broadcast_to(inner[1], base.shape()), True
    if type(base) is StandardNormal:
        return jnp.zeros(base.event_shape, dtype), jnp.ones(base.event_shape, dtype), True
    if type(base) is MultivariateNormalDiag:
        mean, std = jnp.broadcast_arrays(base.loc.astype(dtype), base.scale_diag.astype(dtype))
        return mean, std, True
    if type(base) is npd.Normal:
        mean, std = jnp.broadcast_arrays(*(numeric_inputs(v).astype(dtype) for v in (base.loc, base.scale)))
        return jnp.broadcast_to(mean, base.shape()), jnp.broadcast_to(std, base.shape()), True
    if type(base) is npd.MultivariateNormal:
        mean = jnp.broadcast_to(base.loc.astype(dtype), base.shape())
        root = jnp.broadcast_to(base.scale_tril.astype(dtype), (*base.shape(), base.event_shape[0]))
        return mean, jnp.moveaxis(root, -1, 0), False
    return None


def _of_normals(p: _Normal, q: _Normal) -> jax.Array:
    """(|R|^2 + |d|^2 - D) / 2 - log |det R|, R = root_q^-1 root_p, d = root_q^-1 (mean_p - mean_q)."""
    shift = p.mean - q.mean
    if p.diagonal and q.diagonal:
        ratio, shift = p.root / q.root, shift / q.root
        return jnp.sum((ratio - 1) * (ratio + 1) / 2 - jnp.log(ratio) + shift**2 / 2, axis=-1)
    root_p, root_q = (_matrix(normal) for normal in (p, q))
    batch = jnp.broadcast_shapes(root_p.shape[:-2], root_q.shape[:-2], shift.shape[:-1])
    size = shift.shape[-1]
    right = jnp.concatenate(
        [jnp.broadcast_to(root_p, (*batch, size, size)), jnp.broadcast_to(shift[..., None], (*batch, size, 1))], axis=-1
    )
    with jax.default_matmul_precision("highest"):
        solved = jnp.linalg.solve(jnp.broadcast_to(root_q, (*batch, size, size)), right)
    log_det = jnp.linalg.slogdet(solved[..., :-1])[1]
    return (jnp.sum(solved**2, axis=(-2, -1)) - size) / 2 - log_det


def _matrix(normal: _Normal) -> jax.Array:
    size = normal.mean.shape[-1]
    return normal.root[..., None] * jnp.eye(size, dtype=normal.root.dtype) if normal.diagonal else normal.root
