"""FlowJAX's masked autoregressive and coupling flows: affine or 8-bin spline.

FlowJAX counts inner knots, one fewer than bins. It flips two features between layers and
permutes more than two at random.
"""

from __future__ import annotations

import jax.numpy as jnp
import jax.random as jr
from flowjax.bijections import RationalQuadraticSpline
from flowjax.distributions import Normal, Transformed
from flowjax.flows import coupling_flow, masked_autoregressive_flow

from benchmarks.common import BINS, BOUND, COUPLINGS

PACKAGES = ("flowjax", "jax", "equinox")


def build(kind: str, dim: int, hidden: list[int], layers: int, seed: int) -> Transformed:
    """The documented factories; all hidden layers have one width."""
    make = coupling_flow if kind in COUPLINGS else masked_autoregressive_flow
    spline = RationalQuadraticSpline(knots=BINS - 1, interval=BOUND)
    return make(
        jr.key(seed),
        base_dist=Normal(jnp.zeros(dim)),
        transformer=spline if kind.startswith("spline") else None,
        flow_layers=layers,
        nn_width=hidden[0],
        nn_depth=len(hidden),
    )
