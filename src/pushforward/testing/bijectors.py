"""The suite for bijectors: a table of checks, and `check_bijector`, which runs it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax

from ..bijectors import Bijector
from . import accuracy, contract, sensitivity
from .branches import branch_subjects, coverage
from .failure import CheckFailure
from .subject import Blocked, Subject

BIJECTOR_CHECKS: Mapping[str, Callable[[Subject], None]] = {
    "pytree": contract.pytree,
    "final": contract.final,
    "event_shapes": contract.event_shapes,
    "ranks": contract.ranks,
    "shapes": contract.shapes,
    "dtypes": contract.dtypes,
    "one_trace": contract.one_trace,
    "forward_round_trip": accuracy.forward_round_trip,
    "inverse_round_trip": accuracy.inverse_round_trip,
    "forward_log_det": accuracy.forward_log_det,
    "inverse_log_det": accuracy.inverse_log_det,
    "batching": accuracy.batching,
    "eager": accuracy.eager,
    "rows": accuracy.rows,
    "nan": accuracy.nan,
    "finite": sensitivity.finite,
    "gradients": sensitivity.gradients,
    "parameters": sensitivity.parameters,
    "condition": sensitivity.condition,
    "structure": sensitivity.structure,
    "dependence": sensitivity.dependence,
    "facts": contract.facts,
}


def check_bijector(
    bijector: Bijector,
    *,
    event_shape: Any = None,
    x: Any = None,
    condition: Any = None,
    condition_dim: int | None = None,
    batch_shape: tuple[int, ...] = (),
    draw: Callable[..., Any] | None = None,
    draw_output: Callable[..., Any] | None = None,
    extremes: Sequence[float] | None = None,
    output_extremes: Sequence[float] | None = None,
    float64: float | None = None,
    float32: float | None = None,
    numerical: bool = False,
    structure: Any = None,
    coordinates: tuple[Any, Any] = (None, None),
    surface: bool = False,
    conditioned: Any = True,
    perturbation: float = 0.1,
    draws: int = 10,
    checks: Sequence[str] | None = None,
    exempt: Sequence[str] = (),
) -> None:
    """Take a bijector through the whole suite that the library's own classes pass.

    Both round trips and both log-dets (against automatic differentiation) in float64 and float32; shapes, ranks and
    dtypes; batched, mapped, looped, eager and compiled calls agree; finite values and gradients beside extreme rows;
    NaN passes through; every parameter and the condition matter; declared facts are true. All of it at the parameters
    as they are and at perturbed ones.

    A map that is not injective is taken through it once for each branch of its inverse, as a map of its own; besides,
    every point of the domain must be on some branch.

    Args:
        bijector: the instance. A conditional one is given unbound.
        event_shape: shape of an event on the input side, at the minimum rank (a pytree of shapes where events are
            pytrees). Default: that of `x`, or () for a scalar map.
        x: ordinary inputs, rows first; taken in place of drawn ones.
        condition: example conditions [rows, size] of a conditional map; or give only `condition_dim`, the size.
        batch_shape: batch axes that the parameters carry.
        draw, draw_output: (key, batch shape) -> ordinary points on the input or output side. Default: standard
            normals taken into the domain or codomain.
        extremes, output_extremes: numbers at which values and gradients must still be finite. Default: up to ±1e3 on
            the real line, else points near the edges and far out.
        float64, float32: tolerances, as error / (1 + size). Defaults 1e-9 and 2e-4; 1e-6 and 1e-3 where `numerical`.
        numerical: a direction is found by a solve, so calls agree to the tolerances and not to a few roundings.
        structure: boolean matrix [output, input] of a flattened event, or a function of the bijector that gives it:
            where the Jacobian may differ from zero.
        coordinates: where events have more numbers than degrees of freedom (a simplex), functions that pick independent
            ones from an event of the (input, output) side: `(None, lambda y: y[..., :-1])`. Where both sides have them,
            they are entries that move freely (the lower triangles of two matrices).
        surface: the output lies on a surface (a sphere), and the log-det is that of its area, half of log det J^T J.
        conditioned: booleans over the flattened output event, which outputs depend on the condition; default: all.
        perturbation: standard deviation of the noise that further parameter draws add; 0 for none.
        draws: number of parameter draws, the given one included.
        checks: names from `BIJECTOR_CHECKS`; default: all.
        exempt: names to leave out.

    Raises:
        CheckFailure: (an AssertionError) that says of each failed check what failed, by how much, at which input and
            probably why. Its `failures` maps names of checks to messages.
        ValueError: for an unknown check, or a missing `event_shape`.

    Example:
        check_bijector(MySigmoid(), event_shape=())
    """
    table = _selected(checks, exempt)
    subject = partial(
        Subject,
        event_shape=_event_shape(bijector, event_shape, x, batch_shape),
        batch_shape=tuple(batch_shape),
        condition_dim=condition_dim if condition is None else condition.shape[-1],
        points=x,
        condition=condition,
        draw=draw,
        draw_output=draw_output,
        extremes=extremes,
        output_extremes=output_extremes,
        float64=(1e-6 if numerical else 1e-9) if float64 is None else float64,
        float32=(1e-3 if numerical else 2e-4) if float32 is None else float32,
        numerical=numerical,
        structure=structure,
        coordinates=coordinates,
        surface=surface,
        conditioned=conditioned,
        perturbation=perturbation,
        draws=draws,
    )
    if bijector.is_injective:
        failures = run_checks(table, subject(bijector))
    else:
        failures = {}
        for name, branch in branch_subjects(bijector, subject.keywords):
            failures |= {f"{check}, {name}": message for check, message in run_checks(table, branch).items()}
        failures |= run_checks({"coverage": coverage}, subject(bijector)) if checks is None else {}
    if failures:
        lines = [f"{type(bijector).__name__} fails {len(failures)} of {len(table)} checks:"]
        lines += [f"  {name}: {message}" for name, message in failures.items()]
        raise CheckFailure("\n".join(lines), failures)


def run_checks(table: Mapping[str, Callable[[Any], None]], subject: Any) -> dict[str, str]:
    """Name -> message of the checks that fail; an exception is a failure of the check that met it first."""
    failures: dict[str, str] = {}
    seen: dict[str, str] = {}
    for name, check in table.items():
        try:
            check(subject)
        except Blocked:
            continue
        except CheckFailure as failure:
            failures[name] = str(failure)
        except Exception as error:
            text = f"raised {type(error).__name__}: {_first_lines(str(error))}{_hint(error)}"
            before = seen.setdefault(text, name)
            failures[name] = text if before == name else f"raised the same as {before}"
    return failures


def _selected(checks: Sequence[str] | None, exempt: Sequence[str]) -> dict[str, Callable[[Subject], None]]:
    names = list(BIJECTOR_CHECKS) if checks is None else list(checks)
    if unknown := (set(names) | set(exempt)) - set(BIJECTOR_CHECKS):
        raise ValueError(f"no check is called {sorted(unknown)}; the checks are {list(BIJECTOR_CHECKS)}")
    return {name: BIJECTOR_CHECKS[name] for name in names if name not in exempt}


def _event_shape(bijector: Bijector, event_shape: Any, x: Any, batch_shape: tuple[int, ...]) -> Any:
    if event_shape is not None:
        return event_shape
    ndims = bijector.forward_min_event_ndims
    if x is not None:
        return jax.tree.map(lambda n, a: tuple(a.shape[a.ndim - n :]), ndims, x)
    if ndims == 0:
        return ()
    raise ValueError(
        f"check_bijector needs the shape of an event of {type(bijector).__name__}, whose minimum rank is {ndims}, "
        "and got neither event_shape nor x; give one"
    )


def _first_lines(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())[:400]


def _hint(error: Exception) -> str:
    if isinstance(error, jax.errors.ConcretizationTypeError | jax.errors.TracerArrayConversionError):
        return " -- Python code (if, float, int, NumPy) looks at the value of an array; under jit there is none"
    if isinstance(error, ValueError) and "broadcast" in str(error):
        return (
            " -- if the log-det is meant: return one number for each batch element, summed over the event axes, and "
            "count axes from the right"
        )
    if isinstance(error, IndexError | ValueError) and ("dimension" in str(error) or "axis" in str(error)):
        return " -- axes are counted from the left somewhere: an event may come alone or with any number of batch axes"
    if "promotion" in str(error).lower():
        return " -- two dtypes meet under strict promotion; make constants in the dtype of the input"
    return ""
