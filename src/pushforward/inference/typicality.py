"""Do rows look like draws, as far as their density tells?

High density is not enough: the mode of a high-dimensional normal is nowhere near its draws. A typical row has a
log-density near its mean, -H (Nalisnick, Matsukawa, Teh and Lakshminarayanan 2019).
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .drawing import drawn


@dataclasses.dataclass(frozen=True)
class Typicality:
    """What the test says.

    Attributes:
        p_values: for each row the share of draws whose log-density is at least as far from the mean of all draws.
        batch_p_value: the same for the mean of all rows against means of as many draws: one number for the table.
        log_prob: of the rows, in nats.
        entropy: H, from the draws.
    """

    p_values: np.ndarray
    batch_p_value: float
    log_prob: np.ndarray
    entropy: float


def typicality_test(
    key: jax.Array, dist: Any, x: Any, *, num_samples: int = 10_000, repetitions: int = 2000
) -> Typicality:
    """Hold the log-densities of rows against those of draws.

    p-values are (1 + count) / (1 + draws), so that they are never 0 and valid for any number of draws.

    Args:
        key: random key.
        dist: one distribution.
        x: rows, shape [rows | event]; a row whose density is not a number counts as least typical.
        num_samples: draws.
        repetitions: batches that are drawn, out of the draws with replacement, for `batch_p_value`.

    Raises:
        ValueError: if there are no rows, or they do not fit.
    """
    log_prob = np.asarray(dist.log_prob(x), np.float64)
    if log_prob.ndim != 1 or not len(log_prob):
        raise ValueError(f"typicality_test: expected rows, shape [rows | event], and got {jnp.shape(x)}")
    draw_key, batch_key = jax.random.split(key)
    drawn_log_prob = np.asarray(drawn(draw_key, dist, num_samples)[1], np.float64)
    middle = drawn_log_prob.mean()
    distance = np.nan_to_num(np.abs(log_prob - middle), nan=np.inf)
    beyond = num_samples - np.searchsorted(np.sort(np.abs(drawn_log_prob - middle)), distance, side="left")

    rng = np.random.default_rng(np.asarray(jax.random.bits(batch_key, (4,))))
    rows = len(log_prob)
    means = np.array([rng.choice(drawn_log_prob, rows).mean() for _ in range(repetitions)])
    far = np.sum(np.abs(means - middle) >= np.nan_to_num(abs(log_prob.mean() - middle), nan=np.inf))
    return Typicality((1 + beyond) / (1 + num_samples), float((1 + far) / (1 + repetitions)), log_prob, float(-middle))
