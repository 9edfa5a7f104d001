"""The Python of README.md and docs/ runs as it stands, page by page, in one namespace, in an empty folder.

| what | how |
| --- | --- |
| every page | its blocks in order, with `x` a standardised table where a page takes one for granted |
| what README says the results are | values and shapes of the names that its blocks leave behind |
| the table of docs/shapes.md | each row evaluated |
| links | every relative one leads to a file, and its anchor to a heading |

To be quick, `fit` takes 1 epoch and recipes 1 layer where the text leaves them to the defaults; both are the defaults'
only change, so names, arguments and shapes are those of the reader.
"""

import ast
import inspect
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward import bijectors, flows
from pushforward.training.settings import default_batch_size, default_epochs

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# docs/tool.md needs its commands too: test_docs_tool.py.
WITH_CODE = [p for p in PAGES if BLOCK.search(p.read_text("utf-8")) and p.name != "tool.md"]


def by_name(page):
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(pf.fit.__kwdefaults__, "epochs", 1)
    for name in flows.__all__:
        monkeypatch.setitem(getattr(flows, name).__kwdefaults__, "layers", 1)

    def run(page):
        text = page.read_text("utf-8")
        table = np.random.default_rng(1).standard_normal((5_000, 2)).astype(np.float32)
        names = {"__name__": "reader", "x": table}
        for match in BLOCK.finditer(text):
            line = text[: match.start(1)].count("\n")
            with jax.numpy_dtype_promotion("standard" if "numpyro.infer" in text else "strict"):  # NUTS needs it
                exec(compile("\n" * line + match[1], by_name(page), "exec"), names)
        return names

    return run


@pytest.mark.parametrize("page", [p for p in WITH_CODE if p.name != "README.md"], ids=by_name)
def test_the_blocks_of_a_page_run(page, run):
    run(page)


def test_the_readme_runs_and_says_what_happens(run, key):
    names = run(ROOT / "README.md")
    x, table, model = names["x"], names["table"], names["in_units"].base
    assert model.log_prob(x).shape == (5000,)
    assert model.sample(key, (1000,)).shape == (1000, 2)
    assert jnp.array_equal(names["flow"].log_prob(x), model.log_prob(x))
    # The change of variables by hand; float32 values of up to some hundred nats in the tail.
    by_hand = np.asarray(model.log_prob(x)) - np.log(table.std(0)).sum()
    np.testing.assert_allclose(names["in_units"].log_prob(table), by_hand, rtol=1e-4, atol=1e-3)

    b = names["b"]
    assert b.forward(jnp.array([1.0, 2.0, 3.0])).tolist() == [3, 5, 7]
    assert b.inverse(jnp.array([2.0, 5.0, 8.0])).tolist() == [0.5, 2, 3.5]
    assert b.forward_log_det_jacobian(jnp.ones((4, 3)), event_ndims=1).shape == (4,)
    assert names["log_normal"].cdf(1.0) == 0.5

    own, ours, points = names["Sigmoid"](), bijectors.Sigmoid(), jnp.linspace(-3.0, 3.0, 7)
    np.testing.assert_allclose(own.forward(points), ours.forward(points), rtol=1e-6)
    np.testing.assert_allclose(
        own.inverse_log_det_jacobian(own.forward(points)), -ours.forward_log_det_jacobian(points), rtol=1e-5
    )
    # d sinh / dx = cosh.
    np.testing.assert_allclose(names["sinh"].forward_log_det_jacobian(points), np.log(np.cosh(points)), rtol=1e-5)

    conditional, c, y = names["result"].model, names["c"], names["y"]
    assert conditional(c).log_prob(y).shape == (5000,)
    assert conditional(c[0]).sample(key, (100,)).shape == (100, 2)


def test_the_readme_names_the_recipes_and_the_defaults_of_fit():
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert all(f"`{name}`" in text for name in flows.__all__)
    default = {name: p.default for name, p in inspect.signature(pf.fit).parameters.items()}
    for name, words in {
        "learning_rate": "Adam at 3e-3",
        "schedule": "cosine schedule",
        "epochs": "up to 100 epochs in batches of 256 (300 epochs below 2,048 rows, and batches of a 32nd of the rows, "
        "but no fewer than 32, below 8,192)",
        "validation_fraction": "a tenth of the rows",
        "patience": "for 20 epochs",
        "ema_decay": "ema_decay=0.99",
        "max_grad_norm": "not clipped",
    }.items():
        assert words in text, name
    stated = {"learning_rate": 3e-3, "schedule": "cosine", "epochs": None, "batch_size": None, "optimizer": None}
    stated |= {"validation_fraction": 0.1, "patience": 20, "ema_decay": 0.99, "max_grad_norm": None}
    assert {name: default[name] for name in stated} == stated
    by_rows = [(default_epochs(rows), default_batch_size(rows)) for rows in (1, 2047, 2048, 8191, 8192, 10**6)]
    assert by_rows == [(300, 32), (300, 32), (100, 64), (100, 128), (100, 256), (100, 256)]


def test_the_table_of_shapes_is_true():
    rows = re.findall(r"^\| `([A-Z].*?)` \| `(.*?)` \| `(.*?)`", (ROOT / "docs/shapes.md").read_text("utf-8"), re.M)
    assert len(rows) >= 5
    exported = {name: getattr(bijectors, name) for name in bijectors.__all__}
    for call, shape, result in rows:
        names = exported | {"x": jnp.ones(ast.literal_eval(shape))}
        if result == "ValueError":
            with pytest.raises(ValueError, match="below the minimum"):
                eval(call, names)
        else:
            assert eval(call, names).shape == eval(result), call


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), target
        headings = re.findall(r"^#+ (.*)$", goal.read_text("utf-8"), re.M) if anchor else []
        assert not anchor or anchor in {re.sub(r"[^\w\- ]", "", h).lower().replace(" ", "-") for h in headings}, target


def test_every_file_that_a_page_names_is_there():
    for page in PAGES:
        for path in re.findall(r"`((?:src|tests|examples|benchmarks|docs)/[\w./]+)`", page.read_text("utf-8")):
            assert (ROOT / path).exists(), (by_name(page), path)
