"""JAX's persistent cache of compiled programs."""

import ctypes
import os
import sys
from pathlib import Path

import jax


def enable_compilation_cache(path: str | os.PathLike | None = None) -> Path:
    """Keep compiled programs on disk, so that the next process starts training at once.

    This changes settings of JAX for the whole process, which is why the library never does it by itself.

    Args:
        path: a folder, made if it is not there; None for `pushforward/jax` in the user's cache folder.

    Returns:
        The folder.
    """
    folder = Path(path) if path is not None else _user_cache() / "pushforward" / "jax"
    folder.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # Below a tenth of a second, compiling again is as fast as reading.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    return folder


def release_memory() -> None:
    """Give memory that is free, but still with the process, back to the system.

    Compiling takes 100 MB and more for a moment, which the C library of Linux then keeps; a large table comes on top.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # GNU's has it.
        if trim is not None:
            trim(0)


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
