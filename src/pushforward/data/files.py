"""What a file is, by its first bytes whatever its name says, and its bytes as a stream."""

import contextlib
import difflib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from .errors import TableError, label, one_line, show

# How files begin that people hand over in place of a table, what they are, and what to do about it.
_TABLE = "give a CSV or Parquet file"
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xfe", "UTF-16 text", "save it again as UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "save it again as UTF-8"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "save the sheet as CSV"),
    (b"\xfd7zXZ", "compressed by xz", "decompress it, or compress it by gzip"),
    (b"version https://git-lfs", "a pointer of Git LFS in place of the data", "fetch the data with git lfs pull"),
    (b"\x89PNG", "a PNG picture", _TABLE),
    (b"\xff\xd8\xff", "a JPEG picture", _TABLE),
    (b"GIF8", "a GIF picture", _TABLE),
    (b"%PDF", "a PDF document", _TABLE),
    (b"\x89HDF", "an HDF5 file", _TABLE),
    (b"\x93NUMPY", "a NumPy array", _TABLE),
    (b"SIMPLE  =", "a FITS file", _TABLE),
    (b"ARROW1", "an Arrow or Feather file", _TABLE),
    (b"SQLite format 3", "an SQLite database", _TABLE),
    (b"ORC", "an ORC file", _TABLE),
    (b"7z\xbc\xaf", "a 7-Zip archive", _TABLE),
    (b"\x7fELF", "a program", _TABLE),
)
_MARKUP = ((b"<!doctype", "a web page"), (b"<html", "a web page"), (b"<?xml", "XML"), (b"{", "JSON"), (b"[", "JSON"))
_COMPRESSED = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\x28\xb5\x2f\xfd", "zstd"))


@dataclass(frozen=True)
class TableFile:
    """A readable file that is Parquet or text, compressed or not; its `str` stands in messages."""

    path: Path
    parquet: bool = False
    compression: str | None = None

    def __str__(self) -> str:
        return label(self.path)

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

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Say in one sentence what the operating system or a decompressor refuses.

        Raises:
            TableError: for an `OSError` within.
        """
        try:
            yield
        except PermissionError:
            raise TableError(f"{self} may not be read by this user; ask for the permission to read it") from None
        except OSError as error:
            reason = one_line(error.strerror or error)
            if self.compression is not None and error.errno is None:
                raise TableError(
                    f"{self} is damaged or cut short ({self.compression}: {reason}); get or make the file again"
                ) from None
            raise TableError(f"{self} cannot be read ({reason}); check the path and the disk") from None


def find_file(path: str | os.PathLike[str]) -> TableFile:
    """The file at `path`, when it can be read and is not plainly something else than a table.

    Raises:
        TableError: if it is missing, a folder, not readable, empty, or a picture, an archive, and so on.
    """
    file = TableFile(Path(path))
    with file.reading():
        try:
            mode = file.path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise TableError(f"{file}: there is no such file{_beside(file.path)}") from None
        if stat.S_ISDIR(mode):
            raise TableError(f"{file} is a folder, not a file; give the path of one CSV or Parquet file")
        if not stat.S_ISREG(mode):
            raise TableError(f"{file} is a pipe or a device, and a table is read twice; write it into a file first")
        with file.path.open("rb") as opened:
            start = opened.read(64)
    if not start:
        raise TableError(f"{file} is empty; expected rows of numbers")
    if start.startswith(b"PAR1"):
        return TableFile(file.path, parquet=True)
    for magic, compression in _COMPRESSED:
        if start.startswith(magic):
            file = TableFile(file.path, compression=compression)
            with file.reading():
                start = file.stream().read(64)
            if not start:
                raise TableError(f"{file} is empty once decompressed; expected rows of numbers")
            if start.startswith(b"PAR1"):
                raise TableError(f"{file} is a Parquet file compressed once more by {compression}; decompress it first")
    _refuse_others(file, start)
    return file


def _refuse_others(file: TableFile, start: bytes) -> None:
    for magic, kind, cure in _OTHERS:
        if start.startswith(magic):
            raise TableError(f"{file} is {kind}, not a table; {cure}")
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for begin, kind in _MARKUP:
        if text.startswith(begin):
            raise TableError(f"{file} looks like {kind}, not a table; {_TABLE}")


def _beside(path: Path) -> str:
    if not path.parent.is_dir():
        return f", nor a folder {label(path.parent)}; check the path"
    with contextlib.suppress(OSError):
        if near := difflib.get_close_matches(path.name, sorted(os.listdir(path.parent))[:20_000], n=1, cutoff=0.6):
            return f"; did you mean {show(near[0])}, which is in the same folder?"
    return "; check the path"
