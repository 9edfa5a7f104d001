"""Two moons: a density learnt from points, by three masked autoregressive layers.

    python examples/two_moons.py [--out pictures] [--small]

A flow pushes a simple distribution forward through an invertible map f, x = f(z), and the density of x is that of z
times the factor by which the inverse squeezes volume:

    log p(x) = log p_z(f⁻¹(x)) + log |det ∂f⁻¹/∂x|.

Here f is three masked autoregressive layers (Papamakarios, Pavlakou & Murray 2017). In each, coordinate i is shifted
and scaled by amounts that a masked network computes from the coordinates before it, so that the Jacobian is
triangular and its determinant a product. Between the layers the coordinates are swapped: what came last comes first in
the next one.

Training is maximum likelihood: raise the mean of log p over the points. A continuous map cannot tear the one hump of a
normal into two pieces, so the moons of an affine flow hang together by a thin bridge; splines hide it better.
"""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import pushforward as pf
from helpers import BLUE, Page, grid, integral, plane, plot_loss, two_moons
from pushforward.bijectors import AutoregressiveNetwork, Chain, MaskedAutoregressiveFlow, Permute, Scale, Shift
from pushforward.distributions import MultivariateNormalDiag, TransformedDistribution

ENTROPY = 0.319  # of two moons with noise 0.05, in nats: no model has a lower NLL on points that it has not seen
WINDOW = (-1.5, 2.5), (-1.0, 1.5)


def three_layers(key: jax.Array, hidden_units: list[int]) -> TransformedDistribution:
    """Three masked autoregressive layers and the swaps between them, on a standard normal in the plane."""
    parts = []
    for key_net in jax.random.split(key, 3):
        network = AutoregressiveNetwork(
            params=2, event_shape=[2], hidden_units=hidden_units, activation=jax.nn.relu, key=key_net
        )
        parts += [MaskedAutoregressiveFlow(network), Permute([1, 0])]
    return TransformedDistribution(MultivariateNormalDiag(loc=jnp.zeros(2)), Chain(parts[:-1]))


def main(argv: list[str] | None = None) -> None:
    """Run the example."""
    page = Page(__doc__, argv)
    train, test = two_moons(page.size(10_000, 2_000), seed=0), two_moons(10_000, seed=1)

    # Networks like numbers of order 1: train on standardised points, then put the units back as one more map.
    mean, std = train.mean(0), train.std(0)
    flow = three_layers(jax.random.key(0), page.size([128, 128], [32, 32]))
    learn = {"epochs": page.size(50, 60), "batch_size": page.size(256, 64)}
    result = pf.fit(jax.random.key(1), flow, (train - mean) / std, **learn)
    flow = Chain([Shift(mean), Scale(std)])(result.model)

    nll = -float(jnp.mean(flow.log_prob(test)))
    page.promise("test NLL, nats", nll, at_least=ENTROPY, at_most=page.size(0.55, 0.95))
    x, y, points = grid(*WINDOW)
    density = np.exp(np.asarray(flow.log_prob(points)))
    page.promise("integral of the density over the picture", integral(x, y, density), near=1.0, within=0.02)
    samples = np.asarray(flow.sample(jax.random.key(2), (page.size(4_000, 1_000),)))
    page.promise("share of samples within the picture", share_within(samples, *WINDOW), at_least=0.98)

    figure = Figure(figsize=(6, 3.4), layout="constrained")
    plot_loss(figure.subplots(), result.history, ENTROPY - float(np.sum(np.log(std))))
    page.picture(figure, "two_moons_loss")

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    image = axes.pcolormesh(x, y, density, cmap="viridis", shading="auto", rasterized=True)
    figure.colorbar(image, ax=axes, label="density")
    plane(axes, "Density of the trained flow", *WINDOW)
    page.picture(figure, "two_moons_density")

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    for axes, points, title in zip(
        figure.subplots(1, 2), (test, samples), ("data", "samples of the flow"), strict=True
    ):
        axes.scatter(*points[: len(samples)].T, s=3, alpha=0.4, linewidths=0, color=BLUE)
        plane(axes, title, *WINDOW)
    page.picture(figure, "two_moons_samples")


def share_within(points: np.ndarray, x: tuple[float, float], y: tuple[float, float]) -> float:
    """The share of points in a rectangle."""
    lower, upper = np.array([x, y]).T
    return float(np.mean(np.all((points >= lower) & (points <= upper), axis=-1)))


if __name__ == "__main__":
    main()
