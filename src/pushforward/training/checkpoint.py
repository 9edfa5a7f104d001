"""The state of a run on disk, so that a killed run continues bit for bit.

One file, `training.safetensors` in the folder given: all arrays of the state, and a record as JSON (in an array of
bytes) with the settings, what identifies data and model, the history, and how far the run was. It is written beside its
place, flushed and renamed, so that there is always one whole checkpoint; a digest over all of it finds damage. No
pickle.
"""

import contextlib
import hashlib
import json
import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..io.arrays import describe_array, from_bytes, to_bytes

FILE = "training.safetensors"
FORMAT = 1
_RECORD = "record"


def exists(folder: str) -> bool:
    """Whether there is a checkpoint in `folder`."""
    return os.path.exists(os.path.join(folder, FILE))


def write(folder: str, tree: Any, record: dict[str, Any]) -> None:
    """Write the arrays of `tree` and the record, whole or not at all.

    Raises:
        OSError: if the disk is full or not writable; an older checkpoint is then unchanged.
    """
    os.makedirs(folder, exist_ok=True)
    arrays = {f"{k:06d}": describe_array(leaf)[0] for k, leaf in enumerate(jax.tree.leaves(tree))}
    text = json.dumps({"format": FORMAT, **record}).encode()
    arrays[_RECORD] = np.frombuffer(text, np.uint8)
    path = os.path.join(folder, FILE)
    beside = path + ".part"
    try:
        with open(beside, "wb") as file:
            file.write(to_bytes(arrays, _digest(arrays)))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.remove(beside)
        raise
    _flush_folder(folder)


def read(folder: str) -> tuple[list[np.ndarray], dict[str, Any]]:
    """(arrays, record) of the checkpoint in `folder`.

    Raises:
        ValueError: if it is damaged, or written by a newer version.
    """
    path = os.path.join(folder, FILE)
    damaged = f"the checkpoint {path!r} is damaged or not one of ours; delete it and train from the beginning"
    with open(path, "rb") as file:
        content = file.read()
    try:
        arrays, digest = from_bytes(content)
        record = json.loads(arrays[_RECORD].tobytes())
        whole = digest == _digest(arrays) and isinstance(record["format"], int)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{damaged} ({type(error).__name__})") from None
    if not whole:
        raise ValueError(f"{damaged} (its digest does not fit its content)")
    if record["format"] > FORMAT:
        raise ValueError(
            f"the checkpoint {path!r} was written by a newer version of pushforward; upgrade, or delete it"
        )
    del arrays[_RECORD]
    return [arrays[name] for name in sorted(arrays)], record


def restored(template: Any, arrays: list[np.ndarray]) -> Any:
    """The pytree of the structure of `template` that holds `arrays`.

    Raises:
        ValueError: if they do not fit it.
    """
    leaves, treedef = jax.tree.flatten(template)
    if [_plain(leaf) for leaf in leaves] != [(a.shape, str(a.dtype)) for a in arrays]:
        raise ValueError(
            "the checkpoint holds arrays of other shapes than this model and optimiser have; it belongs to another run"
        )
    pairs = zip(leaves, arrays, strict=True)
    return jax.tree.unflatten(treedef, [_like(leaf, array) for leaf, array in pairs])


def check_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to continue another run: `ValueError` naming the first thing that differs."""
    for name in [*now, *(n for n in before if n not in now)]:
        old, new = before.get(name), now.get(name)
        if old == new or (old != old and new != new):
            continue
        if name in ("data", "model", "key"):
            what = {"data": "other data", "model": "a model of another structure", "key": "another key"}[name]
            raise ValueError(
                f"resume: the checkpoint was written by a run with {what}, so that going on would mix two runs. Pass "
                "the same arguments as that run, or another folder."
            )
        raise ValueError(
            f"resume: the checkpoint was written with {name}={old!r}, and this call has {name}={new!r}, so that going "
            "on would not give what either run gives. Pass the same arguments as that run, or another folder."
        )


def hash_of(parts: Any) -> str:
    """A digest of arrays (and None), with their dtypes and shapes."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if part is None:
            digest.update(b"none")
            continue
        array = describe_array(part)[0]
        digest.update(f"{array.dtype.name}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _digest(arrays: dict[str, np.ndarray]) -> str:
    return hash_of(arrays[name] for name in sorted(arrays))


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _plain(leaf: Any) -> tuple[tuple[int, ...], str]:
    array = jax.random.key_data(leaf) if _is_key(leaf) else leaf
    return array.shape, str(array.dtype)


def _like(leaf: Any, array: np.ndarray) -> Any:
    # A copy: the file's buffer is not aligned for every device, and the state is given away to the compiled loop.
    fresh = jnp.array(array, copy=True)
    return jax.random.wrap_key_data(fresh, impl=jax.random.key_impl(leaf)) if _is_key(leaf) else fresh


def _flush_folder(path: str) -> None:
    with contextlib.suppress(OSError):  # Some systems cannot flush a folder.
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
