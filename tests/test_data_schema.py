"""Schemas: units that undo each other to the last digits, matching by name, damage, and splits that stay the same."""

import copy
import json
import math

import numpy as np
import pytest

from pushforward.data import Schema, Table, TableError, split_rows


def table(rows=500, *, source="data.csv"):
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(5, 2, rows), rng.gamma(2.0, 1e-3, rows), rng.poisson(3.0, rows)], 1)
    return Table.of(x, ["a", "b", "c"], source=source)


def test_facts_of_the_columns():
    data = table()
    schema = Schema.of(data)
    assert schema.names == ("a", "b", "c")
    assert schema.condition_names == ()
    x = data.values
    for j, column in enumerate(schema.columns):
        assert column.loc == pytest.approx(x[:, j].mean(), rel=1e-14)
        assert column.scale == pytest.approx(x[:, j].std(), rel=1e-14)
        assert (column.minimum, column.maximum) == (x[:, j].min(), x[:, j].max())
        assert column.distinct == len(np.unique(x[:, j]))
    assert [column.integer for column in schema.columns] == [False, False, True]
    assert Schema.of(Table.of(np.arange(5000.0)[:, None])).columns[0].distinct == 1000
    assert schema.log_jacobian == pytest.approx(-np.log(x.std(axis=0)).sum(), rel=1e-14)


def test_units():
    data = table()
    schema = Schema.of(data, condition=["c"])
    z = schema.standardize(data.values[:, :2])
    # Rounding errors of a mean of 500 numbers of order one.
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(z.std(axis=0), 1, atol=1e-14)
    np.testing.assert_allclose(schema.unstandardize(z), data.values[:, :2], rtol=1e-14)
    c = schema.standardize_condition(data.values[:, 2:])
    np.testing.assert_allclose(c.std(), 1, atol=1e-14)
    assert z.dtype == c.dtype == np.float64
    assert schema.log_jacobian == pytest.approx(-np.log(data.values[:, :2].std(axis=0)).sum(), rel=1e-14)


def test_training_rows_alone_count():
    data = table()
    rest, held_out = split_rows(len(data), 0.2, seed=1)
    some = Table.of(data.values[rest], data.names)
    assert Schema.of(data, rows=rest) == Schema.of(some)
    assert Schema.of(data, rows=rest) != Schema.of(data)
    changed = Table.of(data.values.copy(), data.names)
    changed.values[held_out] += 100
    assert Schema.of(changed, rows=rest) == Schema.of(data, rows=rest)


@pytest.mark.parametrize(("loc", "width"), [(1e9, 1e-3), (1e300, 1e299), (-1e307, 1e307), (0.0, 1e-300), (3e15, 1.0)])
def test_no_digit_is_lost_far_from_one(loc, width):
    x = loc + width * np.linspace(-1, 1, 1001)
    exact = [float(v) for v in x]
    mean = math.fsum(v / len(x) for v in exact)
    column = Schema.of(Table.of(x[:, None], ["a"])).columns[0]
    assert column.loc == pytest.approx(mean, rel=1e-15)
    far = max(abs(v - mean) for v in exact)
    assert column.scale == pytest.approx(far * math.sqrt(math.fsum(((v - mean) / far) ** 2 for v in exact) / len(x)))


def test_json_round_trip():
    schema = Schema.of(Table.of(table().values, ["=cmd()", "two\nlines", "🎉"]), condition=["🎉"])
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema
    assert again.order == ("=cmd()", "two\nlines", "🎉")


def test_tables_are_matched_by_name():
    data = table()
    schema = Schema.of(data, condition=["b"])
    x, c = schema.select(data)
    assert np.array_equal(x, data.values[:, [0, 2]])
    assert np.array_equal(c, data.values[:, [1]])
    other = Table.of(np.column_stack([data.values[:, ::-1], np.zeros(len(data))]), ["c", "b", "a", "more"])
    x, c = schema.select(other)
    assert np.array_equal(x, data.values[:, [0, 2]])
    assert np.array_equal(c, data.values[:, [1]])
    assert Schema.of(data).select(data)[1] is None


def test_tables_without_names_are_matched_by_position():
    data = table()
    schema = Schema.of(data, condition=["a"])
    x, c = schema.select(Table.of(data.values))
    assert np.array_equal(x, data.values[:, 1:])
    assert np.array_equal(c, data.values[:, :1])
    with pytest.raises(TableError, match=r"no header and 2 columns, and the model has 3 \('b', 'c' and 'a'\)"):
        schema.select(Table.of(data.values[:, :2]))
    # Both without names: x1, x3 of a table of three are found by their names.
    headless = Table.of(data.values)
    x, _ = Schema.of(headless.select(["x3", "x1"])).select(headless)
    assert np.array_equal(x, data.values[:, [2, 0]])


def test_missing_columns_are_named():
    schema = Schema.of(table())
    with pytest.raises(TableError, match=r"other.csv lacks the column 'b' of the model; did you mean 'B'\?"):
        schema.select(Table.of(table().values, ["a", "B", "c"], source="other.csv"))
    with pytest.raises(TableError, match="lacks the columns 'a' and 'b' of the model; it has 'p', 'q' and 'c'"):
        schema.select(Table.of(table().values, ["p", "q", "c"]))


def test_tables_that_have_no_density():
    x = table().values
    constant = Table.of(np.column_stack([x[:, 0], np.full(len(x), 7.0), x[:, 1]]), ["a", "k", "b"], source="t.csv")
    with pytest.raises(TableError, match=r"t.csv: column 'k' is constant \(7 in each of 500 rows\).*--columns a,b"):
        Schema.of(constant)
    with pytest.raises(TableError, match="'k' is constant"):
        Schema.of(constant, condition=["k"])
    several = Table.of(np.column_stack([x[:, 0], np.ones((len(x), 2))]), ["a", "k", "l"])
    with pytest.raises(TableError, match=r"2 columns are constant \('k' and 'l'\)"):
        Schema.of(several)
    with pytest.raises(TableError, match="has 1 row to learn from"):
        Schema.of(table(1))
    with pytest.raises(TableError, match="2 rows to learn from are all the same"):
        Schema.of(Table.of(np.ones((2, 3))))
    almost = x.copy()
    almost[:, 1] = 0
    almost[3, 1] = 1
    Schema.of(Table.of(almost))
    with pytest.raises(TableError, match="column 'x2' is constant"):  # the one other value is held out
        Schema.of(Table.of(almost), rows=np.arange(4, 100))


@pytest.mark.parametrize("values", [[-1.7e308, 1.7e308], [0.0, 5e-324], [0.0, 1e-310]])
def test_scales_beyond_64_bits(values):
    with pytest.raises(TableError, match="too close or too far apart for 64-bit numbers"):
        Schema.of(Table.of(np.array(values)[:, None]))


def test_conditions_that_do_not_fit():
    data = table()
    with pytest.raises(TableError, match="no column 'd' to condition on"):
        Schema.of(data, condition=["d"])
    with pytest.raises(TableError, match="twice"):
        Schema.of(data, condition=["a", "a"])
    with pytest.raises(TableError, match="leave at least one to the density"):
        Schema.of(data, condition=["a", "b", "c"])
    with pytest.raises(TypeError, match="not one text"):
        Schema.of(data, condition="a")


def _damages():
    whole = Schema.of(table(), condition=["c"]).to_json()
    for value in (None, [], "x", {}, {**whole, "format": 2}, {**whole, "columns": []}, {**whole, "columns": {}}):
        yield value
    for key in whole:
        yield {other: value for other, value in whole.items() if other != key}
        yield {**whole, key: 7}
    yield {**whole, "order": ["a", "b", 3]}
    yield {**whole, "order": ["a", "a", "b"]}
    yield {**whole, "condition": whole["columns"]}
    facts = {
        "name": [None, 3], "loc": ["1", None, math.nan, math.inf, True], "scale": [0, -1.0, math.nan, "x"],
        "minimum": [1e9, None], "maximum": [-1e9, []], "distinct": [0, 1.5, True], "integer": [0, "yes"],
    }  # fmt: skip
    for name, values in facts.items():
        for value in values:
            damaged = copy.deepcopy(whole)
            damaged["columns"][0][name] = value
            yield damaged
        lacking = copy.deepcopy(whole)
        del lacking["columns"][1][name]
        yield lacking


@pytest.mark.parametrize("data", list(_damages()))
def test_damaged_schemas(data):
    with pytest.raises(TableError, match=r"the schema .*; save the model again") as caught:
        Schema.from_json(data)
    assert str(caught.value).isprintable()


def test_splits_are_the_same_for_ever():
    rest, drawn = split_rows(10, 0.3, 0)
    assert drawn.tolist() == [3, 4, 5]
    assert rest.tolist() == [0, 1, 2, 6, 7, 8, 9]
    assert split_rows(30, 0.3, 0)[1].tolist() == [3, 4, 11, 15, 18, 19, 24, 27, 29]
    assert split_rows(1000, 0.1, 1)[1].tolist() != split_rows(1000, 0.1, 2)[1].tolist()


def test_splits_do_not_follow_data_that_was_made_with_the_same_seed():
    made = np.random.default_rng(0).random(10_000)
    _, drawn = split_rows(len(made), 0.1, 0)
    # The mean of 1,000 of them is 0.5 within five standard errors of 0.289 / sqrt(1000).
    assert abs(made[drawn].mean() - 0.5) < 0.046


def test_splits_share_all_rows():
    for rows, fraction in ((2, 0.01), (2, 0.99), (1000, 0.1), (997, 0.5)):
        rest, drawn = split_rows(rows, fraction, 3)
        assert len(drawn) == min(max(1, round(rows * fraction)), rows - 1)
        assert np.array_equal(np.sort(np.concatenate([rest, drawn])), np.arange(rows))
        assert np.array_equal(drawn, np.sort(drawn))
    assert [len(part) for part in split_rows(5, 0, 0)] == [5, 0]
    # Every row is drawn about as often: 400 splits, ten standard deviations.
    often = np.bincount(np.concatenate([split_rows(50, 0.2, seed)[1] for seed in range(400)]), minlength=50)
    assert np.abs(often - 80).max() < 10 * 8


def test_splits_refuse():
    for arguments, words in (((10, 1.0, 0), "fraction"), ((10, -0.1, 0), "fraction"), ((1, 0.5, 0), "1 row cannot")):
        with pytest.raises(TableError, match=words):
            split_rows(*arguments)
    with pytest.raises(TableError, match="seed"):
        split_rows(10, 0.5, -1)
