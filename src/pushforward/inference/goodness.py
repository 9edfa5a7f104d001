"""Goodness of fit with a p-value, and the columns that fail.

Three questions to rows that the model has not seen, each answered by a test of Kolmogorov and Smirnov:

    latents       f^-1(x), of a flow on standard normals: the flow's own Rosenblatt transform (1952)
    marginals     each column against the same column of draws
    conditionals  u_d = F(x_d | the other columns), which is uniform on [0, 1] if the density is right

Rosenblatt's own sequence F(x_d | x_1 ... x_{d-1}) would need the integral over all later columns; the conditional on
all others needs one integral over one number, found by quadrature, and names the column as well.

Where each row has a condition of its own, marginals are held against draws at that condition: the rank of x_d among
them, made continuous by a uniform number, is uniform on [0, 1] if the density is right, whatever the conditions are.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import as_callable
from ..core.compiling import RUNS_ONCE, compiled
from ..diagnostics.calibration import Calibration, distance_pit, holm, pit, two_samples, uniformity
from ..distributions import MultivariateNormalDiag, StandardNormal, TransformedDistribution
from ..distributions.foreign import with_array_leaves
from .drawing import drawn

_LEVEL = 0.01
_OFFSETS = 20
_QUANTILES = 52
_NODES = _QUANTILES + 4 + 2 * _OFFSETS
_ROUNDS = 3
_ROWS_AT_ONCE = 64
_LEAST_DRAWS = 99  # of a condition


@dataclasses.dataclass(frozen=True)
class GoodnessOfFit:
    """What the tests say; all p-values are corrected for the number of tests (Holm 1979).

    Attributes:
        p_value: of all tests together, the least of the others: below 0.01 for one right model in a hundred.
        marginal: for each column, that its values are those of draws.
        conditional: for each column, that it is distributed as the density says, given the other columns.
        latent: for each latent coordinate and, last, their distance from the origin; None if there are no normal ones.
        pit: u of each row and column, shape [rows, columns]: the conditional probability integral transform.
    """

    p_value: float
    marginal: np.ndarray
    conditional: np.ndarray
    latent: np.ndarray | None
    pit: np.ndarray

    @property
    def failing(self) -> tuple[int, ...]:
        """The columns whose marginal or conditional fails at the level 0.01, the worst first."""
        least = np.minimum(self.marginal, self.conditional)
        return tuple(int(k) for k in np.argsort(least, kind="stable") if least[k] < _LEVEL)

    def __repr__(self) -> str:
        columns = ", ".join(
            f"{k} ({'marginal' if self.marginal[k] <= self.conditional[k] else 'conditional'} p = "
            f"{min(self.marginal[k], self.conditional[k]):.2g})"
            for k in self.failing
        )
        told = f"failing columns: {columns}" if columns else "no column fails"
        return f"GoodnessOfFit(p = {self.p_value:.3g}; {told}; {len(self.pit)} rows)"


def goodness_of_fit(
    key: jax.Array, dist: Any, x: Any, condition: Any = None, *, num_samples: int = 10_000
) -> GoodnessOfFit:
    """Hold rows against a density: one p-value, and p-values of every column.

    A conditional costs about 400 density evaluations for each row and column, so a thousand rows are usually enough:
    they show a distance between distribution functions of 0.05.

    Args:
        key: random key, of the draws.
        dist: one continuous distribution on vectors, of event shape (D,); with `condition` a model or a function that
            gives one for each condition, `dist(c)`.
        x: rows that it has not seen, shape [rows, D]; one that is not finite, or of density 0, counts as most extreme.
        condition: that of each row, shape [rows, condition size].
        num_samples: draws, for the marginals, at least 2; of each condition its share of them, and at least 99.

    Raises:
        ValueError: for another shape, no rows, conditions that are not finite, or a discrete distribution.

    Example:
        goodness_of_fit(key, flow, held_out)    # GoodnessOfFit(p = 0.41; no column fails; 1000 rows)
        goodness_of_fit(key, flow, y, condition=x)
    """
    rows = np.asarray(x, np.float64)
    conditions = None if condition is None else jnp.asarray(condition, jnp.result_type(float))
    dist = dist if conditions is None else as_callable(dist)
    bound = _bound(dist, rows, conditions)
    if num_samples < 2:
        raise ValueError(f"goodness_of_fit: num_samples: expected at least 2, and got {num_samples}")
    if conditions is None:
        draws = np.asarray(drawn(key, dist, num_samples)[0], np.float64)
        marginal = two_samples(np.nan_to_num(rows, nan=np.inf), draws)
    else:
        key, key_ranks = jax.random.split(key)
        draws = np.asarray(bound.sample(key, (max(_LEAST_DRAWS, num_samples // len(rows)),)), np.float64)
        marginal = uniformity(_ranks(key_ranks, np.nan_to_num(rows, nan=np.inf), draws))
    u = conditional_pit(dist, rows, draws, conditions)
    tests = [marginal, uniformity(u), _latents(bound, rows)]
    p_values = [test.p_value for test in tests if test is not None]
    corrected = np.split(holm(np.concatenate(p_values)), np.cumsum([len(p) for p in p_values])[:-1])
    latent = corrected[2] if len(corrected) == 3 else None
    return GoodnessOfFit(float(min(map(np.min, corrected))), corrected[0], corrected[1], latent, u)


def _bound(dist: Any, rows: np.ndarray, conditions: jax.Array | None) -> Any:
    """The distribution, or those of the conditions as one batch; `ValueError` unless the rows fit."""
    if conditions is None and not hasattr(dist, "batch_shape"):
        raise ValueError(
            "goodness_of_fit: expected condition=, that of each row, of shape [rows, condition size], and got none; a "
            "conditional model is another density for each. For a single one bind it: goodness_of_fit(key, flow(c), x)"
        )
    if conditions is not None and (
        hasattr(dist, "batch_shape") or rows.ndim != 2 or conditions.ndim != 2 or len(conditions) != len(rows)
    ):
        raise ValueError(
            "goodness_of_fit: with condition=, expected a conditional model and a condition for each row, of shapes "
            f"[rows, D] and [rows, condition size], and got {type(dist).__name__}, {rows.shape} and {conditions.shape}"
        )
    if conditions is not None and not bool(jnp.all(jnp.isfinite(conditions))):
        raise ValueError(
            "goodness_of_fit: expected finite conditions, and got NaN or infinite ones; leave such rows out"
        )
    bound = dist if conditions is None else dist(conditions)
    event, batch = tuple(bound.event_shape), tuple(bound.batch_shape)
    if len(event) != 1 or batch != (() if conditions is None else (len(rows),)):
        raise ValueError(
            f"goodness_of_fit: expected one distribution on vectors, and got event_shape={event}, batch_shape={batch}; "
            "of a conditional flow, give the condition of each row, or bind one: flow(c)"
        )
    if rows.ndim != 2 or rows.shape[1] != event[0] or not len(rows):
        raise ValueError(
            f"goodness_of_fit: expected rows of shape [rows, {event[0]}] with a row, and got {rows.shape}; "
            "the columns must be those that the distribution was fitted to"
        )
    if getattr(bound.support, "is_discrete", False):
        raise ValueError(
            "goodness_of_fit: expected a continuous distribution, and got a discrete one, without densities"
        )
    return bound


def _ranks(key: jax.Array, rows: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """The place of each number among draws [draws, rows, D] of its own law, on [0, 1]; between equal ones anywhere."""
    below, upto = (np.sum(compare(draws, rows), axis=0) for compare in (np.less, np.less_equal))
    share = np.asarray(jax.random.uniform(key, rows.shape), np.float64)
    return (below + share * (upto - below + 1)) / (len(draws) + 1)


def conditional_pit(dist: Any, rows: np.ndarray, draws: np.ndarray, conditions: jax.Array | None = None) -> np.ndarray:
    """u = F(x_d | the other columns) for each row and column d, by quadrature along the column.

    The nodes start at quantiles of draws and around the row's own value, and are then moved to where the mass is.

    Args:
        dist: a distribution of event shape (D,), or one for each condition.
        rows: [rows, D].
        draws: [draws, D], that say where to look first; with conditions [draws, rows, D].
        conditions: [rows, condition size], or None.
    """
    dist = with_array_leaves(dist)
    rows32 = jnp.asarray(np.where(np.isfinite(rows), rows, 0.0), jnp.result_type(float))
    low, high = draws.min(0), draws.max(0)
    levels = np.quantile(draws, np.linspace(0, 1, _QUANTILES), axis=0)
    span = high - low
    start = np.stack([low - span, low - 0.25 * span, *levels, high + 0.25 * span, high + span])
    nodes = jnp.asarray(np.broadcast_to(start if start.ndim == 3 else start[:, None], (len(start), *rows.shape)))
    nodes = nodes.astype(rows32.dtype)
    u = [_pit_of_column(dist, rows32, conditions, jnp.asarray(d), nodes[:, :, d].T) for d in range(rows.shape[1])]
    return np.where(np.isfinite(rows).all(1, keepdims=True), np.stack(u, axis=1), 1.0)


@compiled(RUNS_ONCE)
def _pit_of_column(
    dist: Any, rows: jax.Array, conditions: jax.Array | None, column: jax.Array, starts: jax.Array
) -> jax.Array:
    offsets = 2.0 ** -jnp.arange(2, 2 + _OFFSETS, dtype=starts.dtype)

    def masses(given: Any, row: jax.Array, nodes: jax.Array) -> jax.Array:
        """The probability between neighbouring nodes, up to a factor: log-linear pieces."""
        points = jnp.broadcast_to(row, (len(nodes), len(row))).at[:, column].set(nodes)
        log_p = jnp.nan_to_num(given.log_prob(points), nan=-jnp.inf, posinf=-jnp.inf, neginf=-jnp.inf)
        log_p = log_p - jnp.max(jnp.where(jnp.isfinite(log_p), log_p, jnp.finfo(log_p.dtype).min))
        p, difference = jnp.exp(log_p), jnp.diff(log_p)
        steep = jnp.isfinite(difference) & (jnp.abs(difference) > 1e-2)
        mean = jnp.where(steep, jnp.diff(p) / jnp.where(steep, difference, 1), (p[1:] + p[:-1]) / 2)
        return mean * jnp.diff(nodes)

    def moved(given: Any, row: jax.Array, nodes: jax.Array) -> jax.Array:
        """Nodes as dense as the cube root of the density, which is about best for the trapezia that they bound."""
        width = jnp.diff(nodes)
        mean = masses(given, row, nodes) / jnp.where(width > 0, width, 1)
        share = jnp.cbrt(mean) * width
        total = jnp.sum(share)
        share = jnp.where(total > 0, share / jnp.where(total > 0, total, 1), 0) + 0.05 / len(share)
        reached = jnp.concatenate([jnp.zeros(1, nodes.dtype), jnp.cumsum(share)]) / jnp.sum(share)
        return jnp.interp(jnp.linspace(0, 1, _NODES, dtype=nodes.dtype), reached, nodes)

    def one(arguments: tuple[jax.Array, jax.Array | None, jax.Array]) -> jax.Array:
        row, condition, start = arguments
        given = dist if condition is None else dist(condition)
        at, spread = row[column], (start[-1] - start[0]) * offsets
        nodes = jnp.sort(jnp.concatenate([start, at + spread, at - spread]))
        nodes = lax.fori_loop(0, _ROUNDS, lambda _, nodes: moved(given, row, nodes), nodes)
        nodes = jnp.sort(jnp.append(nodes, at))
        mass = masses(given, row, nodes)
        below = jnp.sum(jnp.where(nodes[1:] <= at, mass, 0))
        total = jnp.sum(mass)
        # A row in a place of density 0 along the whole column counts as most extreme.
        return jnp.where(total > 0, below / jnp.where(total > 0, total, 1), 1.0)

    return lax.map(one, (rows, conditions, starts), batch_size=_ROWS_AT_ONCE)


def _latents(dist: Any, rows: np.ndarray) -> Calibration | None:
    if not isinstance(dist, TransformedDistribution) or not isinstance(
        dist.base, StandardNormal | MultivariateNormalDiag
    ):
        return None
    z = np.asarray(dist.bijector.inverse(jnp.asarray(rows, jnp.result_type(float))), np.float64)
    z = (z - np.asarray(dist.base.mean, np.float64)) / np.sqrt(np.asarray(dist.base.variance, np.float64))
    z = np.nan_to_num(z, nan=np.inf, posinf=np.inf, neginf=-np.inf)
    return uniformity(np.column_stack([pit(z), distance_pit(z)]) if z.shape[1] > 1 else pit(z))
