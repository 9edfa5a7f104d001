"""Tables in all the ways that people write them: what is read is what they mean."""

import gzip
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pushforward.data import Table, TableError, iterate_table, read_names, read_table

WRITTEN = {
    "comma": "a,b\n1.5,2\n3,4.25\n",
    "semicolon": "a;b\n1.5;2\n3;4.25\n",
    "semicolon and decimal comma": "a;b\n1,5;2\n3;4,25\n",
    "tab": "a\tb\n1.5\t2\n3\t4.25\n",
    "bar": "a|b\n1.5|2\n3|4.25\n",
    "bar with blanks": "a | b\n1.5 | 2\n3 | 4.25\n",
    "runs of blanks": "  a    b \n 1.5   2\n   3  4.25  \n",
    "blanks and tabs": "a \tb\n1.5\t 2\n3\t\t4.25\n",
    "Windows line ends": "a,b\r\n1.5,2\r\n3,4.25\r\n",
    "old Macintosh line ends": "a,b\r1.5,2\r3,4.25\r",
    "Windows line ends and runs of blanks": " a  b\r\n1.5   2\r\n3  4.25\r\n",
    "byte order mark": "\ufeffa,b\n1.5,2\n3,4.25\n",
    "byte order mark and quotes": '\ufeff"a","b"\n1.5,2\n3,4.25\n',
    "no line end at the end": "a,b\n1.5,2\n3,4.25",
    "blank lines": "\na,b\n\n1.5,2\n   \n3,4.25\n\n\n",
    "quoted names": '"a","b"\n1.5,2\n3,4.25\n',
    "quoted numbers": '"a","b"\n"1.5","2"\n"3","4.25"\n',
    "blanks before quotes": '"a", "b"\n1.5, "2"\n3, "4.25"\n',
    "blanks about cells": " a , b\n 1.5 , 2\n 3 ,4.25 \n",
    "scientific": "a,b\n15e-1,2E+0\n+3.,.425e1\n",
    "comment with names": "# a b\n1.5 2\n3 4.25\n",
    "comment with names, close": "#a,b\n1.5,2\n3,4.25\n",
    "comments all over": "# made by hand\n# of two rows\na,b\n1.5,2\n# half-time\n3,4.25\n# end\n",
    "a comment among rows": "a,b\n1.5,2\n# one, two, three\n3,4.25\n",
    "a comment that is not UTF-8": "a,b\n1.5,2\n# 20 \udcb0C, 3, 4\n3,4.25\n",
    "a line of tabs": "a\tb\n1.5\t2\n\t\t\n3\t4.25\n",
    "delimiters at the end of rows": "a,b,\n1.5,2,\n3,4.25,\n",
    "delimiters at the end of rows but not of the header": "a,b\n1.5,2,\n3,4.25,\n",
    "Excel's note": "sep=;\na;b\n1.5;2\n3;4.25\n",
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_every_way_to_write_a_table(tmp_path, capfd, text, compressed):
    path = tmp_path / "table.csv"
    content = text.encode("utf-8", "surrogateescape")
    path.write_bytes(gzip.compress(content) if compressed else content)
    table = read_table(path)
    assert capfd.readouterr() == ("", "")
    assert table.names == ("a", "b")
    assert table.has_header
    assert table.source == str(path)
    assert table.values.dtype == np.float64
    assert table.values.tolist() == [[1.5, 2.0], [3.0, 4.25]]
    assert read_names(path) == (("a", "b"), True)


HEADERS = {
    "names": ("a,b\n1,2\n3,4\n", ("a", "b")),
    "numbers are rows": ("1,2\n3,4\n5,6\n", None),
    "pandas' own names": ("0,1,2\n0.5,1.5,2\n3,4,5\n", ("0", "1", "2")),
    "pandas' index and own names": (",0,1\n0,1.5,2.5\n1,3,4\n", ("x1", "0", "1")),
    "pandas' index": (",a,b\n0,1.5,2.5\n1,3,4\n", ("x1", "a", "b")),
    "counts are rows": ("0,1,2\n3,4,5\n", None),
    "numbers in quotes": ('"2019","2020"\n1,2\n3,4\n', ("2019", "2020")),
    "some names are years": ("rate,2019,2020\n7,1,2\n8,3,4\n", ("rate", "2019", "2020")),
    "one column": ("x\n1\n2\n", ("x",)),
    "one column of rows": ("1\n2\n", None),
    "names may be words for nothing": ("nan,b\n1,2\n3,4\n", ("nan", "b")),
    "blanks in names": ("fixed acidity,b\n1,2\n", ("fixed acidity", "b")),
    "line ends and delimiters in names": ('"a\nb","c,d","e""f"\n1,2,3\n', ("a\nb", "c,d", 'e"f')),
    "# names a column": ("# x y\n1 0.5 0.25\n2 1.5 3.5\n", ("#", "x", "y")),
}


@pytest.mark.parametrize(("text", "names"), HEADERS.values(), ids=HEADERS)
def test_header_is_found_out(tmp_path, text, names):
    path = tmp_path / "table.csv"
    path.write_text(text)
    table = read_table(path)
    assert table.has_header == (names is not None)
    assert table.names == (names or tuple(f"x{j + 1}" for j in range(table.values.shape[1])))
    lines = sum(1 for line in text.replace("\nb", "b").splitlines())
    assert len(table) == lines - table.has_header


def test_header_is_told(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("1,2\n3,4\n5,6\n")
    assert read_table(path, header=True).names == ("1", "2")
    assert read_table(path, header=True).values.tolist() == [[3, 4], [5, 6]]
    assert len(read_table(path, header=False)) == 3
    path.write_text("# a b\n1 2\n")
    assert read_table(path, header=False).names == ("x1", "x2")


@pytest.mark.parametrize(
    ("first", "columns"), [("39, State-gov, 1.5", ["1", "x3"]), ("39, State-gov, 7", ["x1", "x3"])]
)
def test_rows_with_text_are_no_header(tmp_path, first, columns):
    path = tmp_path / "table.csv"
    path.write_text(f"{first}\n50, State-gov, 2\n38, Private, 3\n")
    table = read_table(path, columns=columns)
    assert table.names == ("x1", "x3")
    assert table.values[:, 0].tolist() == [39, 50, 38]


def test_delimiter_is_told(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a:b\n1:2\n3:4\n")
    assert read_table(path, delimiter=":").values.tolist() == [[1, 2], [3, 4]]
    for words in ("tab", "\\t", "TAB"):
        path.write_text("a\tb\n1\t2\n")
        assert read_table(path, delimiter=words).names == ("a", "b")
    path.write_text("a   b\n1   2\n")
    assert read_table(path, delimiter="whitespace").names == ("a", "b")
    with pytest.raises(TableError, match="one character"):
        read_table(path, delimiter="ab")


def test_columns_are_kept_in_the_order_asked_for(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b,c,d\n1,x,3.5,\n4,y,6,?\n")
    table = read_table(path, columns=["c", "a"])
    assert table.names == ("c", "a")
    assert table.values.tolist() == [[3.5, 1], [6, 4]]
    assert table.integer == (False, True)
    path.write_text("1,x,3.5\n4,x,6\n")
    assert read_table(path, columns=["3", "x1"], header=False).names == ("x3", "x1")


def test_text_beside_the_columns_kept_may_be_anything(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes('c,a,b\n#ff0000,1,2\n"two\nlines",3,4\ngr\xfcn,5,6\n'.encode("latin-1"))
    assert read_table(path, columns=["a", "b"]).values.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_integers_are_told_from_numbers(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b,c\n" + "1,2.0,3\n" * 1000 + "1,2,3.5\n")
    assert read_table(path).integer == (True, False, False)


def test_parquet_of_every_numeric_type(tmp_path):
    path = tmp_path / "numbers.csv"  # known by its content
    columns = {
        "i": pa.array([1, 2], pa.int8()),
        "u": pa.array([1, 2**53], pa.uint64()),
        "h": pa.array(np.array([1.5, 2], np.float16)),
        "f": pa.array([1.5, 2], pa.float32()),
        "d": pa.array([0.1, 0.3]),
        "m": pa.array([1, 2], pa.decimal128(10, 2)),
        "o": pa.array([True, False]),
        "__index_level_0__": pa.array(["x", "y"]),
    }
    pq.write_table(pa.table(columns), path)
    table = read_table(path)
    assert table.names == ("i", "u", "h", "f", "d", "m", "o")
    assert table.integer == (True, True, False, False, False, False, True)
    assert table.values.tolist() == [[1, 1, 1.5, 1.5, 0.1, 1, 1], [2, 2**53, 2, 2, 0.3, 2, 0]]
    assert read_table(path, columns=["d", "i"]).values.tolist() == [[0.1, 1], [0.3, 2]]
    assert read_names(path) == (table.names, True)


def test_csv_under_the_name_of_parquet(tmp_path):
    path = tmp_path / "table.parquet"
    path.write_text("a,b\n1,2\n")
    assert read_table(path).names == ("a", "b")


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "dat", "parquet"])
def test_chunks_are_the_table(tmp_path, ending):
    path, x = tmp_path / f"table.{ending}", np.random.default_rng(0).normal(size=(40_001, 5)).round(9)
    if ending == "parquet":
        pq.write_table(pa.table(list(x.T), names=list("abcde")), path, row_group_size=7000)
    else:
        between = "  " if ending == "dat" else ","
        text = "\n".join(between.join(map(repr, row)) for row in [list("abcde"), *x.tolist()]).replace("'", "")
        path.write_bytes(gzip.compress(text.encode(), 1) if ending == "csv.gz" else text.encode())
    chunks = list(iterate_table(path, rows=1000, columns=["e", "b"]))
    assert [len(chunk) for chunk in chunks] == [1000] * 40 + [1]
    assert chunks[0].names == ("e", "b")
    values = np.concatenate([chunk.values for chunk in chunks])
    assert np.array_equal(values, x[:, [4, 1]])
    assert np.array_equal(read_table(path).values, x)


def test_every_bit_of_a_number_is_read(tmp_path):
    path = tmp_path / "table.csv"
    bits = np.random.default_rng(0).integers(0, 2**64, 20_000, np.uint64).view(np.float64)
    x = np.concatenate([bits[np.isfinite(bits)], [5e-324, -0.0, np.finfo(float).max, 0.1 + 0.2, 2.0**53]])
    path.write_text("x\n" + "\n".join(map(repr, x.tolist())))
    assert read_table(path).values[:, 0].tobytes() == x.tobytes()


def test_ten_thousand_columns(tmp_path):
    path, x = tmp_path / "wide.csv", np.arange(30_000).reshape(3, 10_000)
    path.write_text("\n".join(",".join(map(str, row)) for row in [[f"c{j}" for j in range(10_000)], *x.tolist()]))
    table = read_table(path)
    assert table.names[-1] == "c9999"
    assert np.array_equal(table.values, x)


def test_a_table_of_an_array():
    x = np.arange(6).reshape(3, 2)
    table = Table.of(x, ["a", "b"], source="here")
    assert (len(table), table.integer, table.has_header) == (3, (True, True), True)
    assert table.select(["b"]).values.tolist() == [[1], [3], [5]]
    assert Table.of(x).names == ("x1", "x2")
    assert not Table.of(x).has_header
    with pytest.raises(TableError, match="no column 'bb'; did you mean 'b'"):
        table.select(["bb"])
    with pytest.raises(TableError, match="row 2, column 'b': the value is nan"):
        Table.of(np.array([[1, 2], [3, np.nan]]), ["a", "b"])
    with pytest.raises(TableError, match="2 columns and 1 name"):
        Table.of(x, ["a"])
    with pytest.raises(TableError, match="shape"):
        Table.of(np.arange(3))


def test_tables_are_read_without_jax():
    # Bad input is refused before a second of imports.
    code = "import sys, pushforward.data; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
