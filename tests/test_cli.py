"""The tool as a user meets it: commands in, files, words and exit codes out.

Commands run in this process through `main`, which is what the console script calls; what needs a process of its own is
in test_cli_process.py.
"""

import csv
import io
import json
import math
import re
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import pushforward
from pushforward import flows
from pushforward.cli import main, options, waiting
from pushforward.cli.demo import two_moons
from pushforward.cli.errors import explain
from pushforward.estimators import TableFlow
from pushforward.estimators.settings import RECIPES

SMALL = ("--flow", "maf", "--layers", "1", "--hidden", "8", "--epochs", "2", "--no-report")
NAMES = ("a", "b", "c")


def table(rows=200):
    rng = np.random.default_rng(3)
    a = rng.standard_normal(rows)
    return np.stack([100 + 5 * a, a + 0.5 * rng.standard_normal(rows), rng.uniform(0, 1e-3, rows)], axis=1)


def write(path, values, names=NAMES, delimiter=","):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        if names:
            writer.writerow(names)
        writer.writerows(values.tolist() if hasattr(values, "tolist") else values)


@pytest.fixture(autouse=True)
def without_cache(monkeypatch):
    monkeypatch.setenv("PUSHFORWARD_CACHE", "")  # The tests have a cache of their own.


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A folder with good.csv and a model of it."""
    folder = tmp_path_factory.mktemp("fitted")
    write(folder / "good.csv", table())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUSHFORWARD_CACHE", "")
        assert main(["fit", str(folder / "good.csv"), "--out", str(folder / "model"), *SMALL, "--quiet"]) == 0
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        assert "Traceback" not in said.err + said.out
        return code, said.out, said.err

    return run


def refused(result, *words):
    """One sentence on stderr, exit code 2."""
    code, out, err = result
    assert code == 2, err
    assert out == ""
    errors = [line for line in err.splitlines() if line.startswith("pushforward: ")]
    assert len(errors) == 1
    assert errors[0].startswith("pushforward: error: ")
    for word in words:
        assert word in errors[0]
    return errors[0]


# ------------------------------------------------------------------------------------------------------ help
@pytest.mark.parametrize("command", ["fit", "sample", "score", "report", "check", "info", "demo", "demo moons"])
def test_help_tells_what_to_type(run, command):
    code, out, err = run(*command.split(), "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: pushforward {command}")
    examples = re.findall(r"^    (pushforward .*)$", out.split("Examples:")[1], re.M)
    assert examples
    assert all(e.startswith(f"pushforward {command}") for e in examples)
    assert out == run(*command.split(), "-h")[1]


def test_help_of_all(run):
    code, out, _ = run()
    assert code == 0
    assert out == run("--help")[1]
    assert "--install-completion" in out
    for name in ("fit", "sample", "score", "report", "check", "info", "demo"):
        assert re.search(rf"^  {name} +\w.*[^.]\.$", out, re.M), name  # described in one line, not cut
    assert run("--version")[1] == f"pushforward {pushforward.__version__}\n"


def test_flows_of_the_help_are_those_of_the_library():
    assert sorted(options.Flow) == sorted(RECIPES)
    assert {*RECIPES, "mixture"} == set(flows.__all__)


def test_usage_errors_are_one_sentence(run):
    refused(run("fitt"), "'fitt'", "Did you mean 'fit'", "--help")
    refused(run("fit"), "TABLE", "`pushforward fit --help`")
    refused(run("fit", "t.csv", "--out", "m", "--epochs", "x"), "--epochs", "integer")
    refused(run("fit", "t.csv", "--out", "m", "--flow", "glow"), "--flow", "realnvp")
    refused(run("fit", "t.csv", "--out", "m", "--columns", "a,,b"), "--columns")
    refused(run("fit", "t.csv", "--out", "m", "--hidden", "wide"), "--hidden", "96,96")


# ------------------------------------------------------------------------------------------------ the main job
def test_scores_are_those_of_the_model_in_order_and_in_units_of_the_data(fitted, run):
    assert run("score", fitted / "model", fitted / "good.csv", "--out", "s.csv")[0] == 0
    with open("s.csv") as file:
        head, *rows = csv.reader(file)
    assert head == ["log_density"]
    expected = TableFlow.load(fitted / "model").log_density(table())
    np.testing.assert_array_equal(np.array(rows, float)[:, 0], expected)
    # c is spread over 0.001 and a over 5: log-densities per unit, not standardised. -log(5 * 1 * 3e-4) ~ 6.5
    assert 2 < np.median(expected) < 9


def test_columns_are_matched_by_name_and_kept(fitted, run):
    write("mixed.csv", np.column_stack([table()[:, ::-1], np.arange(200)]), ("c", "b", "a", "extra"))
    code, out, err = run("score", fitted / "model", "mixed.csv", "--out", "s.parquet", "--keep", "--json")
    assert code == 0
    assert "extra" in err
    facts = json.loads(out)
    kept = pq.read_table("s.parquet")
    assert kept.column_names == ["log_density", "a", "b", "c"]
    expected = TableFlow.load(fitted / "model").log_density(table())
    np.testing.assert_array_equal(kept["log_density"].to_numpy(), expected)
    np.testing.assert_array_equal(kept["a"].to_numpy(), table()[:, 0])
    assert facts["rows"] == 200
    assert facts["mean_log_density"] == pytest.approx(expected.mean())
    assert facts["rows_per_second"] > 0
    assert facts["start_up_seconds"] > 0


def test_a_table_without_names_is_taken_by_position(fitted, run):
    write("plain.dat", table(), None, delimiter=" ")
    code, _, err = run("score", fitted / "model", "plain.dat", "--out", "s.csv")
    assert code == 0
    assert "no header" in err
    run("score", fitted / "model", fitted / "good.csv", "--out", "t.csv")
    assert Path("s.csv").read_text() == Path("t.csv").read_text()


def test_samples_are_reproducible_rows_of_the_table(fitted, run):
    for name, seed in (("a.csv", 5), ("b.csv", 5), ("c.csv", 6)):
        assert run("sample", fitted / "model", "-n", 500, "--out", name, "--seed", seed)[0] == 0
    assert Path("a.csv").read_text() == Path("b.csv").read_text() != Path("c.csv").read_text()
    rows = np.loadtxt("a.csv", delimiter=",", skiprows=1)
    assert Path("a.csv").read_text().splitlines()[0] == "a,b,c"
    assert rows.shape == (500, 3)
    assert abs(rows[:, 0].mean() - 100) < 2  # five standard errors of 5 / sqrt(200) from the fit, rounded up


def test_info_says_what_it_is_on_what_data_how_good(fitted, run):
    code, out, err = run("info", fitted / "model")
    assert (code, err) == (0, "")
    assert re.search(r"good.csv, 200 rows", out)
    assert re.search(r"held-out NLL -?\d.* \(20 rows\)", out)
    assert all(re.search(rf"^{name} +[\d.e-]+", out, re.M) for name in NAMES)
    facts = json.loads(run("info", fitted / "model", "--json")[1])
    assert [column["name"] for column in facts["columns"]] == list(NAMES)
    assert facts["held_out"]["rows"] == 20
    assert facts["flow"] == "maf"
    assert facts["parameters"] > 0
    assert math.isfinite(facts["held_out"]["nll"])


def test_quiet_is_quiet_and_json_is_one_object(fitted, run):
    write("t.csv", table())
    assert run("fit", "t.csv", "--out", "m", *SMALL, "--quiet")[1:] == ("", "")
    code, out, err = run("fit", "t.csv", "--out", "n", *SMALL, "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["model"] == "n"
    assert facts["columns"] == list(NAMES)
    assert "200 rows" in err
    assert facts["held_out"]["rows"] == 20
    assert facts["interrupted"] is False
    ours, theirs = (TableFlow.load(name).log_density(table()) for name in ("m", "n"))
    np.testing.assert_array_equal(ours, theirs)  # the same seed


def test_columns_and_conditions(run):
    write("t.csv", np.column_stack([table(), np.arange(200)]), (*NAMES, "text"))
    options_ = ("--columns", "a,b", "--condition", "c")
    assert run("fit", "t.csv", "--out", "m", *options_, *SMALL)[0] == 0
    refused(run("sample", "m", "--out", "s.csv"), "needs values of c", "--condition-table")
    refused(run("check", "m"), "conditioned on c")
    write("given.csv", [[1e-4], [9e-4]], ["c"])
    assert run("sample", "m", "-n", 3, "--condition-table", "given.csv", "--out", "s.csv")[0] == 0
    rows = np.loadtxt("s.csv", delimiter=",", skiprows=1)
    assert Path("s.csv").read_text().splitlines()[0] == "a,b,c"
    np.testing.assert_array_equal(rows[:, 2], [1e-4] * 3 + [9e-4] * 3)
    assert run("score", "m", "t.csv", "--out", "scores.csv")[0] == 0


def test_two_moons_have_the_entropy_of_two_moons():
    points = two_moons(20_000, seed=0)
    assert points.shape == (20_000, 2)
    assert abs(points.mean(0) - [0.5, 0.25]).max() < 0.03
    # From the nearest half circle a point is 0.05 away: a normal distance.
    x, y = points.T
    upper = np.abs(np.hypot(x, y) - 1) + 9 * (y < -0.2)
    lower = np.abs(np.hypot(x - 1, y - 0.5) - 1) + 9 * (y > 0.7)
    assert abs(np.sqrt(np.mean(np.minimum(upper, lower) ** 2)) - 0.05) < 0.01


# -------------------------------------------------------------------------------------------------- exit codes
def test_exceptions_become_exit_codes_and_sentences():
    assert explain(KeyboardInterrupt()) == (130, "interrupted; nothing was written")
    assert explain(MemoryError())[0] == 2
    assert explain(ValueError("pass overwrite=True to\nreplace"))[1] == "add --overwrite to replace"
    assert explain(OSError(28, "No space left on device", "m"))[1].startswith("m: the disk is full")
    assert explain(OSError(28, "could not save to 'm': No space left on device"))[0] == 2
    code, sentence = explain(TypeError("a\nb"))
    assert code == 70
    assert "bug in pushforward" in sentence
    assert "--debug" in sentence
    assert "\n" not in sentence


def test_a_bug_is_70_and_debug_shows_the_traceback(fitted, monkeypatch, capsys):
    def broken(path):
        raise AttributeError("nothing of the sort")

    monkeypatch.setattr(TableFlow, "load", broken)
    assert main(["info", str(fitted / "model")]) == 70
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
    assert main(["info", str(fitted / "model"), "--debug"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_check_fails_with_1_where_the_mathematics_does(fitted, run, monkeypatch):
    from pushforward.diagnostics import Certificate, Finding

    seen = {}

    def check(flow, x, condition=None):
        seen["x"] = x
        bad = Finding("round trip", not seen["fails"], 1.0, 0.1, "spreads", "row 0", "the inverse is none")
        return Certificate((bad,), (), "3-dimensional flow")

    monkeypatch.setattr("pushforward.diagnostics.check", check)
    seen["fails"] = False
    code, out, _ = run("check", fitted / "model", fitted / "good.csv", "--rows", 50)
    assert code == 0
    assert "all holds" in out
    assert seen["x"].shape == (50, 3)
    assert abs(seen["x"]).max() < 6  # standardised
    seen["fails"] = True
    code, out, _ = run("check", fitted / "model", "--json")
    assert code == 1
    assert json.loads(out)["ok"] is False
    assert seen["x"].shape == (2000, 3)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_waiting_shows_life_until_somebody_else_speaks(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(waiting, "_LIVE_SECONDS", 0.01)
    with waiting.Waiting("compiling"):
        while "compiling" not in terminal.getvalue():
            time.sleep(0.01)
        print("epoch 1", file=sys.stderr)
        time.sleep(0.05)
        assert terminal.getvalue().endswith("\r\x1b[2Kepoch 1\n")
    assert sys.stderr is terminal
    with waiting.Waiting("compiling", silent=True):
        time.sleep(0.05)
    assert terminal.getvalue().endswith("epoch 1\n")
