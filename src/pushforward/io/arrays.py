"""Arrays in and out of a safetensors file, bit for bit, and how they were held: JAX or NumPy, weak types, keys."""

import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

# The names of the format, and ours in config.json.
_DTYPES: dict[str, Any] = {
    "BOOL": np.bool_, "U8": np.uint8, "I8": np.int8, "U16": np.uint16, "I16": np.int16, "F16": np.float16,
    "BF16": ml_dtypes.bfloat16, "U32": np.uint32, "I32": np.int32, "F32": np.float32, "U64": np.uint64, "I64": np.int64,
    "F64": np.float64,
}  # fmt: skip
DTYPE_NAMES = {np.dtype(dtype).name: np.dtype(dtype) for dtype in _DTYPES.values()}
_KEY_KINDS = ("threefry2x32", "rbg", "unsafe_rbg")


def describe_array(value: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """The plain array to store for `value`, and what else is needed to make `value` again.

    Raises:
        TypeError: for an array that cannot be stored, with the reason.
    """
    if isinstance(value, jax.core.Tracer):
        raise TypeError("is a traced value; call save outside jit, grad and vmap")
    held: dict[str, Any] = {"held": "jax" if isinstance(value, jax.Array) else "numpy"}
    if isinstance(value, np.generic):
        held["held"] = "numpy scalar"
    elif isinstance(value, jax.Array):
        if value.is_deleted():
            raise TypeError("is an array whose memory was given away (donated); save the model that came back instead")
        if not value.is_fully_addressable:
            raise TypeError("is spread over several hosts; gather it first, with jax.experimental.multihost_utils")
        if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
            held["key"] = str(jax.random.key_impl(value))
            if held["key"] not in _KEY_KINDS:
                raise TypeError(
                    f"is a random key of the kind {held['key']!r}; only {', '.join(_KEY_KINDS)} can be saved"
                )
            value = jax.random.key_data(value)
        elif value.weak_type:
            held["weak"] = True
    plain = np.array(value, order="C", copy=None)
    plain = plain.astype(plain.dtype.newbyteorder("="), copy=False)
    if plain.dtype.name not in DTYPE_NAMES:
        raise TypeError(
            f"is an array of dtype {plain.dtype}, which cannot be saved; known are {', '.join(DTYPE_NAMES)}"
        )
    return plain, {"dtype": plain.dtype.name, "shape": list(plain.shape), **held}


def restore_array(plain: np.ndarray, node: dict[str, Any], where: str) -> Any:
    """The value that `describe_array` described.

    Raises:
        ValueError: if the description does not fit the array, or JAX here cannot hold its dtype.
    """
    if plain.dtype.name != node.get("dtype") or list(plain.shape) != node.get("shape"):
        raise ValueError(
            f"{where} is {plain.dtype.name}{list(plain.shape)} in weights.safetensors and "
            f"{node.get('dtype')}{node.get('shape')} in config.json; the two files do not belong together"
        )
    held, key, weak = node.get("held"), node.get("key"), node.get("weak", False)
    if held not in ("jax", "numpy", "numpy scalar") or (held != "jax" and (key is not None or weak)):
        raise ValueError(f"{where}: config.json does not say how the array was held")
    if held == "numpy scalar" and plain.ndim == 0:
        return plain[()]
    if held != "jax":
        return plain
    if jax.dtypes.canonicalize_dtype(plain.dtype) != plain.dtype:
        raise ValueError(
            f"{where} was saved as {plain.dtype.name}, and JAX runs in 32 bits here, so it would lose digits; "
            "call jax.config.update('jax_enable_x64', True), or set JAX_ENABLE_X64=1, before load"
        )
    if key is not None:
        if key not in _KEY_KINDS or plain.dtype != np.uint32:
            raise ValueError(f"{where}: config.json describes no random key that is known here")
        return jax.random.wrap_key_data(jnp.asarray(plain), impl=key)
    return _weak(plain) if weak else jnp.asarray(plain)


def _weak(plain: np.ndarray) -> jax.Array:
    # A Python number is weakly typed, and setting its elements keeps that.
    start = jnp.broadcast_to(jnp.asarray(plain.dtype.type(0).item()), plain.shape)
    array = jnp.asarray(plain)
    return start.at[...].set(array) if start.dtype == array.dtype else array


def to_bytes(arrays: dict[str, np.ndarray], digest: str) -> bytes:
    """A safetensors file of `arrays`, with the digest of the config that they belong to."""
    return safetensors.numpy.save(arrays, metadata={"config_sha256": digest})


def from_bytes(content: bytes) -> tuple[dict[str, np.ndarray], str]:
    """The arrays and the digest of a safetensors file.

    Raises:
        ValueError: if the file is not what its header says.
    """
    try:
        entries = safetensors.deserialize(content)
        length = int.from_bytes(content[:8], "little")
        digest = json.loads(content[8 : 8 + length]).get("__metadata__", {}).get("config_sha256", "")
        return {name: _view(entry) for name, entry in entries}, digest
    except (safetensors.SafetensorError, KeyError, ValueError, RecursionError, OverflowError) as error:
        raise ValueError(f"weights.safetensors is damaged or no safetensors file ({error})") from None


def _view(entry: Any) -> np.ndarray:
    shape = tuple(entry["shape"])
    if math.prod(max(1, n) for n in shape) >= 2**48:
        raise ValueError(f"an array of shape {shape} is too large")
    return np.frombuffer(entry["data"], dtype=_DTYPES[entry["dtype"]]).reshape(shape)
