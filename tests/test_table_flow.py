"""`TableFlow`: densities and samples in the units of the data, exactly; folders; what is refused."""

import json
import math
import os
import signal
import threading

import jax
import numpy as np
import pytest

import pushforward as pf
from pushforward import io
from pushforward.data import Table, TableError
from pushforward.estimators import TableFlow, blocks
from pushforward.estimators.settings import MOST_COLUMNS, RECIPES
from pushforward.training import EpochRecord, History

# One affine layer compiles in a moment; what flows can fit is tested elsewhere.
SMALL = {"flow": "maf", "flow_options": {"layers": 1, "hidden_units": (8,)}, "epochs": 2, "progress": False}


def table_of(rows=300, source="made"):
    """A column of large location, one that depends on it, and one in other units."""
    rng = np.random.default_rng(3)
    a = rng.normal(size=rows)
    b = np.sin(2 * a) + 0.3 * rng.normal(size=rows)
    c = b + rng.normal(size=rows)
    return Table.of(np.stack([1e4 + 20 * a, 1e-3 * b, 7 * c], axis=1), ["a", "b", "c"], source=source)


@pytest.fixture(scope="module")
def table():
    return table_of()


@pytest.fixture(scope="module")
def model(table):
    return TableFlow.fit(table, seed=5, **SMALL)


@pytest.fixture(scope="module")
def conditional(table):
    return TableFlow.fit(table, condition=["b"], **SMALL)


# -------------------------------------------------------------------- units
def test_the_density_is_that_of_the_standardised_flow_and_the_jacobian(model, table):
    x, _ = model.schema.select(table)
    loc = np.array([column.loc for column in model.schema.columns])
    scale = np.array([column.scale for column in model.schema.columns])
    z = ((x - loc) / scale).astype(np.float32)
    expected = np.asarray(model.flow.log_prob(z), np.float64) - np.sum(np.log(scale))
    # The same program on other block sizes: roundings of float32 numbers of size 10.
    np.testing.assert_allclose(model.log_density(x), expected, atol=2e-5)


def test_the_density_of_one_column_integrates_to_one():
    rng = np.random.default_rng(0)
    table = Table.of(1e5 + 3e3 * rng.gamma(3.0, size=(400, 1)), ["income"])
    model = TableFlow.fit(table, **SMALL)
    column = model.schema.columns[0]
    x = np.linspace(column.loc - 9 * column.scale, column.loc + 9 * column.scale, 4001)
    total = np.trapezoid(np.exp(model.log_density(x[:, None])), x)
    assert total == pytest.approx(1.0, abs=1e-5)  # float32 densities


def test_location_is_not_lost_to_float32(model, table):
    """Two rows that differ by less than float32 tells apart at 1e9 have different densities."""
    values = table.values.copy()
    values[:, 0] += 1e9
    moved = TableFlow.fit(Table.of(values, table.names), seed=5, **SMALL)
    np.testing.assert_allclose(moved.log_density(values), model.log_density(table.values), atol=1e-3)


def test_the_model_in_data_units_agrees(model, conditional, table):
    x, _ = model.schema.select(table)
    density = np.asarray(model.model().log_prob(x.astype(np.float32)))
    # Column a is 1e4 + 20 z, so that float32 keeps z to 1e4 * 2^-24 / 20 = 3e-5 only; slopes are of size 10.
    np.testing.assert_allclose(density, model.log_density(x), atol=5e-3)
    x, c = conditional.schema.select(table)
    given = conditional.model()(c.astype(np.float32))
    np.testing.assert_allclose(given.log_prob(x.astype(np.float32)), conditional.log_density(x, c), atol=5e-3)
    assert not any(jax.tree.leaves(pf.trainable(model.model().bijector[:2])))


def test_latents_and_samples_go_with_the_density(model, conditional, table):
    x, _ = model.schema.select(table)
    z = model.latents(x)
    loc, scale = (np.array([getattr(c, name) for c in model.schema.columns]) for name in ("loc", "scale"))
    back = loc + scale * np.asarray(model.flow.bijector.forward(z.astype(np.float32)), np.float64)
    assert np.max(np.abs(back - x) / scale) < 1e-3  # a round trip in float32, relative to the scales
    # Whatever the training has come to, the latents of samples are standard normal: within five standard errors.
    z = model.latents(model.sample(4000, seed=1))
    np.testing.assert_allclose(z.mean(0), 0, atol=5 / math.sqrt(4000))
    np.testing.assert_allclose(z.std(0), 1, atol=5 / math.sqrt(8000))
    _, c = conditional.schema.select(table)
    z = conditional.latents(conditional.sample(300, condition=c), c)
    np.testing.assert_allclose(z.mean(0), 0, atol=5 / math.sqrt(300))
    np.testing.assert_allclose(z.std(0), 1, atol=5 / math.sqrt(600))


def test_each_sample_has_its_own_condition(table):
    values = table.values.copy()
    values[:, 0] = 1000 * values[:, 1] + 0.01 * np.random.default_rng(0).normal(size=len(values))
    options = SMALL | {"epochs": 200, "learning_rate": 0.02}
    model = TableFlow.fit(Table.of(values, table.names), condition=["b"], **options)
    c = np.linspace(-1e-3, 1e-3, 50)[:, None]
    drawn = model.sample(50, condition=c)
    assert np.corrcoef(drawn[:, 0], c[:, 0])[0, 1] > 0.9


# ------------------------------------------------------------------- blocks
def test_blocks_give_every_row_its_own_value(model, conditional, table, monkeypatch):
    x, _ = model.schema.select(table)
    whole = model.log_density(x), model.latents(x)
    x2, c2 = conditional.schema.select(table)
    given = conditional.log_density(x2, c2)
    monkeypatch.setattr(blocks, "_MOST_ROWS", 64)
    for cores in (1, 3):
        monkeypatch.setattr(blocks, "_cores", lambda cores=cores: cores)
        np.testing.assert_allclose(model.log_density(x), whole[0], atol=2e-5)
        np.testing.assert_allclose(model.latents(x), whole[1], atol=2e-5)
        np.testing.assert_allclose(conditional.log_density(x2, c2), given, atol=2e-5)
    drawn = model.sample(150, seed=2)
    assert len(np.unique(drawn, axis=0)) == 150
    np.testing.assert_array_equal(model.sample(70, seed=2), drawn[:70])
    assert not np.array_equal(model.sample(70, seed=3), drawn[:70])


def test_one_program_for_any_number_of_rows(model, table):
    from pushforward.estimators import table_flow

    x, _ = model.schema.select(table)
    traces = []
    watched = jax.jit(lambda z: traces.append(1) or table_flow._log_density(model.flow, z, None))
    for rows in (1, 7, 300):
        model._by_blocks(lambda flow, z, c: watched(z), x[:rows], None, ())
    assert len(traces) == 1
    assert model.log_density(x[:0]).shape == (0,)
    assert model.sample(0).shape == (0, 3)


@pytest.mark.parametrize("columns", [1, 3, 10, 100, 10_000])
def test_blocks_shrink_with_the_columns(columns):
    size = blocks.block_rows(columns)
    assert size & (size - 1) == 0
    assert size * columns <= max(1 << 15, 64 * columns)


def test_nan_and_far_away(model, table):
    x, _ = model.schema.select(table)
    x = x[:3].copy()
    x[0, 1] = np.nan
    x[1, 0] = 1e300
    density = model.log_density(x)
    assert np.isnan(density[0])
    assert density[1] == -np.inf
    assert np.isfinite(density[2])


# -------------------------------------------------------------------- splits
def test_held_out_rows_are_those_that_training_did_not_see(model, table):
    rest, held_out = model.split(table)
    assert len(held_out) == 30
    np.testing.assert_array_equal(np.sort(np.concatenate([rest, held_out])), np.arange(300))
    kept = model.held_out(table)
    np.testing.assert_array_equal(kept.values, table.values[held_out])
    nll = -model.log_density(kept.values)
    figures = model.record["held_out"]
    assert figures["rows"] == 30
    assert figures["nll"] == pytest.approx(nll.mean(), abs=1e-5)
    assert figures["standard_error"] == pytest.approx(nll.std(ddof=1) / math.sqrt(30), rel=1e-4)
    # Locations come from the rest alone.
    assert model.schema.columns[0].loc == pytest.approx(table.values[rest, 0].mean(), rel=1e-12)
    assert len(model.held_out(table.select(["c", "a", "b"]))) == 30  # the same table in another order
    assert len(model.held_out(table_of(200))) == 200  # another one


def test_without_held_out_rows_there_is_no_score(table):
    model = TableFlow.fit(table, test_fraction=0.0, **SMALL | {"epochs": 1})
    assert model.record["held_out"] is None
    assert len(model.held_out(table)) == 0


def test_the_seed_decides(model, table):
    again = TableFlow.fit(table, seed=5, **SMALL)
    np.testing.assert_array_equal(again.log_density(table.values), model.log_density(table.values))
    assert again.record["held_out"] == model.record["held_out"]
    other = TableFlow.fit(table, seed=6, **SMALL)
    assert not np.array_equal(other.log_density(table.values), model.log_density(table.values))


# ------------------------------------------------------------------ folders
def test_a_folder_gives_the_same_model_back(model, conditional, table, tmp_path):
    for name, flow in (("plain", model), ("conditional", conditional)):
        flow.save(tmp_path / name, files={"report.html": "<p>é</p>"})
        folder = tmp_path / name
        assert sorted(os.listdir(folder)) == [
            "config.json", "history.csv", "report.html", "schema.json", "weights.safetensors",
        ]  # fmt: skip
        assert (folder / "report.html").read_text(encoding="utf-8") == "<p>é</p>"
        loaded = TableFlow.load(folder)
        x, c = flow.schema.select(table)
        np.testing.assert_array_equal(loaded.log_density(x, c), flow.log_density(x, c))
        assert loaded.schema == flow.schema
        assert loaded.history == flow.history
        assert loaded.record == flow.record
        assert jax.tree.structure(loaded.flow) == jax.tree.structure(flow.flow)
        density = pf.load(folder)
        density = density if c is None else density(c.astype(np.float32))
        np.testing.assert_allclose(density.log_prob(x.astype(np.float32)), flow.log_density(x, c), atol=5e-3)


def test_history_comes_back_with_gaps():
    from pushforward.estimators.files import history_bytes, history_of

    records = [EpochRecord(1, math.inf, None, 1e-3, 2, 0.25), EpochRecord(2, -1.5, 0.1 + 0.2, 5e-4, 0, 1.0)]
    assert history_of(history_bytes(History(records, "patience")), "patience") == History(records, "patience")


def test_a_folder_is_not_replaced_unasked(model, tmp_path):
    model.save(tmp_path / "m")
    with pytest.raises(FileExistsError, match="overwrite"):
        model.save(tmp_path / "m")
    model.save(tmp_path / "m", overwrite=True, files={"report.html": b"new"})
    assert (tmp_path / "m" / "report.html").read_bytes() == b"new"
    with pytest.raises(ValueError, match=r"notes\.txt"):
        model.save(tmp_path / "n", files={"notes.txt": b""})
    with pytest.raises(TypeError, match=r"bytes of 'report\.html'.* encode"):
        io.save(tmp_path / "n", model.model(), files={"report.html": "text"})
    assert not (tmp_path / "n").exists()


def test_further_files_come_from_the_folder_of_the_model(model, tmp_path):
    model.save(tmp_path / "m")
    (tmp_path / "m" / "report.html").symlink_to("/etc/hostname")
    assert set(io.load_folder(tmp_path / "m", ["history.csv"])[2]) == {"history.csv"}
    with pytest.raises(ValueError, match=r"report\.html .* not a regular file"):
        io.load_folder(tmp_path / "m", ["report.html"])


def change(folder, name, edit):
    path = folder / name
    path.write_bytes(edit(path.read_bytes()))


DAMAGE = {
    "schema changed": ("schema.json", lambda b: b.replace(b'"a"', b'"z"', 1), "changed after saving"),
    "schema cut": ("schema.json", lambda b: b[: len(b) // 2], "changed after saving"),
    "history cut": ("history.csv", lambda b: b[:-30], "history.csv is damaged"),
    "history of others": ("history.csv", lambda b: b"a,b\n1,2\n", "history.csv is damaged"),
    "history not text": ("history.csv", lambda b: b"\xff\xfe\x00", "history.csv is damaged"),
    "history empty": ("history.csv", lambda b: b"", "history.csv is damaged"),
    "weights cut": ("weights.safetensors", lambda b: b[:-9], "cut short"),
    "config cut": ("config.json", lambda b: b[:-9], "damaged"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_a_value_error(model, tmp_path, name):
    model.save(tmp_path / "m")
    file, edit, words = DAMAGE[name]
    change(tmp_path / "m", file, edit)
    with pytest.raises(ValueError, match=words):
        TableFlow.load(tmp_path / "m")


def test_folders_that_do_not_fit(model, conditional, table, tmp_path):
    pf.save(tmp_path / "plain", model.flow)
    with pytest.raises(ValueError, match=r"no schema\.json"):
        TableFlow.load(tmp_path / "plain")
    model.save(tmp_path / "m")
    conditional.save(tmp_path / "c")
    schema = (tmp_path / "c" / "schema.json").read_bytes()
    (tmp_path / "m" / "schema.json").write_bytes(schema)
    with pytest.raises(ValueError, match="belongs to another model"):
        TableFlow.load(tmp_path / "m")
    (tmp_path / "m" / "schema.json").unlink()
    with pytest.raises(ValueError, match=r"schema\.json is missing"):
        TableFlow.load(tmp_path / "m")
    with pytest.raises(FileNotFoundError):
        TableFlow.load(tmp_path / "nothing")
    # A folder whose digests are all right and whose parts are not of one model.
    from pushforward.estimators.files import digest_of

    facts = {"table_flow": 1, "schema_sha256": digest_of(schema), "record": {}}
    io.save(tmp_path / "f", model.model(), metadata=facts, files={"schema.json": schema})
    with pytest.raises(ValueError, match="not a flow of 2 standardised columns given 1"):
        TableFlow.load(tmp_path / "f")
    io.save(tmp_path / "g", model.model(), metadata=facts | {"table_flow": 99}, files={"schema.json": schema})
    with pytest.raises(ValueError, match="upgrade"):
        TableFlow.load(tmp_path / "g")


def test_the_record_is_json(model, tmp_path):
    model.save(tmp_path / "m")
    metadata = io.info(tmp_path / "m")["metadata"]
    record = json.loads(json.dumps(metadata["record"], allow_nan=False))
    assert record["source"] == "made"
    assert record["split"] == {"seed": 5, "fraction": 0.1}
    assert record["flow_options"] == {"layers": 1, "hidden_units": [8]}
    assert (record["epochs"], record["stopped"], record["rows"]) == (2, "epochs", 300)


# ----------------------------------------------------------------- refusals
def test_unknown_flows_and_options_are_listed(table):
    with pytest.raises(ValueError, match="expected one of " + ", ".join(RECIPES)):
        TableFlow.fit(table, flow="glow")
    with pytest.raises(ValueError, match=r"maf takes layers, hidden_units, activation, permutation.*and got 'bins'"):
        TableFlow.fit(table, flow="maf", flow_options={"bins": 4})


@pytest.mark.parametrize("flow", RECIPES)
def test_every_recipe_is_built_with_its_options(table, flow):
    options = {"hidden_units": (8,)} | ({} if flow == "made" else {"layers": 3})
    model = TableFlow.fit(table, flow=flow, flow_options=options, epochs=0, condition=["c"], test_fraction=0.0)
    assert model.record["flow"] == flow
    # A layer of angles is two couplings.
    depth = {"made": "depth=", "circular": "depth=6"}.get(flow, "depth=3")
    assert (depth in repr(model.flow)) == (flow != "made")
    assert model.flow.condition_dim == 1


def test_tables_of_impossible_sizes_are_refused_at_once(table, monkeypatch):
    monkeypatch.setattr("pushforward.estimators.table_flow.fit", lambda *_, **__: pytest.fail("trained"))
    names = [f"x{k}" for k in range(10_000)]
    with pytest.raises(TableError, match=rf"wide: the table has 10,000 columns, .* {MOST_COLUMNS:,} at most"):
        TableFlow.fit(Table.of(np.random.default_rng(0).normal(size=(12, 10_000)), names, source="wide"))
    with pytest.raises(TableError, match="1 row, and 10 are the least"):
        TableFlow.fit(Table.of(table.values[:1], table.names))
    with pytest.raises(TableError, match="constant"):
        TableFlow.fit(Table.of(table.values * [1, 0, 1], table.names))
    with pytest.raises(TableError, match="no column"):
        TableFlow.fit(table, condition=["d"])


def test_arrays_that_do_not_fit_are_refused(model, conditional, table):
    x, c = conditional.schema.select(table)
    with pytest.raises(ValueError, match=r"shape \[rows, 3\].* got \(300, 2\)"):
        model.log_density(x)
    with pytest.raises(ValueError, match="fitted without one"):
        model.log_density(table.values, c)
    with pytest.raises(ValueError, match="given b, and got no condition"):
        conditional.latents(x)
    with pytest.raises(ValueError, match=r"expected 4 rows.* got 3"):
        conditional.sample(4, condition=c[:3])
    with pytest.raises(ValueError, match="how many rows"):
        model.sample(-1)


# ----------------------------------------------------- interruption, resuming
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_keeps_the_best_so_far(table, tmp_path):
    def press(record):
        if record.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    assert threading.current_thread() is threading.main_thread()
    model = TableFlow.fit(table, **SMALL | {"epochs": 5000, "progress": press})
    assert model.history.stopped == model.record["stopped"] == "interrupted"
    assert model.record["held_out"]["rows"] == 30
    model.save(tmp_path / "m")
    assert TableFlow.load(tmp_path / "m").history.stopped == "interrupted"


def test_a_run_is_resumed_only_with_the_same_table_and_options(table, tmp_path):
    whole = TableFlow.fit(table, **SMALL, checkpoint=tmp_path / "point")
    again = TableFlow.fit(table, **SMALL, checkpoint=tmp_path / "point", resume=True)
    np.testing.assert_array_equal(again.log_density(table.values), whole.log_density(table.values))
    with pytest.raises(ValueError, match=r"resume: .* other data"):
        TableFlow.fit(table_of(299), **SMALL, checkpoint=tmp_path / "point", resume=True)
    with pytest.raises(ValueError, match=r"resume: .* epochs=2.* epochs=3"):
        TableFlow.fit(table, **SMALL | {"epochs": 3}, checkpoint=tmp_path / "point", resume=True)
    with pytest.raises(ValueError, match="resume=True"):
        TableFlow.fit(table, **SMALL, checkpoint=tmp_path / "point")


def test_progress_is_called_with_each_epoch(table):
    seen = []
    TableFlow.fit(table, **SMALL | {"progress": lambda record: seen.append(record.epoch)})
    assert seen == [1, 2]
