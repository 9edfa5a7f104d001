"""A file that is there whole or not at all: written out of sight, flushed to disk, then given its name."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .errors import TableError, label

_UNNAMED = getattr(os, "O_TMPFILE", 0)


def check_output(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Whether a file can be written at `path`; to be asked before long work begins.

    Raises:
        FileExistsError: if there is one already, unless `overwrite`.
        TableError: if its folder is missing or cannot be written to, or `path` is a folder or a device.
    """
    target = _checked(path, overwrite)
    with _explained(target):
        descriptor, named = _create(target)
        os.close(descriptor)
        if named:
            named.unlink(missing_ok=True)


@contextlib.contextmanager
def new_file(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """A binary file to write, which appears at `path` when the block ends well; otherwise nothing is left of it.

    Where the system has files without a name (Linux), a process killed half-way leaves nothing either.

    Raises:
        FileExistsError: if there is one already, unless `overwrite`.
        TableError: if it cannot be written, also when the disk is full.
    """
    target = _checked(path, overwrite)
    with _explained(target), contextlib.ExitStack() as stack:
        descriptor, named = _create(target)
        file = os.fdopen(descriptor, "wb")
        stack.callback(file.close) if not named else stack.callback(_discard, file, named)
        yield file
        file.flush()
        os.fsync(file.fileno())
        _name(file, named, target, overwrite)
        _sync_folder(target.parent)


def _checked(path: str | os.PathLike[str], overwrite: bool) -> Path:
    given = Path(path)
    target = Path(os.path.realpath(given))  # a link stays a link
    with _explained(given):
        if target.is_dir():
            raise TableError(f"{label(given)} is a folder; give the path of a file to write")
        if not target.parent.is_dir():
            raise TableError(
                f"{label(given)} cannot be written: there is no folder {label(given.parent)}; make it first"
            )
        if target.exists():
            if not stat.S_ISREG(target.stat().st_mode):
                raise TableError(f"{label(given)} is a device or a pipe; give the path of a file to write")
            if not overwrite:
                raise FileExistsError(
                    f"{label(given)} exists already; choose another name, or overwrite it with --overwrite"
                )
    return target


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except (TableError, FileExistsError):
        raise
    except OSError as error:
        known = {
            errno.ENOSPC: "the disk is full; free some space or write elsewhere",
            errno.EDQUOT: "your quota of disk space is used up; free some space or write elsewhere",
            errno.EFBIG: "the file grew larger than is allowed here; write less or elsewhere",
            errno.EACCES: "this user may not write into the folder; choose another",
            errno.EPERM: "this user may not write into the folder; choose another",
            errno.EROFS: "the disk may only be read; write elsewhere",
            errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
        }
        reason = known.get(error.errno or 0, f"{error.strerror or error}; check the path and the disk")
        raise TableError(f"{label(target)} cannot be written: {reason}") from None


def _create(target: Path) -> tuple[int, Path | None]:
    # A file without a name where there is such a thing, else one beside the target.
    if _UNNAMED and os.path.isdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            return os.open(target.parent, _UNNAMED | os.O_WRONLY, 0o666), None
    beside = _beside(target)
    return os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), beside


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")


def _name(file: IO[bytes], named: Path | None, target: Path, overwrite: bool) -> None:
    if named is None:
        place = _beside(target) if overwrite else target
        # Python lets the system follow the link in /proc only where it is given a folder, which is not used.
        _link(f"/proc/self/fd/{file.fileno()}", place, target, src_dir_fd=file.fileno())
        if overwrite:
            os.replace(place, target)
        return
    file.close()
    if overwrite:
        os.replace(named, target)
    else:
        _link(named, target, target)


def _link(source: str | Path, place: Path, target: Path, *, src_dir_fd: int | None = None) -> None:
    # To give a file another name fails where that is taken; to rename it would replace what another process wrote.
    try:
        os.link(source, place, src_dir_fd=src_dir_fd)
    except FileExistsError:
        raise FileExistsError(
            f"{label(target)} was written by another process meanwhile; choose another name"
        ) from None
    except OSError:
        if src_dir_fd is not None:
            raise
        os.rename(source, place)  # a disk on which files have one name only


def _discard(file: IO[bytes], named: Path) -> None:
    with contextlib.suppress(OSError):
        file.close()
    named.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
