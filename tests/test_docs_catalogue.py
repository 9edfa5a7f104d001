"""The pages of docs/catalogue are complete, without building them.

| what | how |
| --- | --- |
| pages | every exported bijector and every distribution of ours is in one family, and every family has a page |
| what they say | each map has its formula, inverse, log-det and ranks, read from the docstring as it stands |
| pictures | every scalar map has arguments to be drawn for, which build it |
| TFP's names | each has a row, which says what ours is called or that there is none; whatever has no row is listed |
"""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from _catalogue.examples import CURVES, DENSITIES, RANGES
from _catalogue.facts import facts_of, signature
from _catalogue.families import BIJECTORS, DISTRIBUTIONS
from _catalogue.pictures import _thinned, picture
from pushforward import bijectors, distributions

DOCS = Path(__file__).resolve().parent.parent / "docs"
SCALAR_FAMILIES = ("scalar_maps", "distribution_functions", "splines_and_polynomials")
MAPS = sorted(
    name
    for name in bijectors.__all__
    if inspect.isclass(thing := getattr(bijectors, name)) and issubclass(thing, bijectors.Bijector)
)
# Bases and wrappers, whose inverse and log-det are those of something else, and which say so in other words.
IN_OTHER_WORDS = {"Bijector", "Composition", "Inline", "Invert", "Stack", "StandardizedCondition"}
# Scalar maps of which there is no curve to draw.
NOT_DRAWN = {"CategoricalToDiscrete"}


def test_every_exported_bijector_is_in_one_family():
    placed = [name for names in BIJECTORS.values() for name in names]
    assert len(placed) == len(set(placed))
    assert set(bijectors.__all__) == set(placed)


def test_every_distribution_of_ours_is_in_one_family():
    placed = [name for names in DISTRIBUTIONS.values() for name in names]
    ours = {n for n in distributions.__all__ if getattr(distributions, n).__module__.startswith("pushforward.")}
    assert len(placed) == len(set(placed))
    assert ours == set(placed)


def test_every_family_has_a_page_and_every_page_a_family():
    pages = {page.stem: page.read_text("utf-8") for page in (DOCS / "catalogue").glob("*.md")}
    assert pages.keys() == (BIJECTORS | DISTRIBUTIONS).keys()
    assert all(text.count("```{catalogue}\n```") == 1 for text in pages.values())


@pytest.mark.parametrize("name", MAPS)
def test_a_docstring_says_formula_inverse_and_log_det_in_a_form_that_the_page_can_show(name):
    facts = facts_of(getattr(bijectors, name))
    rows = dict(facts.rows)
    assert facts.formula
    assert "event ranks" in facts.declared
    if name not in IN_OTHER_WORDS:
        assert {"inverse", "log-det"} <= rows.keys() or "inverse and log-det" in rows, facts
        assert len(rows) == len(facts.rows), facts.rows


@pytest.mark.parametrize("family", SCALAR_FAMILIES)
def test_every_scalar_map_has_curves_of_its_own_to_be_drawn(family):
    names = BIJECTORS[family]
    assert set(names) - NOT_DRAWN <= CURVES.keys()
    for name in names:
        curves = CURVES.get(name, [])
        assert len({label for label, _ in curves}) == len(curves) <= 3
        for _, build in curves:
            assert type(build()) is getattr(bijectors, name)


def test_densities_are_of_distributions_of_ours_and_ranges_of_curves():
    for name, curves in DENSITIES.items():
        assert name in DISTRIBUTIONS["named_distributions"]
        for _, build in curves:
            assert type(build()) is getattr(distributions, name)
    assert RANGES.keys() <= CURVES.keys()
    assert all(low < high for low, high in RANGES.values())


def test_facts_are_read_as_they_stand():
    facts = facts_of(bijectors.Scale)
    assert facts.formula == "y = scale * x, element by element."
    assert facts.rows == [
        ("inverse", "x = y / scale"),
        ("log-det", "log |dy/dx| = log |scale|"),
        ("domain and codomain", "real"),
    ]
    assert facts.declared == "monotone; event ranks 0 → 0; constant Jacobian"
    assert signature(bijectors.Scale) == "(scale=None, log_scale=None, *, validate_args=False)"


def test_a_distribution_says_its_law():
    facts = facts_of(distributions.Weibull)
    assert [key for key, _ in facts.rows] == ["distribution function", "log-density", "support", "mean", "variance"]
    assert facts.rows[2] == ("support", "y > 0")


def test_the_reference_names_what_is_numpyros():
    text = (DOCS / "api/distributions.md").read_text("utf-8").split("exported here too")[1].split("```")[0]
    theirs = {n for n in distributions.__all__ if getattr(distributions, n).__module__.startswith("numpyro.")}
    assert set(re.findall(r"`(\w+)`", text)) == theirs


def test_a_picture_holds_a_curve_in_each_panel_for_each_choice_of_arguments():
    drawn = picture("Scale")
    paths = re.findall(r'<path d="(M[^"]+)" class="curve (c\d)"', drawn)
    assert [kind for _, kind in paths] == ["c1", "c2", "c3"] * 2
    # Straight lines need two points, the whole width of a panel apart.
    for path, _ in paths:
        (x0, _), (x1, _) = (map(float, point.split()) for point in path[1:].split("L"))
        assert x1 - x0 > 130
    assert drawn.count('class="key"') == 3


def rows_of(section):
    """(TFP's name, ours or None, differences) of a table of docs/tfp_names.md."""
    text = (DOCS / "tfp_names.md").read_text("utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")][2:]
    rows = [re.fullmatch(r"\| `(\w+)` \| (?:`(\w+)`|—) \| ([^|]+) \|", line) for line in lines]
    assert all(rows), lines
    beyond = re.search(r"^Beyond TFP: (.*?)\.$", text, re.MULTILINE | re.DOTALL)[1]
    return [row.groups() for row in rows], re.findall(r"`(\w+)`", beyond), text


def test_every_bijector_of_tfp_has_a_row_and_the_rest_of_ours_is_listed():
    rows, beyond, text = rows_of("Bijectors")
    theirs = [name for name, *_ in rows]
    # The number in the text is that of TFP's `__all__` at the version named; tests/parity compares the names.
    assert f"The {len(set(theirs))} names" in text
    assert len(theirs) == len(set(theirs)) >= 75
    for name, ours, _ in rows:
        assert ours is None or ours in bijectors.__all__
        assert (ours is None) == (name not in bijectors.__all__) or ours != name
    on_tensorflow = re.findall(r"`(\w+)`", text.split("TFP on TensorFlow")[1].split("not here yet")[0])
    listed = {ours for _, ours, _ in rows if ours} | set(beyond) | set(on_tensorflow)
    assert set(bijectors.__all__) <= listed
    assert set(beyond) <= set(bijectors.__all__) - set(theirs)


def test_every_distribution_is_in_the_table_of_names_or_listed_beyond_it():
    rows, beyond, _ = rows_of("Distributions")
    assert {ours for _, ours, _ in rows} | set(beyond) == set(distributions.__all__)
    assert not set(beyond) & {ours for _, ours, _ in rows}


def test_a_curve_loses_points_and_not_its_shape():
    x = np.linspace(0.0, 140.0, 241)
    y = 40 * np.log1p(x / 40)
    kept = _thinned(x, y)
    assert len(kept) < 60
    assert np.abs(np.interp(x, x[kept], y[kept]) - y).max() < 0.08
    assert _thinned(x, 3 * x) == [0, 240]
