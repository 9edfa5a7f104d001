"""Checks of derivatives and dependence: finite gradients, parameters and conditions that matter, structure."""

from typing import Any

import jax
import numpy as np

from .failure import CheckFailure, relative_error, row, show
from .programs import event_ndims
from .subject import Subject

TOO_LARGE = (
    "Clamp the argument before the formula and select after it, or use a form that does not overflow (softplus, log1p, "
    "expm1). If this input overflows by its nature, state other `extremes`."
)
NOT_FINITE = (
    "In the branch of a jnp.where that is not taken a formula overflows, and zero times infinity is NaN: clamp the "
    "argument before the formula and select after it. If this input overflows by its nature, state other `extremes`."
)


def finite(s: Subject) -> None:
    """Values and log-dets are finite in a batch that mixes ordinary and extreme rows."""
    for k in s.kinds:
        for side, direction in enumerate(("forward", "inverse")):
            points = s.mixed_inputs(k)[side]
            for name, part in zip(("value", "log-det"), s.mixed(k)[1][side], strict=True):
                for leaf in jax.tree.leaves(part):
                    _expect_finite(leaf, points, f"the {direction} {name}{s.where(k, 'float32')}", TOO_LARGE)


def gradients(s: Subject) -> None:
    """Gradients with respect to parameters, inputs and conditions are finite on the same batch."""
    for k in s.kinds:
        parameters, x, y, c = s.mixed(k)[0]
        for path, leaf in jax.tree_util.tree_leaves_with_path(parameters):
            if not np.isfinite(leaf).all():
                raise CheckFailure(
                    f"the gradient of {jax.tree_util.keystr(path)}{s.where(k, 'float32')} on a batch with extreme rows "
                    f"is {show(leaf)}. {NOT_FINITE}"
                )
        points = s.mixed_inputs(k)
        for name, gradient, at in zip(("x", "y", "the condition"), (x, y, c), points, strict=True):
            for leaf in jax.tree.leaves(gradient):
                _expect_finite(leaf, at, f"the gradient with respect to {name}{s.where(k, 'float32')}", NOT_FINITE)


def _expect_finite(leaf: np.ndarray, points: Any, what: str, cause: str) -> None:
    bad = ~np.isfinite(leaf)
    if bad.any():
        worst = tuple(np.argwhere(bad)[0])
        raise CheckFailure(f"{what} is {leaf[worst]} at the input {show(row(points, int(worst[0])))}. {cause}")


def parameters(s: Subject) -> None:
    """Every trainable array gets a gradient that is somewhere not zero."""
    reached: dict[str, bool] = {}
    for k in s.kinds:
        for path, leaf in jax.tree_util.tree_leaves_with_path(s.mixed(k)[0][0]):
            name = jax.tree_util.keystr(path)
            reached[name] = reached.get(name, False) or leaf.size == 0 or bool(np.any(leaf != 0))
    if dead := [name for name, alive in reached.items() if not alive]:
        raise CheckFailure(
            f"the parameters {', '.join(dead)} get no gradient at any of {len(s.kinds)} parameter draws. They are not "
            "used, or a copy made at construction is used in their place, or a stop_gradient or rounding is on the "
            "way. An array that is data belongs in a core.constant_field()"
        )


def condition(s: Subject) -> None:
    """Every output depends on the condition, each number of the condition matters, and leaving it out is an error."""
    if s.condition_dim is None:
        return
    changed_by: list[Any] = []
    for j in range(s.condition_dim):
        moved = [
            np.any(relative_error(_event(s, s.mixed(k, f"condition {j}")[1]), _event(s, s.mixed(k)[1])) > 1e-6, axis=0)
            for k in s.kinds
        ]
        changed_by.append(np.any(moved, axis=0))
    for j, moved in enumerate(changed_by):
        if not moved.any():
            raise CheckFailure(f"number {j} of the condition changes no output: the network does not see it")
    moved = np.any(changed_by, axis=0)
    expected = np.broadcast_to(np.asarray(s.conditioned, bool).reshape(-1), moved.shape)
    if (still := np.flatnonzero(expected & ~moved)).size:
        raise CheckFailure(
            f"the outputs {still.tolist()} (flattened event) do not depend on the condition at any of {len(s.kinds)} "
            "parameter draws. If that is meant, declare it with `conditioned`"
        )
    b = s.parameters(0)
    try:
        jax.eval_shape(lambda x: b.forward(x), jax.tree.map(lambda a: a[0], s.inputs(0)[0]))
    except (ValueError, TypeError):
        return
    raise CheckFailure(
        "forward works without a condition: it should be a ValueError that tells to bind one, b.condition(c).forward(x)"
    )


def _event(s: Subject, values: Any) -> np.ndarray:
    """forward's outputs as [rows, numbers of the event], parameter batch axes folded into the rows."""
    y = values[0][0]
    parts = [
        np.asarray(leaf).reshape((-1, int(np.prod(leaf.shape[leaf.ndim - n :], dtype=int))))
        for leaf, n in zip(jax.tree.leaves(y), jax.tree.leaves(event_ndims(s.bijector, "forward")[1]), strict=True)
    ]
    return np.concatenate(parts, axis=-1)


def _structure(s: Subject) -> np.ndarray | None:
    if s.structure is None:
        return None
    return np.asarray(s.structure(s.bijector) if callable(s.structure) else s.structure, bool)


def structure(s: Subject) -> None:
    """The Jacobian is exactly zero where the declared structure says so."""
    if (allowed := _structure(s)) is None:
        return
    for k in s.kinds:
        jacobian = s.exact(k)["forward"][2]
        if jacobian.shape[-2:] != allowed.shape:
            raise CheckFailure(f"the declared structure is {allowed.shape} and the Jacobian {jacobian.shape[-2:]}")
        leak = np.argwhere((jacobian != 0) & ~allowed)
        if leak.size:
            *place, i, j = leak[0]
            raise CheckFailure(
                f"output {i} depends on input {j}{s.where(k, 'float64')}, which the declared structure forbids: "
                f"the derivative at {show(row(s.inputs(k)[0], place[0]))} is {jacobian[tuple(leak[0])]:.4g}. A mask is "
                "off by one, or an order is applied on one side only"
            )


def dependence(s: Subject) -> None:
    """The Jacobian is somewhere not zero where the declared structure allows it."""
    if (allowed := _structure(s)) is None:
        return
    used = np.any(
        [np.any(s.exact(k)["forward"][2] != 0, axis=tuple(range(1 + len(s.batch_shape)))) for k in s.kinds], axis=0
    )
    lost = np.argwhere(allowed & ~used)
    if lost.size:
        i, j = lost[0]
        raise CheckFailure(
            f"output {i} does not depend on input {j} at any of {len(s.kinds)} parameter draws, though the declared "
            "structure lets it: a mask is too narrow, so that the map is less general than it says"
        )
