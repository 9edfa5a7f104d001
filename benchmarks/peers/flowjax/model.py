"""FlowJAX's masked autoregressive flow: affine or 8-bin spline.

FlowJAX counts inner knots, one fewer than bins. It flips two features between layers and
permutes more than two at random.
"""

from __future__ import annotations

import jax.numpy as jnp
import jax.random as jr
from flowjax.bijections import RationalQuadraticSpline
from flowjax.distributions import Normal, Transformed
from flowjax.flows import masked_autoregressive_flow

from benchmarks.common import BINS, BOUND

PACKAGES = ("flowjax", "jax", "equinox")


def build(kind: str, dim: int, hidden: list[int], layers: int, seed: int) -> Transformed:
    """The documented factory; all hidden layers have one width."""
    spline = RationalQuadraticSpline(knots=BINS - 1, interval=BOUND)
    return masked_autoregressive_flow(
        jr.key(seed),
        base_dist=Normal(jnp.zeros(dim)),
        transformer=None if kind == "affine" else spline,
        flow_layers=layers,
        nn_width=hidden[0],
        nn_depth=len(hidden),
    )
