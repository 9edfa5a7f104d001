"""A policy with two ways round the lake: conditional flows keep both, a Gaussian drives into the water.

    python examples/policy.py [--out pictures] [--small]

Drivers go from the west shore of a round lake to the harbour in the east. Each picks a waypoint, north or south of the
water; most take the side that they are on, and from the middle it is one half each. A policy learnt from them is a
density p(waypoint | start), and drawing from it drives a route.

A Gaussian, whose mean and deviations a network computes from the start, must cover both sides with one hump: it puts
its mean in the water, between the two good answers. A conditional flow given the same data learns the two answers.
"""

import jax
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle

import pushforward as pf
from helpers import BLUE, ORANGE, RED, SKY, Page
from pushforward import flows
from pushforward.bijectors import ConditionalAffine
from pushforward.distributions import ConditionalDistribution, StandardNormal
from pushforward.nets import MLP

HARBOUR, RADIUS = np.array([2.5, 0.0]), 1.0
STARTS = (-0.8, 0.0, 0.8)


def drivers(start: np.ndarray, seed: int) -> np.ndarray:
    """Waypoints (n, 2) that people choose who start at (-2.5, start), start of shape (n, 1)."""
    rng = np.random.default_rng(seed)
    north = rng.random(len(start)) < 1 / (1 + np.exp(-2 * start[:, 0]))
    middle = np.stack([np.zeros(len(start)), np.where(north, 1.7, -1.7)], axis=-1)
    return middle + rng.normal(size=(len(start), 2)) * [0.3, 0.12]


def routes(start: np.ndarray, waypoint: np.ndarray) -> np.ndarray:
    """Smooth routes through the waypoints, (n, points, 2): parabolas from x = -2.5 to the harbour."""
    begin = np.stack([np.full(len(start), -2.5), start[:, 0]], axis=-1)
    control = 2 * waypoint - (begin + HARBOUR) / 2
    t = np.linspace(0, 1, 60)[:, None]
    begin, control = begin[:, None], control[:, None]
    return (1 - t) ** 2 * begin + 2 * t * (1 - t) * control + t**2 * HARBOUR


def wet(path: np.ndarray) -> np.ndarray:
    """Which of the routes lead through the water."""
    return np.any(np.linalg.norm(path, axis=-1) < RADIUS, axis=-1)


def main(argv: list[str] | None = None) -> None:
    """Run the example."""
    page = Page(__doc__, argv)
    start = np.random.default_rng(0).uniform(-1, 1, (page.size(10_000, 3_000), 1))
    waypoint = drivers(start, seed=1)

    hidden = page.size((64, 64), (32,))
    network = MLP(1, 4, hidden_units=hidden, key=jax.random.key(0))  # from the start to two means and two log-scales
    gaussian = ConditionalDistribution(StandardNormal(2), ConditionalAffine(network), condition_dim=1)
    flow = flows.spline_autoregressive(
        jax.random.key(1), dim=2, condition_dim=1, layers=page.size(3, 1), hidden_units=hidden
    )
    learn = {"epochs": page.size(40, 20), "batch_size": page.size(256, 64)}
    gaussian = pf.fit(jax.random.key(2), gaussian, waypoint, start, **learn).model
    flow = pf.fit(jax.random.key(2), flow, waypoint, start, **learn).model

    # 2,000 routes of each kind from each of three places on the shore: one condition a route, one waypoint a condition.
    begin = np.repeat(STARTS, 2_000)[:, None]
    waypoints = {
        "drivers": drivers(begin, seed=2),
        "Gaussian policy": np.asarray(gaussian(begin).sample(jax.random.key(3))),
        "flow policy": np.asarray(flow(begin).sample(jax.random.key(3))),
    }
    paths = {who: routes(begin, points) for who, points in waypoints.items()}
    middle = begin[:, 0] == 0
    drowned = {who: np.mean(wet(path[middle])) for who, path in paths.items()}
    page.promise("from the middle, into the water: drivers", drowned["drivers"], at_most=0.005)
    page.promise("Gaussian policy, which fails", drowned["Gaussian policy"], at_least=0.4)
    page.promise("flow policy", drowned["flow policy"], at_most=page.size(0.03, 0.2))
    for place in STARTS:
        share = {who: np.mean(points[begin[:, 0] == place, 1] > 0) for who, points in waypoints.items()}
        close = {"near": share["drivers"], "within": page.size(0.08, 0.15)}
        page.promise(f"flow's share of routes north from y = {place:g}", share["flow policy"], **close)

    figure = Figure(figsize=(13, 4.6), layout="constrained")
    for axes, (who, path) in zip(figure.subplots(1, 3, sharey=True), paths.items(), strict=True):
        shown = path[middle][:120]
        axes.add_patch(Circle((0, 0), RADIUS, facecolor=SKY, alpha=0.6))
        axes.text(0, 0, "lake", ha="center", va="center")
        for through, colour in ((False, BLUE), (True, RED)):
            axes.add_collection(
                LineCollection(list(shown[wet(shown) == through]), colors=colour, linewidths=0.7, alpha=0.5)
            )
        axes.plot(-2.5, 0, "o", *HARBOUR, "s", color="black", zorder=3)
        axes.annotate("start", (-2.5, 0), (0, -14), textcoords="offset points", ha="center")
        axes.annotate("harbour", HARBOUR, (0, -14), textcoords="offset points", ha="center")
        axes.set(title=f"{who}: {drowned[who]:.1%} into the water", xlim=(-3.2, 3.2), ylim=(-2.6, 2.6), aspect="equal")
        axes.set_axis_off()
    figure.axes[0].plot([], [], color=BLUE, label="dry")
    figure.axes[0].plot([], [], color=RED, label="through the water")
    figure.axes[0].legend(loc="lower left", frameon=False)
    page.picture(figure, "policy_routes")

    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.subplots()
    side = np.linspace(-3, 3, 400)
    points = np.stack([np.zeros_like(side), side], axis=-1)
    for who, model, colour, style in (("Gaussian", gaussian, ORANGE, "--"), ("flow", flow, BLUE, "-")):
        # The density on the line through the lake, given that the waypoint is on it.
        density = np.exp(np.asarray(model(np.zeros(1)).log_prob(points)))
        axes.plot(side, density / (density.sum() * (side[1] - side[0])), style, color=colour, label=f"{who} policy")
    axes.axvspan(-RADIUS, RADIUS, color=SKY, alpha=0.3, linewidth=0, label="lake")
    axes.set(title="Where to pass, from the middle of the shore", xlabel="y of the waypoint", ylabel="density at x = 0")
    axes.legend(frameon=False)
    page.picture(figure, "policy_density")


if __name__ == "__main__":
    main()
