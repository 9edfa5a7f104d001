"""`check`: a certificate of a flow on the user's own data."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..bijectors import Invert
from ..distributions import ConditionalDistribution, TransformedDistribution
from ..distributions.foreign import model_dtype
from . import verdicts
from .draws import look_at_draws
from .findings import Certificate, LayerReport
from .layers import measure_layers, parts_of
from .programs import bind, densities, in_float64, there_and_back

# Rows for which everything is computed in both dtypes, and rows (and numbers) for which Jacobians are.
ROWS, LAYER_ROWS, JACOBIAN_ENTRIES = 512, 32, 2**21


def check(flow: Any, x: Any, *, condition: Any = None, key: jax.Array | None = None) -> Certificate:
    """Check a flow on data: finite values, round trips, log-determinants, normalisation, layer by layer.

    Values and gradients are computed for every row; the rest for up to 512 rows (Jacobians for up to 32), half of them
    those of lowest density, where trouble is. What is right or wrong about the formulas is decided in float64, what is
    lost by rounding in the dtype of the flow against float64; `verdicts` says what is allowed and why.

    Args:
        flow: a `TransformedDistribution`, or a `ConditionalDistribution` with `condition`.
        x: data, shape [rows | event shape]; cast to the flow's dtype.
        condition: of each row, shape [rows | condition size].
        key: for the choice of rows and the draws; default `jax.random.key(0)`, so that certificates repeat.

    Returns:
        A `Certificate`: `ok`, `findings` with figure, threshold and reason, `layers`; it prints as a table.

    Raises:
        TypeError: if `flow` is no such distribution.
        ValueError: if shapes do not fit, the data has no rows or values that are not finite (naming one), or a layer
            is in training, where the density of a row depends on the other rows.

    Example:
        certificate = pushforward.check(flow, x)
        print(certificate)
        assert certificate.ok
    """
    x, condition = _inputs(flow, x, condition)
    key, key_rows = jax.random.split(jax.random.key(0) if key is None else key)
    rng = np.random.default_rng(np.asarray(jax.random.bits(key_rows, (4,))))
    epsilon = float(jnp.finfo(x.dtype).eps)
    _refuse_training(bind(flow, condition, [0]))

    log_prob, gradient, bad_parameters = densities(flow, x, condition)
    first = bind(flow, condition, [int(np.argmin(np.isfinite(log_prob)))])
    findings = [
        verdicts.finite_values(log_prob, first, x),
        verdicts.finite_gradients(log_prob, gradient, bad_parameters),
    ]
    rows = _choose_rows(log_prob, rng)
    layers: list[LayerReport] = []
    if len(rows):
        size = max(1, math.prod(x.shape[1:]))
        few = rows[: max(1, min(LAYER_ROWS, JACOBIAN_ENTRIES // size**2))]
        layers, log_det, uncertain = measure_layers(bind(flow, condition, few), x[few], epsilon)
        exact = in_float64(flow, x, condition, rows, epsilon, rng)
        back = np.asarray(there_and_back(bind(flow, condition, rows), jnp.asarray(x[rows])))
        density, slope = log_prob[rows], gradient[rows]
        findings += [
            verdicts.round_trip(x, rows, exact),
            verdicts.log_determinant(layers, exact["log_det"][: len(few)], log_det, uncertain, few),
            verdicts.rounded_round_trip(x, rows, exact, back, layers, epsilon),
            verdicts.rounded_density(x, rows, exact, density, slope, layers, epsilon),
            verdicts.resolution(x, rows, density, slope, epsilon),
        ]
    findings += look_at_draws(flow, condition, key, rng, epsilon)
    event = "x".join(map(str, x.shape[1:])) + "-dimensional" if x.shape[1:] else "scalar"
    subject = f"{event} flow in {x.dtype}, {len(x):,} {'row' if len(x) == 1 else 'rows'}"
    return Certificate(tuple(findings), tuple(layers), subject)


def _choose_rows(log_prob: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Up to `ROWS` rows with a density: those of lowest density, alternating with random ones."""
    finite = np.flatnonzero(np.isfinite(log_prob))
    lowest = finite[np.argsort(log_prob[finite], kind="stable")]
    mixed = np.stack([lowest, rng.permutation(finite)], axis=1).ravel()
    _, first = np.unique(mixed, return_index=True)
    return mixed[np.sort(first)][:ROWS]


def _inputs(flow: Any, x: Any, condition: Any) -> tuple[np.ndarray, np.ndarray | None]:
    if not isinstance(flow, TransformedDistribution | ConditionalDistribution):
        raise TypeError(
            f"check expects a flow, and got {type(flow).__name__}: it takes a TransformedDistribution apart layer by "
            "layer. Of a bijector, check TransformedDistribution(base, bijector)."
        )
    if isinstance(flow, TransformedDistribution):
        if condition is not None or flow.batch_shape:
            got = "a condition" if condition is not None else f"a batch of distributions of shape {flow.batch_shape}"
            raise ValueError(
                f"check expects one distribution for all rows, or one that takes a condition, and got {got}; pass the "
                "ConditionalDistribution itself, not flow(c), and condition=c"
            )
    elif condition is None:
        raise ValueError(
            f"check expects condition=c of shape [rows | {flow.condition_dim}] with a conditional flow, and got none; "
            "its density is another one for every condition"
        )
    dtype, event = model_dtype(flow), flow.event_shape
    data = _finite_array(x, "x", dtype)
    if data.ndim != 1 + len(event) or data.shape[1:] != event or not len(data):
        raise ValueError(
            f"check expects x of shape {_shape('rows', event)} with at least one row, and got {data.shape}: the last "
            "axes are one event of the flow"
        )
    if condition is None:
        return data, None
    c = _finite_array(condition, "condition", dtype)
    if c.shape != (len(data), flow.condition_dim):
        raise ValueError(
            f"check expects a condition of shape ({len(data)}, {flow.condition_dim}), one for each row of x, and got "
            f"{c.shape}"
        )
    return data, c


def _refuse_training(flow: TransformedDistribution) -> None:
    for name, part in parts_of(flow):
        inner = part.bijector if isinstance(part, Invert) else part
        if getattr(inner, "inference", True) is False:
            raise ValueError(
                f"check expects a flow as it is used after training, and {name} ({type(inner).__name__}) has "
                "inference=False: it takes statistics from the batch it is given, so the density of a row depends on "
                "the other rows. Check the model that fit returns, or build that layer with inference=True."
            )


def _shape(first: str, event: tuple[int, ...]) -> str:
    return f"({', '.join([first, *map(str, event)])}{'' if event else ','})"


def _finite_array(values: Any, name: str, dtype: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        array = np.asarray(values).astype(dtype)
    bad = np.argwhere(~np.isfinite(array.astype(np.float64)))
    if len(bad):
        place = ", ".join(map(str, bad[0]))
        raise ValueError(
            f"check expects finite numbers, and {name}[{place}] is {array[tuple(bad[0])]} in {array.dtype}; drop or "
            f"fill such rows ({len(np.unique(bad[:, :1]))} of them)"
        )
    return array
