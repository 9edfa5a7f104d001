"""Fit a flow to an unnormalised density: variational inference, without data.

    found = inference.fit_to_density(key, flow, log_density)
    found.model                     draws and their density, in closed form
    found.log_normalizer            log of the integral of the density: 1.234 ± 0.008
    found.effective_sample_size     0.8: of 10,000 draws, 8,000 count when they are weighted to be exact

p is the density up to a constant Z, q the flow. Divergences, each estimated from draws of q:

    reverse_kl   E_q[log q - log p]                                 covers one mode well rather than all badly
    forward_kl   -E_p[log q], draws weighted by p / q               covers every mode it has found (Müller et al. 2019)
    renyi        -log E_q[(p / q)^(1 - alpha)] / (1 - alpha)        between; alpha = 0 bounds log Z (Li & Turner 2016)
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import trainable
from ..core.compiling import RUNS_LONG, RUNS_ONCE, compiled
from ..distributions.adaptive import effective_size
from ..distributions.estimate import Estimate, log_mean_weight
from ..training.optimizer import start, updates
from ..training.schedule import rate_at

_DIVERGENCES = ("reverse_kl", "forward_kl", "renyi")
_BLOCKS = 20
LogDensity = Callable[[jax.Array], jax.Array]


@dataclasses.dataclass(frozen=True)
class FitToDensity:
    """What `fit_to_density` found.

    Attributes:
        model: the flow.
        losses: the divergence at every step, up to log Z; NaN where a step was not finite and was skipped.
        log_normalizer: log Z by importance sampling with new draws, with its standard error.
        effective_sample_size: the share of these draws that count, (sum w)^2 / (n sum w^2); 1 for a perfect fit. It
            cannot see a mode from which no draw came.
    """

    model: Any
    losses: np.ndarray
    log_normalizer: Estimate
    effective_sample_size: float

    def __repr__(self) -> str:
        return (
            f"FitToDensity(log Z = {self.log_normalizer!r}, effective sample {self.effective_sample_size:.1%}, "
            f"{len(self.losses)} steps)"
        )


def fit_to_density(
    key: jax.Array,
    flow: Any,
    log_density: LogDensity,
    *,
    divergence: str = "reverse_kl",
    path_gradients: bool = True,
    alpha: float = 0.5,
    steps: int = 2000,
    num_samples: int = 256,
    learning_rate: float = 2e-3,
    schedule: Any = "cosine",
    optimizer: Any = None,
    max_grad_norm: float | None = 10.0,
) -> FitToDensity:
    """Train a flow towards a density that is known up to a factor.

    Choose a flow whose samples carry their density for free: `flows.iaf`, `realnvp`, `spline_coupling`. With
    `path_gradients` the density of a draw is evaluated once more, the inverse way, with the parameters held: the
    gradient of the reverse KL is then exactly 0, without noise, where the fit is perfect (Roeder, Wu & Duvenaud 2017;
    for flows Vaitl et al. 2022). Leave it off for `planar`, `radial` and `sylvester`, whose inverses are searches.

    Args:
        key: random key.
        flow: the distribution to start from; what `pushforward.trainable` says trains.
        log_density: log p up to a constant, from draws [num_samples | event] to [num_samples], in nats; a function that
            JAX can differentiate (for `forward_kl` it need not be).
        divergence: "reverse_kl", "forward_kl" or "renyi".
        path_gradients: for the reverse KL only.
        alpha: of "renyi", not 1.
        steps: of the optimiser.
        num_samples: draws of each step.
        learning_rate, schedule, optimizer: as of `pushforward.fit`.
        max_grad_norm: gradients are shortened to it; None to leave them.

    Raises:
        ValueError: for a name or number out of range, or a log-density of another shape or nowhere finite.

    Example:
        found = fit_to_density(key, flows.realnvp(key, 2), lambda x: -jnp.sum(x**4, -1))
    """
    if divergence not in _DIVERGENCES:
        raise ValueError(f"divergence: expected one of {_DIVERGENCES}, and got {divergence!r}")
    if divergence == "renyi" and alpha == 1:
        raise ValueError("alpha: expected a number other than 1, where the limit is the reverse KL; use that by name")
    if steps < 1 or num_samples < 2:
        raise ValueError(f"expected at least 1 step of at least 2 draws, and got steps={steps}, {num_samples=}")
    if tuple(flow.batch_shape) != ():
        raise ValueError(
            f"fit_to_density: expected one distribution, and got a batch of shape {tuple(flow.batch_shape)}; of a "
            "conditional flow, bind one condition first: flow(c)"
        )
    check_key, train_key, score_key = jax.random.split(key, 3)
    _check(flow, log_density, check_key, num_samples)
    plan = _Plan(
        log_density, divergence, path_gradients and divergence == "reverse_kl", float(alpha), int(num_samples),
        optimizer, schedule, max_grad_norm, int(steps),
    )  # fmt: skip
    parameters, rest = eqx.partition(flow, trainable(flow))
    state = parameters, start(optimizer, parameters)
    losses = []
    # Some calls of one program, so that Ctrl-C has room; the last one may be shorter.
    block = max(1, steps // _BLOCKS)
    for first in range(0, steps, block):
        count = min(block, steps - first)
        state, part = _run(plan, state, rest, train_key, learning_rate, jnp.asarray(first), count)
        losses.append(np.asarray(part))
    model = eqx.combine(state[0], rest)
    log_weights = _log_weights(plan, model, score_key, 10_000)
    share = float(effective_size(log_weights)) / len(log_weights)
    return FitToDensity(model, np.concatenate(losses), log_mean_weight(log_weights), share)


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What a program is compiled for."""

    log_density: LogDensity
    divergence: str
    path_gradients: bool
    alpha: float
    num_samples: int
    optimizer: Any
    schedule: Any
    max_grad_norm: float | None
    steps: int


def _check(flow: Any, log_density: LogDensity, key: jax.Array, count: int) -> None:
    x = flow.sample(key, (count,))
    value = jnp.asarray(log_density(x))
    if value.shape != (count,):
        raise ValueError(
            f"log_density: expected one number for each of {count} draws, and got shape {value.shape} from draws of "
            f"shape {x.shape}; sum over the event axes, jnp.sum(..., axis=-1)"
        )
    if not bool(jnp.any(jnp.isfinite(value))):
        raise ValueError(
            "log_density: it is finite at none of the first draws; move the flow to where the density is (its base, or "
            "a Shift), or look at the function"
        )


def _loss(plan: _Plan, model: Any, key: jax.Array) -> jax.Array:
    if plan.divergence == "forward_kl":
        x, log_q = lax.stop_gradient(model.sample_and_log_prob(key, (plan.num_samples,)))
        weights = jax.nn.softmax(_finite(plan.log_density(x)) - log_q)
        return -jnp.sum(lax.stop_gradient(weights) * model.log_prob(x))
    x, log_q = model.sample_and_log_prob(key, (plan.num_samples,))
    if plan.path_gradients:
        log_q = lax.stop_gradient(model).log_prob(x)
    log_ratio = plan.log_density(x) - log_q
    if plan.divergence == "renyi":
        power = 1 - plan.alpha
        return -(jax.nn.logsumexp(power * log_ratio) - jnp.log(jnp.asarray(plan.num_samples, x.dtype))) / power
    return -jnp.mean(log_ratio)


def _finite(log_p: jax.Array) -> jax.Array:
    return jnp.where(jnp.isnan(log_p), -jnp.inf, log_p)


@compiled(RUNS_LONG, static_argnames=("plan", "count"))
def _run(
    plan: _Plan, state: Any, rest: Any, key: jax.Array, learning_rate: Any, first: jax.Array, count: int
) -> tuple[Any, jax.Array]:
    def step(state: Any, number: jax.Array) -> tuple[Any, jax.Array]:
        parameters, memory = state
        step_key = jax.random.fold_in(key, number)
        loss, gradient = jax.value_and_grad(lambda p: _loss(plan, eqx.combine(p, rest), step_key))(parameters)
        norm = jnp.sqrt(sum(jnp.sum(g.astype(loss.dtype) ** 2) for g in jax.tree.leaves(gradient)))
        if plan.max_grad_norm is not None:
            shorter = jnp.minimum(1, plan.max_grad_norm / jnp.where(norm > 0, norm, 1))
            gradient = jax.tree.map(lambda g: g * shorter.astype(g.dtype), gradient)
        rate = rate_at(plan.schedule, learning_rate, number, plan.steps)
        change, next_memory = updates(plan.optimizer, rate, gradient, memory, parameters)
        good = jnp.isfinite(loss) & jnp.isfinite(norm)
        moved = jax.tree.map(lambda p, c: p + c.astype(p.dtype), parameters, change)
        state = jax.tree.map(lambda new, old: jnp.where(good, new, old), (moved, next_memory), (parameters, memory))
        return state, jnp.where(good, loss, jnp.nan)

    return lax.scan(step, state, first + jnp.arange(count))


@compiled(RUNS_ONCE, static_argnames=("plan", "count"))
def _log_weights(plan: _Plan, model: Any, key: jax.Array, count: int) -> jax.Array:
    x, log_q = model.sample_and_log_prob(key, (count,))
    return _finite(plan.log_density(x)) - log_q
