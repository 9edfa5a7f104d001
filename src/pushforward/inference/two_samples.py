"""C2ST: can a classifier tell rows from draws? (Lopez-Paz and Oquab 2017)

It sees what tests of single columns do not: how columns go together. An accuracy of 1/2 on rows that it has not seen is
a perfect fit; 1 says that every draw gives itself away.
"""

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from ..core.compiling import RUNS_ONCE, compiled
from ..nets import MLP
from .drawing import drawn

_BATCH = 256


@dataclasses.dataclass(frozen=True)
class ClassifierTest:
    """What the classifier found.

    Attributes:
        accuracy: share of rows and draws, unseen in training, that it puts on the right side; 1/2 if it is guessing.
        standard_error: of the accuracy.
        p_value: the probability of so high an accuracy when rows and draws have one distribution.
        auc: the probability that a row gets a higher score than a draw; 1/2 if it is guessing.
        held_out: the places of the rows that were kept from training.
        scores: of these, the log-odds that each is a row and no draw: high where the density is too low.
    """

    accuracy: float
    standard_error: float
    p_value: float
    auc: float
    held_out: np.ndarray
    scores: np.ndarray

    def __repr__(self) -> str:
        return (
            f"ClassifierTest(accuracy = {self.accuracy:.4g} ± {self.standard_error:.2g}, p = {self.p_value:.3g}, "
            f"AUC = {self.auc:.4g})"
        )


def c2st(
    key: jax.Array, dist: Any, x: Any, *, hidden_units: tuple[int, ...] = (64, 64), epochs: int = 40
) -> ClassifierTest:
    """Classifier two-sample test of rows against as many draws.

    A small network is trained on half of the rows and of the draws, and guesses the sides of the other half. (Training
    several times, each fold guessed by a network trained on the others, would use the rows better, but the guesses then
    depend on each other and small p-values come too often.) Columns are taken to their ranks first, so that neither
    units nor tails matter.

    Args:
        key: random key, of draws, halves and the network.
        dist: one distribution on vectors, of event shape (D,); or rows of another table, shape [any number, D].
        x: rows that the distribution has not seen, shape [rows, D].
        hidden_units: of the network.
        epochs: passes over the half that it is trained on.

    Raises:
        ValueError: for another shape, numbers that are not finite, or fewer than 40 rows on a side.

    Example:
        c2st(key, flow, held_out)    # ClassifierTest(accuracy = 0.497 ± 0.0056, p = 0.7, AUC = 0.496)
    """
    rows = np.asarray(x, np.float64)
    draw_key, *pick_keys, train_key = jax.random.split(key, 4)
    others = _others(draw_key, dist, rows)
    half = min(len(rows), len(others)) // 2
    if half < 20:
        raise ValueError(
            f"c2st: expected at least 40 rows on each side, and got {len(rows)} and {len(others)}; half of them are "
            "kept to test the classifier"
        )
    picks = [np.asarray(jax.random.permutation(k, len(a))) for k, a in zip(pick_keys, (rows, others), strict=True)]
    both = np.stack([table[pick[: 2 * half]] for table, pick in zip((rows, others), picks, strict=True)])
    ranks = jnp.asarray(_ranks(both.reshape(4 * half, -1)).reshape(both.shape), jnp.result_type(float))
    steps = max(1, epochs * 2 * half // _BATCH)
    log_odds = _trained_log_odds(train_key, ranks[:, :half], ranks[:, half:], tuple(hidden_units), steps)
    of_rows, of_draws = np.asarray(log_odds, np.float64)
    right = float(np.mean(of_rows > 0) + np.mean(of_draws <= 0)) / 2
    return ClassifierTest(
        accuracy=right,
        standard_error=math.sqrt(max(right * (1 - right), 0.25 / half) / (2 * half)),
        # 2 half guesses, right or wrong as a coin falls: a normal deviate with variance 1/4 each.
        p_value=0.5 * math.erfc((right - 0.5) * math.sqrt(4 * half)),
        auc=_auc(of_rows, of_draws),
        held_out=picks[0][half : 2 * half],
        scores=of_rows,
    )


def _others(key: jax.Array, dist: Any, rows: np.ndarray) -> np.ndarray:
    is_table = not hasattr(dist, "log_prob")
    size = np.shape(dist)[-1:] if is_table else tuple(dist.event_shape)
    if rows.ndim != 2 or (rows.shape[1],) != tuple(size) or (is_table and np.ndim(dist) != 2):
        raise ValueError(
            f"c2st: expected rows of shape [rows, {', '.join(map(str, size))}], and got {rows.shape}; both sides "
            "need the same columns"
        )
    others = np.asarray(dist if is_table else drawn(key, dist, len(rows))[0], np.float64)
    for name, table in (("rows", rows), ("draws", others)):
        if bad := int(np.sum(~np.isfinite(table).all(1))):
            raise ValueError(f"c2st: {bad} of the {len(table)} {name} hold numbers that are not finite; leave them out")
    return others


def _ranks(table: np.ndarray) -> np.ndarray:
    """Each column's average ranks, spread over [-√3, √3], of variance 1."""
    out = np.empty_like(table)
    for k, column in enumerate(table.T):
        _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
        ends = np.cumsum(counts)
        out[:, k] = (ends - counts / 2)[place] / len(column)
    return (2 * out - 1) * math.sqrt(3)


@compiled(RUNS_ONCE, static_argnames=("hidden_units", "steps"))
def _trained_log_odds(
    key: jax.Array, train: jax.Array, test: jax.Array, hidden_units: tuple[int, ...], steps: int
) -> jax.Array:
    """Log-odds [2, rows] of `test` [2, rows, D] by a network trained to tell the two sides of `train`."""
    optimizer = optax.adamw(optax.cosine_decay_schedule(3e-3, steps), weight_decay=1e-2)
    net_key, key = jax.random.split(key)
    net = MLP(train.shape[-1], 1, hidden_units=hidden_units, activation=jax.nn.silu, key=net_key)
    weights, form = eqx.partition(net, eqx.is_inexact_array)

    def loss(weights: Any, batch: jax.Array) -> jax.Array:
        log_odds = eqx.combine(weights, form)(batch)[..., 0]
        return jnp.mean(jax.nn.softplus(-log_odds[0])) + jnp.mean(jax.nn.softplus(log_odds[1]))

    def step(state: Any, key: jax.Array) -> tuple[Any, None]:
        weights, memory = state
        at = jax.random.randint(key, (2, _BATCH // 2), 0, train.shape[1])
        gradient = jax.grad(loss)(weights, jnp.take_along_axis(train, at[..., None], axis=1))
        with jax.numpy_dtype_promotion("standard"):  # Optax raises floats to powers of integers.
            change, memory = optimizer.update(gradient, memory, weights)
        return (optax.apply_updates(weights, change), memory), None

    (weights, _), _ = jax.lax.scan(step, (weights, optimizer.init(weights)), jax.random.split(key, steps))
    return eqx.combine(weights, form)(test)[..., 0]


def _auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """P(positive > negative) + P(equal) / 2."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(np.mean(below) / (2 * len(negative)))
