"""What all recipes share: layers built together, mixed in between, put on a base."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..bijectors import ActNorm, BatchNormalization, Bijector, Chain, Invert, LULinear, Permute, Stack
from ..bijectors.transformers import AffineTransformer
from ..core.compiling import RUNS_ONCE, compiled
from ..distributions import ConditionalDistribution, MultivariateNormalDiag, StandardNormal, TransformedDistribution

Flow = TransformedDistribution | ConditionalDistribution


def stacked(key: jax.Array, depth: int, layer: Callable[..., Bijector], **options: Any) -> Stack:
    """`depth` layers `layer(key, **options)` with keys of their own, built by one compiled program.

    `layer` is a function at module level and the options are hashable, so that the program is found again.
    """
    if int(depth) != depth or depth < 1:
        raise ValueError(f"expected a positive number of layers, and got layers={depth!r}")
    return Stack.of_stacked(_build(key, int(depth), layer, tuple(sorted(options.items()))), depth)


@compiled(RUNS_ONCE, static_argnames=("depth", "layer", "options"))
def _build(
    key: jax.Array, depth: int, layer: Callable[..., Bijector], options: tuple[tuple[str, Any], ...]
) -> Bijector:
    return eqx.filter_vmap(lambda key: layer(key, **dict(options)))(jax.random.split(key, depth))


def single(key: jax.Array, layer: Callable[..., Any], **options: Any) -> Any:
    """One layer, or network, `layer(key, **options)`, built by one compiled program; as of `stacked`."""
    return _build_one(key, layer, tuple(sorted(options.items())))


@compiled(RUNS_ONCE, static_argnames=("layer", "options"))
def _build_one(key: jax.Array, layer: Callable[..., Any], options: tuple[tuple[str, Any], ...]) -> Any:
    return layer(key, **dict(options))


def bounded_affine(layers: int) -> AffineTransformer:
    """The affine transformer of one of so many layers: |log-scale| is softly bounded by 10 / layers, at most 5.

    What the layers together may stretch is bounded so, by e^10, and a trip to the latents and back keeps half of
    float32's digits far from the data too. With 5 a layer steep heavy-tailed rows threw training off: of five
    UCI tables the bounds 1 and 2 gave far better test likelihoods on three, and much the same on two.
    """
    return AffineTransformer(max_log_scale=10 / max(2, layers))


def mixed(
    key: jax.Array, bijector: Bijector, dim: int, permutation: str | None, normalization: str | None = None
) -> Bijector:
    """`bijector` after a map that mixes the coordinates, so that the next layer sees them in another order.

    Args:
        permutation: "reverse", "random", "lu" (a learnable linear map, P L U) or None.
        normalization: "actnorm", "batchnorm" or None, of the data before they come to `bijector`.
    """
    parts = [*_normalization(dim, normalization), bijector, *_permutation(key, dim, permutation)]
    return Chain(parts) if len(parts) > 1 else bijector


def _normalization(dim: int, name: str | None) -> list[Bijector]:
    if name is None:
        return []
    if name == "actnorm":
        return [ActNorm(dim)]
    if name == "batchnorm":
        # As in inference, so that a flow that was never fitted has densities of single rows too.
        return [BatchNormalization(dim, epsilon=1e-5, inference=True)]
    raise ValueError(f"normalization is 'actnorm', 'batchnorm' or None, and got {name!r}")


def _permutation(key: jax.Array, dim: int, name: str | None) -> list[Bijector]:
    if name is None:
        return []
    if name == "reverse":
        return [Permute(jnp.arange(dim - 1, -1, -1))]
    if name == "random":
        return [Permute(jax.random.permutation(key, dim))]
    if name == "lu":
        # Inverted, so that densities are products and samples the triangular solves.
        return [Invert(LULinear(dim, key=key))]
    raise ValueError(f"permutation is 'reverse', 'random', 'lu' or None, and got {name!r}")


def on_base(bijector: Bijector, dim: int, condition_dim: int | None, base: Any, train_base: bool) -> Flow:
    """The flow: `bijector` on `base`, by default a standard normal (one that trains if `train_base`)."""
    if base is None:
        base = MultivariateNormalDiag(jnp.zeros(dim), jnp.ones(dim)) if train_base else StandardNormal(dim)
    if base.event_shape != (dim,) and base.batch_shape + base.event_shape != (dim,):
        raise ValueError(
            f"base: expected a distribution of vectors of size {dim}, and got batch shape {base.batch_shape} and event "
            f"shape {base.event_shape}; the flow was asked for dim={dim}"
        )
    if condition_dim is None:
        return TransformedDistribution(base, bijector, train_base=train_base)
    return ConditionalDistribution(base, bijector, condition_dim, train_base=train_base)


def check_sizes(dim: Any, condition_dim: Any) -> None:
    """`ValueError` unless both sizes are positive integers (the second may be None)."""
    for name, size in (("dim", dim), ("condition_dim", condition_dim)):
        if not (isinstance(size, int) and size >= 1) and not (name == "condition_dim" and size is None):
            raise ValueError(f"{name}: expected a positive integer, and got {size!r}")
