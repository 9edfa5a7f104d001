"""The inverse of a strictly monotone scalar function, element by element, with implicit derivatives.

Bracket, then halve the bracket until its ends are neighbours; or, where the slope is known too, take Newton's steps
inside the bracket, some six where halving takes thirty or more. Every element has its own bracket; the loop runs until
none moves. Optimistix's `Bisection` solves one scalar equation, and
`vmap` over elements would need every parameter of the function to carry the batch axes; here the function is called
on the whole array, so that its parameters broadcast as they do everywhere else.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def invert_monotone(
    fn: Callable[[jax.Array], jax.Array],
    y: jax.Array,
    *,
    lower: Any = -jnp.inf,
    upper: Any = jnp.inf,
    increasing: Any = True,
    slope: Callable[[jax.Array], jax.Array] | None = None,
) -> jax.Array:
    """Solve fn(x) = y for x, element-wise, for a strictly monotone `fn`.

    Args:
        fn: maps an array element by element (it may broadcast against the parameters it holds).
        y: right-hand sides, any shape.
        lower, upper: ends of the domain; infinite ends are searched by doubling.
        increasing: True or False, or a boolean array that broadcasts against `y`.
        slope: the derivative of `fn`, element by element, if it is about as cheap: it makes the search several times
            faster.

    Returns:
        x of the broadcast shape, to the last bit or two of its dtype; NaN where `y` is NaN; the end of the domain where
        `y` lies beyond the range. Derivatives of any order come from the implicit function theorem
        (`jax.lax.custom_root`), dx = (dy - df) / f'(x), and not from the iterations. Inside `lax.scan`, where JAX drops
        such rules when it differentiates a gradient once more, those of first and second order do.
    """
    # Under a name of its own: JAX keeps traces by function, and to look up a module's method it compares its arrays.
    shape = jnp.broadcast_shapes(jax.eval_shape(lambda x: fn(x), y).shape, y.shape, jnp.shape(increasing))
    y = jnp.broadcast_to(y, shape)
    sign = jnp.where(increasing, 1, -1).astype(y.dtype)
    lo_end, hi_end = (lax.stop_gradient(jnp.broadcast_to(jnp.asarray(end, y.dtype), shape)) for end in (lower, upper))

    def residual(x: jax.Array) -> jax.Array:
        return sign * (fn(x) - y)

    def solve(f: Callable[[jax.Array], jax.Array], _: Any) -> jax.Array:
        # Known finite ends are the bracket, and spare the compiler the search for one.
        known = all(isinstance(end, float | int) and np.isfinite(end) for end in (lower, upper))
        bracket = (lo_end, hi_end) if known else _bracket(_still(f), lo_end, hi_end)
        if slope is None:
            return _bisect(f, *bracket)
        return _newton(f, lambda x: sign * slope(x), 8 * jnp.finfo(y.dtype).eps * jnp.abs(y), *bracket)

    def tangent_solve(g: Callable[[jax.Array], jax.Array], b: jax.Array) -> jax.Array:
        return b / g(jnp.ones_like(b))

    start = jnp.zeros(shape, y.dtype)
    x = lax.custom_root(residual, start, solve, tangent_solve)
    return jnp.where(jnp.isnan(y), y, x)


def _bracket(f: Callable, lo_end: jax.Array, hi_end: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Finite ends with f(lo) <= 0 <= f(hi) wherever the range allows, by doubling from the origin or the finite end."""
    finite_lo, finite_hi = jnp.isfinite(lo_end), jnp.isfinite(hi_end)
    centre = jnp.where(finite_lo & finite_hi, lo_end / 2 + hi_end / 2, 0)
    centre = jnp.where(finite_lo & ~finite_hi, lo_end + 1, jnp.where(~finite_lo & finite_hi, hi_end - 1, centre))
    largest = jnp.finfo(centre.dtype).max / 4

    def grow(state: Any) -> Any:
        lo, hi, step, _ = state
        low_enough = finite_lo | (f(lo) <= 0) | (lo <= -largest)
        high_enough = finite_hi | (f(hi) >= 0) | (hi >= largest)
        lo = jnp.where(low_enough, lo, jnp.maximum(centre - step, -largest))
        hi = jnp.where(high_enough, hi, jnp.minimum(centre + step, largest))
        return lo, hi, jnp.minimum(step * 4, largest), jnp.all(low_enough & high_enough)

    lo = jnp.where(finite_lo, lo_end, centre - 1)
    hi = jnp.where(finite_hi, hi_end, centre + 1)
    start = (lo, hi, jnp.asarray(4, centre.dtype), jnp.asarray(False))
    lo, hi, *_ = lax.while_loop(lambda s: ~s[3], grow, start)
    return lo, hi


def _midpoint(lo: jax.Array, hi: jax.Array) -> jax.Array:
    """Geometric for magnitudes far apart, else arithmetic."""
    arithmetic = lo / 2 + hi / 2
    same_sign = (jnp.sign(lo) == jnp.sign(hi)) & (jnp.minimum(jnp.abs(lo), jnp.abs(hi)) > 0)
    safe_lo, safe_hi = jnp.where(same_sign, jnp.abs(lo), 1), jnp.where(same_sign, jnp.abs(hi), 1)
    geometric = jnp.sign(lo) * jnp.sqrt(safe_lo) * jnp.sqrt(safe_hi)
    far_apart = same_sign & (jnp.maximum(safe_lo, safe_hi) > 4 * jnp.minimum(safe_lo, safe_hi))
    return jnp.clip(jnp.where(far_apart, geometric, arithmetic), lo, hi)


# `custom_root` has a rule for derivatives, but second derivatives through a loop (`lax.scan`) around it take those of
# the solver: JAX drops such rules there. So the loops in it stand still, and its last step is one of Newton's, which
# has the derivative of the root.


def _still(f: Callable) -> Callable:
    return lambda x: lax.stop_gradient(f(x))


def as_root(x: jax.Array, residual: jax.Array, slope: jax.Array) -> jax.Array:
    """x, a root found without derivatives, with those of the root: first ones, of its residual over its slope there."""
    slope = lax.stop_gradient(jnp.where(slope == 0, 1, slope))
    step = residual / slope
    return x - jnp.where(jnp.isfinite(step), step - lax.stop_gradient(step), 0)


def _bisect(f: Callable, lo: jax.Array, hi: jax.Array) -> jax.Array:
    """Halve every bracket until none can be halved."""
    still = _still(f)

    def halve(state: Any) -> Any:
        lo, hi, _, count = state
        mid = _midpoint(lo, hi)
        below = still(mid) < 0
        new_lo, new_hi = jnp.where(below, mid, lo), jnp.where(below, hi, mid)
        return new_lo, new_hi, jnp.all((new_lo == lo) & (new_hi == hi)), count + 1

    lo, hi, *_ = lax.while_loop(
        lambda s: ~s[2] & (s[3] < 256), halve, (lo, hi, jnp.asarray(False), jnp.asarray(0, jnp.int32))
    )
    # The bracket is now two neighbouring numbers (or one): take the better of its ends.
    x = jnp.where(jnp.abs(still(hi)) < jnp.abs(still(lo)), hi, lo)
    residual, slope = jax.jvp(f, (x,), (jnp.ones_like(x),))
    return as_root(x, residual, slope)


def _newton(f: Callable, slope: Callable, rounding: jax.Array, lo: jax.Array, hi: jax.Array) -> jax.Array:
    """Newton's steps, and the midpoint of the bracket where one would be longer than half of it.

    An element is done when its residual is some roundings of the right-hand side, when it moves by a rounding only, or
    when its bracket is exhausted; then it takes one more step.

    Whether it is done is told from two points that the loop carries. A compiler may compute a residual twice, once for
    the point and once for a flag beside it, and round it otherwise, and where the two say different things near a
    threshold a midpoint would be returned for a root.
    """
    still, slope_of = _still(f), _still(slope)
    at_lo, at_hi = still(lo) >= 0, still(hi) <= 0
    start = jnp.where(at_lo, lo, jnp.where(at_hi, hi, _midpoint(lo, hi)))

    def moving(x: jax.Array, before: jax.Array) -> jax.Array:
        return jnp.abs(x - before) > 4 * jnp.finfo(x.dtype).eps * jnp.abs(x)

    def newton(
        x: jax.Array, residual: jax.Array, slope: jax.Array, lo: jax.Array, hi: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        new = x - residual / slope
        # A comparison with NaN is false.
        return new, (new >= lo) & (new <= hi) & (jnp.abs(new - x) <= hi / 2 - lo / 2)

    def step(state: Any) -> Any:
        lo, hi, x, before, count = state
        residual = still(x)
        lo, hi = jnp.where(residual < 0, x, lo), jnp.where(residual > 0, x, hi)
        new, near = newton(x, residual, slope_of(x), lo, hi)
        settled = (jnp.abs(residual) <= rounding) | jnp.isnan(residual) | ~moving(x, before)
        return lo, hi, jnp.where(settled, x, jnp.where(near, new, _midpoint(lo, hi))), x, count + 1

    state = (lo, hi, start, jnp.full_like(start, jnp.inf), jnp.asarray(0, jnp.int32))
    lo, hi, x, *_ = lax.while_loop(lambda s: jnp.any(moving(s[2], s[3])) & (s[4] < 256), step, state)
    residual, slope_there = f(x), slope_of(x)
    new, near = newton(x, residual, slope_there, lo, hi)
    return jnp.where(near, new, as_root(x, residual, slope_there))
