"""Integrals of densities of one or two variables, by the double-exponential rule, which edges and tails do not hurt."""

from typing import Any

import numpy as np

# Nodes of one variable; the square of the second figure for two.
NODES = {1: 4001, 2: 301}
REACH = {1: 4.3, 2: 3.2}


def rule(lower: float, upper: float, centre: float, spread: float, variables: int) -> tuple[np.ndarray, np.ndarray]:
    """(nodes, weights) of an integral from `lower` to `upper`, dense about centre ± spread.

    With t on an even grid and u = pi/2 sinh t: y = centre + spread sinh u on the line, lower + spread exp u on a
    half-line, and the logistic of 2u on an interval (Takahasi and Mori 1974). In two variables the line is taken by the
    gentler y = centre + spread sinh 2t, whose nodes lie closer.
    """
    t, h = np.linspace(-REACH[variables], REACH[variables], NODES[variables], retstep=True)
    u, du = np.pi / 2 * np.sinh(t), np.pi / 2 * np.cosh(t) * h
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if np.isfinite(lower) and np.isfinite(upper):
            share = 1 / (1 + np.exp(-2 * u))
            nodes, weights = lower + (upper - lower) * share, (upper - lower) * 2 * share * (1 - share) * du
        elif np.isfinite(lower):
            nodes, weights = lower + spread * np.exp(u), spread * np.exp(u) * du
        elif np.isfinite(upper):
            nodes, weights = upper - spread * np.exp(u[::-1]), spread * np.exp(u[::-1]) * du[::-1]
        elif variables == 1:
            nodes, weights = centre + spread * np.sinh(u), spread * np.cosh(u) * du
        else:
            nodes, weights = centre + spread * np.sinh(2 * t), 2 * spread * np.cosh(2 * t) * h
    # Beyond what float32 can hold, and closer to an end than it can tell, there is nothing to add.
    keep = np.isfinite(nodes) & np.isfinite(weights) & (np.abs(nodes) < 1e30)
    rounded = np.float32(np.where(keep, nodes, 0)).astype(float)
    keep &= (rounded - lower > 1e-30) & (upper - rounded > 1e-30)
    return nodes[keep], weights[keep]


def grid(bounds: tuple[float, float], samples: np.ndarray) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Points [nodes, variables] about `samples` [number, variables], and nodes and weights of each variable."""
    variables = samples.shape[-1]
    nodes, weights = [], []
    for column in samples.T:
        low, centre, high = np.quantile(column, [0.25, 0.5, 0.75])
        y, w = rule(*bounds, centre, max(high - low, 1e-6), variables)
        nodes.append(y)
        weights.append(w)
    points = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1).reshape(-1, variables)
    return points, nodes, weights


def integrals(density: np.ndarray, weights: list[np.ndarray]) -> tuple[float, list[np.ndarray]]:
    """(the integral, the distribution function of each variable at its nodes) of densities on the grid."""
    table = density.reshape([len(w) for w in weights])
    functions: list[Any] = []
    for axis, own in enumerate(weights):
        marginal = table
        for other in reversed(range(len(weights))):
            if other != axis:
                marginal = np.tensordot(marginal, weights[other], axes=(other, 0))
        mass = marginal * own
        # Half of a node's mass lies on either side of it.
        functions.append(np.cumsum(mass) - mass / 2)
    total = table
    for w in reversed(weights):
        total = total @ w
    return float(total), functions
