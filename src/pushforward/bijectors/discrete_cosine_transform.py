"""DiscreteCosineTransform: vectors as sums of cosines."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.fft import dct, idct

from ..core import static_field
from ..core.elementary import at_least_single
from .base import Bijector
from .linear_algebra import multiply

# On a CPU the product with a matrix takes less time than the fast transform up to here.
_LARGEST_MATRIX = 256


class DiscreteCosineTransform(Bijector):
    """y_k = c_k sum_j x_j cos(pi k (2 j + 1) / (2 n)), c_0 = sqrt(1 / n), else sqrt(2 / n): orthogonal.

    inverse  the transposed matrix, which is type 3;    log |det dy/dx| = 0;    domain and codomain: real vectors.

    Interleaved with diagonal maps it makes deep structured linear layers (Moczulski et al. 2016).

    Args:
        dct_type: 2 for the formula above, 3 for its inverse as the forward map.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if dct_type is neither 2 nor 3.

    Up to 256 entries it is a product with a matrix of cosines, right in every dtype; above, a fast Fourier transform.
    """

    dct_type: int = static_field()

    forward_min_event_ndims = 1
    is_constant_jacobian = True

    def __init__(self, dct_type: int = 2, *, validate_args: bool = False):
        if dct_type not in (2, 3):
            raise ValueError(
                f"DiscreteCosineTransform: expected dct_type 2 or 3, and got {dct_type!r}; these two are each other's "
                "inverse, and there are no other types here. Give 2 for the usual transform."
            )
        self.dct_type = int(dct_type)
        self.validate_args = validate_args

    def _forward_and_log_det(self, x):
        return _transform(x, self.dct_type), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        return _transform(y, 5 - self.dct_type), jnp.zeros((), y.dtype)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def batch_shape(self, event_shape):
        """There are no parameters."""
        return ()


def _transform(x: jax.Array, dct_type: int) -> jax.Array:
    size = x.shape[-1]
    if size <= _LARGEST_MATRIX:
        matrix = _matrix(size)
        return multiply(jnp.asarray(matrix if dct_type == 2 else matrix.T, x.dtype), x)
    fast = dct if dct_type == 2 else idct
    # The Fourier transform has 32 and 64 bits only.
    return fast(at_least_single(x), norm="ortho").astype(x.dtype)


@functools.lru_cache(maxsize=8)
def _matrix(size: int) -> np.ndarray:
    """Type 2. The angle is pi / (2 n) times an integer, which is taken modulo a full turn, 4 n, to keep its digits."""
    k, j = np.arange(size)[:, None], np.arange(size)
    quarter = 2 * max(size, 1)
    matrix = 2 / np.sqrt(quarter) * np.cos(np.pi / quarter * (k * (2 * j + 1) % (2 * quarter)))
    matrix[:1] /= np.sqrt(2)
    return matrix
