"""Where outputs go: looked at before the work begins, locked while it goes on."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import UsageError

try:
    import fcntl
except ImportError:  # Windows has no such locks; there two fits into one folder are not told apart.
    fcntl = None  # type: ignore[assignment]

# Files of a model folder, which --overwrite may replace. Anything else in a folder is not ours to delete.
_OF_A_MODEL = {"config.json", "weights.safetensors", "schema.json", "history.csv", "report.html"}


def check_model_place(path: Path, overwrite: bool) -> None:
    """Refuse a model folder that could not be written in the end.

    Raises:
        UsageError: if it is there already, would replace something else, or has no place to be in.
    """
    check_parent(path)
    if not os.path.lexists(path):
        return
    if not path.is_dir():
        raise UsageError(f"{path}: this is a file, and a model is a folder; give --out another name")
    if not overwrite:
        raise UsageError(
            f"{path}: there is a folder already; add --overwrite to replace it, or give --out another name"
        )
    foreign = sorted(entry.name for entry in path.iterdir() if entry.name not in _OF_A_MODEL or entry.is_dir())
    if foreign:
        raise UsageError(
            f"{path}: it holds {foreign[0]!r}, which is no part of a model and would be lost; give --out another name"
        )


def check_table_place(path: Path, overwrite: bool) -> None:
    """Refuse a table that could not be written in the end.

    Raises:
        TableError, FileExistsError: as `write_table` would.
    """
    from ..data import check_output
    from ..data.writing import form_of

    form_of(path)
    check_output(path, overwrite=overwrite)


def check_parent(path: Path) -> None:
    """Refuse a place in a folder that is not there or not writable."""
    parent = path.absolute().parent
    if not parent.exists():
        raise UsageError(f"{path}: the folder {parent} does not exist; make it first (mkdir -p {parent})")
    if not parent.is_dir():
        raise UsageError(f"{path}: {parent} is a file, not a folder; give --out another name")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError(f"{path}: the folder {parent} is not writable; give --out a place that you may write to")


def beside(path: Path, kind: str) -> Path:
    """A hidden neighbour of an output: `.MODEL.checkpoint`, `.MODEL.lock`."""
    whole = path.absolute()
    return whole.with_name(f".{whole.name}.{kind}")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path` for this process while the block runs; the system lets go of it when the process dies.

    Raises:
        UsageError: if another process holds it.
    """
    if fcntl is None:
        yield
        return
    lock = beside(path, "lock")
    descriptor = _open_locked(lock, path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(lock)
        os.close(descriptor)


def _open_locked(lock: Path, path: Path) -> int:
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            if error.errno == errno.ENOENT:  # of /proc, say
                raise UsageError(f"{path}: nothing can be written there; give --out another place") from None
            error.filename = str(path)
            raise
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise UsageError(
                    f"{path}: another `pushforward fit` is writing there; wait for it, or give --out another name"
                ) from None
            return os.open(os.devnull, os.O_RDONLY)  # A file system without locks.
        # The one who held it may have deleted the file between our opening and locking it.
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), os.stat(lock)):
                return descriptor
        os.close(descriptor)
