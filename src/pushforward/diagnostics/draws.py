"""What a flow's own draws show: that its two log-densities agree, and that the density integrates to one."""

import dataclasses
import math
from typing import Any

import jax
import numpy as np

from .findings import Finding
from .layers import latents_at
from .normalisation import LEAST_OVERLAP, Integral, log_integral
from .programs import bind, densities, gradients, latent_draws, outwards
from .verdicts import ROUNDINGS, half_the_digits, moved_by_rounding, per_row

DRAWS, CONDITIONS = 4096, 4


@dataclasses.dataclass(frozen=True)
class Draws:
    """Draws of a flow, or of a conditional one at a few of the conditions.

    Attributes:
        y: [conditions, draws | event].
        claimed: the log-density that came with each.
        conditions: [conditions | condition size]; None if the flow takes none.
    """

    y: np.ndarray
    claimed: np.ndarray
    conditions: np.ndarray | None

    def condition_of(self, member: int, count: int) -> np.ndarray | None:
        """The condition of one member, for so many rows."""
        c = self.conditions
        return None if c is None else np.broadcast_to(c[member], (count, c.shape[1]))


def draw(
    flow: Any, condition: np.ndarray | None, key: jax.Array, rng: np.random.Generator, z: np.ndarray, rows: np.ndarray
) -> tuple[Draws, np.ndarray]:
    """Draws, and the data that the flow makes of the latents `z` by the same compiled program.

    Args:
        flow, condition: as `check` takes them.
        key, rng: for the draws, and for the choice of conditions.
        z: latents, shape [rows | event].
        rows: the rows of `condition` that they belong to.
    """
    chosen = None if condition is None else condition[rng.integers(len(condition), size=CONDITIONS)]
    members = 1 if chosen is None else CONDITIONS
    number = DRAWS // members
    latents = latent_draws(bind(flow, chosen, slice(None)), key, number).reshape(number, members, *z.shape[1:])
    latents = np.moveaxis(latents, 1, 0).reshape(DRAWS, *z.shape[1:]).astype(z.dtype)
    c = None
    if condition is not None and chosen is not None:
        c = np.concatenate([np.repeat(chosen, number, axis=0), condition[rows]])
    y, log_prob = outwards(flow, np.concatenate([latents, z]), c)
    drawn = y[:DRAWS].reshape(members, number, *y.shape[1:])
    return Draws(drawn, log_prob[:DRAWS].reshape(members, number), chosen), y[DRAWS:]


def look_at_draws(flow: Any, draws: Draws, rng: np.random.Generator, epsilon: float) -> list[Finding]:
    """Two findings, "draws" and "normalisation"."""
    bound = bind(flow, draws.conditions, slice(None))
    is_density = math.prod(bound.event_shape) == math.prod(bound.bijector.inverse_event_shape(bound.event_shape))
    errors, allowed, integrals = [], [], []
    for member, (y, claimed) in enumerate(zip(draws.y, draws.claimed, strict=True)):
        log_prob, _ = densities(flow, y, draws.condition_of(member, len(y)))
        error, limit = np.abs(log_prob - claimed), 2 * half_the_digits(y, claimed, epsilon)
        # More is allowed where rounding moves the density, by its gradient; that is asked for where it matters.
        beyond = np.flatnonzero(~(error <= limit))
        if len(beyond):
            _, gradient, _ = gradients(flow, y[beyond], draws.condition_of(member, len(beyond)))
            limit[beyond] += ROUNDINGS * moved_by_rounding(y[beyond], gradient, epsilon)
        errors.append(error)
        allowed.append(limit)
        integrals += [_integral(flow, y, draws, member, rng)] if is_density else []
    reason = (
        "draws come with their log-density from the forward pass; log_prob of the same draws goes through the inverse, "
        "and must agree within the rounding of both."
    )
    agreement = per_row("draws", np.concatenate(errors), np.concatenate(allowed), "nats", None, reason)
    return [agreement, _normalisation(integrals)]


def _integral(flow: Any, y: np.ndarray, draws: Draws, member: int, rng: np.random.Generator) -> Integral | None:
    flat = y.reshape(len(y), -1)
    if not np.all(np.isfinite(flat)) or np.any(np.std(flat.astype(np.float64), axis=0) == 0):
        return None

    def log_density(rows: np.ndarray) -> np.ndarray:
        rows = rows.reshape(-1, *y.shape[1:]).astype(y.dtype)
        return densities(flow, rows, draws.condition_of(member, len(rows)))[0]

    def at(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return latents_at(
            lambda count: bind(flow, draws.condition_of(member, count), slice(None)), rows.reshape(-1, *y.shape[1:])
        )

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
