"""NICE: a flow that moves volume about and never changes it.

    python examples/nice.py [--out pictures] [--small]

An additive coupling layer shears the plane:

    y₁ = x₁,    y₂ = x₂ + t(x₁),    log |det dy/dx| = 0, exactly and whatever t is.

So does any stack of them with permutations between. A tile of the plane may be bent beyond recognition, but keeps its
area, and the density at x is that of the latent point where x came from: nowhere is it higher than at the base's mode.
What the layers cannot do the base must: its two scales train as well (the paper's last layer, a diagonal scaling).

Dinh, Krueger & Bengio (2015), NICE: Non-linear independent components estimation.
"""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

import pushforward as pf
from helpers import BLUE, ORANGE, Page, plane
from pushforward import flows

WIDTH = 0.3
ENTROPY = float(np.log(2 * np.pi * np.e) + np.log(WIDTH))  # of the ribbon: p(x₁) p(x₂ | x₁), two normals


def ribbon(n: int, seed: int) -> np.ndarray:
    """A sine of Gaussian points with Gaussian width: x₁ ~ N(0, 1), x₂ ~ N(2 sin 2x₁, WIDTH); shape (n, 2)."""
    rng = np.random.default_rng(seed)
    x1 = rng.standard_normal(n)
    return np.stack([x1, 2 * np.sin(2 * x1) + WIDTH * rng.standard_normal(n)], axis=-1)


def tiles(side: np.ndarray, points: int) -> np.ndarray:
    """The squares between neighbouring values of `side`, as outlines of `points` points an edge: (n, 4 points, 2)."""
    step, t = side[1] - side[0], np.linspace(0, 1, points, endpoint=False)
    zero, one = np.zeros_like(t), np.ones_like(t)
    outline = np.concatenate([np.stack(edge, -1) for edge in ((t, zero), (one, t), (1 - t, one), (zero, 1 - t))])
    corners = np.stack(np.meshgrid(side[:-1], side[:-1]), axis=-1).reshape(-1, 1, 2)
    return corners + step * outline


def areas(outlines: np.ndarray) -> np.ndarray:
    """The area within each outline, by the shoelace formula."""
    x, y = np.moveaxis(np.asarray(outlines, np.float64), -1, 0)
    return 0.5 * np.abs(np.sum(x * np.roll(y, -1, axis=-1) - y * np.roll(x, -1, axis=-1), axis=-1))


def main(argv: list[str] | None = None) -> None:
    """Run the example."""
    page = Page(__doc__, argv)
    train, test = ribbon(page.size(10_000, 2_000), seed=0), ribbon(5_000, seed=1)
    flow = flows.nice(jax.random.key(0), dim=2, layers=4, hidden_units=page.size((64, 64), (32,)), train_base=True)
    learn = {"epochs": page.size(60, 80), "batch_size": page.size(256, 64)}
    flow = pf.fit(jax.random.key(1), flow, train, **learn).model

    nll = -float(jnp.mean(flow.log_prob(test)))
    page.promise("test NLL, nats", nll, at_least=ENTROPY - 0.03, at_most=ENTROPY + page.size(0.05, 0.5))
    log_det = flow.bijector.forward_log_det_jacobian(jax.random.normal(jax.random.key(2), (1_000, 2)))
    page.promise("largest |log-det| of 1,000 points", jnp.max(jnp.abs(log_det)), near=0.0)

    loc, scale = flow.base.loc, flow.base.scale_diag
    page.promise("scales of the base, whose product is", jnp.prod(scale), near=WIDTH, within=page.size(0.02, 0.15))
    squares = tiles(np.linspace(-2, 2, 9), points=40) * np.asarray(scale) + np.asarray(loc)
    bent = np.asarray(flow.bijector.forward(squares))
    ratio = areas(bent) / areas(squares)
    page.promise(
        "areas after / before, least and greatest of 64 tiles", [ratio.min(), ratio.max()], near=[1, 1], within=0.02
    )
    highest = float(jnp.max(flow.log_prob(test)))
    page.promise("highest log-density of a test point", highest, at_most=float(flow.base.log_prob(loc)) + 1e-5)

    figure = Figure(figsize=(10.5, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = [BLUE if (k // 8 + k % 8) % 2 else ORANGE for k in range(64)]
    for axes, outlines in ((left, squares), (right, bent)):
        axes.add_collection(PolyCollection(list(outlines), facecolors=colours, edgecolors="white", linewidths=0.4))
    right.scatter(*test[:1_500].T, s=3, color="black", alpha=0.35, linewidths=0, label="data")
    plane(left, "latents: two standard deviations of the base", (-3, 3), (-3.5, 3.5), "z")
    plane(right, "the same 64 tiles after the flow, equal in area", (-3, 3), (-3.5, 3.5))
    right.legend(frameon=False, loc="upper right", markerscale=3)
    page.picture(figure, "nice")


if __name__ == "__main__":
    main()
