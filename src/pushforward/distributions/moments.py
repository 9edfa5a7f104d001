"""Means, variances and entropies of transformed distributions, where they are exact.

Under an affine map y = A x + b (`is_constant_jacobian`):

    E[y] = A E[x] + b        Var[y_i] = sum_j A_ij^2 Var[x_j]  for independent x_j        H[y] = H[x] + log |det A|
"""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import Independent

from .foreign import unwrapped


def exact_mean(flow: Any, base: Any) -> jax.Array:
    """The mean of `flow` over the lifted `base`; `NotImplementedError` unless the map is affine."""
    _require_affine(flow, "mean")
    mean = jnp.broadcast_to(_of_base(flow, base, "mean"), base.shape())
    return jnp.broadcast_to(flow.bijector.forward(mean), flow.shape())


def exact_variance(flow: Any, base: Any) -> jax.Array:
    """The variances of the coordinates; `NotImplementedError` unless the map is affine and they can be told."""
    _require_affine(flow, "variance")
    variance = jnp.broadcast_to(_of_base(flow, base, "variance"), base.shape())
    if flow.bijector.forward_min_event_ndims == 0:
        slope = flow.bijector.forward_log_det_jacobian(jnp.zeros_like(variance))
        return jnp.broadcast_to(variance * jnp.exp(2 * slope), flow.shape())
    if not has_independent_coordinates(base):
        raise NotImplementedError(
            _advice(flow, "variance", "the coordinates of the base are not known to be independent")
        )
    rank = base.event_dim
    batch, shape = variance.shape[: variance.ndim - rank], variance.shape[variance.ndim - rank :]
    origin = jnp.zeros_like(variance)

    def contribution(unit: jax.Array) -> jax.Array:
        """A_ij^2 Var[x_j] for one j, given as a unit vector."""
        column = jax.jvp(flow.bijector.forward, (origin,), (jnp.broadcast_to(unit, origin.shape),))[1]
        var_j = jnp.sum(variance * unit, axis=tuple(range(-rank, 0)))
        return column**2 * jnp.reshape(var_j, batch + (1,) * flow.event_dim)

    size = int(jnp.size(jnp.zeros(shape)))
    units = jnp.eye(size, dtype=variance.dtype).reshape((size, *shape))
    total = jax.lax.fori_loop(1, size, lambda j, total: total + contribution(units[j]), contribution(units[0]))
    return jnp.broadcast_to(total, flow.shape())


def exact_entropy(flow: Any, base: Any) -> jax.Array:
    """The differential entropy in nats; `NotImplementedError` unless the Jacobian is constant."""
    _require_affine(flow, "entropy")
    try:
        entropy = base.entropy()
    except NotImplementedError:
        raise NotImplementedError(_advice(flow, "entropy", f"its base, {type(base).__name__}, has none")) from None
    origin = jnp.zeros(base.shape(), jnp.result_type(entropy))
    log_det = flow.bijector.forward_log_det_jacobian(origin, base.event_dim)
    return jnp.broadcast_to(entropy + log_det.astype(jnp.result_type(entropy)), flow.batch_shape)


def has_independent_coordinates(base: Any) -> bool:
    """Whether the entries of an event of `base` are known to be independent."""
    base = unwrapped(base)
    if isinstance(base, Independent):
        inner = unwrapped(base.base_dist)
        return inner.event_dim == 0 or has_independent_coordinates(inner)
    return bool(getattr(base, "independent_coordinates", False))


def _require_affine(flow: Any, what: str) -> None:
    if not flow.bijector.is_constant_jacobian:
        raise NotImplementedError(_advice(flow, what, "its Jacobian is not constant"))


def _of_base(flow: Any, base: Any, what: str) -> jax.Array:
    try:
        return jnp.asarray(getattr(base, what))
    except NotImplementedError:
        raise NotImplementedError(_advice(flow, what, f"its base, {type(base).__name__}, has none")) from None


def _advice(flow: Any, what: str, reason: str) -> str:
    estimate = "-log_prob averaged over x, log_prob = flow.sample_and_log_prob(key, (n,))"
    if what != "entropy":
        estimate = f"the {what} of flow.sample(key, (n,))"
    return (
        f"expected a distribution whose {what} is known exactly, and got {type(flow.bijector).__name__} of "
        f"{type(flow.base).__name__}: {reason}. Estimate it by sampling: {estimate}."
    )
