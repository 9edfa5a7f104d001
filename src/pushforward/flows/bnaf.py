"""Block neural autoregressive flow."""

from collections.abc import Sequence
from typing import Any

import jax

from ..bijectors import Bijector, BlockNeuralAutoregressive
from ..nets import BlockAutoregressiveNetwork
from .common import Flow, check_sizes, mixed, on_base, stacked


def bnaf(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 3,
    hidden_units: Sequence[int] = (64, 64),
    permutation: str | None = "reverse",
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers x_d = (1 - a_d) y_d + a_d f_d(y_1, ..., y_d), f one network, increasing in y_d (De Cao et al. 2019).

    Choose it where parameters are dear: the network itself is the map, and puts out no parameters of another, of which
    `naf`, the closest sibling, needs 24 a coordinate. It likes a learning rate of 0.01. A density is one network pass;
    a sample, for which the paper has no method, a search for each coordinate in turn.

    Args:
        key: for the initial weights.
        dim: size D of a data vector.
        condition_dim: size of the condition; then a `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of layers.
        hidden_units: sizes of the hidden layers of each network, which are rounded up to multiples of D. The activation
            is tanh, as in the paper.
        permutation: between layers: "reverse", "random", "lu" (a learnable linear map) or None.
        base: distribution of the latents, of event shape (D,); None for the standard normal.
        train_base: whether location and scale of the base train too.

    Returns:
        A `TransformedDistribution` on R^D, or a `ConditionalDistribution`.
    """
    check_sizes(dim, condition_dim)
    units = tuple(-(-size // dim) for size in hidden_units)
    bijector = stacked(key, layers, _layer, dim=dim, condition_dim=condition_dim, units=units, permutation=permutation)
    return on_base(bijector, dim, condition_dim, base, train_base)


def _layer(
    key: jax.Array, *, dim: int, condition_dim: int | None, units: tuple[int, ...], permutation: str | None
) -> Bijector:
    key_net, key_mix = jax.random.split(key)
    net = BlockAutoregressiveNetwork(dim, units, condition_dim=condition_dim, key=key_net)
    return mixed(key_mix, BlockNeuralAutoregressive(net), dim, permutation)
