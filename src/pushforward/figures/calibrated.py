"""Is each latent coordinate of held-out rows standard normal?"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..diagnostics import calibration as tested
from ..distributions import MultivariateNormalDiag, StandardNormal, TransformedDistribution
from .style import BLUE, GREY, RED, panels, table_of

_MOST_PANELS = 24


def calibration(flow: Any, x: Any, *, names: Sequence[str] | None = None) -> Figure:
    """u = Φ(z_i) of held-out rows: its empirical distribution function less the uniform one, for each coordinate.

    If the flow is right, z = f⁻¹(x) is standard normal, u uniform, and a line stays in the grey band in 99 of 100
    pictures (Kolmogorov's limit, |F_n − F| < 1.63 / √n). Above zero on the left and below on the right: there are more
    extreme rows than the model expects, it is too narrow; the other way round, too wide; on one side, shifted.

    Args:
        flow: a `TransformedDistribution` over a `StandardNormal` or `MultivariateNormalDiag`, with event shape (D,) and
            batch shape ().
        x: rows that were held out of training, shape [rows, D].
        names: of the coordinates; default z₁, z₂, ...; they are those of the latents, and coordinate i belongs to
            column i only where no layer mixes columns.

    Raises:
        TypeError: for something else than a flow, or another base.
        ValueError: if the rows do not fit.
    """
    if not isinstance(flow, TransformedDistribution):
        raise TypeError(f"calibration: expected a TransformedDistribution, and got {type(flow).__name__}")
    if len(flow.event_shape) != 1 or tuple(flow.batch_shape) != ():
        raise ValueError(
            f"calibration: expected one flow on vectors, and got event_shape={tuple(flow.event_shape)}, "
            f"batch_shape={tuple(flow.batch_shape)}; bind one condition"
        )
    rows = table_of("x", x, flow.event_shape[0])
    z: Any = rows.astype(np.float32)
    while isinstance(flow, TransformedDistribution):
        z, flow = flow.bijector.inverse(z), flow.base
    result = tested(_standardised(np.asarray(z), flow))
    count, columns = result.values.shape
    labels = [f"coordinate {k + 1}" for k in range(columns)] if names is None else list(names)
    if len(labels) != columns:
        raise ValueError(f"calibration: expected {columns} names, one a coordinate, and got {len(labels)}")
    # The worst first, where not all fit.
    shown = np.sort(np.argsort(result.p_value)[:_MOST_PANELS])
    figure, axes = panels(len(shown), 6, side=2.2)
    band, steps = 1.63 / math.sqrt(count), np.arange(1, count + 1) / count
    for place, k in zip(axes, shown, strict=True):
        u = np.sort(result.values[:, k])
        bad = result.corrected[k] < 0.01
        place.axhspan(-band, band, color=GREY, alpha=0.2, linewidth=0)
        place.axhline(0, color=GREY, linewidth=0.8)
        place.plot(u, steps - u, color=RED if bad else BLUE, linewidth=1.2)
        high = max(2 * band, 1.1 * float(result.statistic[k]))
        place.set(xlim=(0, 1), ylim=(-high, high))
        place.set_title(f"{labels[k]}\np = {result.p_value[k]:.2g}", fontsize="small")
        place.tick_params(labelsize="x-small")
    figure.supxlabel("u = Φ(z)", fontsize="small")
    figure.supylabel("share of rows below u, less u", fontsize="small")
    return figure


def _standardised(z: np.ndarray, base: Any) -> np.ndarray:
    if isinstance(base, StandardNormal):
        return z
    if isinstance(base, MultivariateNormalDiag):
        return (z - np.asarray(base.mean)) / np.sqrt(np.asarray(base.variance))
    raise TypeError(
        f"calibration: expected a normal base, and got {type(base).__name__}, of whose coordinates Φ is not the "
        "distribution function; compare samples with data by `pairs` instead"
    )
