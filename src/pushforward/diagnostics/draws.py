"""What a flow's own draws show: that its two log-densities agree, and that the density integrates to one."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .findings import Finding
from .normalisation import LEAST_OVERLAP, Integral, log_integral
from .programs import bind, densities, latents
from .verdicts import ROUNDINGS, half_the_digits, moved_by_rounding, per_row

DRAWS, CONDITIONS = 4096, 4


def look_at_draws(
    flow: Any, condition: np.ndarray | None, key: jax.Array, rng: np.random.Generator, epsilon: float
) -> list[Finding]:
    """Two findings, "draws" and "normalisation", for a flow or for a conditional one at a few of the conditions."""
    chosen = None if condition is None else condition[rng.integers(len(condition), size=CONDITIONS)]
    members = 1 if chosen is None else CONDITIONS
    number = DRAWS // members
    bound = bind(flow, chosen, slice(None))
    drawn, claimed = (np.asarray(a) for a in bound.sample_and_log_prob(key, (number,)))
    drawn = np.moveaxis(drawn.reshape(number, members, *bound.event_shape), 1, 0)
    claimed = np.moveaxis(claimed.reshape(number, members), 1, 0).astype(np.float64)
    is_density = math.prod(bound.event_shape) == math.prod(bound.bijector.inverse_event_shape(bound.event_shape))
    errors, allowed, integrals = [], [], []
    for member in range(members):
        y, c = drawn[member], None if chosen is None else chosen[member]
        log_prob, gradient, _ = densities(flow, y, _repeated(c, number))
        errors.append(np.abs(log_prob - claimed[member]))
        rounding = ROUNDINGS * moved_by_rounding(y, gradient, epsilon)
        allowed.append(2 * half_the_digits(y, claimed[member], epsilon) + rounding)
        integrals += [_integral(flow, y, c, rng)] if is_density else []
    reason = (
        "draws come with their log-density from the forward pass; log_prob of the same draws goes through the inverse, "
        "and must agree within the rounding of both."
    )
    agreement = per_row("draws", np.concatenate(errors), np.concatenate(allowed), "nats", None, reason)
    return [agreement, _normalisation(integrals)]


def _repeated(c: np.ndarray | None, count: int) -> np.ndarray | None:
    return None if c is None else np.broadcast_to(c, (count, *c.shape))


def _integral(flow: Any, y: np.ndarray, c: np.ndarray | None, rng: np.random.Generator) -> Integral | None:
    flat = y.reshape(len(y), -1)
    if not np.all(np.isfinite(flat)) or np.any(np.std(flat.astype(np.float64), axis=0) == 0):
        return None

    def log_density(rows: np.ndarray) -> np.ndarray:
        rows = rows.reshape(-1, *y.shape[1:]).astype(y.dtype)
        return densities(flow, rows, _repeated(c, len(rows)))[0]

    def at(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bound = bind(flow, _repeated(c, len(rows)), slice(None))
        z, jacobian = latents(bound, jnp.asarray(rows.reshape(-1, *y.shape[1:])))
        return np.asarray(z), np.asarray(jacobian)

    return log_integral(flat, log_density, at, rng)


def _normalisation(integrals: list[Integral | None]) -> Finding:
    name, unit = "normalisation", "log of integral"
    if not integrals:
        reason = "the density is not one of as many coordinates as the data has, so it is not integrated over them."
        return Finding(name, None, math.nan, math.nan, unit, "", reason)
    found = [integral for integral in integrals if integral is not None and integral.overlap >= LEAST_OVERLAP]
    if not found:
        reason = (
            "not decided: no simple density is near enough to the flow, as usual in more than ten dimensions, to "
            "estimate the integral from draws. By the change of variables it is one if the round trip and the "
            "log-determinant hold."
        )
        return Finding(name, None, math.nan, math.nan, unit, "", reason)
    reason = (
        "the integral of the density, estimated by bridge sampling from the flow's draws and those of a density near "
        "it, is one within four standard errors and half a percent. If the log-determinant holds and this does not, "
        "look at the base, and at the support: does every draw have a density, and nothing else?"
    )
    figure, allowed = max(((abs(i.log), 0.005 + 4 * i.error) for i in found), key=lambda pair: pair[0] / pair[1])
    return Finding(name, figure <= allowed, figure, allowed, unit, "", reason)
