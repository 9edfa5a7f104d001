"""Reading a model folder: files with fixed names, all of the same model, also while it is being replaced.

A writer keeps these beside the folder NAME (see `atomic`):

    .NAME.<16 hex digits>.saving    being written; holds a lock while its writer lives
    .NAME.<16 hex digits>.old       the replaced model, while no other stands in its place
    .NAME.<16 hex digits>.trash     on its way out

Standard library only.
"""

import contextlib
import errno
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator

CONFIG = "config.json"
WEIGHTS = "weights.safetensors"
# Everything that may stand in a model folder. Replacing a model deletes the folder, so no other folder is replaced.
KNOWN_FILES = frozenset({CONFIG, WEIGHTS, "schema.json", "history.csv", "report.html"})


class MissingFileError(ValueError):
    """A file that a model folder should have is not there."""


def read_folder(path: str, limit: int, also: Iterable[str] = ()) -> dict[str, bytes]:
    """The contents of config.json and weights.safetensors, and of the files `also` that are there, by name.

    Only regular files with these names are opened; links are not followed.

    Args:
        path: of the folder.
        limit: the most bytes that a file may have, but for the weights.
        also: names of further files, of `KNOWN_FILES`.

    Raises:
        FileNotFoundError: if there is nothing at `path`.
        ValueError: if it is no folder, or a file is missing, too large or not a regular file.
    """
    path = os.path.abspath(path)
    failure: Exception | None = None
    for attempt in range(100):
        place = path if os.path.exists(path) else stepped_aside(path)
        if place is None:
            if attempt < 3:
                continue  # looked at the one place and at the other while a model went from here to there
            raise FileNotFoundError(errno.ENOENT, f"there is no model at {path!r}")
        if os.path.isfile(place):
            raise ValueError(f"{path!r} is a file, and a model is a folder with {CONFIG} and {WEIGHTS}")
        try:
            with _opened(place) as folder:
                try:
                    files = {CONFIG: _read(folder, place, CONFIG, limit), WEIGHTS: _read(folder, place, WEIGHTS, None)}
                    for name in also:
                        try:
                            files[name] = _read(folder, place, name, limit)
                        except MissingFileError:
                            if _was_replaced(folder, path):  # and is being deleted, file by file
                                raise
                    return files
                except ValueError as error:
                    if not _was_replaced(folder, path):
                        raise
                    failure = error
        except (FileNotFoundError, NotADirectoryError) as error:
            failure = error
    raise ValueError(f"the model at {path!r} could not be read; it changes faster than it can be read") from failure


def stepped_aside(path: str) -> str | None:
    """The model that a killed writer had moved out of the way of its own, if any."""
    return max(leftovers(*os.path.split(path), "old"), key=changed, default=None)


def leftovers(parent: str, name: str, kind: str) -> list[str]:
    """The folders of one kind that writers keep, or left, beside the folder `name`."""
    pattern = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{16}}\.{kind}")
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        return [e.path for e in entries if pattern.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
    return []


def changed(path: str) -> float:
    """When a folder was last changed or renamed; now, if it has gone."""
    with contextlib.suppress(OSError):
        return os.stat(path).st_ctime
    return time.time()


@contextlib.contextmanager
def _opened(place: str) -> Iterator[int | None]:
    """A descriptor of the folder, through which both files come from the same one; None where there are none."""
    if os.open not in os.supports_dir_fd:
        yield None
        return
    descriptor = os.open(place, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read(folder: int | None, path: str, name: str, limit: int | None) -> bytes:
    # O_NONBLOCK: opening a pipe that somebody put here must not hang.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    not_regular = f"{name} in {path!r} is not a regular file; links, folders and devices are not followed"
    try:
        if folder is not None:
            descriptor = os.open(name, flags, dir_fd=folder)
        elif os.path.islink(os.path.join(path, name)):
            raise ValueError(not_regular)
        else:
            descriptor = os.open(os.path.join(path, name), flags)
    except FileNotFoundError:
        raise MissingFileError(f"{path!r} is not a model folder, or part of it was lost: it has no {name}") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise ValueError(not_regular) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(not_regular)
    with open(descriptor, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if limit is not None and size > limit:
            raise ValueError(f"{name} in {path!r} has {size:,} bytes, more than any model needs ({limit:,})")
        return file.read()


def _was_replaced(folder: int | None, path: str) -> bool:
    try:
        return folder is not None and not os.path.samestat(os.fstat(folder), os.stat(path))
    except FileNotFoundError:
        return True
