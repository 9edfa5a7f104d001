"""Random orders of rows.

Drawn on the host while the device computes: a permutation on the device is a sort, which for a million rows takes as
long as a good part of an epoch, and compiles anew for each number of rows.
"""

import jax
import jax.numpy as jnp
import numpy as np

_SPLIT, _EPOCH = 0, 1


def epoch_order(key: jax.Array, epoch: int, rows: np.ndarray, length: int) -> np.ndarray:
    """`rows` in the order of an epoch, started again from the beginning up to `length`."""
    return repeated(_generator(key, _EPOCH, epoch).permutation(rows), length)


def split_order(key: jax.Array, rows: int) -> np.ndarray:
    """0..rows-1 (int32) in the order by which they are divided into validation and training rows."""
    return _generator(key, _SPLIT, 0).permutation(np.arange(rows, dtype=np.int32))


def repeated(rows: np.ndarray, length: int) -> np.ndarray:
    """`rows`, started again from the beginning up to `length`."""
    return rows if len(rows) == length else np.resize(rows, length)


def _generator(key: jax.Array, purpose: int, number: int) -> np.random.Generator:
    is_typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    words = np.asarray(jax.random.key_data(key) if is_typed else key).reshape(-1)
    return np.random.default_rng([*words.tolist(), purpose, number])
