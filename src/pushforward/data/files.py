"""What a file is, by its first bytes whatever its name says, and its bytes as a stream."""

import contextlib
import difflib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from .errors import TableError, show

# How files begin that people hand over in place of a table, and what to do about each.
_NOT_TABLES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy .npy file"),
    (b"SIMPLE  =", "a FITS file"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"ORC", "an ORC file"),
    (b"\xfd7zXZ", "compressed by xz"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x7fELF", "a program"),
    (b"version https://git-lfs", "a pointer of Git LFS in place of the data"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)
_COMPRESSED = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\x28\xb5\x2f\xfd", "zstd"))


@dataclass(frozen=True)
class TableFile:
    """A readable file that is Parquet or text, compressed or not."""

    path: Path
    parquet: bool
    compression: str | None = None

    def stream(self, offset: int = 0) -> pa.NativeFile:
        """Its bytes, decompressed, from `offset` on."""
        plain = pa.OSFile(str(self.path))
        if self.compression is None:
            plain.seek(offset)
            return plain
        stream = pa.CompressedInputStream(plain, self.compression)
        while offset > 0 and (block := stream.read(min(offset, 1 << 20))):
            offset -= len(block)
        return stream


def find_file(path: str | os.PathLike[str]) -> TableFile:
    """The file at `path`, when it can be read and is not plainly something else than a table.

    Raises:
        TableError: if it is missing, a folder, not readable, empty, or a picture, an archive, and so on.
    """
    path = Path(path)
    with readable(path):
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise TableError(f"{path}: there is no such file{_beside(path)}") from None
        if stat.S_ISDIR(mode):
            raise TableError(f"{path} is a folder, not a file; give the path of one CSV or Parquet file")
        if not stat.S_ISREG(mode):
            raise TableError(f"{path} is a pipe or a device; write its content into a file first, for it is read twice")
        with path.open("rb") as file:
            start = file.read(64)
    if not start:
        raise TableError(f"{path} is empty; expected rows of numbers")
    compression = next((name for magic, name in _COMPRESSED if start.startswith(magic)), None)
    if compression is not None:
        with readable(path):
            start = TableFile(path, False, compression).stream().read(64)
        if not start:
            raise TableError(f"{path} is empty once decompressed; expected rows of numbers")
        if start.startswith(b"PAR1"):
            raise TableError(f"{path} is a Parquet file inside {compression}; decompress it first")
    elif start.startswith(b"PAR1"):
        return TableFile(path, parquet=True)
    _refuse_others(path, start)
    return TableFile(path, False, compression)


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what the operating system and the decompressors say into one sentence."""
    try:
        yield
    except TableError:
        raise
    except PermissionError:
        raise TableError(f"{path} may not be read by this user; ask for read permission (chmod +r)") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).split("\n")[0]
        if "compressed" in reason or "inflate" in reason or "decompress" in reason or "ZSTD" in reason:
            raise TableError(
                f"{path} is damaged or cut short in its compressed data ({reason}); get or make the file again"
            ) from None
        raise TableError(f"{path} cannot be read ({reason})") from None


def _refuse_others(path: Path, start: bytes) -> None:
    for magic, kind in _NOT_TABLES:
        if start.startswith(magic):
            cure = {
                "UTF-16 text": "save it again as UTF-8",
                "compressed by xz": "decompress it, or use gzip",
                "a pointer of Git LFS in place of the data": "fetch the data with `git lfs pull`",
            }.get(kind, "give a CSV or Parquet file")
            raise TableError(f"{path} is {kind}, not a table; {cure}")
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise TableError(f"{path} is a web page (HTML or XML), not a table; give a CSV or Parquet file")
    if text.startswith((b"{", b"[")):
        raise TableError(f"{path} looks like JSON, not a table; give a CSV or Parquet file")


def _beside(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f", nor a folder {folder}; check the path"
    with contextlib.suppress(OSError):
        if near := difflib.get_close_matches(path.name, sorted(os.listdir(folder))[:20_000], n=1, cutoff=0.6):
            return f"; did you mean {show(near[0])}, which is in the same folder?"
    return "; check the path"
