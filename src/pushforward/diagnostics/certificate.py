"""`check`: a certificate of a flow on the user's own data."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._garbage import seldom_collected
from ..bijectors import Invert
from ..distributions import ConditionalDistribution, TransformedDistribution
from ..distributions.foreign import model_dtype
from . import verdicts
from .draws import draw, look_at_draws
from .findings import Certificate, LayerReport
from .layers import LAYER_ROWS, judge_layers, parts_of, walk_inwards, walk_outwards
from .programs import bind, densities, filled, gradients, in_float64

# Rows for which everything is computed in both dtypes, and numbers in Jacobians.
ROWS, JACOBIAN_ENTRIES = 512, 2**21


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
    key = jax.random.key(0) if key is None else key
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    epsilon = float(jnp.finfo(x.dtype).eps)
    _refuse_training(bind(flow, condition, [0]))

    with seldom_collected():
        log_prob, gradient, bad_parameters = gradients(flow, x, condition)
    first = bind(flow, condition, [int(np.argmin(np.isfinite(log_prob)))])
    findings = [
        verdicts.finite_values(log_prob, first, x),
        verdicts.finite_gradients(log_prob, gradient, bad_parameters),
    ]
    rows = _choose_rows(log_prob, rng)
    # Filled up to a fixed number, of any rows if none has a density: the draws go out together with these.
    full = filled(rows if len(rows) else np.arange(len(x)), ROWS)
    number = max(1, min(LAYER_ROWS, JACOBIAN_ENTRIES // max(1, math.prod(x.shape[1:])) ** 2))
    with ThreadPoolExecutor(1) as beside, seldom_collected():
        # Compiling takes nearly all the time, and two programs at a time compile sooner.
        child = np.random.default_rng(rng.integers(2**63))
        settings: Any = jax.config
        arguments = flow, x, condition, full, full[:number], epsilon, child, settings.jax_default_device
        exact_part = beside.submit(_in_float64, *arguments) if len(rows) else None
        _, latents = densities(flow, x[full], None if condition is None else condition[full])
        draws, back = draw(flow, condition, key, rng, latents, full)
        layers: list[LayerReport] = []
        if exact_part is not None:
            exact, layers, log_det, uncertain = exact_part.result()
            claimed = exact["log_det"][:number]
            exact = {name: values[: len(rows)] for name, values in exact.items()}
            density, slope = log_prob[rows], gradient[rows]
            findings += [
                verdicts.round_trip(x, rows, exact),
                verdicts.log_determinant(layers, claimed, log_det, uncertain, full[:number]),
                verdicts.rounded_round_trip(x, rows, exact, back[: len(rows)], layers, epsilon),
                verdicts.rounded_density(x, rows, exact, density, slope, layers, epsilon),
                verdicts.resolution(x, rows, density, slope, epsilon),
            ]
        findings += look_at_draws(flow, draws, rng, epsilon)
    event = "x".join(map(str, x.shape[1:])) + "-dimensional" if x.shape[1:] else "scalar"
    subject = f"{event} flow in {x.dtype}, {len(x):,} {'row' if len(x) == 1 else 'rows'}"
    return Certificate(tuple(findings), tuple(layers), subject)


def _in_float64(
    flow: Any,
    x: np.ndarray,
    condition: np.ndarray | None,
    rows: np.ndarray,
    few: np.ndarray,
    epsilon: float,
    rng: np.random.Generator,
    device: Any,
) -> tuple[dict[str, np.ndarray], list[LayerReport], np.ndarray, np.ndarray]:
    """The rows in float64 arithmetic, whole and layer by layer, on the default device of the caller's thread.

    Returns:
        what `in_float64` says of the rows; with `back`, forward(inverse(x)), and `moved`, how far from there the result
        is if the latent is rounded to a relative precision of `epsilon` first (the farther of two directions of
        rounding); and what `judge_layers` says of a few rows.
    """
    every = np.concatenate([rows, rows, rows, few])
    with jax.default_device(device), jax.enable_x64(True):
        exact = in_float64(bind(flow, condition, rows), x[rows])
        seen = walk_inwards(bind(flow, condition, few), x[few])
        signs = rng.choice([-1.0, 1.0], (2, *exact["z"].shape))
        latents = np.concatenate([exact["z"][None], exact["z"] * (1 + epsilon * signs)])
        back, forwards = walk_outwards(bind(flow, condition, every), np.concatenate(latents), seen)
    back = back.reshape(3, *x[rows].shape)
    exact |= {"back": back[0], "moved": np.max(np.abs(back[1:] - back[0]), axis=0)}
    return exact, *judge_layers(seen, forwards, len(few), epsilon)


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
