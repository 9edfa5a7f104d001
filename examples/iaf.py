"""Inverse autoregressive flow: a posterior learnt from its formula alone.

    python examples/iaf.py [--out pictures] [--small]

A masked autoregressive flow gives densities of data in one network pass, and samples coordinate by coordinate. Turned
round it samples in one pass and knows the density of what it has sampled, which is all that variational inference asks
for: no data are drawn from the target p, whose density need be known only up to a factor Z,

    minimise  E_q[log q(θ) − log (Z p(θ))] = KL(q ‖ p) − log Z,   θ = f(z),   log q(θ) = log p_z(z) − log |det ∂f/∂z|.

The target here is the posterior of a growth curve y(t) = a (1 − exp(−b t)), measured three times before it levels off:
the points tell a·b well and a and b badly, so that the posterior of θ = (log a, log b) is a bent ridge. In the plane a
sum over a grid gives the exact answer to compare with.

Kingma et al. (2016), Improving variational inference with inverse autoregressive flow.
"""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import pushforward as pf
from helpers import BLUE, Page, grid, plane
from pushforward import flows
from pushforward.distributions import Normal

TIMES, MEASURED, NOISE = jnp.array([0.5, 1.0, 2.0]), jnp.array([0.55, 0.6, 1.1]), 0.15
WINDOW = (-1.0, 2.5), (-2.5, 3.0)


def log_joint(theta: jax.Array) -> jax.Array:
    """log p(θ) + log p(measured | θ) of θ = (log a, log b), shape [..., 2]: the posterior, up to its factor."""
    a, b = jnp.exp(theta[..., :1]), jnp.exp(theta[..., 1:])
    curve = a * (1 - jnp.exp(-b * TIMES))
    prior = jnp.sum(Normal(0.0, 1.0).log_prob(theta), axis=-1)
    return prior + jnp.sum(Normal(curve, NOISE).log_prob(MEASURED), axis=-1)


def reverse_kl(model, batch, key) -> jax.Array:
    """E_q[log q(θ) − log p(θ, measured)]: `fit` hands over a batch of latents, as they are the rows of its table."""
    theta, log_det = model.bijector.forward_and_log_det(batch.x)
    return jnp.mean(model.base.log_prob(batch.x) - log_det - log_joint(theta))


def main(argv: list[str] | None = None) -> None:
    """Run the example."""
    page = Page(__doc__, argv)
    flow = flows.iaf(jax.random.key(0), dim=2, layers=page.size(4, 2), hidden_units=page.size((64, 64), (32,)))
    latents = jax.random.normal(jax.random.key(1), (page.size(20_000, 4_000), 2))
    learn = {"epochs": page.size(40, 50), "batch_size": page.size(256, 64)}
    flow, _ = pf.fit(jax.random.key(2), flow, latents, loss=reverse_kl, **learn)

    # Draws and their densities in one pass; the mean of log p − log q bounds the log-evidence log Z from below.
    theta, log_q = flow.sample_and_log_prob(jax.random.key(3), (page.size(20_000, 4_000),))
    bound = float(jnp.mean(log_joint(theta) - log_q))

    x, y, points = grid((-4, 5), (-5, 4), 400)
    weight = np.exp(np.asarray(log_joint(points), np.float64))
    evidence = weight.sum() * (x[1] - x[0]) * (y[1] - y[0])
    posterior = weight / evidence
    weight = weight / weight.sum()
    mean = np.sum(weight[..., None] * points, axis=(0, 1))
    deviation = np.sqrt(np.sum(weight[..., None] * np.square(points - mean), axis=(0, 1)))

    gap = float(np.log(evidence)) - bound
    page.promise("log-evidence − bound = KL(q ‖ p), nats", gap, at_least=-0.02, at_most=page.size(0.05, 0.3))
    page.promise("posterior mean of (log a, log b)", jnp.mean(theta, 0), near=mean, within=page.size(0.05, 0.3))
    page.promise("and standard deviation", jnp.std(theta, 0), near=deviation, within=page.size(0.06, 0.3))
    # The other way round, the density of given points, is sequential: solved for the latents coordinate by coordinate.
    again = flow.log_prob(theta[:1_000])
    page.promise("densities by the two ways, largest difference", jnp.max(jnp.abs(again - log_q[:1_000])), at_most=1e-2)

    figure = Figure(figsize=(8.6, 6), layout="constrained")
    left, right = figure.subplots(1, 2)
    levels = np.linspace(0.05, 0.95, 7) * posterior.max()
    left.contourf(x, y, posterior, levels=levels, cmap="Blues", extend="max")
    right.scatter(*np.asarray(theta[:3_000]).T, s=4, color=BLUE, alpha=0.4, linewidths=0)
    for axes, title in (
        (left, "posterior, by a sum over a grid"),
        (right, "samples of the flow, on the same contours"),
    ):
        axes.contour(x, y, posterior, levels=levels, colors="black", linewidths=0.6)
        plane(axes, title, *WINDOW)
        axes.set(xlabel="log a", ylabel="log b")
    page.picture(figure, "iaf")


if __name__ == "__main__":
    main()
