"""Files that are no tables of numbers: one sentence that says what is wrong, where, and what to do."""

import gzip
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pushforward.data import TableError, iterate_table, read_table


def refusal(path, **options):
    """The message, which is one line, does not ramble, and comes from reading in chunks as well."""
    with pytest.raises(TableError) as caught:
        read_table(path, **options)
    message = str(caught.value)
    with pytest.raises(TableError) as again:
        list(iterate_table(path, rows=7, **options))
    assert str(again.value) == message
    assert message.isprintable()
    assert len(message.replace(str(path), "")) < 330
    return message.replace(f"{path.parent}/", "")


def refused(path, content, **options):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return refusal(path, **options)


CELLS = {
    "NaN": ("nan", "the value is missing ('nan')"),
    "empty": ("", "the cell is empty"),
    "NA": ("NA", "the value is missing ('NA')"),
    "question mark": (" ?", "the value is missing ('?')"),
    "null": ("null", "the value is missing ('null')"),
    "infinity": ("-inf", "'-inf' is infinite"),
    "too large": ("1e999", "'1e999' is infinite, or too large"),
    "text": ("twelve", "'twelve' is not a number"),
    "date": ("2020-01-01", "'2020-01-01' is not a number"),
    "thousands": ('"1,234.5"', "'1,234.5' is not a number"),
    "terminal codes": ("\x1b[31mred", r"'\x1b[31mred' is not a number"),
    "long text": ("oh " * 100, "'oh oh oh oh oh oh oh oh oh oh oh oh oh …' is not a number"),
    "broken UTF-8": ("\udcfc", "is not a number"),
}


@pytest.mark.parametrize(("cell", "complaint"), CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("rows", [2, 2000])
def test_a_cell_that_is_no_number_is_named(tmp_path, cell, complaint, rows):
    # Blank lines and the header count as lines, not as rows.
    content = "a,b,c\n\n" + "1,2.5,3\n" * rows + f"4,{cell},6\n" + "7,8,9\n" * 3
    message = refused(tmp_path / "t.csv", content.encode("utf-8", "surrogateescape"))
    assert message.startswith(f"t.csv, line {rows + 3} (row {rows + 1:,}), column 'b': ")
    assert complaint in message
    assert message.endswith("correct or remove such rows, or leave the column out with --columns a,c")


def test_first_of_several_faults_is_named(tmp_path):
    message = refused(tmp_path / "t.csv", "a b\n" + "1  2\n" * 300 + "# note\nx 2\n1 y\n")
    assert "line 303 (row 301), column 'a': 'x' is not a number" in message


def test_line_numbers_count_lines_within_quotes(tmp_path):
    message = refused(tmp_path / "t.csv", '"a\nb",c\n1,2\n"3",4\n5,?\n')
    assert "line 5 (row 3), column 'c'" in message


def test_text_columns_are_named_with_those_that_can_be_kept(tmp_path):
    content = "a,city,b,sex\n" + "1,Rome,2,m\n" * 3
    message = refused(tmp_path / "t.csv", content)
    assert "2 columns 'city' and 'sex' hold text ('Rome' in line 2), not numbers" in message
    assert message.endswith("--columns a,b")
    assert "column 'city' holds text" in refusal(tmp_path / "t.csv", columns=["a", "city"])
    assert "none of its columns" in refused(tmp_path / "t.csv", "x:y\n1:2\n3:4\n")
    assert "--delimiter" in refusal(tmp_path / "t.csv")
    only = refused(tmp_path / "t.csv", "x\n1\n2\ny\n")
    assert "for it is the only column" in only


def test_rows_of_other_lengths(tmp_path):
    path = tmp_path / "t.csv"
    assert "line 3 (row 2) has 1 cell where the header (line 1) has 2" in refused(path, "a,b\n1,2\n3\n4,5\n")
    assert "line 3 (row 2) has 3 cells where the header (line 1) has 2" in refused(path, "a,b\n1,2\n3,4,5\n")
    assert "line 2 (row 2) has 3 cells where the first row (line 1) has 2" in refused(path, "1 2\n3 4 5\n6 7\n")
    assert "line 2 (row 1) has 2 cells where the header (line 1) has 1" in refused(path, "Results\na,b\n1,2\n3,4\n")
    assert "line 2 (row 1) has 4 cells" in refused(path, "a,b,c\n" + "1,2,3,4\n" * 9)
    assert "line 501 (row 500)" in refused(path, "a,b\n" + "1,2\n" * 499 + "1,2,3\n")


def test_encodings(tmp_path):
    path = tmp_path / "t.csv"
    assert "UTF-16 text, not a table; save it again as UTF-8" in refused(path, "a,b\n1,2\n".encode("utf-16"))
    assert "holds zero bytes" in refused(path, "a,b\n1,2\n".encode("utf-16-le"))
    assert "line 1: the names are not in UTF-8" in refused(path, "gr\xf6\xdfe,b\n1,2\n".encode("latin-1"))
    assert "line 30001 (row 30,000): zero bytes" in refused(path, b"a,b\n" + b"3,4\n" * 29_999 + b"3\0,4\n")


def test_names(tmp_path):
    path = tmp_path / "t.csv"
    message = refused(path, "a,b,a\n1,2,3\n")
    assert "several columns are named 'a' (numbers 1, 3)" in message
    assert read_table(path, columns=["b"]).names == ("b",)
    assert "several columns are named 'a'" in refusal(path, columns=["b", "a"])
    assert "no column 'Bb'; did you mean 'b'?" in refusal(path, columns=["Bb"])
    assert "no column 'weight'; it has 'a', 'b' and 'a'" in refusal(path, columns=["weight"])
    assert "column 'b' is asked for twice" in refusal(path, columns=["b", "b"])
    assert "name at least one" in refusal(path, columns=[])
    assert "no header and no column '4'; it has x1 to x2" in refused(path, "1,2\n", columns=["4"])
    with pytest.raises(TypeError, match="not one text"):
        read_table(path, columns="a")


def test_nothing_in_it(tmp_path):
    path = tmp_path / "t.csv"
    assert refused(path, "") == "t.csv is empty; expected rows of numbers"
    assert refused(path, gzip.compress(b"")) == "t.csv is empty once decompressed; expected rows of numbers"
    assert "only blank lines" in refused(path, "\n \n")
    assert "only comments" in refused(path, "# a b\n# c\n")
    assert "has a header (line 1) and no rows" in refused(path, "a,b\n")
    assert "has a header (line 1) and no rows" in refused(path, "1,2\n", header=True)
    pq.write_table(pa.table({"a": pa.array([], pa.float64())}), path)
    assert "has no rows" in refusal(path)


def test_no_file(tmp_path):
    (tmp_path / "prices.csv").write_text("a\n1\n")
    assert "no such file; did you mean 'prices.csv'" in refusal(tmp_path / "price.csv")
    assert refusal(tmp_path / "quite_another.dat").endswith("no such file; check the path")
    assert "nor a folder" in refusal(tmp_path / "no" / "such.csv")
    assert "nor a folder" in refusal(tmp_path / "prices.csv" / "such.csv")
    assert "is a folder, not a file" in refusal(tmp_path)
    with pytest.raises(TableError, match="a pipe or a device"):
        read_table("/dev/null")


OTHERS = {
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is a PNG picture"),
    "Excel": (b"PK\x03\x04" + bytes(100), "Excel workbook, not a table; save the sheet as CSV"),
    "web page": (b"\n<!DOCTYPE html><html></html>", "looks like a web page"),
    "JSON": (b'[{"a": 1}]', "looks like JSON"),
    "NumPy": (b"\x93NUMPY\x01\x00", "is a NumPy array"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
    "xz": (b"\xfd7zXZ\x00\x00", "compressed by xz"),
    "random bytes": (np.random.default_rng(0).bytes(5000), "is no text"),
    "random bytes without zeros": (bytes(np.random.default_rng(0).integers(128, 256, 5000).tolist()), "not in UTF-8"),
    "gzip of a picture": (gzip.compress(b"\x89PNG\r\n\x1a\n"), "is a PNG picture"),
    "an open quote": (b'a,b\n"1,2\n3,4\n', "line 2: a quote is opened and never closed"),
    "an open quote far below": (b"a,b\n" + b"1,2\n" * 9999 + b'"1,2\n3,4\n', "line 10001: a quote is opened"),
}


@pytest.mark.parametrize(("content", "words"), OTHERS.values(), ids=OTHERS)
def test_other_things_than_tables(tmp_path, content, words):
    assert words in refused(tmp_path / "t.csv", content)


def test_damaged_gzip(tmp_path):
    x = np.random.default_rng(0).normal(size=(20_000, 2))
    whole = gzip.compress(("a,b\n" + "\n".join(f"{a!r},{b!r}" for a, b in x.tolist())).encode(), 1)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    for content in (whole[:2], whole[:100], whole[: len(whole) // 2], whole[:-3], bytes(flipped)):
        # Bytes that are still a valid stream may first show as a row that is none.
        message = refused(tmp_path / "t.csv.gz", content)
        assert "is damaged or cut short (gzip" in message or content == bytes(flipped)


def test_damaged_parquet(tmp_path):
    buffer = io.BytesIO()
    table = pa.table({"a": np.random.default_rng(0).normal(size=1000), "b": np.arange(1000)})
    pq.write_table(table, buffer, write_page_checksum=True)
    whole = buffer.getvalue()
    pages = bytearray(whole)
    pages[200] ^= 255
    for content in (whole[:6], whole[: len(whole) // 2], whole[:-1], whole[:-20] + bytes(20), bytes(pages)):
        assert "damaged or cut short" in refused(tmp_path / "t.parquet", content)
    assert "compressed once more by gzip" in refused(tmp_path / "t.parquet", gzip.compress(whole))


def test_parquet_cells_and_types(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"i": [1, 2, None], "s": [1, 2, 3]}), path)
    assert "t.parquet, row 3, column 'i': the value is missing (null)" in refusal(path)
    pq.write_table(pa.table({"i": [1.0, float("inf")] * 20, "s": [1, 2] * 20}), path)
    assert "t.parquet, row 2, column 'i': the value is inf" in refusal(path)
    pq.write_table(pa.table({"i": [1], "s": ["a"], "t": pa.array([1], pa.timestamp("s")), "n": [[1]]}), path)
    message = refusal(path)
    assert "3 columns 's', 't' and 'n' hold string and timestamp[ms] and list, not numbers" in message
    assert message.endswith("--columns i")
    pq.write_table(pa.Table.from_arrays([pa.array([1])] * 3, names=["a", "a", "b"]), path)
    assert "several columns are named 'a'" in refusal(path)
    assert read_table(path, columns=["b"]).values.tolist() == [[1]]


def test_carriage_returns_among_other_line_ends(tmp_path):
    content = b"a,b\n1,2\r3\n" + b"4,5\n" * 3
    assert r"line 2 (row 1), column 'b': '2\r3' is not a number" in refused(tmp_path / "t.csv", content)
    assert "line 2: a carriage return within the line" in refused(tmp_path / "t.csv", content, columns=["a"])


def test_whatever_happens_to_a_file_it_is_a_table_or_refused(tmp_path, capfd):
    # 400 files with a few bytes changed, put in, taken out, or repeated.
    rng = np.random.default_rng(0)
    x = rng.normal(size=60).round(4).tolist()
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": x, "b": range(60), "c": ["x"] * 60}), buffer, write_page_checksum=True)
    comma = "\n".join(["a,b,c", *(f'{v},{i},"q{i}"' for i, v in enumerate(x))]).encode()
    blanks = "\n".join(["# a  b", *(f" {v:9.4f}   {i}" for i, v in enumerate(x))]).encode()
    semicolon = "\r\n".join(['"a";"b"', *(f"{v};{i}".replace(".", ",") for i, v in enumerate(x))]).encode()
    wholes = [buffer.getvalue(), comma, blanks, semicolon, gzip.compress(comma), comma[:40], blanks[:60]]
    pieces = [
        b'"',
        b",",
        b"\n",
        b"\r",
        b"\t",
        b" ",
        b"#",
        b"\0",
        b"\xff",
        b"nan",
        b"1e999",
        b"-",
        b"\xef\xbb\xbf",
        b'""',
    ]
    path, read, messages = tmp_path / "t.csv", 0, []
    for number in range(400):
        content = bytearray(wholes[number % len(wholes)])
        for _ in range(rng.integers(1, 3)):
            at, way = int(rng.integers(len(content) + 1)), rng.integers(5)
            if way == 0:
                content[at : at + 1] = rng.bytes(1)
            elif way < 3:
                content[at:at] = pieces[rng.integers(len(pieces))]
            elif way == 3:
                content[at:at] = content[max(0, at - 40) : at]
            else:
                del content[at : at + 9]
        path.write_bytes(content)
        options = ({}, {"columns": ["a", "b"]}, {"columns": ["b"]}, {"header": True})[rng.integers(4)]
        try:
            table = read_table(path, **options)
        except TableError as error:
            messages.append(str(error))
            continue
        read += 1
        assert np.isfinite(table.values).all()
        assert table.values.shape == (len(table), len(set(table.names)))
        chunks = [chunk.values for chunk in iterate_table(path, rows=7, **options)]
        assert np.array_equal(np.concatenate(chunks), table.values)
    assert all(message.isprintable() for message in messages)
    assert len(messages) > 100
    assert read > 20
    assert capfd.readouterr() == ("", "")


def test_hostile_names_are_harmless_in_messages(tmp_path):
    message = refused(tmp_path / "t.csv", '"=cmd()","<b>\n\x1b[31m"\n1,x\n2,3\n4,5\n6,7\n')
    assert r"column '<b>\n\x1b[31m'" in message
    assert message.endswith("with --columns")  # which names need quoting is left to the reader


def test_unreadable_path_is_harmless_in_messages(tmp_path):
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "two\nlines.csv")
    assert str(caught.value).isprintable()
