"""A first fit: a Gaussian through two affine maps and a leaky ReLU between them.

    python examples/gaussian.py [--out pictures] [--small]

The data come from a normal distribution of mean [1, 1] and standard deviation 2 in each coordinate; the flow starts
from the standard normal and does not know. Its layers, in the order of application:

    Affine      y = A x + b,  A = M + V Vᵀ  (M lower triangular, V of one column: the low rank part)
    leaky ReLU  y = x where x ≥ 0, and slope · x elsewhere, with a slope for each coordinate that is learnt
    Affine      once more.

The right answer is one that we can check: samples have that mean and that standard deviation, the slopes straighten to
1, and the negative log-likelihood comes down to the entropy of the data, log(2πe) + 2 log 2.
"""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import pushforward as pf
from helpers import BLUE, GREY, ORANGE, Page, grid, plane, plot_loss
from pushforward.bijectors import Affine, Chain, PReLU
from pushforward.distributions import MultivariateNormalDiag, TransformedDistribution

MEAN, DEVIATION = np.array([1.0, 1.0]), 2.0
ENTROPY = float(np.log(2 * np.pi * np.e) + 2 * np.log(DEVIATION))


def affine(key: jax.Array) -> Affine:
    """A triangular matrix plus a product of rank 1, and a shift; near the identity."""
    return Affine(
        shift=jnp.zeros(2),
        scale_tril=jnp.eye(2),
        scale_perturb_factor=0.1 * jax.random.normal(key, (2, 1)),
    )


def main(argv: list[str] | None = None) -> None:
    """Run the example."""
    page = Page(__doc__, argv)
    data = MEAN + DEVIATION * np.random.default_rng(0).standard_normal((page.size(20_000, 5_000), 2))

    first, last = (affine(key) for key in jax.random.split(jax.random.key(0)))
    bijector = Chain([last, PReLU(jnp.full(2, 0.5)), first])
    flow = TransformedDistribution(MultivariateNormalDiag(loc=jnp.zeros(2)), bijector)
    flow, history = pf.fit(jax.random.key(1), flow, data, epochs=page.size(40, 25), learning_rate=1e-2)

    samples = np.asarray(flow.sample(jax.random.key(2), (50_000,)))
    page.promise("mean of samples", samples.mean(0), near=MEAN, within=page.size(0.1, 0.25))
    page.promise("standard deviation of samples", samples.std(0), near=[2.0, 2.0], within=page.size(0.1, 0.25))
    page.promise("correlation of the coordinates", np.corrcoef(samples.T)[0, 1], near=0.0, within=0.05)
    # 50,000 fresh points: their mean log-density is known to 1 / sqrt(50,000) = 0.0045 nats.
    fresh = MEAN + DEVIATION * np.random.default_rng(1).standard_normal((50_000, 2))
    nll = -float(jnp.mean(flow.log_prob(fresh)))
    page.promise(f"test NLL, nats; the entropy is {ENTROPY:.3f}", nll, near=ENTROPY, within=page.size(0.02, 0.05))
    slopes = flow.bijector[1].alpha
    page.promise("slopes, which began at 0.5", slopes, near=[1.0, 1.0], within=page.size(0.15, 0.4))

    figure = Figure(figsize=(10.5, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
    x, y, points = grid((-6, 8), (-6, 8))
    learnt = np.exp(np.asarray(flow.log_prob(points)))
    exact = np.exp(-np.sum(np.square(points - MEAN), -1) / (2 * DEVIATION**2)) / (2 * np.pi * DEVIATION**2)
    # The circles that hold 39, 86 and 99 % of the data: one, two and three standard deviations.
    levels = np.exp(-np.array([9, 4, 1]) / 2) / (2 * np.pi * DEVIATION**2)
    left.scatter(*fresh[:2_000].T, s=3, color=GREY, alpha=0.3, linewidths=0)
    left.contour(x, y, exact, levels, colors=ORANGE, linewidths=3)
    left.contour(x, y, learnt, levels, colors=BLUE, linewidths=1.5)
    left.plot([], [], color=ORANGE, linewidth=3, label="exact")
    left.plot([], [], color=BLUE, linewidth=1.5, label="learnt")
    left.legend(loc="upper right", title="1, 2 and 3 st. dev.", framealpha=0.9)
    plane(left, "Density", (-6, 8), (-6, 8))
    plot_loss(right, history, ENTROPY)
    page.picture(figure, "gaussian")


if __name__ == "__main__":
    main()
