"""Checks of the contract: a pytree of arrays, shapes, ranks, dtypes, one trace, declared facts."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..bijectors import Bijector
from ..bijectors.domains import satisfies
from ..core import broadcast_batch, map_ndims
from .failure import CheckFailure, row, show
from .inputs import map_events
from .programs import TRACES, abstract, event_ndims
from .subject import Subject

SHAPES = ((), (0,), (2, 1, 3))
# Batch shapes of the input and of a bound condition.
BROADCASTS = (((), (3,)), ((3,), (2, 1)))


def pytree(s: Subject) -> None:
    """The bijector is a pytree of arrays, with a structure that can be compared and hashed."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(s.bijector):
        name = jax.tree_util.keystr(path)
        if not eqx.is_array(leaf):
            raise CheckFailure(
                f"the leaf {name} is {type(leaf).__name__}, not an array: plain jax.jit cannot take the bijector. "
                "Declare the field with core.static_field(), wrap a function in core.as_callable, or make a number an "
                "array"
            )
        if getattr(leaf, "weak_type", False):
            raise CheckFailure(
                f"the leaf {name} is weakly typed, so everything is compiled again after the first update of the "
                "parameters. Give the dtype: jnp.asarray(v, jnp.result_type(float, v))"
            )
    structure = jax.tree.structure(s.bijector)
    try:
        hash(structure)
    except TypeError as error:
        raise CheckFailure(
            f"the static fields cannot be hashed ({error}), so jax.jit cannot take the bijector. Make lists tuples, "
            "and arrays leaves"
        ) from None
    again: Any = jax.tree.structure(jax.tree.map(lambda leaf: leaf, s.bijector))
    if again != structure:
        raise CheckFailure(
            "taken apart and put together, the bijector is not equal to itself, so it is compiled at every call. A "
            "static field compares by identity: hold a named function, not a lambda made anew"
        )


def final(s: Subject) -> None:
    """The public methods are the base's, so that ranks, shapes and sums are what the contract says."""
    own = [
        name
        for name, method in vars(Bijector).items()
        if getattr(method, "__final__", False) and getattr(type(s.bijector), name) is not method
    ]
    if own:
        raise CheckFailure(
            f"{type(s.bijector).__name__} overrides {', '.join(own)}, which belong to the base: write "
            f"{', '.join('_' + name for name in own)} instead"
        )


def shapes(s: Subject) -> None:
    """Values and log-dets have the promised shapes and dtypes for batches (), (0,) and (2, 1, 3)."""
    conditional = s.condition_dim is not None
    batches: list[tuple[Any, Any]] = [(batch, batch if conditional else None) for batch in SHAPES]
    batches += list(BROADCASTS) if conditional else []
    with jax.enable_x64(True):
        for direction in ("forward", "inverse"):
            for batch, c_batch in batches:
                # Where the parameters leave it to us, the longest batch ends in an axis of the event.
                extra = 1 if len(batch) == 3 and not s.batch_shape else None
                _shape(s, direction, batch + s.batch_shape, c_batch, extra)
            if s.batch_shape:
                _shape(s, direction, (), () if conditional else None, None)


def _shape(s: Subject, direction: str, batch: Any, c_batch: Any, extra: int | None) -> None:
    b = s.parameters(0)
    n_in, n_out = event_ndims(b, direction)
    in_shape = s.event_shape
    out_shape = s.example(0).forward_event_shape(in_shape)
    if direction == "inverse":
        in_shape, out_shape = out_shape, in_shape
    struct = map_events(lambda n, shape: jax.ShapeDtypeStruct(batch + tuple(shape), np.float32), n_in, in_shape)
    c = None
    if c_batch is not None:
        axes = (1,) * len(s.batch_shape) if c_batch else ()
        c = jax.ShapeDtypeStruct(c_batch + axes + (s.condition_dim,), np.float32)
        c_batch = c_batch + axes
    y, log_det = abstract.eval_shape(b, struct, c, direction=direction, extra=extra)
    want = np.broadcast_shapes(batch, s.batch_shape, c_batch or ())
    asked = f"{direction} of a batch {batch}" + (f" under conditions {c_batch}" if c_batch is not None else "")
    for n, leaf, event in zip(
        jax.tree.leaves(n_out), jax.tree.leaves(y), jax.tree.leaves(out_shape, is_leaf=_is_shape), strict=True
    ):
        got_event = leaf.shape[leaf.ndim - n :] if leaf.ndim >= n else leaf.shape
        if leaf.ndim < n or got_event != tuple(event):
            raise CheckFailure(
                f"{asked}: the result has shape {leaf.shape}, so events of shape {got_event}, and "
                f"{'forward' if direction == 'forward' else 'inverse'}_event_shape promises {tuple(event)}"
            )
        if leaf.dtype != np.float32:
            raise CheckFailure(
                f"{asked}: float32 goes in and {leaf.dtype} comes out where 64-bit types are enabled. Make constants "
                "in the dtype of the input, jnp.asarray(v, x.dtype), or leave them Python numbers"
            )
    if broadcast_batch(y, n_out) != want:
        raise CheckFailure(f"{asked}: the result has batch shape {broadcast_batch(y, n_out)} instead of {want}")
    want = want[: len(want) - (extra or 0)]
    if log_det.shape != want:
        raise CheckFailure(
            f"{asked}{' with one event axis more' if extra else ''}: the log-det has shape {log_det.shape} instead of "
            f"{want}, one number for each batch element"
        )
    if log_det.dtype != np.float32:
        raise CheckFailure(
            f"{asked}: the log-det of float32 numbers is {log_det.dtype} where 64-bit types are enabled. Make "
            "constants in the dtype of the input"
        )


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(n, int) for n in value)


def dtypes(s: Subject) -> None:
    """float32 gives float32 and float64 gives float64, values and log-dets."""
    for name, seen in (("float64", s.exact(0)), ("float32", s.mixed(0)[1])):
        outputs = (seen["forward"][:2], seen["inverse"][:2]) if name == "float64" else seen
        for direction, output in zip(("forward", "inverse"), outputs, strict=True):
            found = {str(leaf.dtype) for leaf in jax.tree.leaves(output)}
            if found != {name}:
                raise CheckFailure(
                    f"{direction} of {name} gives {sorted(found)}: a cast or a constant of another dtype; convert "
                    "constants with jnp.asarray(v, x.dtype)"
                )


def ranks(s: Subject) -> None:
    """Too small an `event_ndims`, and an input with fewer axes than an event, are a `ValueError`."""
    b = s.example(0)
    shapes = {"forward": s.event_shape, "inverse": b.forward_event_shape(s.event_shape)}
    for direction, shape in shapes.items():
        _ranks(b, direction, shape)


def _ranks(b: Any, direction: str, shape: Any) -> None:
    n_in = event_ndims(b, direction)[0]
    x = map_events(lambda n, shape: jax.ShapeDtypeStruct(tuple(shape), np.float32), n_in, shape)
    fewer = map_ndims(lambda n: n - 1, n_in)
    method = getattr(b, direction + "_and_log_det")
    _expect_value_error(lambda: jax.eval_shape(lambda x: method(x, fewer), x), f"{direction} with event_ndims={fewer}")
    _expect_value_error(lambda: getattr(b, direction + "_event_ndims")(fewer), f"{direction}_event_ndims({fewer})")
    if min(jax.tree.leaves(n_in), default=0) > 0:
        flat = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), x)
        _expect_value_error(lambda: jax.eval_shape(method, flat), f"{direction} of an array with too few axes")


def _expect_value_error(run: Any, what: str) -> None:
    try:
        run()
    except ValueError:
        return
    except Exception as error:
        raise CheckFailure(f"{what}: expected a ValueError and got {type(error).__name__}: {error}") from None
    raise CheckFailure(f"{what}: expected a ValueError and got a result")


def event_shapes(s: Subject) -> None:
    """`forward_event_shape` and its siblings agree with each other, also with further event axes."""
    b = s.example(0)
    n_in, n_out = event_ndims(b, "forward")
    there = b.forward_event_shape(s.event_shape)
    back = b.inverse_event_shape(there)
    given = map_events(lambda n, shape: tuple(shape), n_in, s.event_shape)
    if back != given:
        raise CheckFailure(f"inverse_event_shape(forward_event_shape({given})) is {back}")
    longer = b.forward_event_shape(map_events(lambda n, shape: (2, *shape), n_in, s.event_shape))
    want = map_events(lambda n, shape: (2, *shape), n_out, there)
    if longer != want:
        raise CheckFailure(
            f"forward_event_shape of events with one more axis, of length 2, gives {longer} instead of {want}"
        )
    up = map_ndims(lambda n: n + 1, n_in)
    if b.inverse_event_ndims(b.forward_event_ndims(up)) != up:
        raise CheckFailure(f"inverse_event_ndims(forward_event_ndims({up})) is not {up}")


def one_trace(s: Subject) -> None:
    """Other parameter values run the same compiled programs."""
    s.mixed(0)
    s.exact(0)
    programs: dict[str, Any] = {"mixed": s.mixed, "exact": s.exact}
    for program, run in programs.items():
        before = TRACES[program]
        for k in s.kinds:
            run(k)
        if again := TRACES[program] - before:
            raise CheckFailure(
                f"{len(s.kinds) - 1} other parameter values caused {again} more compilations: a parameter's value has "
                "become part of the structure (a static field, a Python number)"
            )


def facts(s: Subject) -> None:
    """`is_increasing`, `is_constant_jacobian`, `domain` and `codomain` are true."""
    for k in s.kinds:
        with jax.enable_x64(True):
            b = jax.tree.map(jnp.asarray, s.parameters(k, np.float64))
            seen = s.exact(k)
            _monotone(s, b, k, seen)
            _constant(s, b, k, seen)
            _inside(s, b.codomain, k, "forward", "codomain")
            _inside(s, b.domain, k, "inverse", "domain")


def _inside(s: Subject, constraint: Any, k: int, direction: str, name: str) -> None:
    side = 0 if direction == "forward" else 1
    values = s.exact(k)[direction][0]
    ndims = event_ndims(s.bijector, direction)[1]
    inside = np.asarray(satisfies(constraint, jax.tree.map(jnp.asarray, values), ndims))
    if not inside.all():
        worst = int(np.argwhere(~inside)[0][0])
        raise CheckFailure(
            f"{direction}{s.where(k, 'float64')} of {show(row(s.inputs(k)[side], worst))} is "
            f"{show(row(values, worst))}, outside the declared {name} {constraint}: the declaration is too narrow, "
            "or the map is wrong"
        )


def _monotone(s: Subject, b: Any, k: int, seen: Any) -> None:
    if b.is_increasing is None:
        return
    slope = seen["forward"][2]
    if slope.shape[-2:] != (1, 1):
        raise CheckFailure("is_increasing is declared for a map that is not scalar; leave it None")
    slope = slope[..., 0, 0]
    declared = np.broadcast_to(np.asarray(b.is_increasing), slope.shape)
    wrong = (slope != 0) & ((slope > 0) != declared)
    if wrong.any():
        i = tuple(np.argwhere(wrong)[0])
        raise CheckFailure(
            f"is_increasing{s.where(k, 'float64')} says {bool(declared[i])}, and the slope at "
            f"{show(row(s.inputs(k)[0], i[0]))} is {slope[i]:.4g}"
        )


def _constant(s: Subject, b: Any, k: int, seen: Any) -> None:
    if not b.is_constant_jacobian or s.condition_dim is not None:
        return
    for direction in ("forward", "inverse"):
        log_det = seen[direction][1]
        spread = np.ptp(log_det, axis=0).max(initial=0)
        if spread > s.float64 * (1 + np.abs(log_det).max(initial=0)):
            raise CheckFailure(
                f"is_constant_jacobian{s.where(k, 'float64')} says True, and the {direction} log-det differs by "
                f"{spread:.3g} between rows"
            )
