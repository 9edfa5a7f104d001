"""The report: one file, nothing outside it, nothing unescaped, and a warning wherever its cause is planted."""

import dataclasses
import html.parser
import os
import re

import numpy as np
import pytest

from pushforward.data import Table, TableError
from pushforward.diagnostics import Certificate, Finding, calibration, two_samples
from pushforward.estimators import TableFlow
from pushforward.report import report_html, write_report
from pushforward.report.doubts import doubts
from pushforward.report.facts import gather
from pushforward.report.measured import Baselines, Score
from pushforward.report.page import page
from pushforward.training import EpochRecord, History

SMALL = {"flow": "maf", "flow_options": {"layers": 2, "hidden_units": (8,)}, "epochs": 2, "progress": False}
HOSTILE = ("=cmd()", "<script>alert('x')</script>", "two\nlines \u202e", '🦜 $x_1$ & "quoted" ' + "long " * 60)


def _table(rows=600, names=("x1", "x2"), source="folder/plain.csv"):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, len(names)))
    x[:, 1] += x[:, 0] ** 2
    return Table(names=tuple(names), values=x, integer=(False,) * len(names), source=source)


@pytest.fixture(scope="module")
def table():
    return _table()


@pytest.fixture(scope="module")
def model(table):
    return TableFlow.fit(table, **SMALL)


@pytest.fixture(scope="module")
def facts(model, table):
    return gather(model, table)


@pytest.fixture(scope="module")
def document(facts):
    return page(facts)


@pytest.fixture(scope="module")
def hostile_document():
    table = _table(400, HOSTILE, source="<b>bad & worse.csv")
    return report_html(TableFlow.fit(table, **SMALL), table)


class _Reader(html.parser.HTMLParser):
    """Tags with their attributes, the words outside scripts and styles, and whether every tag is closed."""

    EMPTY = frozenset(["meta", "br", "img", "input", "link", "hr"])

    def __init__(self, document):
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


def _sentences(facts):
    return {doubt.head: re.sub(r"<[^>]*>", "", doubt.sentence) for doubt in doubts(facts)}


# ------------------------------------------------------------------------------------------------- the file


@pytest.mark.parametrize("which", ["document", "hostile_document"])
def test_nothing_comes_from_elsewhere(which, request):
    text = request.getfixturevalue(which)
    reader = _Reader(text)
    assert reader.open == []
    for tag, attributes in reader.tags:
        for name in ("src", "href", "srcset", "poster", "action", "data", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, name)
        assert not any(name.startswith("on") for name in attributes), tag
    assert not re.search(r"(?i)https?:|url\(|@import|//[a-z]", "".join(re.findall(r"<style.*?</style>", text, re.S)))
    assert "http" not in re.sub(r'http-equiv|data:[^"]*', "", text)
    assert len(text.encode()) < 1_000_000


def test_every_section_is_there_and_every_link_leads_to_one(document):
    reader = _Reader(document)
    places = {attributes["id"] for _, attributes in reader.tags if "id" in attributes}
    assert {"fit", "distrust", "plane", "training", "pairs", "columns", "calibration", "rows", "certificate"} <= places
    links = {attributes["href"][1:] for tag, attributes in reader.tags if tag == "a"}
    assert links <= places


def test_it_can_be_heard(document):
    reader = _Reader(document)
    assert ("html", {"lang": "en"}) in reader.tags
    for tag, attributes in reader.tags:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert len(attributes["aria-label"]) > 10
        if tag == "img":
            assert len(attributes["alt"]) > 10
        if tag == "th":
            assert attributes["scope"] == "col"
    assert sum(tag == "h1" for tag, _ in reader.tags) == 1
    assert sum(tag == "caption" for tag, _ in reader.tags) == sum(tag == "table" for tag, _ in reader.tags)


def test_names_are_shown_as_they_are_and_do_nothing(hostile_document):
    reader = _Reader(hostile_document)
    words = "".join(reader.words)
    assert "=cmd()" in words
    assert "<script>alert('x')</script>" in words
    assert "two↵lines" in words
    assert "🦜 $x_1$ &" in words
    assert "\u202e" not in hostile_document
    assert "<b>bad & worse.csv" in words
    assert "script" not in [tag for tag, _ in reader.tags]
    assert "alert" not in re.sub(r"&lt;script&gt;alert", "", hostile_document)


def test_the_only_script_is_ours_and_pictures_stand_without_it(document):
    reader = _Reader(document)
    assert sum(tag == "script" for tag, _ in reader.tags) == 1
    # Base, two layers: three still pictures, and a player that is hidden until the script shows it.
    assert sum(tag == "img" for tag, _ in reader.tags) == 3
    assert [("hidden" in a) for tag, a in reader.tags if a.get("class") == "player"] == [True]


def test_the_first_screen_has_the_figures(facts, document):
    words = " ".join("".join(_Reader(document).words).split())
    head = words[: words.index("Training")]
    assert "plain.csv" in head
    assert "600" in head
    assert f"{facts.held_out_score.nll:.2f} ± {facts.held_out_score.error:.2f}".replace("-", "−") in head
    assert f"({facts.baselines.components})" in head


def test_figures_are_those_of_the_model(facts, model, table):
    held_out = model.held_out(table)
    np.testing.assert_allclose(facts.held_out_score.nll, -np.mean(model.log_density(held_out.values)), rtol=1e-9)
    np.testing.assert_allclose(facts.held_out_score.nll, model.record["held_out"]["nll"], rtol=1e-9)
    rows = table.values[facts.row_numbers - 1]
    np.testing.assert_array_equal(rows, facts.held_out)
    recorded = model.record["baselines"]
    assert recorded["mixture"]["nll"] < recorded["gaussian"]["nll"]
    np.testing.assert_allclose(recorded["gain"]["nats"], recorded["mixture"]["nll"] - facts.held_out_score.nll)


def test_write_report_is_whole_or_nothing(tmp_path, model, monkeypatch):
    path = tmp_path / "report.html"
    write_report(path, model, None)
    first = path.read_bytes()
    with pytest.raises(FileExistsError):
        write_report(path, model, None)
    write_report(path, model, None, overwrite=True)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TableError):
        write_report(path, model, None, overwrite=True)
    assert path.read_bytes() == first
    assert os.listdir(tmp_path) == ["report.html"]


def test_without_a_table_it_says_what_it_knows(model, facts):
    assert facts.baselines  # gathered, and kept in the record
    words = "".join(_Reader(report_html(model, None)).words)
    assert "600" in words
    assert "that this report was not given" in words
    assert "Gaussian" in words  # from the record


def test_another_table_is_new_in_all_rows(model):
    other = dataclasses.replace(_table(300), values=_table(300).values[::-1] + 0.5)
    facts = gather(model, other)
    assert len(facts.held_out) == 300
    assert facts.baselines is None
    assert "learnt from another table" in page(facts)


# ----------------------------------------------------------------------------------------------- the doubts


@pytest.fixture(scope="module")
def flawless(facts):
    """The same facts with everything in order."""
    rng = np.random.default_rng(1)
    z, schema = rng.normal(size=(500, 2)), facts.model.schema
    inside = np.clip(facts.samples, [c.minimum for c in schema.columns], [c.maximum for c in schema.columns])
    history = History([EpochRecord(k, 2.0 - 0.1 * k, 2.0 + 0.01 * (k - 5) ** 2, 0.1, 0, k) for k in range(1, 9)])
    score = Score(2.0, 0.01)
    return dataclasses.replace(
        facts,
        model=dataclasses.replace(facts.model, history=history),
        held_out=rng.normal(size=(500, 2)),
        row_numbers=np.arange(1, 501),
        samples=inside,
        log_density=rng.normal(size=500),
        held_out_score=score,
        training_score=score,
        baselines=Baselines(Score(3.0, 0.01), Score(2.5, 0.01), 4, Score(0.5, 0.01)),
        latent_tests=calibration(z, distance=True),
        column_tests=two_samples(z, z),
        certificate=Certificate((), (), ""),
    )


def test_nothing_found_is_said(flawless):
    assert doubts(flawless) == []
    assert "Nothing was found" in page(flawless)


def _history(losses, stopped="epochs", skipped=0):
    return History([EpochRecord(k + 1, v, v, 0.1, skipped, k) for k, v in enumerate(losses)], stopped)


def test_doubts_about_training(flawless):
    def with_history(history):
        return _sentences(dataclasses.replace(flawless, model=dataclasses.replace(flawless.model, history=history)))

    falling = [3.0 - 0.1 * k for k in range(20)]
    assert "last of 20" in with_history(_history(falling))["Training ended too early"]
    assert "after 20 epochs" in with_history(_history(falling, "interrupted"))["Training was interrupted"]
    assert "40 training steps" in with_history(_history(falling, skipped=2))["Skipped steps"]
    assert with_history(_history([*falling, *[1.1] * 5])) == {}


def test_doubts_about_the_score(flawless):
    worse = Baselines(Score(3.0, 0.01), Score(1.8, 0.01), 4, Score(-0.2, 0.01))
    assert "4 Gaussians" in _sentences(dataclasses.replace(flawless, baselines=worse))["A simpler model is better"]
    same = Baselines(Score(3.0, 0.01), Score(2.0, 0.01), 4, Score(0.01, 0.01))
    assert "No better than a mixture" in _sentences(dataclasses.replace(flawless, baselines=same))
    memorised = dataclasses.replace(flawless, training_score=Score(1.4, 0.01))
    assert "0.600 ± 0.014 nats better" in _sentences(memorised)["Overfitting"]
    lost = np.where(np.arange(500) < 3, -np.inf, flawless.log_density)
    assert "3 held-out rows" in _sentences(dataclasses.replace(flawless, log_density=lost))["Rows without a density"]
    few = dataclasses.replace(flawless, held_out=flawless.held_out[:40])
    assert "Only 40 rows" in _sentences(few)["Few held-out rows"]
    copied = dataclasses.replace(flawless, held_out=flawless.rest[:400])
    assert "100\u202f%" in _sentences(copied)["Repeated rows"]


def test_doubts_about_calibration_and_samples(flawless):
    rng = np.random.default_rng(2)
    z = rng.normal(size=(800, 2)) + np.array([0.0, 0.4])
    found = _sentences(dataclasses.replace(flawless, latent_tests=calibration(z)))
    assert "coordinate 2" in found["Latents are not normal"]
    shifted = two_samples(rng.normal(size=(800, 2)), rng.normal(size=(800, 2)) + np.array([0.5, 0.0]))
    found = _sentences(dataclasses.replace(flawless, column_tests=shifted))
    assert "Samples of x1 are" in found["Samples differ from the data"]
    beyond = flawless.samples.copy()
    beyond[::10, 1] = 1e3
    found = _sentences(dataclasses.replace(flawless, samples=beyond))
    assert "10\u202f% of the samples" in found["Samples outside the data's range"]
    assert "x2 above" in found["Samples outside the data's range"]
    failed = Finding("round trip", False, 0.5, 0.001, "spreads", "row 1", "reason")
    found = _sentences(dataclasses.replace(flawless, certificate=Certificate((failed,), (), "")))
    assert "round trip found 0.5 spreads" in found["The arithmetic fails a check"]


def test_doubts_about_the_data(flawless):
    def with_columns(rows=45_730, **changes):
        columns = tuple(dataclasses.replace(c, **changes) for c in flawless.model.schema.columns[:1])
        schema = dataclasses.replace(flawless.model.schema, columns=columns + flawless.model.schema.columns[1:])
        return _sentences(
            dataclasses.replace(flawless, rows=rows, model=dataclasses.replace(flawless.model, schema=schema))
        )

    assert "x1 holds 341 distinct values in 45,730 rows" in with_columns(distinct=341)["Few distinct values"]
    assert "x1 holds whole numbers" in with_columns(integer=True, distinct=1000)["Whole numbers"]
    assert "x1 reaches" in with_columns(maximum=1e4, distinct=1000)["Heavy tails"]
    same = np.repeat(np.random.default_rng(3).normal(size=(300, 1)), 2, axis=1)
    assert "Columns that follow from others" in _sentences(dataclasses.replace(flawless, rest=same))
