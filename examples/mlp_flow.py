"""An invertible multilayer perceptron: how affine maps and parametric ReLUs fold the plane.

    python examples/mlp_flow.py [--out pictures] [--small]

The layers of a multilayer perceptron are affine maps and rectifiers. If the matrices are square and invertible and the
rectifiers leak, each layer is a bijector:

    Affine   y = A x + b,   A = M + V Vᵀ, M lower triangular, V of two columns;   log |det A| by the determinant lemma
    PReLU    y = x where x ≥ 0 and α x elsewhere, α learnt;   log-det: the sum of log α over negative coordinates.

Seven affine maps with six PReLUs between them push a standard normal onto the banana

    x₂ ~ N(0, 4),    x₁ | x₂ ~ N(x₂² / 4, 1)        (means and standard deviations).

Each PReLU bends the plane along two lines; the picture shows the points of the four starting quadrants layer by layer.

Training needs some care, as it does for any piecewise affine density: log p jumps where the plane is bent, and a
gradient does not see jumps. From a start near the identity the slopes grow equal and a Gaussian remains. Here the
slopes start far apart and long gradients are shortened; even so every second start or so ends early, so the best of
four is kept, as the validation rows judge them.

The idea of this flow is Eric Jang's (2018), Normalizing flows tutorial.
"""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import pushforward as pf
from helpers import GREY, QUADRANTS, Page, plane
from pushforward.bijectors import Affine, Bijector, Chain, PReLU, Scale, Shift
from pushforward.distributions import StandardNormal, TransformedDistribution

ENTROPY = float(np.log(2 * np.pi * np.e) + np.log(4) + np.log(1))
# Of the banana: E[x₂²] / 4 = 4, and Var[x₁] = 1 + Var[x₂²] / 16 = 1 + 2 · 4⁴ / 16 = 33.
MEAN, DEVIATION = np.array([4.0, 0.0]), np.array([np.sqrt(33.0), 4.0])
WINDOW = (-6, 34), (-20, 20)


def banana(n: int, seed: int) -> np.ndarray:
    """n points of N(x₁ | x₂² / 4, 1) N(x₂ | 0, 4), shape (n, 2)."""
    rng = np.random.default_rng(seed)
    x2 = 4 * rng.standard_normal(n)
    return np.stack([x2**2 / 4 + rng.standard_normal(n), x2], axis=-1)


def affine(key: jax.Array) -> Affine:
    """A random map of the plane that keeps lengths on average: triangular plus rank 2, and a shift."""
    key_tril, key_factor, key_shift = jax.random.split(key, 3)
    tril = jnp.eye(2) + jnp.tril(jax.random.normal(key_tril, (2, 2)), -1)
    factor = jax.random.normal(key_factor, (2, 2))
    gain = jnp.linalg.norm(tril + factor @ factor.T) / jnp.sqrt(2)
    return Affine(
        jax.random.normal(key_shift, (2,)), scale_tril=tril / gain, scale_perturb_factor=factor / jnp.sqrt(gain)
    )


def mlp_flow(key: jax.Array, depth: int) -> Chain:
    """`depth` times (affine, PReLU), and a last affine map. The last of the list is applied first."""
    parts: list[Bijector] = [affine(jax.random.fold_in(key, depth))]
    for k in range(depth):
        key_slopes, key_affine = jax.random.split(jax.random.fold_in(key, k))
        parts += [PReLU(jnp.exp(jax.random.normal(key_slopes, (2,)))), affine(key_affine)]
    return Chain(parts)


def main(argv: list[str] | None = None) -> None:
    """Run the example."""
    page = Page(__doc__, argv)
    train, test = banana(page.size(20_000, 5_000), seed=0), banana(20_000, seed=1)
    depth = 6

    standardised = (train - train.mean(0)) / train.std(0)
    learn = {"epochs": 60, "learning_rate": 1e-2, "max_grad_norm": 10.0, "patience": None}
    starts = (TransformedDistribution(StandardNormal(2), mlp_flow(jax.random.key(k), depth)) for k in range(4))
    fits = [pf.fit(jax.random.key(4), start, standardised, **learn) for start in starts]
    flow = min(fits, key=lambda fit: min(fit.history.validation_loss)).model
    folds, units = flow.bijector, Chain([Shift(train.mean(0)), Scale(train.std(0))])
    flow = units(flow)

    nll = -float(jnp.mean(flow.log_prob(test)))
    page.promise(
        f"test NLL, nats; the entropy is {ENTROPY:.3f}", nll, at_least=ENTROPY - 0.03, at_most=page.size(4.6, 5.5)
    )
    gaussian = float(np.log(2 * np.pi * np.e) + 0.5 * np.linalg.slogdet(np.cov(train.T))[1])
    page.promise("nats gained on a Gaussian", gaussian - nll, at_least=page.size(1.3, 0.4))
    samples = np.asarray(flow.sample(jax.random.key(2), (50_000,)))
    page.promise("mean of samples", samples.mean(0), near=MEAN, within=page.size(0.4, 1.5))
    page.promise("standard deviation of samples", samples.std(0), near=DEVIATION, within=page.size(1.0, 2.0))
    inside = np.mean(np.abs(samples[:, 0] - samples[:, 1] ** 2 / 4) < 3)
    page.promise("share of samples with |x₁ − x₂² / 4| < 3", inside, at_least=page.size(0.85, 0.5))

    # The same latents after each layer, an affine map and the PReLU after it.
    z = jax.random.normal(jax.random.key(3), (3_000, 2))
    stages = [("standard normal", z)]
    layers = list(folds)[::-1]
    for k in range(depth):
        z = layers[2 * k + 1].forward(layers[2 * k].forward(z))
        stages.append((f"after layer {k + 1}", z))
    stages.append(("samples", units.forward(layers[-1].forward(z))))
    plot_layers(page, stages, test[: len(z)])


def plot_layers(page: Page, stages: list, data: np.ndarray) -> None:
    """The points after each layer, coloured by the quadrant where they started, and the data."""
    start = np.asarray(stages[0][1])
    quadrant = np.where(start[:, 1] > 0, np.where(start[:, 0] > 0, 0, 1), np.where(start[:, 0] > 0, 3, 2))
    rows = len(stages) // 3 + 1
    figure = Figure(figsize=(11, 3.7 * rows + 0.3), layout="constrained")
    panels = figure.subplots(rows, 3).flat
    for axes, (title, points) in zip(panels, stages, strict=False):
        for k, (label, colour) in enumerate(QUADRANTS.items()):
            axes.scatter(*np.asarray(points)[quadrant == k].T, s=3, alpha=0.5, linewidths=0, color=colour, label=label)
        axes.set(title=title)
        if title != "samples":
            axes.set_aspect("equal", adjustable="datalim")
    first, samples, last = figure.axes[0], *figure.axes[-2:]
    last.scatter(*data.T, s=3, alpha=0.5, linewidths=0, color=GREY)
    plane(samples, "last affine map: samples", *WINDOW)
    plane(last, "data", *WINDOW)
    handles, labels = first.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, markerscale=5, frameon=False, title="started at"
    )
    page.picture(figure, "mlp_flow")


if __name__ == "__main__":
    main()
