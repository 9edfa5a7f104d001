"""The distribution function of the standard normal, right far out in its lower tail."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def normal_cdf(x: jax.Array) -> jax.Array:
    """Phi(x), in 32 or 64 bits, to some units in the last place wherever it is a normal number.

    Phi = erfc(-x / sqrt 2) / 2 takes exp(-s), s = fl(fl(x / sqrt 2)^2): a rounding of s is s roundings of the value.
    The factor exp(s - x^2 / 2) = 1 + s - x^2 / 2 + ... takes that back, with x^2 = h^2 + (x - h) (x + h), where h is x
    rounded to sixteenths, so that h^2 is a float.
    """
    root_half = np.sqrt(0.5).astype(x.dtype)
    far = x < -1
    tail = jnp.clip(x, -40, -1)
    root = tail * root_half
    # Selected, so that the compiler does not fuse square and subtraction, and so skip the rounding in question.
    s = jnp.where(far, root * root, 0)
    high = jnp.floor(16 * tail) / 16
    change = (s - high * high / 2) - (tail - high) * (tail + high) / 2
    value = lax.erfc(-(x * root_half)) / 2
    return jnp.where(far, value + value * change, value)
