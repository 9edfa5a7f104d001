"""Lambert's W: the solution of w exp(w) = x, for x >= 0."""

import jax
import jax.numpy as jnp

# Above exp(40), x is taken from its logarithm.
LARGE = 40


@jax.custom_jvp
def lambert_w(x: jax.Array, log_x: jax.Array) -> jax.Array:
    """W(x), the w with w exp(w) = x, for x >= 0, right to a few units in the last place; the principal branch.

    One step of fourth order (two in double precision) from a start within a hundredth of its size. It solves
    log(x / w) = w, which loses nothing where x is small and needs no more than log(x) where x is so large that it
    overflows.

    Args:
        x: not negative; above exp(40) it may be anything.
        log_x: its logarithm, right to a few units above exp(40); below, the first digits are enough, and at x = 0
            anything negative.

    Returns:
        an array of their broadcast shape. Derivatives, of any order, come from dw / d log(x) = w / (1 + w), and not
        from the steps.

    Source of the step: Fritsch, Shafer and Crowley, "Algorithm 443: Solution of the transcendental equation
    w e^w = x", 1973.
    """
    large = log_x > LARGE
    zero = ~large & (x == 0)
    known = jnp.where(large | zero, 1, x)
    added = jnp.where(large, log_x, 0)
    # Rational functions fitted to W, relative to its size, on 0 < x < 1 and on 1 < x < exp(200).
    below, above = jnp.minimum(known, 1), jnp.maximum(log_x, 0)
    w = jnp.where(
        log_x < 0,
        below * (1 + 0.9013 * below) / (1 + below * (1.8958 + 0.4572 * below)),
        (0.5708 + above * (0.4294 + 0.15495 * above)) / (1 + 0.157 * above),
    )
    for _ in range(2 if jnp.finfo(w.dtype).bits == 64 else 1):
        rest = (jnp.log(known / w) + added) - w
        one = 1 + w
        q = 2 * one * (one + rest * (2 / 3))
        w = w * (1 + rest / one * ((q - rest) / (q - 2 * rest)))
    return jnp.where(zero, 0, w)


@lambert_w.defjvp
def _lambert_w_jvp(primals, tangents):
    (x, log_x), (dx, dlog_x) = primals, tangents
    w = lambert_w(x, log_x)
    large = log_x > LARGE
    by_x, by_log = jnp.where(large, 0, jnp.exp(-w)), jnp.where(large, w, 0)
    return w, (by_x * dx + by_log * dlog_x) / (1 + w)
