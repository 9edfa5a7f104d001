"""Spline flow of angles, and of angles beside numbers."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..bijectors import AngularTransformer, Bijector, Chain, Coupling, InvertedTransformer, Permute
from ..distributions import AnglesAndNormals
from ..nets import MLP, OnAngles
from .common import Flow, check_sizes, on_base, stacked


def circular(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    angles: Sequence[bool] | None = None,
    layers: int = 6,
    hidden_units: Sequence[int] = (64, 64),
    activation: Callable[[jax.Array], jax.Array] = jax.nn.silu,
    bins: int = 8,
    bound: float = 5.0,
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Coupling layers of splines on the circle, y_b = S(x_b; parameters(cos x_a, sin x_a)) (Rezende et al. 2020).

    Choose it where columns are angles: torsions, directions, times of the day. The density is continuous across the
    seam at ±pi, which a flow on the line tears: it wastes mass on both ends and cannot join them.

    Angles are in radians, in [-pi, pi]; others are taken modulo 2 pi. Each of `layers` is two couplings, so that every
    coordinate moves in it.

    Args:
        key: for the initial weights.
        dim: size D of a data vector, at least 2.
        condition_dim: size of the condition; then a `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        angles: for each coordinate whether it is an angle; None if all are. The others are real numbers.
        layers: number of layers.
        hidden_units: sizes of the hidden layers of each network.
        activation: of the hidden layers.
        bins: bins of each spline.
        bound: the splines of the others act on [-bound, bound], so these should be standardised.
        base: distribution of the latents, of event shape (D,); None for uniform angles and standard normals.
        train_base: whether the parameters of the base train too.

    Returns:
        A `TransformedDistribution` on the torus, times R^(others), or a `ConditionalDistribution`.
    """
    check_sizes(dim, condition_dim)
    circle = (True,) * dim if angles is None else tuple(bool(a) for a in angles)
    if dim < 2 or len(circle) != dim:
        raise ValueError(
            f"circular: expected dim of at least 2 and a boolean for each coordinate, and got dim={dim}, "
            f"angles={angles!r}; one coordinate steers another. A single angle is CircularSpline on a uniform one."
        )
    if int(layers) != layers or layers < 1:
        raise ValueError(f"circular: expected a positive number of layers, and got layers={layers!r}")
    # Where both couplings of a layer are of one structure, they are two turns of one that swaps its coordinates after.
    alike = circle[::2] == circle[1::2]
    bijector = stacked(
        key,
        2 * int(layers) if alike else int(layers),
        _half_layer if alike else _layer,
        angles=circle,
        condition_dim=condition_dim,
        hidden_units=tuple(hidden_units),
        activation=activation,
        bins=bins,
        bound=bound,
    )
    return on_base(bijector, dim, condition_dim, AnglesAndNormals(circle) if base is None else base, train_base)


def _layer(key: jax.Array, *, angles: tuple[bool, ...], **options: Any) -> Bijector:
    """A coupling that moves every other coordinate, after one that moves the rest."""
    even = np.arange(len(angles)) % 2 == 0
    keys = jax.random.split(key)
    return Chain([_coupling(k, stay, angles, **options) for k, stay in zip(keys, (even, ~even), strict=True)])


def _half_layer(key: jax.Array, *, angles: tuple[bool, ...], **options: Any) -> Bijector:
    """A coupling that moves every other coordinate; then neighbours change places."""
    places = np.arange(len(angles)) ^ 1
    return Chain([Permute(places), _coupling(key, places % 2 == 1, angles, **options)])


def _coupling(
    key: jax.Array,
    stay: np.ndarray,
    angles: tuple[bool, ...],
    *,
    condition_dim: int | None,
    hidden_units: tuple[int, ...],
    activation: Callable[[jax.Array], jax.Array],
    bins: int,
    bound: float,
) -> Coupling:
    circle = np.asarray(angles)
    transformer = InvertedTransformer(AngularTransformer(tuple(map(bool, circle[~stay])), bins, bound))
    net = MLP(
        int(np.sum(stay) + np.sum(circle[stay])),
        int(np.sum(~stay)) * transformer.params_per_dim,
        hidden_units=hidden_units,
        activation=activation,
        condition_dim=condition_dim,
        output_scale=0.1,
        key=key,
    )
    return Coupling(OnAngles(net, circle[stay].tolist()), transformer, mask=stay)
