"""The pictures of `pushforward.figures`: what is drawn where, and what is refused."""

import io
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward import figures
from pushforward.bijectors import Chain, Permute, Scale, Shift
from pushforward.distributions import (
    MultivariateNormal,
    MultivariateNormalDiag,
    StandardNormal,
    TransformedDistribution,
)
from pushforward.training.history import EpochRecord, History


@pytest.fixture(scope="module")
def flow():
    bijector = Chain([Shift(jnp.array([3.0, -1.0])), Permute([1, 0]), Scale(jnp.array([0.5, 2.0]))])
    return TransformedDistribution(StandardNormal(2), bijector)


@pytest.fixture(scope="module")
def rows(flow):
    return np.asarray(flow.sample(jax.random.key(1), (2000,)))


def history(losses, validation):
    pairs = zip(losses, validation, strict=True)
    return History([EpochRecord(k + 1, t, v, 1e-3, 0, float(k)) for k, (t, v) in enumerate(pairs)])


def written(figure):
    """The picture as PNG bytes: it can be drawn."""
    file = io.BytesIO()
    figure.savefig(file, dpi=40)
    assert file.getvalue().startswith(b"\x89PNG")
    return file.getvalue()


def test_density_is_drawn_where_it_is(flow, rows):
    figure = figures.density(flow, x=(-5, 11), y=(-3, 1), points=81, data=rows[:50])
    axes, bar = figure.axes
    (mesh, dots) = axes.collections
    values = np.asarray(mesh.get_array()).reshape(81, 81)
    row, column = np.unravel_index(values.argmax(), values.shape)
    assert np.linspace(-5, 11, 81)[column] == pytest.approx(3)
    assert np.linspace(-3, 1, 81)[row] == pytest.approx(-1)
    assert values.max() == pytest.approx(1 / (2 * math.pi), rel=1e-3)
    assert values.sum() * (16 / 80) * (4 / 80) == pytest.approx(1, abs=0.01)
    assert len(dots.get_offsets()) == 50
    assert bar.get_ylabel() == "density"
    written(figure)


def test_log_density_shows_twelve_nats_and_finds_its_window(flow):
    figure = figures.density(flow, points=40, log=True, names=("width", "height"))
    values = np.asarray(figure.axes[0].collections[0].get_array())
    assert values.max() - values.min() == pytest.approx(12, abs=0.5)
    assert figure.axes[0].get_xlabel() == "width"
    left, right = figure.axes[0].get_xlim()
    # Within some deviations of the mean 3, of deviation 2.
    assert -8 < left < -1 < 7 < right < 14


def test_deformation_follows_points_and_their_colours(flow, rows):
    figure = figures.deformation(jax.random.key(0), flow, data=rows, rows=400)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["base", "1: Scale", "2: Shift", "data"]
    base, scaled, shifted = ([np.asarray(c.get_offsets()) for c in axes.collections] for axes in figure.axes[:3])
    assert sum(len(points) for points in base) == 400
    assert np.all(base[0] > 0)  # the first quadrant
    np.testing.assert_allclose(scaled[0], base[0] * [0.5, 2.0], rtol=1e-5)
    np.testing.assert_allclose(shifted[2], scaled[2][:, ::-1] + [3.0, -1.0], rtol=1e-4, atol=1e-5)
    written(figure)


def test_deformation_of_many_layers_keeps_the_last(rows):
    flow = TransformedDistribution(StandardNormal(2), Chain([Shift(float(k)) for k in range(20)]))
    titles = [axes.get_title() for axes in figures.deformation(jax.random.key(0), flow, rows=50).axes]
    assert "20: Shift" in titles
    assert len([t for t in titles if t]) == 10


def test_pairs_draws_every_pair_once(rows):
    wide = np.column_stack([rows, rows[:, 0] + rows[:, 1]])
    figure = figures.pairs({"data": wide, "samples": wide + 1}, rows=100, names=["a", "b", "c"], title="two tables")
    drawn = [axes for axes in figure.axes if axes.axison]
    assert len(drawn) == 6
    scatter = figure.axes[3]  # second row, first column: b against a
    np.testing.assert_allclose(scatter.collections[0].get_offsets(), wide[:100, :2], rtol=1e-6)
    assert (figure.axes[6].get_ylabel(), figure.axes[8].get_xlabel()) == ("c", "c")
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["data", "samples"]
    written(figure)


def test_rows_that_are_not_finite_are_left_out(rows):
    holed = rows.copy()
    holed[5, 0], holed[7, 1] = np.nan, np.inf
    figure = figures.pairs(holed, rows=5000)
    assert len(figure.axes[2].collections[0].get_offsets()) == len(rows) - 2
    assert figure.axes[3].get_xlabel() == "x₂"


def test_training_draws_both_losses_and_the_best_epoch():
    figure = figures.training(history([3.0, 2.0, 1.0], [3.0, 1.5, 2.0]), floor=0.5)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    np.testing.assert_allclose(lines["training"].get_xydata(), [[1, 3], [2, 2], [3, 1]])
    np.testing.assert_allclose(lines["validation"].get_ydata(), [3, 1.5, 2])
    assert lines["best, epoch 2"].get_xdata()[0] == 2
    assert lines["entropy of the data"].get_ydata()[0] == 0.5
    written(figure)


def test_training_of_several_runs_and_of_skipped_epochs():
    runs = {"a": history([3.0, math.nan, 1.0], [None] * 3), "b": history([1.0], [0.7])}
    lines = {line.get_label(): line for line in figures.training(runs).axes[0].get_lines()}
    np.testing.assert_allclose(lines["a"].get_xydata(), [[1, 3], [3, 1]])
    np.testing.assert_allclose(lines["b"].get_ydata(), [0.7])


@pytest.mark.parametrize(
    "base", [StandardNormal(2), MultivariateNormalDiag(jnp.array([1.0, 2.0]), jnp.array([0.5, 3.0]))]
)
def test_calibration_tells_a_right_flow_from_a_wrong_one(base):
    flow = TransformedDistribution(base, Scale(2.0))
    rows = np.asarray(flow.sample(jax.random.key(4), (2000,)))
    band = 1.63 / math.sqrt(2000)
    right, wrong = figures.calibration(flow, rows), figures.calibration(flow, 1.3 * rows)
    assert all(np.abs(axes.get_lines()[1].get_ydata()).max() < band for axes in right.axes)
    assert all(np.abs(axes.get_lines()[1].get_ydata()).max() > band for axes in wrong.axes)
    written(wrong)


REFUSED = {
    "one number": (lambda f, x: figures.density(TransformedDistribution(StandardNormal(1), Scale(2.0))), "two numbers"),
    "empty window": (lambda f, x: figures.density(f, x=(1, 1), y=(0, 1)), "increasing x"),
    "not a flow": (lambda f, x: figures.deformation(jax.random.key(0), StandardNormal(2)), "TransformedDistribution"),
    "three numbers": (
        lambda f, x: figures.deformation(jax.random.key(0), TransformedDistribution(StandardNormal(3), Scale(2.0))),
        "pairs of numbers",
    ),
    "no rows": (lambda f, x: figures.pairs(x[:0]), "finite numbers"),
    "other widths": (lambda f, x: figures.pairs({"a": x, "b": x[:, :1]}), "same columns"),
    "too wide": (lambda f, x: figures.pairs(np.ones((3, 13))), "at most 12"),
    "names": (lambda f, x: figures.pairs(x, names=["a"]), "one a column"),
    "no epoch": (lambda f, x: figures.training(History()), "no epoch"),
    "wrong width": (lambda f, x: figures.calibration(f, x[:, :1]), r"\[rows, 2\]"),
    "another base": (
        lambda f, x: figures.calibration(
            TransformedDistribution(MultivariateNormal(jnp.zeros(2), jnp.eye(2)), Scale(2.0)), x
        ),
        "normal base",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, flow, rows):
    call, words = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=words):
        call(flow, rows)
