"""Checks of a distribution: density, samples and distribution function are of one law, and shapes are as promised."""

from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..bijectors.domains import constraint_bounds
from ..core import trainable
from .failure import CheckFailure, expect_close, row, show
from .programs import fast_jit
from .quadrature import grid, integrals

# Kolmogorov: sqrt(n) D exceeds this with probability 2 exp(-2 x²), one in 100,000.
KOLMOGOROV = 2.5
SAMPLE_SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 1), (0,))


@dataclass
class Law:
    """The distribution under test and a sample of it."""

    distribution: Any
    draws: int
    integral: float
    tolerance: float
    _memory: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> jax.Array:
        """A fixed key."""
        return jax.random.key(20010607)

    @property
    def sample(self) -> np.ndarray:
        """[draws | batch | event]."""
        if "sample" not in self._memory:
            self._memory["sample"] = np.asarray(_sample(self.distribution, self.key, shape=(self.draws,)))
        return self._memory["sample"]

    def log_prob(self, value: Any) -> np.ndarray:
        """log p(value), compiled."""
        return np.asarray(_log_prob(self.distribution, jnp.asarray(value, self.sample.dtype)))

    @property
    def event_size(self) -> int:
        """How many numbers an event has."""
        return int(np.prod(self.distribution.event_shape, dtype=int))

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The ends of the support of each number of an event; None where it is no product of intervals."""
        support = self.distribution.support
        lower, upper = (np.unique(np.asarray(end, float)) for end in constraint_bounds(support))
        if lower.size > 1 or upper.size > 1:
            return None
        plain = getattr(support, "event_dim", 0) == 0 or hasattr(support, "base_constraint")
        return (float(lower[0]), float(upper[0])) if plain or np.isfinite([lower[0], upper[0]]).any() else None

    def members(self) -> list[tuple[int, ...]]:
        """Indices of the batch."""
        return list(np.ndindex(*self.distribution.batch_shape))

    @property
    def has_cdf(self) -> bool:
        """Whether there is a distribution function."""
        if self.distribution.event_shape:
            return False
        try:
            jax.eval_shape(self.distribution.cdf, jnp.asarray(self.sample[0]))
        except NotImplementedError:
            return False
        return True


@fast_jit("shape")
def _sample(distribution: Any, key: jax.Array, shape: tuple[int, ...]) -> Any:
    return distribution.sample(key, shape)


@fast_jit()
def _log_prob(distribution: Any, value: jax.Array) -> Any:
    return distribution.log_prob(value)


def shapes(law: Law) -> None:
    """Samples are [sample | batch | event] and log-densities [sample | batch]."""
    d = law.distribution
    batch, event = tuple(d.batch_shape), tuple(d.event_shape)
    for shape in SAMPLE_SHAPES:
        y = jax.eval_shape(lambda k, shape=shape: d.sample(k, shape), law.key)
        if y.shape != shape + batch + event:
            raise CheckFailure(
                f"sample(key, {shape}) has shape {y.shape} instead of {shape + batch + event}: sample, batch and event "
                "axes come in this order"
            )
        log_prob = jax.eval_shape(d.log_prob, y)
        if log_prob.shape != shape + batch:
            raise CheckFailure(
                f"log_prob of values {y.shape} has shape {log_prob.shape} instead of {shape + batch}, one number for "
                "each event: the log-det or the base's log-density is not summed over the event axes, or over too many"
            )
        if log_prob.dtype != y.dtype:
            raise CheckFailure(f"log_prob of {y.dtype} values is {log_prob.dtype}")


def sample_and_log_prob(law: Law) -> None:
    """`sample_and_log_prob` gives the log-density of what it draws."""
    if not hasattr(law.distribution, "sample_and_log_prob"):
        return
    y, log_prob = fast_jit()(lambda d, k: d.sample_and_log_prob(k, (16,)))(law.distribution, law.key)
    expect_close(
        log_prob, law.log_prob(y), law.tolerance,
        what="sample_and_log_prob against log_prob of the same values", at=y,
        cause="Going there it adds log |det| of the forward map with the wrong sign, or the inverse is not exact",
    )  # fmt: skip


def finite(law: Law) -> None:
    """The log-density of every sample is finite, and so are its gradients; every parameter has one."""
    values = law.log_prob(law.sample)
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        place = tuple(bad[0])
        raise CheckFailure(
            f"log_prob of the sample {show(law.sample[place])} is {values[place]}: a sample lies outside the support, "
            "or the inverse overflows"
        )
    parameters, constants = eqx.partition(law.distribution, trainable(law.distribution))

    def mean(parameters: Any, y: Any) -> Any:
        return jnp.mean(eqx.combine(parameters, constants).log_prob(y))

    gradients = fast_jit()(jax.grad(mean, argnums=(0, 1)))(parameters, jnp.asarray(law.sample[:64]))
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        if not np.isfinite(leaf).all():
            raise CheckFailure(f"the gradient of log_prob with respect to {jax.tree_util.keystr(path)} is {show(leaf)}")


def integral(law: Law) -> None:
    """The density of one or two numbers integrates to one."""
    for member, (total, _) in _quadratures(law).items():
        if not abs(total - 1) <= law.integral:
            raise CheckFailure(
                f"the density{_of(member)} integrates to {total:.6g} instead of 1 (allowed: {law.integral:.2g} off). "
                "Probably the log-det has a wrong sign or factor, or the map does not reach the whole support"
            )


def samples(law: Law) -> None:
    """Samples follow the distribution function, or (one or two numbers) the integral of the density."""
    drawn = law.sample.reshape(law.draws, *law.distribution.batch_shape, law.event_size)
    if law.has_cdf:
        cdf = np.asarray(fast_jit()(lambda d, y: d.cdf(y))(law.distribution, jnp.asarray(law.sample)))
        for member in law.members():
            _kolmogorov(np.sort(_member(cdf, member)), 0.0, f"cdf{_of(member)}")
        return
    for member, (_, functions) in _quadratures(law).items():
        for i, (nodes, function) in enumerate(functions):
            values = np.interp(np.sort(_member(drawn, (*member, i))), nodes, function)
            _kolmogorov(values, law.integral, f"integral of the density over number {i}{_of(member)}")


def _kolmogorov(uniform: np.ndarray, slack: float, what: str) -> None:
    n = len(uniform)
    distance = np.max(np.abs(uniform - (np.arange(n) + 0.5) / n))
    if not distance <= KOLMOGOROV / np.sqrt(n) + slack:
        raise CheckFailure(
            f"{n} samples do not follow the {what}: the largest gap between them is {distance:.3g} where "
            f"{KOLMOGOROV / np.sqrt(n) + slack:.3g} is allowed (Kolmogorov-Smirnov). Sampling and density use "
            "different maps: look at the order of the parts, and at parameters that only one of them sees"
        )


def _quadratures(law: Law) -> dict[Any, Any]:
    """member of the batch -> (integral, [(nodes, distribution function) of each number])."""
    if "quadratures" in law._memory:
        return law._memory["quadratures"]
    d = law.distribution
    results: dict[Any, Any] = {}
    if law.event_size in (1, 2) and law.bounds is not None:
        drawn = law.sample.reshape(law.draws, *d.batch_shape, law.event_size)
        axes = (1,) * len(d.batch_shape)
        for member in law.members():
            points, nodes, weights = grid(law.bounds, _member(drawn, member))
            value = points.reshape(len(points), *axes, *d.event_shape)
            value = np.broadcast_to(value, (len(points), *d.batch_shape, *d.event_shape))
            density = np.exp(_member(law.log_prob(value), member).astype(float))
            total, functions = integrals(density, weights)
            results[member] = total, list(zip(nodes, functions, strict=True))
    law._memory["quadratures"] = results
    return results


def outside(law: Law) -> None:
    """Outside the support the log-density is -inf, with a gradient that is not NaN."""
    d, inside = law.distribution, law.sample[:1]
    span = 1 + np.abs(law.sample).max()
    for value in (inside - 10 * span, inside + 10 * span, np.zeros_like(inside) - 1, np.full_like(inside, 0.37)):
        value = jnp.asarray(value, inside.dtype)
        outside = ~np.asarray(d.support(value))
        if not outside.any():
            continue
        log_prob = law.log_prob(value)
        if not np.all(log_prob[outside] == -np.inf):
            raise CheckFailure(
                f"log_prob of {show(row(value, 0))}, which is outside the support {d.support}, is {show(log_prob)} "
                "instead of -inf: mask by the support, of the base too"
            )
        slope = fast_jit()(jax.grad(lambda y: jnp.sum(jnp.where(jnp.isfinite(p := d.log_prob(y)), p, 0))))(value)
        if np.isnan(slope).any():
            raise CheckFailure(
                f"the gradient of log_prob at {show(row(value, 0))}, outside the support, is NaN: put a point of the "
                "support in its place before the formula and select after it"
            )


def nan(law: Law) -> None:
    """The log-density of NaN is NaN, and other events do not notice."""
    value = law.sample[:4].copy()
    value[1] = np.nan
    log_prob, before = law.log_prob(value), law.log_prob(law.sample[:4])
    if not np.isnan(log_prob[1]).all():
        raise CheckFailure(
            f"log_prob of NaN is {show(log_prob[1])} instead of NaN: a missing number is no value outside the support. "
            "Compare with the support first and let NaN count as inside"
        )
    keep = np.array([0, 2, 3])
    expect_close(
        log_prob[keep], before[keep], law.tolerance, at=law.sample[keep],
        what="log_prob of the other events beside a NaN against before", cause="Events are mixed",
    )  # fmt: skip


def cdf(law: Law) -> None:
    """quantile undoes cdf, and the slope of cdf is the density."""
    if not law.has_cdf:
        return
    d, axes = law.distribution, (1,) * len(law.distribution.batch_shape)
    q = np.linspace(0.05, 0.95, 7, dtype=law.sample.dtype).reshape(-1, *axes)
    q = np.broadcast_to(q, (7, *d.batch_shape))

    @fast_jit()
    def there_and_back(d: Any, q: Any) -> Any:
        y = d.icdf(q)
        return y, d.cdf(y), jax.grad(lambda y: jnp.sum(d.cdf(y)))(y), d.log_prob(y)

    try:
        y, back, slope, log_prob = there_and_back(d, q)
    except NotImplementedError:
        return
    expect_close(
        back, q, law.tolerance, what="cdf(quantile(q)) against q", at=q,
        cause="A decreasing map turns q into 1 - q in both of them",
    )  # fmt: skip
    expect_close(
        slope, np.exp(log_prob), 10 * law.tolerance, what="the slope of cdf against exp(log_prob)", at=y,
        cause="cdf and log_prob are not of one law: for a decreasing map the slope changes sign",
    )  # fmt: skip


def compiled(law: Law) -> None:
    """Eager, compiled and mapped calls agree, and the distribution goes through `jit` as an argument."""
    value = jnp.asarray(law.sample[:3])
    want = law.log_prob(law.sample[:3])
    for name, got in (
        ("eager", law.distribution.log_prob(value)),
        ("mapped", jax.vmap(law.distribution.log_prob)(value)),
    ):
        expect_close(
            got, want, law.tolerance, what=f"{name} log_prob against compiled", at=value,
            cause="The shapes are counted from the left, or Python code asks for values",
        )  # fmt: skip


def _member(values: np.ndarray, member: tuple[int, ...]) -> np.ndarray:
    """All samples of one member of the batch."""
    index: Any = (slice(None), *member)
    return values[index]


def _of(member: tuple[int, ...]) -> str:
    return f" of member {member} of the batch" if member else ""
