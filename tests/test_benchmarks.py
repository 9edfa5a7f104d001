"""The benchmarks' own code: what turns runs into the tables of RESULTS.md.

| what | how |
| --- | --- |
| brief tables | medians, the fastest in bold but not the floor, ratios, failures |
| sections of RESULTS.md | replaced between their marks, the words around them kept; every section has its marks |
| what is missing | told, and nothing is run |
"""

import json
from pathlib import Path

import pytest
from benchmarks import everything
from benchmarks.tables import brief, summary

ROOT = Path(__file__).parent.parent


def result(cases):
    runs = {
        case: {who: [{"median_s": t, "versions": {who: "1.0"}} for t in times] for who, times in rows.items()}
        for case, rows in cases.items()
    }
    table = {case: summary(rows) for case, rows in runs.items()}
    where = {"processor": "CPU", "cores": "2", "python": "3.11", "date": "2026-01-01"}
    return {"machine": where, "settings": {"repeats": 3}, "summary": table}


def test_a_brief_table_has_medians_the_fastest_and_the_ratios():
    text = brief(
        result(
            {
                "step-affine-d43-n512": {
                    "ours": [0.010, 0.012, 0.020],
                    "zuko": [0.024],
                    "flowjax": [0.018],
                    "bare_matmuls": [0.008],
                },
                "step-affine_coupling-d43-n512": {"ours": [0.0301], "zuko": [0.0151]},
            }
        )
    )
    assert text.splitlines() == [
        "CPU, 2 cores, Python 3.11, 2026-01-01; bare_matmuls 1.0, flowjax 1.0, ours 1.0, zuko 1.0. "
        "Medians of 3 interleaved runs, ms.",
        "",
        "|  | affine, D = 43, 512 rows |",
        "| --- | --- |",
        "| ours | **12.0** |",
        "| zuko | 24.0 |",
        "| flowjax | 18.0 |",
        "| bare matmuls | 8.00 |",
        "| ours over bare products | 1.50 |",
        "| fastest peer over ours | 1.50 |",
        "",
        "|  | affine coupling, D = 43, 512 rows |",
        "| --- | --- |",
        "| ours | 30.1 |",
        "| zuko | **15.1** |",
        "| fastest peer over ours | 0.50 |",
    ]


def test_a_brief_table_says_who_failed():
    made = result({"step-spline-d2-n8": {"ours": [0.002]}})
    made["summary"]["step-spline-d2-n8"]["zuko"] = {"error": "no environment"}
    assert "| zuko | failed |" in brief(made).splitlines()


def test_a_section_whose_peer_has_no_environment_is_left(monkeypatch, tmp_path):
    made = result({"step-spline-d2-n8": {"ours": [0.002]}})
    made["summary"]["step-spline-d2-n8"]["zuko"] = {"error": "no environment: run python benchmarks/envs.py"}
    (tmp_path / "step.json").write_text(json.dumps(made))
    monkeypatch.setattr(everything, "RESULTS", tmp_path)
    with pytest.raises(ValueError, match="zuko has no environment"):
        everything.compared("step")()


def test_a_section_is_replaced_and_the_words_around_it_stay():
    report = "words\n\n<!-- a -->\nold\n<!-- end of a -->\n\nmore <!-- b -->\nkept\n<!-- end of b -->\n"
    filled = everything.filled(report, "a", "\n| new |\n")
    assert filled == report.replace("old", "| new |")
    with pytest.raises(ValueError, match="no place for 'c'"):
        everything.filled(report, "c", "text")


def test_every_section_has_its_place_in_the_report():
    report = (ROOT / "benchmarks/RESULTS.md").read_text("utf-8")
    for name in everything.SECTIONS:
        assert "\nmade\n" in everything.filled(report, name, "made")
        assert report.count(f"<!-- {name} -->") == report.count(f"<!-- end of {name} -->") == 1


def test_what_cannot_be_run_is_told_and_left(monkeypatch, tmp_path, capsys):
    report = tmp_path / "RESULTS.md"
    report.write_text("<!-- torsions -->\nold\n<!-- end of torsions -->\n")
    monkeypatch.setattr(everything, "REPORT", report)
    monkeypatch.setattr(everything, "run", lambda name: pytest.fail("was run"))
    monkeypatch.delenv("PUSHFORWARD_DATA", raising=False)
    monkeypatch.setattr("sys.argv", ["everything", "--only", "torsions"])
    assert everything.main() == 1
    assert "torsions: left as it was: PUSHFORWARD_DATA does not name" in capsys.readouterr().err
    assert "old" in report.read_text()


def test_medians_of_seeds_are_filled_in_from_what_was_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(everything, "KEPT", tmp_path)
    line = {
        "circular": {"median": 1.5, "runs": [1, 1.5, 2]},
        "line": {"median": 2, "runs": [2]},
        "von Mises": {"median": 3, "runs": [3]},
    }
    where = {"processor": "CPU", "cores": "2", "python": "3.11", "date": "2026-01-01"}
    found = {
        "machine": where,
        "versions": {"jax": "1.0"},
        "commands": ["torsions"],
        "printed": [f"seed 0\n{json.dumps(line)}\n"],
    }
    (tmp_path / "torsions.json").write_text(json.dumps(found))
    text = everything.torsions()
    assert text.startswith("CPU, 2 cores, Python 3.11, 2026-01-01; jax 1.0.\n\n|  | test NLL |")
    assert "| flows.circular | 1.500 (1.000 to 2.000) |" in text
