"""Checks of numbers: round trips, log-dets against automatic differentiation, one result however it is asked for."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..bijectors import Bijector
from .failure import CheckFailure, expect_close, relative_error, row, show
from .programs import bound, event_ndims
from .subject import ROWS, Subject

# A chain of a few functions, each right to a few units in the last place.
ROUNDINGS = 32
OPPOSITE = {"forward": "inverse", "inverse": "forward"}


def _round_trip(s: Subject, first: str) -> None:
    second, side = OPPOSITE[first], 0 if first == "forward" else 1
    for k in s.kinds:
        start = s.inputs(k)[side]
        arrived, _, jacobian = s.exact(k, back=True)[second]
        image = s.exact(k)[first][0]
        expect_close(
            arrived, jax.tree.map(np.float64, start), s.float64,
            slack=_rounding(s, jacobian, image, second, np.float64),
            what=f"{second}({first}(.)) against the start", at=start, where=s.where(k, "float64"),
            cause=f"{second} does not undo {first} there: look at the branch that this input takes, and at values "
            "clamped before they reach the formula",
        )  # fmt: skip
        start = jax.tree.map(lambda a: a[:ROWS], s.mixed_inputs(k)[side])
        arrived = jax.tree.map(lambda a: a[:ROWS], s.mixed(k, "back")[1][1 - side][0])
        expect_close(
            arrived, start, s.float32, slack=_rounding(s, jacobian, image, second, np.float32)[:ROWS],
            what=f"{second}({first}(.)) against the start", at=start, where=s.where(k, "float32"),
            cause="in float64 it holds, so the formula cancels digits: look for 1 - tanh², log(1 + x), exp(x) - 1, "
            "differences of large numbers",
        )  # fmt: skip


def _rounding(s: Subject, jacobian: np.ndarray, points: Any, direction: str, dtype: Any) -> np.ndarray:
    """What some roundings of `points` do to the map of this Jacobian at worst: large where it is ill-conditioned."""
    ndims = event_ndims(s.bijector, direction)[0]
    sizes = [
        np.abs(a).reshape((*np.shape(a)[: np.ndim(a) - n], -1))
        for a, n in zip(jax.tree.leaves(points), jax.tree.leaves(ndims), strict=True)
    ]
    with np.errstate(all="ignore"):
        moved = np.einsum("...ij,...j->...i", np.abs(jacobian), 1 + np.concatenate(sizes, axis=-1)).max(axis=-1)
    return np.where(np.isfinite(moved), ROUNDINGS * np.finfo(dtype).eps * moved, 0.0)


def forward_round_trip(s: Subject) -> None:
    """inverse(forward(x)) is x, in both precisions."""
    _round_trip(s, "forward")


def inverse_round_trip(s: Subject) -> None:
    """forward(inverse(y)) is y, in both precisions."""
    _round_trip(s, "inverse")


def _log_det(s: Subject, direction: str) -> None:
    side = 0 if direction == "forward" else 1
    for k in s.kinds:
        points = s.inputs(k)[side]
        log_det, jacobian = s.exact(k)[direction][1:]
        want, means = _log_volume(s, direction, jacobian), "automatic differentiation"
        if want is None:
            opposite = OPPOSITE[direction]
            counterpart = _log_volume(s, opposite, s.exact(k, back=True)[opposite][2])
            if counterpart is None:
                raise CheckFailure(
                    f"an event of {jacobian.shape[-1]} numbers goes to one of {jacobian.shape[-2]}, so the Jacobian "
                    "has no determinant; tell check_bijector with `coordinates` which numbers are independent, or with "
                    "`surface` that the log-det is that of the area of a surface"
                )
            want, means = -counterpart, f"minus automatic differentiation of {opposite}"
        event = max(jacobian.shape[-2:])
        expect_close(
            log_det, want, s.float64,
            what=f"the {direction} log-det against {means}", at=points, where=s.where(k, "float64"),
            cause=lambda got, want, event=event: _log_det_cause(got, want, event),
        )  # fmt: skip


def _log_volume(s: Subject, direction: str, jacobian: np.ndarray) -> np.ndarray | None:
    """The log of the factor by which the map stretches volumes; None where the Jacobian does not tell it."""
    rows, columns = jacobian.shape[-2:]
    if rows != columns and None not in s.coordinates:
        # Both sides have fewer degrees of freedom than numbers: the free ones of the input move, each by itself.
        shape = s.event_shape if direction == "forward" else s.example(0).forward_event_shape(s.event_shape)
        jacobian = s.coordinates[direction == "inverse"](jacobian.reshape(*jacobian.shape[:-1], *shape))
        columns = jacobian.shape[-1]
    if rows == columns:
        return _slogdet(jacobian)
    if s.surface and rows > columns:
        return _slogdet(np.matrix_transpose(jacobian) @ jacobian) / 2
    return None


def _slogdet(matrix: np.ndarray) -> np.ndarray:
    if not np.all(np.isfinite(matrix)):
        return np.full(matrix.shape[:-2], np.nan)
    return np.asarray(np.linalg.slogdet(matrix)[1])


def _log_det_cause(got: Any, want: Any, event: int) -> str:
    if np.shape(got) != np.shape(want):
        return "Return one number for each batch element: sum over the event axes and over nothing else"
    if np.isnan(want):
        return "The derivative itself is not finite there"
    if relative_error(got, -want) < 1e-6:
        return "The sign is wrong"
    if event > 1 and relative_error(got * event, want) < 1e-6:
        return "It looks like a mean over the event where the sum is meant"
    if event > 1 and relative_error(got, want * event) < 1e-6:
        return "It looks summed over the event twice: return it at the minimum rank, the base sums further axes"
    return "Probably a factor or a term is missing, or the log-det is taken at the other side of the map (x for y)"


def forward_log_det(s: Subject) -> None:
    """The forward log-det is log |det J| of the autodiff Jacobian."""
    _log_det(s, "forward")


def inverse_log_det(s: Subject) -> None:
    """The inverse log-det is log |det J| of the autodiff Jacobian of the inverse."""
    _log_det(s, "inverse")


def batching(s: Subject) -> None:
    """A batched call in float32 is the `vmap` of the single call in float64, to float32's tolerance."""
    for k in s.kinds:
        if k == 0:
            _same_inputs(s)
        for side, direction in enumerate(("forward", "inverse")):
            points = s.mixed_inputs(k)[side]
            got, want = jax.tree.map(lambda a: a[:ROWS], (s.mixed(k)[1][side], s.exact(k)[direction]))
            slack = _rounding(s, want[2], jax.tree.map(lambda a: a[:ROWS], points), direction, np.float32)
            for part, name in enumerate(("value", "log-det")):
                expect_close(
                    got[part], want[part], s.float32, slack=0.0 if part else slack,
                    what=f"the {direction} {name} in float32, batched, against float64, one event at a time under vmap",
                    at=points, where=s.where(k, "float32"),
                    cause=lambda got, want: "Rows are mixed or summed over the batch (reduce over negative axes only)"
                    if np.isfinite(got) and abs(got - want) > 0.05 * (1 + abs(want))
                    else "The formula loses digits or overflows in float32; clamp before it and select after",
                )  # fmt: skip


def _same_inputs(s: Subject) -> None:
    ordinary, rows = s.inputs(0)[0], s.mixed_inputs(0)[0]
    if any(
        not np.array_equal(np.float32(a[:ROWS]), b[:ROWS])
        for a, b in zip(jax.tree.leaves(ordinary), jax.tree.leaves(rows), strict=True)
    ):
        raise CheckFailure("`draw` gives other points for the same key; make it a function of its arguments alone")


def eager(s: Subject) -> None:
    """A call on one event outside jit gives what the compiled batch gives, by each formula that the class writes."""
    k = s.kinds[-1]
    values = s.mixed(k)[1]
    x, y, c = s.mixed_inputs(k)
    with jax.enable_x64(False):
        b = jax.tree.map(jnp.asarray, s.parameters(k))
        for i in range(2):
            one = bound(b, None if c is None else jnp.asarray(c[i]))
            for side, direction in enumerate(("forward", "inverse")):
                point = jax.tree.map(lambda a, i=i: jnp.asarray(a[i]), (x, y)[side])
                want = jax.tree.map(lambda a, i=i: a[i], values[side])
                _eager(s, one, direction, point, want, s.where(k, "float32"))


def _eager(s: Subject, one: Any, direction: str, point: Any, want: Any, where: str) -> None:
    value, log_det = getattr(one, direction + "_and_log_det")(point)
    pairs = [(f"{direction}_and_log_det", (value, log_det), want)]
    if getattr(type(one), "_" + direction) is not getattr(Bijector, "_" + direction):
        pairs.append((direction, getattr(one, direction)(point), want[0]))
    for name, got, expected in pairs:
        got, expected, at = jax.tree.map(lambda a: np.asarray(a)[None], (got, expected, point))
        expect_close(
            got, expected, s.float32 if s.numerical else s.float32 / 10, at=at, where=where,
            what=f"{name} of one event, not compiled, against {direction}_and_log_det compiled and batched",
            cause=f"_{direction} and _{direction}_and_log_det are two formulas, or the code asks in Python for "
            "something that is different under jit",
        )  # fmt: skip


def rows(s: Subject) -> None:
    """What one row gives does not depend on the other rows."""
    for side, direction in enumerate(("forward", "inverse")):
        points = s.mixed_inputs(0)[side]
        ordinary, beside_nan = (s.mixed(0, what)[1][side] for what in ("ordinary", "nan"))
        for got, want in zip(jax.tree.leaves(beside_nan), jax.tree.leaves(ordinary), strict=True):
            keep = np.arange(len(want)) != 1
            expect_close(
                got[keep], want[keep], s.float32 if s.numerical else 0.0,
                what=f"{direction} of the other rows when row 1 is NaN against before",
                at=jax.tree.map(lambda a, keep=keep: a[keep], points), where=s.where(0, "float32"),
                cause="A row reaches others: a mean, maximum or sum runs over the batch",
            )  # fmt: skip


def nan(s: Subject) -> None:
    """NaN in gives NaN out."""
    runs = ["nan"] + (["nan condition"] if s.condition_dim is not None else [])
    for run in runs:
        for side, direction in enumerate(("forward", "inverse")):
            value, log_det = s.mixed(s.kinds[-1], run)[1][side]
            out = row(value, 1) if run == "nan" else (row(value, 1), row(log_det, 1))
            found = [np.isnan(leaf) for leaf in jax.tree.leaves(out)]
            axes = event_ndims(s.bijector, direction)[1]
            scalar = axes == 0 and run == "nan"
            if not (all(f.all() for f in found) if scalar else any(f.any() for f in found)):
                raise CheckFailure(
                    f"{direction} turns {'an input' if run == 'nan' else 'a condition'} of NaN into "
                    f"{show(out)}. A missing number must not look like a result; a comparison with NaN is "
                    "false, so the last branch of a jnp.where is taken: let that branch pass NaN through"
                )
