"""Two columns: the density on a grid, and how the layers push space into place."""

import base64
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..diagnostics.layers import parts_of
from .charts import display_range
from .facts import Facts
from .raster import DATA, QUADRANTS, SAMPLES, cloud, opacity_for, shade
from .svg import Frame, Plot
from .text import names, number, percent, short

GRID, DRAWS, POINTS, MOST_STAGES = 200, 4000, 2500, 12
_REGIONS = (0.99, 0.95, 0.8, 0.5)


def density(facts: Facts) -> str:
    """Two pictures: the density itself, and the smallest regions that hold 50 to 99 % of it, with held-out rows."""
    given = _typical(facts)
    condition = None if given is None else np.tile(given, (DRAWS, 1))
    draws = facts.model.sample(DRAWS, seed=2, condition=condition)
    spread = np.concatenate([facts.held_out, draws]) if given is None else draws
    limits = [display_range(spread[:, k]) for k in range(2)]
    middle = [low + (np.arange(GRID) + 0.5) / GRID * (high - low) for low, high in limits]
    points = np.stack(np.meshgrid(middle[0], middle[1][::-1]), axis=-1).reshape(-1, 2)
    log_density = facts.model.log_density(points, None if given is None else np.tile(given, (len(points), 1)))
    log_density = np.nan_to_num(log_density.reshape(GRID, GRID), nan=-np.inf)
    relative = np.exp(log_density - np.max(log_density))
    levels, alpha = _levels(facts.model.log_density(draws, condition)), np.zeros((GRID, GRID))
    for level, opacity in zip(levels, (0.16, 0.32, 0.5, 0.75), strict=True):
        alpha = np.where(log_density >= level, opacity, alpha)
    plot = Plot(400, 232)
    frames = [Frame(plot, (50 + 177 * k, 22, 165, 165), *limits) for k in range(2)]
    frames[0].picture(shade(np.sqrt(relative / max(float(np.quantile(relative, 0.9995)), 1e-30)), SAMPLES))
    frames[1].picture(shade(alpha, SAMPLES))
    if given is None and len(facts.held_out):
        rows = facts.held_out[:1500]
        frames[1].picture(cloud([(rows, DATA)], *limits, opacity=min(0.6, 2 * opacity_for(len(rows)))))
    titles = ("density", "regions, held-out rows" if given is None and len(facts.held_out) else "regions")
    for k, (frame, title) in enumerate(zip(frames, titles, strict=True)):
        frame.border()
        frame.x_axis(4, short(facts.names[0], 22), line=False)
        if k == 0:
            frame.y_axis(4, short(facts.names[1], 24), grid=False)
        plot.text(50 + 177 * k, 15, title, "label strong")
    inside = ""
    if given is None and len(facts.log_density):
        shares = [float(np.mean(facts.log_density >= level)) for level in levels[::-1]]
        inside = f" They hold {', '.join(percent(s) for s in shares)} of the held-out rows."
    at = ""
    if given is not None:
        at = f" Given {names(facts.model.schema.condition_names)} = {', '.join(number(v) for v in given)}."
    caption = (
        "Left: the density; opacity grows with its square root. Right: the smallest regions that hold 50, 80, 95 and "
        f"99 % of the probability, from dark to faint.{inside}{at}"
    )
    said = "Density of the model over the two columns, and its regions of highest density"
    return f'<figure class="wide">{plot.render(said)}<figcaption>{caption}</figcaption></figure>'


def deformation(facts: Facts) -> str:
    """Samples of the base, coloured by quadrant, after each layer: still pictures, and with JavaScript a slider."""
    stages, titles = _stages(facts)
    if len(stages) > MOST_STAGES:
        keep = sorted({round(k) for k in np.linspace(0, len(stages) - 1, MOST_STAGES)})
        stages, titles = [stages[k] for k in keep], [titles[k] for k in keep]
    extent = max(float(np.quantile(np.abs(np.stack(stages)), 0.998)) * 1.08, 1.0)
    quadrant = 2 * (stages[0][:, 1] < 0) + (stages[0][:, 0] < 0)
    stills = []
    for points, title in zip(stages, titles, strict=True):
        groups = [(points[quadrant == q], QUADRANTS[q]) for q in range(4)]
        uri = cloud(groups, (-extent, extent), (-extent, extent), size=260, opacity=0.75)
        said = f"Samples coloured by starting quadrant, {title}"
        stills.append(
            f'<figure><img src="{uri}" alt="{said}" width="260" height="260"><figcaption>{title}</figcaption></figure>'
        )
    packed = np.rint(np.clip(np.stack(stages) / extent, -2, 2) * 16000).astype("<i2")
    order = np.random.default_rng(0).permutation(packed.shape[1])
    attributes = {
        "points": base64.b64encode(packed[:, order].tobytes()).decode(),
        "colours": base64.b64encode(quadrant[order].astype(np.uint8).tobytes()).decode(),
        "stages": str(len(stages)),
        "titles": "|".join(titles),
    }
    data = " ".join(f'data-{key}="{value}"' for key, value in attributes.items())
    player = (
        f'<figure class="player" hidden {data}><canvas width="760" height="760" role="img" '
        'aria-label="Samples moving through the layers"></canvas>'
        '<div class="controls"><button type="button">Play</button>'
        f'<input type="range" min="0" max="{len(stages) - 1}" step="0.01" value="{len(stages) - 1}" '
        'aria-label="Layer"><output></output></div></figure>'
    )
    return f'<div class="bend">{player}<div class="grid stills">{"".join(stills)}</div></div>'


def _stages(facts: Facts) -> tuple[list[np.ndarray], list[str]]:
    """The points after each layer, in standardised units; linear maps go with the layer that follows them."""
    flow: Any = facts.model.flow
    given = _typical(facts)
    if given is not None:
        standard = facts.model.schema.standardize_condition(given[None])[0]
        flow = flow(jnp.asarray(standard, jnp.float32))
    parts = parts_of(flow)[::-1]
    base = flow.base
    while hasattr(base, "bijector"):
        base = base.base
    points = base.sample(jax.random.key(3), (POINTS,))
    stages, titles, layer = [np.asarray(points)], ["the base: normal"], 0
    for k, (_, part) in enumerate(parts):
        points = _forward(part, points)
        if part.is_constant_jacobian and k + 1 < len(parts) and len(parts) > 3:
            continue
        layer += 1
        stages.append(np.asarray(points))
        titles.append(f"after layer {layer}")
    if len(titles) > 1:
        titles[-1] += ": the model"
    return stages, titles


@eqx.filter_jit
def _forward(part: Any, points: jax.Array) -> jax.Array:
    return part.forward(points)


def _typical(facts: Facts) -> np.ndarray | None:
    """The condition that pictures are drawn for: that of the row nearest to the medians."""
    if not facts.model.schema.condition:
        return None
    if facts.condition is None or not len(facts.condition):
        return np.array([column.loc for column in facts.model.schema.condition])
    scale = np.array([column.scale for column in facts.model.schema.condition])
    away = np.sum(((facts.condition - np.median(facts.condition, axis=0)) / scale) ** 2, axis=1)
    return facts.condition[int(np.argmin(away))]


def _levels(log_density: np.ndarray) -> list[float]:
    """Log densities above which 99, 95, 80 and 50 % of the model's own draws lie."""
    values = log_density[np.isfinite(log_density)]
    return [float(q) for q in np.quantile(values, [1 - share for share in _REGIONS])]
