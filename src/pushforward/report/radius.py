"""How far latents lie from the origin, as a normal number."""

import math

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammainc, gammaincc, ndtri


def radius_pit(z: np.ndarray) -> np.ndarray:
    """r_i, standard normal if the rows of z are: the normal quantile of F(|z_i|^2), F of chi^2 with D degrees.

    Args:
        z: [rows, D].

    The smaller of F and 1 - F is inverted, so that far rows keep their digits.
    """
    squared = jnp.asarray(np.minimum(np.sum(np.asarray(z, np.float64) ** 2, axis=1), 1e30), jnp.float32)
    half = jnp.full_like(squared, z.shape[1] / 2)
    below, above = gammainc(half, squared / 2), gammaincc(half, squared / 2)
    tail = jnp.clip(jnp.minimum(below, above), 1e-37, 0.5)
    signed = jnp.where(above < below, -1.0, 1.0) * ndtri(tail)
    return np.nan_to_num(np.asarray(signed, np.float64), nan=math.inf)
