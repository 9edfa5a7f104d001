"""A number found by simulation, with its standard error."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Estimate(NamedTuple):
    """A Monte Carlo estimate.

    Attributes:
        value: the estimate.
        standard_error: its standard deviation over repetitions with other keys, as far as the draws tell it; infinite
            where too few draws matter to tell.
    """

    value: jax.Array
    standard_error: jax.Array

    def __repr__(self) -> str:
        if jnp.ndim(self.value) == 0:
            return f"{float(self.value):.6g} ± {float(self.standard_error):.2g}"
        return f"Estimate(value={self.value}, standard_error={self.standard_error})"


def mean_of(values: jax.Array, axis: int = 0) -> Estimate:
    """The mean over independent draws along one axis."""
    values = jnp.asarray(values)
    count = values.shape[axis]
    error = jnp.std(values, axis=axis, ddof=1) / count**0.5 if count > 1 else jnp.full_like(values.sum(axis), jnp.inf)
    return Estimate(jnp.mean(values, axis=axis), error)


def weighted_mean(values: Any, log_weights: jax.Array) -> Estimate:
    """The self-normalised importance estimate  sum w f / sum w,  with error  sqrt(sum w^2 (f - mean)^2) / sum w.

    (Owen 2013, Monte Carlo theory, methods and examples, eqs. 9.6 and 9.9.)

    Args:
        values: f at the draws, shape [draws, ...].
        log_weights: log w, up to a constant, shape [draws].
    """
    values = jnp.asarray(values)
    w = jax.nn.softmax(log_weights).astype(values.dtype).reshape((-1,) + (1,) * (values.ndim - 1))
    mean = jnp.sum(w * values, axis=0)
    return Estimate(mean, jnp.sqrt(jnp.sum((w * (values - mean)) ** 2, axis=0)))


def log_mean_weight(log_weights: jax.Array) -> Estimate:
    """log of the mean of w, the estimate of a logarithm of an integral, by the delta method: error std(w) / mean(w).

    Args:
        log_weights: log w, shape [draws].
    """
    count = log_weights.shape[0]
    value = jax.nn.logsumexp(log_weights) - jnp.log(count).astype(log_weights.dtype)
    share = jax.nn.softmax(log_weights)
    relative = jnp.sqrt(jnp.maximum(count * jnp.sum(share**2) - 1, 0) / count)
    return Estimate(value, jnp.where(jnp.isfinite(value), relative, jnp.inf))
