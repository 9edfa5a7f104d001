"""The functions that a model may hold, by name: activations and other elementary functions of JAX.

A file can name a function of this table, one of pushforward's own, or one given to `register`, and nothing else.
"""

import functools
import inspect
from types import ModuleType
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np
from jax import lax

_ACTIVATIONS = (
    "relu relu6 elu celu selu gelu silu mish sigmoid hard_sigmoid hard_tanh hard_silu hard_swish leaky_relu "
    "log_sigmoid soft_sign softplus squareplus sparse_plus sparse_sigmoid softmax log_softmax glu identity "
    "logsumexp standardize"
)
_NUMPY = (
    "tanh sin cos tan arcsin arccos arctan sinh cosh arcsinh arccosh arctanh exp exp2 expm1 log log1p log2 log10 sqrt "
    "cbrt square reciprocal abs sign negative positive sinc floor ceil round rint add subtract multiply divide power "
    "maximum minimum logaddexp sum prod max min mean var std cumsum flip sort zeros_like ones_like "
    "concatenate stack ravel"
)
_LAX = "tanh exp log log1p expm1 logistic sin cos sqrt rsqrt cbrt square abs neg sign erf erfc erf_inv integer_pow"
_SPECIAL = "erf erfc erfinv expit logit ndtr ndtri log_ndtr gammaln digamma log1p xlogy i0e i1e"
_DTYPES = (
    "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool_ complex64 complex128"
)


def _from(module: ModuleType, names: str) -> dict[str, Any]:
    prefix = module.__name__
    return {f"{prefix}.{name}": getattr(module, name) for name in names.split() if hasattr(module, name)}


@functools.cache
def function_table() -> dict[str, Any]:
    """Name to function. Where a function has several names, the first is the one it is saved by."""
    table = _from(jax.nn, _ACTIVATIONS) | _from(jnp, _NUMPY) | _from(lax, _LAX) | _from(jax.scipy.special, _SPECIAL)
    table |= _from(jnp, _DTYPES) | _from(np, _DTYPES.replace("bfloat16 ", ""))
    # The default last activation of Equinox's networks, which has no public name.
    default = inspect.signature(eqx.nn.MLP.__init__).parameters["final_activation"].default
    table["equinox.nn.identity"] = default
    return table


@functools.cache
def _names() -> dict[int, str]:
    names: dict[int, str] = {}
    for name, function in function_table().items():
        names.setdefault(id(function), name)
    return names


def table_name(function: Any) -> str | None:
    """The name of a function in the table, or None."""
    return _names().get(id(function))
