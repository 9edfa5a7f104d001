"""Two moons: train a flow, look at its density, its samples and its loss, save it and load it again.

    python examples/two_moons.py [--epochs 25] [--out demo]

Writes density.png, samples.png, loss.png and the folder model/ into `--out`.
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np

import pushforward as pf
from pushforward import flows

mpl.use("Agg")
import matplotlib.pyplot as plt

ENTROPY = 0.319  # of two moons with noise 0.05, in nats: no model can have a lower test NLL


def two_moons(n: int, noise: float, seed: int) -> np.ndarray:
    """Two interleaved half circles with Gaussian noise, shape (n, 2)."""
    rng = np.random.default_rng(seed)
    angle = np.pi * rng.random(n)
    upper = rng.random(n) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.stack([x, y], axis=1) + noise * rng.standard_normal((n, 2))


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    pf.training.enable_compilation_cache()

    train, test = two_moons(arguments.points, 0.05, seed=0), two_moons(10_000, 0.05, seed=1)
    key = jax.random.key(0)
    flow = flows.spline_autoregressive(key, dim=2, layers=4, hidden_units=(64, 64))
    result = pf.fit(key, flow, train, epochs=arguments.epochs, batch_size=256)
    flow = result.model
    nll = -float(jnp.mean(flow.log_prob(test)))
    print(f"test NLL {nll:.3f} nats (entropy of the data: {ENTROPY})")

    pf.save(arguments.out / "model", flow, overwrite=True)
    again = pf.load(arguments.out / "model")
    same = bool(jnp.all(again.log_prob(test) == flow.log_prob(test)))
    print(f"saved, loaded, and the same to the last bit: {same}")

    samples = flow.sample(jax.random.key(1), (10_000,))
    plot_density(flow, arguments.out / "density.png")
    plot_samples(test, np.asarray(samples), arguments.out / "samples.png")
    plot_loss(result.history, arguments.out / "loss.png")
    print(f"pictures: {', '.join(sorted(p.name for p in arguments.out.glob('*.png')))} in {arguments.out}/")


def plot_density(flow, path: Path) -> None:
    """The density on a grid of 200 x 200 points, which should integrate to 1."""
    side_x, side_y = np.linspace(-1.5, 2.5, 200), np.linspace(-1.0, 1.5, 200)
    grid = np.stack(np.meshgrid(side_x, side_y), axis=-1)
    density = np.exp(np.asarray(flow.log_prob(grid)))
    mass = density.sum() * (side_x[1] - side_x[0]) * (side_y[1] - side_y[0])
    print(f"the density integrates to {mass:.4f} over the picture")
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    image = axes.pcolormesh(side_x, side_y, density, cmap="viridis", shading="auto", rasterized=True)
    figure.colorbar(image, ax=axes, label="density")
    axes.set(title="Density of the trained flow", xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def plot_samples(data: np.ndarray, samples: np.ndarray, path: Path) -> None:
    """Data and samples side by side."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), sharex=True, sharey=True, layout="constrained")
    for axes, points, title in zip(panels, (data, samples), ("data", "samples of the flow"), strict=True):
        axes.scatter(*points[:4000].T, s=2, alpha=0.4, linewidths=0, color="tab:blue")
        axes.set(title=title, xlabel="$x_1$", aspect="equal", xlim=(-1.5, 2.5), ylim=(-1, 1.5))
    panels[0].set_ylabel("$x_2$")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def plot_loss(history, path: Path) -> None:
    """Training and validation loss by epoch."""
    figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
    axes.plot([r.epoch for r in history], history.train_loss, label="training")
    axes.plot([r.epoch for r in history], history.validation_loss, label="validation")
    axes.axhline(ENTROPY, color="grey", linestyle="--", linewidth=1, label="entropy of the data")
    axes.set(title="Training", xlabel="epoch", ylabel="negative log-likelihood, nats")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
