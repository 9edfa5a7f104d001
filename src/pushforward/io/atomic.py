"""Writing a folder of files so that it is there whole or not at all.

It is written beside its place under a temporary name, flushed to disk, then renamed. To replace an older folder, the
two change places in one system call where the system has one (Linux); elsewhere the older one steps aside for a moment
under a name that `read_folder` knows, so that a process killed between two renames loses nothing.

Standard library only.
"""

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping

from .folder import KNOWN_FILES, changed, leftovers

try:
    import fcntl
except ImportError:  # Windows has no such locks; what killed writers leave stays there.
    fcntl = None  # type: ignore[assignment]

_AT_FDCWD, _NO_REPLACE, _EXCHANGE = -100, 1, 2
_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM, errno.EXDEV}
_ANOTHER_WRITER = {errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY}
# A folder is made a moment before it is locked; one older than this without a lock has lost its writer.
_STALE_SECONDS = 60.0


def write_folder(path: str, files: Mapping[str, bytes], *, overwrite: bool) -> None:
    """Write a folder of `files` (name to content), whole or not at all.

    Args:
        path: of the folder; its parent must exist.
        files: contents by file name.
        overwrite: replace an older model folder.

    Raises:
        FileExistsError: if something stands at `path`; with `overwrite`, if that is no model folder.
        OSError: if the disk is full, not writable or gone; nothing is left behind then.
    """
    path = os.path.abspath(path)
    if overwrite and os.path.islink(path):
        path = os.path.realpath(path)
    check_place(path, overwrite)
    parent, name = os.path.split(path)
    stem = os.path.join(parent, f".{name}.{secrets.token_hex(8)}")
    temporary = stem + ".saving"
    try:
        os.mkdir(temporary)
        with _locked(temporary):
            for file, content in files.items():
                _write(os.path.join(temporary, file), content)
            _flush_folder(temporary)
            _publish(stem, path, overwrite)
            _flush_folder(parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(
            error.errno,
            f"could not save to {path!r}: {error.strerror or error}. Nothing was left half-written, and a model that "
            "stood there is unchanged",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # after an exchange: the replaced model
    _sweep(parent, name)


def check_place(path: str, overwrite: bool) -> None:
    """Raise if `write_folder` may not write to the absolute `path`."""
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        raise FileNotFoundError(errno.ENOENT, f"the folder {parent!r} does not exist; make it first")
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise FileExistsError(errno.EEXIST, f"{path!r} exists; pass overwrite=True to replace the model there")
    if not os.path.isdir(path):
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, f"{path!r} is a file, not a model folder; give another path")
        return
    with os.scandir(path) as entries:
        foreign = sorted(e.name for e in entries if e.name not in KNOWN_FILES or e.is_dir(follow_symlinks=False))
    if foreign:
        raise FileExistsError(
            errno.EEXIST,
            f"{path!r} holds {foreign[0]!r}, which is no part of a model, and overwriting would delete it; "
            "move it away or give another path",
        )


def _publish(stem: str, path: str, overwrite: bool) -> None:
    while True:
        with contextlib.suppress(FileNotFoundError):
            check_place(path, overwrite)
        try:
            return _rename(stem, path)
        except OSError as error:
            # Another writer was quicker between the look and the rename: look again. Its model counts as the older one.
            if error.errno not in _ANOTHER_WRITER or not os.path.isdir(stem + ".saving"):
                raise


def _rename(stem: str, path: str) -> None:
    new, aside, trash = stem + ".saving", stem + ".old", stem + ".trash"
    if not os.path.lexists(path):
        if not _rename2(new, path, _NO_REPLACE):
            os.rename(new, path)
        return
    if _rename2(new, path, _EXCHANGE):
        return
    os.rename(path, aside)
    try:
        os.rename(new, path)
    except OSError:
        if not os.path.lexists(path):
            os.rename(aside, path)
            raise
        _discard(aside, trash)
        raise
    _discard(aside, trash)


def _discard(folder: str, trash: str) -> None:
    # Under a name that nobody recovers from, so that a half-deleted model is never taken for a model.
    os.rename(folder, trash)
    shutil.rmtree(trash, ignore_errors=True)


def _rename2(source: str, target: str, flags: int) -> bool:
    """Linux's renameat2; False where it is missing or the file system cannot do it."""
    if sys.platform != "linux":
        return False
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return False
    if function(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), ctypes.c_uint(flags)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), source)


def _write(path: str, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(path: str) -> None:
    # Some file systems cannot flush a folder; the files in it have been flushed by themselves.
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sweep(parent: str, name: str) -> None:
    """Delete what killed writers left, now that a whole model stands at its place."""
    for kind in ("saving", "old", "trash"):
        for leftover in leftovers(parent, name, kind):
            if time.time() - changed(leftover) > _STALE_SECONDS:
                with contextlib.suppress(OSError), _locked(leftover) as held:
                    if held or kind != "saving":
                        shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: str) -> Iterator[bool]:
    """Try to lock a folder while the block runs: whether it worked. The system unlocks it when the process dies."""
    if fcntl is None:
        yield False
        return
    descriptor = os.open(path, os.O_RDONLY)
    held = False
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        yield held
    finally:
        os.close(descriptor)
