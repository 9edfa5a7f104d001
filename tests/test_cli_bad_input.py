"""Bad input at the command line: one sentence, exit code 2, nothing written, nothing replaced."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from pushforward.cli import main
from pushforward.cli.places import beside, locked

from .test_cli import NAMES, SMALL, fitted, refused, run, table, without_cache, write

__all__ = ["fitted", "run", "without_cache"]


def changed(cell, row=6, column=1):
    rows = table().tolist()
    rows[row][column] = cell
    return rows


def rows_with(column, value):
    rows = table().tolist()
    for row in rows:
        row[column] = value
    return rows


def ragged():
    rows = table().tolist()
    rows[9] = rows[9][:2]
    return rows


BAD_TABLES = {
    "nan": (lambda: write("t.csv", changed("nan")), "row 7", "'b'"),
    "inf": (lambda: write("t.csv", changed("inf")), "row 7", "'b'"),
    "text": (lambda: write("t.csv", rows_with(1, "red")), "'b'", "--columns a,c"),
    "one row": (lambda: write("t.csv", table()[:1]), "1 row"),
    "two identical rows": (lambda: write("t.csv", [[1, 2, 3]] * 2), "2 rows"),
    "identical rows": (lambda: write("t.csv", [[1, 2, 3]] * 50), "the same"),
    "constant column": (lambda: write("t.csv", rows_with(1, 3)), "'b' is constant"),
    "10,000 columns": (
        lambda: write("t.csv", np.random.default_rng(0).random((12, 10_000)), [f"c{j}" for j in range(10_000)]),
        "10,000 columns",
    ),
    "empty": (lambda: Path("t.csv").touch(), "empty"),
    "header only": (lambda: Path("t.csv").write_text("a,b,c\n"), "no rows"),
    "missing": (lambda: Path("tt.csv").touch(), "no such file", "'tt.csv'"),
    "directory": (lambda: Path("t.csv").mkdir(), "folder"),
    "picture": (lambda: Path("t.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)), "PNG"),
    "ragged": (lambda: write("t.csv", ragged()), "row 10", "2 cells"),
    "encoding": (lambda: Path("t.csv").write_bytes("größe,b\n1,2\n3,4\n".encode("latin-1")), "UTF-8"),
    "repeated name": (lambda: write("t.csv", table(), ("a", "b", "a")), "'a'"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_refused_by_fit(name, run):
    make, *words = BAD_TABLES[name]
    make()
    before = sorted(os.listdir())
    refused(run("fit", "t.csv", "--out", "m", *SMALL), "t.csv", *words)
    assert sorted(os.listdir()) == before


def test_hostile_names_survive_the_round(run):
    names = ("=cmd()|' /C calc'!A0", "<script>alert(1)</script>", "new\nline, 😀 \x1b[31m")
    write("t.csv", table(), names)
    code, out, err = run("fit", "t.csv", "--out", "m", *SMALL)
    assert code == 0
    assert "\x1b" not in out + err
    assert run("sample", "m", "-n", 10, "--out", "s.csv")[0] == 0
    assert run("score", "m", "t.csv", "--out", "scores.csv", "--keep")[0] == 0
    code, out, err = run("info", "m")
    assert code == 0
    assert "\x1b" not in out
    write("other.csv", table()[:, :2], ("p", "q"))
    assert "\x1b" not in refused(run("score", "m", "other.csv", "--out", "s2.csv"), "other.csv")


# --------------------------------------------------------------------------------------- tables of another kind
@pytest.mark.parametrize(
    ("values", "names", "words"),
    [
        (lambda: table()[:, :2], ("a", "b"), ["'c'"]),
        (lambda: rows_with(1, "red"), NAMES, ["'b'", "text"]),
        (lambda: table()[:, :2], None, ["no header"]),
    ],
    ids=["missing", "retyped", "narrower without names"],
)
def test_score_refuses_a_table_of_another_kind(values, names, words, fitted, run):
    write("t.csv", values(), names)
    refused(run("score", fitted / "model", "t.csv", "--out", "s.csv"), "t.csv", *words)
    assert os.listdir() == ["t.csv"]


# ---------------------------------------------------------------------------------------------------- outputs
def test_nothing_is_replaced_unasked(fitted, run):
    good, model = fitted / "good.csv", fitted / "model"
    for name in ("s.csv", "report.html"):
        Path(name).write_text("mine")
    Path("m").mkdir()
    refused(run("score", model, good, "--out", "s.csv"), "s.csv", "--overwrite")
    refused(run("sample", model, "--out", "s.csv"), "s.csv", "--overwrite")
    refused(run("report", model), "report.html", "--overwrite")
    refused(run("fit", good, "--out", "m", *SMALL), "m", "--overwrite")
    Path("m/thesis.tex").write_text("mine")
    refused(run("fit", good, "--out", "m", *SMALL, "--overwrite"), "thesis.tex")
    refused(run("fit", good, "--out", "s.csv", *SMALL, "--overwrite"), "is a file")
    assert Path("s.csv").read_text() == Path("report.html").read_text() == Path("m/thesis.tex").read_text() == "mine"
    assert sorted(os.listdir()) == ["m", "report.html", "s.csv"]


def test_an_output_that_cannot_be_is_refused_before_the_work(fitted, run):
    model = fitted / "model"
    refused(run("fit", "not-read.csv", "--out", "no/such/m"), "no/such", "does not exist")
    refused(run("score", model, "not-read.csv", "--out", "no/s.csv"), "folder no")
    refused(run("score", model, "not-read.csv", "--out", "s.xlsx"), "s.xlsx", ".parquet")
    refused(run("sample", model, "--out", "s"), "ending")
    refused(run("fit", "not-read.csv", "--out", "/proc/m"), "/proc/m")
    assert os.listdir() == []


def test_a_folder_that_is_no_model_or_damaged_is_refused(fitted, run):
    refused(run("info", "nothing"), "nothing", "no model here")
    Path("empty").mkdir()
    refused(run("info", "empty"), "empty", "config.json")
    shutil.copytree(fitted / "model", "short")
    weights = Path("short/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    refused(run("score", "short", fitted / "good.csv", "--out", "s.csv"), "cut short")
    assert main(["fit", str(fitted / "good.csv"), "--out", "other", *SMALL, "--seed", "1", "--quiet"]) == 0
    shutil.copy("other/config.json", "other/keep.json")
    shutil.copytree(fitted / "model", "swapped")
    shutil.copy("other/config.json", "swapped/config.json")
    refused(run("info", "swapped"), "weights.safetensors")
    shutil.copytree(fitted / "model", "renamed")
    schema = Path("renamed/schema.json")
    schema.write_text(schema.read_text().replace('"a"', '"z"'))
    refused(run("info", "renamed"), "schema.json")


# ---------------------------------------------------------------------------------- interruptions, two at once
def test_two_fits_into_one_folder_are_told_apart(run):
    write("t.csv", table())
    with locked(Path("m")):
        refused(run("fit", "t.csv", "--out", "m", *SMALL), "another `pushforward fit`")
    assert run("fit", "t.csv", "--out", "m/", *SMALL)[0] == 0
    assert sorted(os.listdir()) == ["m", "t.csv"]


def test_a_fit_cut_short_goes_on_or_starts_again_as_asked(run):
    from pushforward.estimators import TableFlow

    write("t.csv", table())
    checkpoint = beside(Path("m"), "checkpoint")
    arguments = ("fit", "t.csv", "--out", "m", *SMALL)

    def full(self, *_, **__):
        raise OSError(28, "No space left on device", "m")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TableFlow, "save", full)
        code, _, err = run(*arguments)
    assert code == 2
    assert "disk is full" in err
    assert "--resume" in err
    assert checkpoint.exists()
    refused(run(*arguments), "--resume", "--overwrite")
    mismatch = run(*arguments, "--epochs", 9, "--resume")
    assert mismatch[0] == 2
    assert "epochs" in mismatch[2]
    assert checkpoint.exists()
    assert run(*arguments, "--resume")[0] == 0
    assert sorted(os.listdir()) == ["m", "t.csv"]
    again = run(*arguments, "--resume", "--overwrite")
    assert again[0] == 0
    assert "starting from the beginning" in again[2]


@pytest.mark.parametrize("when", ["training", "report"])
def test_ctrl_c_keeps_the_best_so_far(when, run, monkeypatch):
    from pushforward import report
    from pushforward.estimators import TableFlow

    write("t.csv", table())
    arguments = [word for word in SMALL if word != "--no-report"]
    if when == "training":
        fit = TableFlow.fit

        def interrupted(*positional, **named):
            model = fit(*positional, **named)
            model.history.stopped = "interrupted"
            return model

        monkeypatch.setattr(TableFlow, "fit", interrupted)
    else:

        def pressed(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(report, "report_html", pressed)
    code, _, err = run("fit", "t.csv", "--out", "m", *arguments)
    assert code == 130
    assert "m holds the best model so far" in err
    assert "pushforward report m t.csv" in err
    assert run("info", "m")[0] == 0
    assert not Path("m/report.html").exists()


def test_a_report_that_fails_does_not_lose_the_model(run, monkeypatch):
    from pushforward import report

    def broken(*_):
        raise ZeroDivisionError("division by zero")

    write("t.csv", table())
    monkeypatch.setattr(report, "report_html", broken)
    code, _out, err = run("fit", "t.csv", "--out", "m", *[word for word in SMALL if word != "--no-report"])
    assert code == 0
    assert "the report failed (ZeroDivisionError" in err
    assert run("info", "m")[0] == 0
