"""Tables are written whole or not at all, and come back as they were."""

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from pushforward.data import TableError, check_output, read_table, write_table

ENDINGS = ["csv", "csv.gz", "tsv", "tsv.gz", "parquet"]
HOSTILE = [
    "=cmd()", "<script>alert(1)</script>", "two\nlines", "Windows\r\nlines", "🎉", "a,b", "a\tb", 'q"q', '"',
    " blanks ", "# x", "123", "1.5", "nan", "-", "sep=;", "--out", "a\\nb", "\ufeffx", "größe",
]  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_hostile_names_come_back(tmp_path, ending):
    path, x = tmp_path / f"table.{ending}", np.random.default_rng(0).normal(size=(7, len(HOSTILE)))
    write_table(path, HOSTILE, [x])
    table = read_table(path)
    assert table.names == tuple(HOSTILE)
    assert np.array_equal(table.values, x)
    for name in HOSTILE:
        write_table(path, [name], [x[:, :1]], overwrite=True)
        assert read_table(path).names == (name,)


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_bit_comes_back(tmp_path, ending):
    bits = np.random.default_rng(0).integers(0, 2**64, 9_000, np.uint64).view(np.float64)
    special = [5e-324, -0.0, np.finfo(float).max, 0.1 + 0.2, 1 / 3, 1e22, 123456789.0]
    x = np.concatenate([bits[np.isfinite(bits)], special])[:, None]
    path = tmp_path / f"table.{ending}"
    assert write_table(path, ["x"], (x[i : i + 100] for i in range(0, len(x), 100))) == len(x)
    assert read_table(path).values.tobytes() == x.tobytes()


def test_what_is_written(tmp_path):
    path = tmp_path / "table.csv"
    write_table(path, ["log_density", "my x"], [np.array([[-1.5, 2], [np.nan, -np.inf]])])
    assert path.read_bytes() == b'log_density,"my x"\n-1.5,2\nnan,-inf\n'
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    write_table(path, ["i"], [np.array([[1], [2**62]])], overwrite=True)
    assert path.read_bytes() == b"i\n1\n4611686018427387904\n"
    write_table(path, ["h"], [np.array([[0.1]], np.float32)], overwrite=True)
    assert read_table(path).values[0, 0] == np.float32(0.1)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for ending in ENDINGS:
        one, other = tmp_path / f"one.{ending}", tmp_path / f"other.{ending}"
        for path in (one, other):
            write_table(path, ["a"], [np.arange(10.0)[:, None]])
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_rows(tmp_path, ending):
    assert write_table(tmp_path / f"table.{ending}", ["a", "b"], []) == 0
    with pytest.raises(TableError, match="no rows"):
        read_table(tmp_path / f"table.{ending}")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_is_replaced_only_when_asked(tmp_path, ending):
    path = tmp_path / f"table.{ending}"
    path.write_bytes(b"mine")
    drawn = []
    with pytest.raises(FileExistsError, match=r"exists already.*--overwrite"):
        write_table(path, ["a"], (drawn.append(1) for _ in range(1)))
    with pytest.raises(FileExistsError, match="exists already"):
        check_output(path)
    assert path.read_bytes() == b"mine"
    assert not drawn  # refused before any work
    check_output(path, overwrite=True)
    assert path.read_bytes() == b"mine"
    write_table(path, ["a"], [np.ones((1, 1))], overwrite=True)
    assert read_table(path).values.tolist() == [[1]]
    assert os.listdir(tmp_path) == [path.name]


def test_what_another_process_wrote_meanwhile_is_kept(tmp_path):
    path = tmp_path / "table.csv"

    def chunks():
        yield np.ones((1, 1))
        path.write_bytes(b"theirs")

    with pytest.raises(FileExistsError, match="by another process"):
        write_table(path, ["a"], chunks())
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["table.csv"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "there" / "table.csv")
    write_table(tmp_path / "link.csv", ["a"], [np.ones((1, 1))])
    write_table(tmp_path / "link.csv", ["a"], [np.zeros((1, 1))], overwrite=True)
    assert (tmp_path / "link.csv").is_symlink()
    assert read_table(tmp_path / "there" / "table.csv").values.tolist() == [[0]]


def test_outputs_that_cannot_be(tmp_path):
    cases = {
        tmp_path / "no" / "t.csv": "there is no folder",
        tmp_path / "folder.csv": "is a folder; give the path of a file",
        tmp_path / ("x" * 300 + ".csv"): "the name is too long",
        tmp_path / "file.csv" / "t.csv": "there is no folder",
    }
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file.csv").write_bytes(b"")
    for path, words in cases.items():
        for ask in (lambda path: write_table(path, ["a"], []), check_output):
            with pytest.raises(TableError, match=words):
                ask(path)
    with pytest.raises(TableError, match="device or a pipe"):
        check_output("/dev/null", overwrite=True)
    with pytest.raises(TableError, match=r"use .csv, .csv.gz"):
        write_table(tmp_path / "t.xlsx", ["a"], [])
    assert sorted(os.listdir(tmp_path)) == ["file.csv", "folder.csv"]


@pytest.mark.parametrize("unnamed", [True, False])
def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch, unnamed):
    def refuse(*_args, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    _without_unnamed_files(monkeypatch, unnamed)
    monkeypatch.setattr("pushforward.data.output.os.open", refuse)
    with pytest.raises(TableError, match="may not write into the folder"):
        check_output(tmp_path / "t.csv")


def _without_unnamed_files(monkeypatch, unnamed):
    # As on systems that have no files without a name.
    if not unnamed:
        monkeypatch.setattr("pushforward.data.output._UNNAMED", 0)


def _interrupted():
    yield np.ones((300_000, 1))
    raise KeyboardInterrupt


def _of_another_width():
    yield np.ones((300_000, 1))
    yield np.ones((1, 2))


def _of_text():
    yield np.ones((300_000, 1))
    yield np.array([["x"]])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("unnamed", [True, False])
@pytest.mark.parametrize("overwrite", [True, False])
def test_nothing_is_left_of_what_fails(tmp_path, monkeypatch, ending, unnamed, overwrite):
    _without_unnamed_files(monkeypatch, unnamed)
    path, before = tmp_path / f"table.{ending}", []
    if overwrite:
        path.write_bytes(b"mine")
        before = [path.name]
    for chunks, error in (
        (_interrupted(), KeyboardInterrupt),
        (_of_another_width(), TableError),
        (_of_text(), TableError),
    ):
        with pytest.raises(error):
            write_table(path, ["a"], chunks, overwrite=overwrite)
        assert os.listdir(tmp_path) == before
    if overwrite:
        assert path.read_bytes() == b"mine"
    write_table(path, ["a"], [np.zeros((1, 1))], overwrite=overwrite)
    assert os.listdir(tmp_path) == [path.name]
    assert read_table(path).values.tolist() == [[0]]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("unnamed", [True, False])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_full_disk(tmp_path, monkeypatch, ending, unnamed, error):
    # Nothing reaches the disk before the last flush, which is where it is found to be full.
    def full(_descriptor):
        raise OSError(error, os.strerror(error))

    _without_unnamed_files(monkeypatch, unnamed)
    monkeypatch.setattr("pushforward.data.output.os.fsync", full)
    with pytest.raises(TableError, match=r"table\..* cannot be written: ") as caught:
        write_table(tmp_path / f"table.{ending}", ["a"], [np.ones((10, 1))])
    assert str(caught.value).isprintable()
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are of POSIX")
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_disk_that_fills_up_on_the_way(tmp_path, ending):
    import resource

    path, x = tmp_path / f"table.{ending}", np.random.default_rng(0).normal(size=(300_000, 1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(TableError, match="the file grew larger than is allowed here"):
            write_table(path, ["a"], [x, x])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files without a name are of Linux")
def test_a_killed_process_leaves_nothing(tmp_path):
    code = """
import sys, time
import numpy as np
from pushforward.data import write_table
def chunks():
    yield np.ones((300_000, 1))
    print("half-way", flush=True)
    time.sleep(60)
write_table(sys.argv[1], ["a"], chunks())
"""
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path / "t.csv"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "half-way\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == []


def test_arguments(tmp_path):
    path = tmp_path / "t.csv"
    for names, words in ((["a", "a"], "got 'a' twice"), ([], "at least one")):
        with pytest.raises(TableError, match=words):
            write_table(path, names, [])
    with pytest.raises(TableError, match=r"expected arrays \[rows, 2\].*\(3,\)"):
        write_table(path, ["a", "b"], [np.ones(3)])
    with pytest.raises(TableError, match="some chunks hold integers"):
        write_table(path, ["a"], [np.ones((262_144, 1), int), np.ones((262_144, 1))])
    assert os.listdir(tmp_path) == []


def test_writing_is_fast(tmp_path):
    # A million rows take 0.3 s on one core; the limit is far, for machines that are busy.
    x = np.random.default_rng(0).normal(size=(500_000, 1))
    start = time.perf_counter()
    write_table(tmp_path / "t.csv", ["a"], [x])
    assert time.perf_counter() - start < 10
