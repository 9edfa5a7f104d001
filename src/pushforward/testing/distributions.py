"""The suite for distributions: a table of checks, and `check_distribution`, which runs it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from . import law
from .bijectors import run_checks
from .failure import CheckFailure
from .law import Law

DISTRIBUTION_CHECKS: Mapping[str, Callable[[Law], None]] = {
    "shapes": law.shapes,
    "finite": law.finite,
    "sample_and_log_prob": law.sample_and_log_prob,
    "integral": law.integral,
    "samples": law.samples,
    "cdf": law.cdf,
    "outside": law.outside,
    "nan": law.nan,
    "compiled": law.compiled,
}


def check_distribution(
    distribution: Any,
    *,
    condition: Any = None,
    draws: int = 4096,
    integral: float | None = None,
    tolerance: float = 2e-4,
    checks: Sequence[str] | None = None,
    exempt: Sequence[str] = (),
) -> None:
    """Take a distribution through the suite that the library's own pass.

    The density integrates to one (events of one or two numbers); samples follow it; `sample_and_log_prob`, `cdf` and
    `quantile` belong to the same law; -inf outside the support and NaN for NaN; shapes are [sample | batch | event];
    values and gradients are finite; eager, compiled and mapped calls agree. In the precision of the samples.

    Args:
        distribution: a NumPyro distribution, or with `condition` something that gives one when called with it.
        condition: a condition [batch axes | size].
        draws: how many samples are compared with the density.
        integral: how far the integral may be from 1. Default: 1e-3 in one variable, 1e-2 in two.
        tolerance: of other comparisons, as error / (1 + size).
        checks: names from `DISTRIBUTION_CHECKS`; default: all.
        exempt: names to leave out.

    Raises:
        CheckFailure: (an AssertionError) that says of each failed check what failed, by how much, where and probably
            why. Its `failures` maps names of checks to messages.
        ValueError: for an unknown check.

    Example:
        check_distribution(Exp()(Normal(0.0, 1.0)))
    """
    names = list(DISTRIBUTION_CHECKS) if checks is None else list(checks)
    if unknown := (set(names) | set(exempt)) - set(DISTRIBUTION_CHECKS):
        raise ValueError(f"no check is called {sorted(unknown)}; the checks are {list(DISTRIBUTION_CHECKS)}")
    table = {name: DISTRIBUTION_CHECKS[name] for name in names if name not in exempt}
    unbound = distribution
    if condition is not None:
        condition = jnp.asarray(condition)
        distribution = unbound(condition)
        _check_condition(unbound, distribution, condition)
    size = int(np.prod(distribution.event_shape, dtype=int))
    allowed = integral if integral is not None else (1e-3 if size == 1 else 1e-2)
    failures = run_checks(table, Law(distribution, draws, allowed, tolerance))
    if failures:
        lines = [f"{type(unbound).__name__} fails {len(failures)} of {len(table)} checks:"]
        lines += [f"  {name}: {message}" for name, message in failures.items()]
        raise CheckFailure("\n".join(lines), failures)


def _check_condition(unbound: Any, distribution: Any, condition: Any) -> None:
    batch = tuple(condition.shape[:-1])
    if tuple(distribution.batch_shape) != batch:
        raise CheckFailure(
            f"under a condition of shape {condition.shape} the batch shape is {distribution.batch_shape} instead of "
            f"{batch}: one distribution for each condition",
            {"condition": "batch shape"},
        )
    y = jnp.zeros(batch + tuple(distribution.event_shape)) + 0.5
    if np.array_equal(distribution.log_prob(y), unbound(condition + 0.5).log_prob(y), equal_nan=True):
        raise CheckFailure(
            "log_prob is the same under another condition: the condition does not reach the map",
            {"condition": "no effect"},
        )
