"""MADE: one masked network as a density."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ..bijectors.mixture_of_gaussians import MixtureTransformer
from ..bijectors.transformers import AffineTransformer
from ..distributions import AutoregressiveBernoulli, ConditionalAutoregressiveBernoulli
from ..nets import AutoregressiveNetwork
from .autoregressive import autoregressive_layer, check_order
from .common import Flow, check_sizes, on_base, single

Made = Flow | AutoregressiveBernoulli | ConditionalAutoregressiveBernoulli


def made(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    conditionals: str = "mixture",
    components: int = 10,
    hidden_units: Sequence[int] = (128, 128),
    activation: Callable[[jax.Array], jax.Array] = jax.nn.relu,
    order: str = "left-to-right",
    residual: bool = False,
    direct: bool = False,
    mask_weights: bool = False,
    base: Any = None,
    train_base: bool = False,
) -> Made:
    """p(y) = prod_i p(y_i | y_<i), each a Gaussian, a mixture of them, or of bits a Bernoulli (Germain et al. 2015).

    One masked network gives the parameters of all conditionals in a pass. A sample takes a few passes' time
    (incremental inversion), and of mixtures a search for each number besides.

    Choose it for binary vectors, and as the baseline to beat. Of the recipes for real vectors it is the simplest; it
    depends on the order of the coordinates, which `maf` evens out over its layers (`maf_mog` puts such layers on top of
    it), and `spline_autoregressive` usually fits better.

    Args:
        key: for the initial weights, and the order if it is random.
        dim: size D of a data vector.
        condition_dim: size of the condition; then what is returned is a distribution for each: `flow(c)`.
        conditionals: "mixture" (of Gaussians; Uria et al. 2013), "gaussian", or "bernoulli" for vectors of 0 and 1.
        components: Gaussians in each mixture.
        hidden_units: sizes of the hidden layers.
        activation: of the hidden layers.
        order: of the coordinates, "left-to-right", "right-to-left" or "random".
        residual: whether each entry of `hidden_units`, all equal then, is a residual block of two layers.
        direct: whether coordinates also act on the parameters of later ones directly, not through hidden units alone.
        mask_weights: whether the network sees its mask, so that an input that is masked is told from one that is 0. For
            training under many masks, `training.order_agnostic`.
        base: distribution of the latents, of event shape (D,); None for the standard normal, of which the conditionals
            are what they are called. None for "bernoulli", which has no latents.
        train_base: whether location and scale of the base train too.

    Returns:
        A `TransformedDistribution` on R^D, or a `ConditionalDistribution`; for "bernoulli" an
        `AutoregressiveBernoulli`, or a `ConditionalAutoregressiveBernoulli`.

    Raises:
        ValueError: for sizes and names that do not fit, naming the argument.
    """
    check_sizes(dim, condition_dim)
    check_order(order)
    if conditionals not in ("gaussian", "mixture", "bernoulli"):
        raise ValueError(
            f"made: conditionals is 'gaussian', 'mixture' or 'bernoulli', and got {conditionals!r}; it is the law of a "
            "coordinate given those before it"
        )
    common = {
        "hidden_units": tuple(hidden_units),
        "activation": activation,
        "residual": residual,
        "direct": direct,
        "mask_weights": mask_weights,
    }
    if conditionals == "bernoulli":
        if base is not None or train_base:
            raise ValueError(
                "made: conditionals='bernoulli' expects base=None and train_base=False, and got a base: bits are drawn "
                "one after another, and not made of latents. Leave both out."
            )
        net = single(key, _bernoulli_network, dim=dim, condition_dim=condition_dim, order=order, **common)
        return (AutoregressiveBernoulli if condition_dim is None else ConditionalAutoregressiveBernoulli)(net)
    layer = single(
        key,
        autoregressive_layer,
        dim=dim,
        condition_dim=condition_dim,
        transformer=MixtureTransformer(components) if conditionals == "mixture" else AffineTransformer(5.0),
        permutation=None,
        order=order,
        **common,
    )
    return on_base(layer, dim, condition_dim, base, train_base)


def _bernoulli_network(
    key: jax.Array, *, dim: int, condition_dim: int | None, order: str, **options: Any
) -> AutoregressiveNetwork:
    return AutoregressiveNetwork(
        1,
        dim,
        conditional=condition_dim is not None,
        conditional_event_shape=condition_dim,
        input_order=order,
        output_scale=0.3,
        key=key,
        **options,
    )
