"""The examples run, at their small size, draw what they say, and would notice if their figures were wrong.

| what | how |
| --- | --- |
| every example runs and keeps its promises | `main(["--small", ...])`, warnings being errors |
| its pictures are those that examples/README.md names, and show something | files; many colours in each |
| its promises can be broken | with training left out, or a wrong bijector, it raises |
| `promise` | right and wrong figures, shapes and bounds, NaN |
"""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

import pushforward as pf
from pushforward.training import EpochRecord, History

FOLDER = Path(__file__).resolve().parent.parent / "examples"
TEXT = (FOLDER / "README.md").read_text("utf-8")
# | [`name.py`](name.py) | what it shows | `picture`, `picture` |
NAMED = {
    name: re.findall(r"`(\w+)`", pictures)
    for name, pictures in re.findall(r"^\| \[`(\w+)\.py`\].*\| ([^|]*) \|$", TEXT, re.MULTILINE)
}
TRAINING = sorted(set(NAMED) - {"bijector_basics"})

pytestmark = pytest.mark.standard_promotion  # Optax raises a float to an integer power


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


def test_the_index_names_every_example():
    assert set(NAMED) == {path.stem for path in FOLDER.glob("*.py")} - {"helpers"}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_an_example_keeps_its_promises_and_draws_its_pictures(name, example, tmp_path, capsys):
    example(name).main(["--small", "--out", str(tmp_path)])
    assert capsys.readouterr().out.count("promised") >= 3
    assert {path.name for path in tmp_path.iterdir()} == {f"{picture}.png" for picture in NAMED[name]}
    for path in tmp_path.iterdir():
        pixels = imread(path)[..., :3]
        assert min(pixels.shape[:2]) >= 350
        # Not blank, and no panel that is: ink in each quarter of the picture.
        for half in np.array_split(pixels, 2):
            for quarter in np.array_split(half, 2, axis=1):
                assert np.mean(np.any(quarter < 0.9, axis=-1)) > 0.005
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100


@pytest.mark.parametrize("name", TRAINING)
def test_an_untrained_flow_breaks_a_promise(name, example, tmp_path, monkeypatch):
    history = History([EpochRecord(1, 1.0, 1.0, 1e-3, 0, 1.0)])
    monkeypatch.setattr(pf, "fit", lambda key, model, *data, **options: pf.FitResult(model, history))
    with pytest.raises(example("helpers").BrokenPromiseError):
        example(name).main(["--small", "--out", str(tmp_path)])


@pytest.mark.parametrize("section", ["forward_and_inverse", "normal", "relatives", "relaxed_categorical"])
def test_a_wrong_bijector_breaks_a_promise(section, example, tmp_path, monkeypatch):
    basics, helpers = example("bijector_basics"), example("helpers")
    scale = basics.Scale
    monkeypatch.setattr(basics, "Scale", lambda factor: scale(1.001 * factor))
    page = helpers.Page(basics.__doc__, ["--small", "--out", str(tmp_path)])
    with pytest.raises(helpers.BrokenPromiseError):
        getattr(basics, section)(page)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1.02, {"near": 1.0, "within": 0.01}),
        ([1.0, 2.0], {"near": [1.0, 2.1], "within": 0.01}),
        ([1.0, 1.0], {"near": 1.0}),
        (np.nan, {"near": 1.0, "within": 0.01}),
        (np.nan, {"at_most": 1.0}),
        (0.5, {"at_least": 0.6}),
        ([0.5, 0.7], {"at_most": 0.6}),
    ],
)
def test_a_promise_that_is_not_kept_raises(value, wanted, example, tmp_path):
    helpers = example("helpers")
    page = helpers.Page("A page.", ["--out", str(tmp_path)])
    page.promise("right", 1.0, near=1.0)
    with pytest.raises(helpers.BrokenPromiseError, match=r"wrong: .* promises"):
        page.promise("wrong", value, **wanted)
