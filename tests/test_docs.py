"""The pages of docs/ hang together, so that `make docs`, which stops at warnings, finds nothing new.

| what | how |
| --- | --- |
| pages | each in one table of contents, and each entry of one a page |
| links | inside docs/, to pages and headings that the site gives an anchor |
| code | every block closed, narrow enough, in a known language; `test_readme.py` and `test_docs_tool.py` run it |
| the reference | a place for every public package |
| figures and defaults that are quoted | those of benchmarks/RESULTS.md and of the signatures |
"""

import inspect
import itertools
import re
from pathlib import Path

import pytest

import pushforward as pf
from pushforward import flows

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
FENCE = re.compile(r"^(`{3,}|:{3,})[ ]*(.*?)[ ]*$", re.MULTILINE)
LANGUAGES = {"python", "sh", "text", "{toctree}", "{eval-rst}", "{catalogue}"}
# What the column of the site shows of a line of code.
WIDEST = 88
# `myst_heading_anchors` of docs/conf.py: deeper headings have no anchor.
DEEPEST = 3


def by_name(page):
    return page.relative_to(DOCS).as_posix()


def blocks(text):
    """(language, content) of each fenced block; ValueError where one is not closed."""
    found, opened = [], None
    for match in FENCE.finditer(text):
        if opened is None:
            opened = match
        elif match[1] == opened[1] and not match[2]:
            found.append((opened[2], text[opened.end() + 1 : match.start()]))
            opened = None
    if opened is not None:
        raise ValueError(f"a block is not closed: {opened[0]}")
    return found


def prose(text):
    """The page without its blocks."""
    return re.sub(r"^(`{3,}|:{3,}).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page):
    headings = re.findall(rf"^#{{1,{DEEPEST}}} (.*)$", prose(page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_every_page_is_in_one_table_of_contents():
    entries = []
    for page in PAGES:
        for language, content in blocks(page.read_text("utf-8")):
            if language == "{toctree}":
                lines = [line for line in content.splitlines() if line and not line.startswith(":")]
                entries += [(page.parent / f"{line}.md").resolve() for line in lines]
    assert sorted(entries) == sorted(page for page in PAGES if page != DOCS / "index.md")


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_stay_on_the_site_and_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text("utf-8"))):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal in PAGES, target
        assert not anchor or anchor in anchors(goal), target


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_every_block_is_closed_narrow_enough_and_in_a_known_language(page):
    for language, content in blocks(page.read_text("utf-8")):
        assert language in LANGUAGES, (language, content[:60])
        if language in ("python", "sh"):
            assert max(map(len, content.splitlines())) <= WIDEST, content


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_a_page_has_one_title_at_its_top_and_no_level_is_skipped(page):
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose(page.read_text("utf-8")), re.MULTILINE)]
    assert page.read_text("utf-8").startswith("# ")
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_public_package_has_a_place_in_the_reference():
    reference = "\n".join(page.read_text("utf-8") for page in (DOCS / "api").glob("*.md"))
    packages = [getattr(pf, name) for name in pf.__all__ if hasattr(getattr(pf, name), "__path__")]
    assert len(packages) >= 10
    for package in packages:
        assert re.search(rf":: {re.escape(package.__name__)}$", reference, re.MULTILINE), package.__name__


def test_the_figures_quoted_are_those_measured():
    measured = (ROOT / "benchmarks/RESULTS.md").read_text("utf-8")
    text = (DOCS / "choosing.md").read_text("utf-8").split("## Measured")[1]
    rows = re.findall(r"^\| \S.*$", text, re.MULTILINE)
    rows = [row for row in rows if not row.startswith("| ---")]
    assert len(rows) >= 8
    for row in rows:
        assert row in measured, row


def test_the_defaults_quoted_are_those_of_the_recipes():
    text = (DOCS / "choosing.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\(.*?\)) \| (.*?) ?\|$", text, re.MULTILINE)
    assert {name for name, *_ in rows} == set(flows.__all__)
    for name, layers, hidden, permutation in rows:
        default = {key: p.default for key, p in inspect.signature(getattr(flows, name)).parameters.items()}
        assert default.get("layers", 1) == int(layers), name
        assert str(tuple(default["hidden_units"])) == hidden, name
        assert (f'"{default["permutation"]}"' if "permutation" in default else "") == permutation, name
