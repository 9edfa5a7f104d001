"""The product of a network's layer, arranged so that its gradient is fast too.

A layer is v = W a with features leading, W (out, in) and a (in, batch). Reverse mode multiplies by W^T. XLA's CPU
backend has fast kernels for products whose left operand is laid out along the sum, and W^T is not: it takes a slower
route, nearly twice the time of the forward product. So the smaller operand is transposed first: W itself, or where the
batch is small against W the two small arrays,  W^T dv = (dv^T W)^T.  Barriers keep the compiler from turning this back.

One layer forward and back on one core, this against plain:  128 units, 32 rows: 47 us against 64;  64 units, 256 rows:
83 against 85;  256 units, 512 rows: 2.2 ms against 2.8;  256 to 989 units, 512 rows: 9.1 against 14.0.

The product itself gains too where both sides of W are middling and the rows many, 64 units, 1,024 rows: 139 us against
211;  96 units: 248 against 303;  other shapes gain nothing, and narrow ones lose.

Products keep all digits of their dtype on every platform, where an accelerator's own default would round the factors
of float32 to ten bits: the two directions of a flow would no longer be each other's inverse. Whoever sets
`jax_default_matmul_precision` gets what it says. Where it is `IN_BFLOAT16`, the factors are rounded to bfloat16 on
every platform (XLA's CPU backend would leave them as they are) and the terms added up in the dtype of the factors.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

IN_BFLOAT16 = "BF16_BF16_F32"
# How many times larger a side of W must be than the batch, for the arrays of the batch to be the small ones.
_LARGER = 4
# Sides of W, and rows from which on W is transposed first in the product itself.
_MIDDLING, _MANY = (48, 112), 256


def layer_product(weight: jax.Array, a: jax.Array) -> jax.Array:
    """W a, shape (out, *batch), for W of shape (out, in) and a of shape (in, *batch)."""
    if jax.config.jax_default_matmul_precision == IN_BFLOAT16:  # type: ignore[attr-defined]
        dtype = jnp.result_type(weight, a)
        weight, a = weight.astype(jnp.bfloat16), a.astype(jnp.bfloat16)
        return jnp.tensordot(weight, a, 1, precision=lax.Precision.DEFAULT, preferred_element_type=dtype)
    if a.ndim == 2 and jax.default_backend() == "cpu":
        return _product(weight, a)
    return jnp.tensordot(weight, a, 1, precision=precision())


def product(a: jax.Array, b: jax.Array) -> jax.Array:
    """The product of two matrices (..., m, k) and (..., k, n), in `precision()`."""
    return jnp.matmul(a, b, precision=precision())


def precision() -> lax.Precision | None:
    """That of a network's products: all digits, or None, which says to JAX: as its default is set."""
    is_set = jax.config.jax_default_matmul_precision is not None  # type: ignore[attr-defined]
    return None if is_set else lax.Precision.HIGHEST


@jax.custom_jvp
def _product(weight: jax.Array, a: jax.Array) -> jax.Array:
    narrow, wide = min(weight.shape), max(weight.shape)
    if _MIDDLING[0] <= narrow and wide <= _MIDDLING[1] and a.shape[1] >= _MANY:
        return lax.dot_general(lax.optimization_barrier(weight.T), a, (((0,), (0,)), ((), ())))
    return weight @ a


@_product.defjvp
def _product_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (weight, a), (d_weight, d_a) = primals, tangents
    return _product(weight, a), d_weight @ a + _through(weight, d_a)


@jax.checkpoint
def _through(weight: jax.Array, d_a: jax.Array) -> jax.Array:
    # Equal to weight @ d_a; its transpose, which reverse mode runs, is the product of the module's docstring. Not part
    # of what a gradient keeps, so that the weights are transposed when it comes to that.
    if _LARGER * d_a.shape[1] <= max(weight.shape):
        return lax.optimization_barrier(lax.optimization_barrier(d_a.T) @ weight.T).T
    return lax.dot_general(lax.optimization_barrier(weight.T), d_a, (((0,), (0,)), ((), ())))
