"""AutoregressiveBernoulli: binary vectors, drawn a bit after the other."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import constraints

from .._garbage import seldom_collected
from ..core import Module, numeric_inputs, replace
from ..core.shapes import accumulation_dtype, cast_floating
from ..nets import AutoregressiveNetwork, solve_sequentially
from .base import PytreeDistribution
from .checks import as_shape, check_value, checked_key
from .foreign import model_dtype

_BITS = constraints.independent(constraints.boolean, 1)


class AutoregressiveBernoulli(PytreeDistribution):
    """p(x) = prod_d Bernoulli(x_d; logit_d(x_<d)) on {0, 1}^D, the logits from one masked network.

    log p(x) = -sum_d softplus((1 - 2 x_d) logit_d), one network pass; -inf where x_d is another number than 0 or 1, NaN
    where one is NaN. A draw computes every unit of the network once (`nets.solve_sequentially`), which takes a few
    passes' time rather than D passes.

    Choose it for black-and-white images, sets of tags, genotypes: any binary vector. Train it with `pushforward.fit`;
    `flows.made(..., conditionals="bernoulli")` builds it, and `MaskEnsemble` averages over orders.

    Args:
        network: an `AutoregressiveNetwork` of one parameter; its condition bound, if it takes one.

    Raises:
        TypeError: for another network.
        ValueError: if it puts out another number of parameters, or has no condition bound.

    Reference: Germain, Gregor, Murray & Larochelle 2015, "MADE", eqs. 2-4.
    """

    pytree_data_fields = ("network",)
    pytree_aux_fields = ("frozen",)
    has_rsample = False

    def __init__(self, network: AutoregressiveNetwork):
        _check_network(network, type(self).__name__)
        network.check_bound()
        self.network = network
        self.frozen = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(D,)."""
        return (self.network.dim,)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The batch axes of the bound condition; () without."""
        return self.network.batch_shape()

    @property
    def event_dim(self) -> int:
        """1."""
        return 1

    @property
    def support(self) -> Any:
        """Vectors of 0 and 1."""
        return _BITS

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape [sample_shape | batch_shape | D], integers."""
        return _sample(self, checked_key(key), as_shape(sample_shape))

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log p(value) in nats, of shape [sample axes | batch_shape].

        Raises:
            ValueError: if the last axis of `value` is not of size D.
        """
        return _log_prob(self, numeric_inputs(value, self))

    def sample_and_log_prob(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> tuple[jax.Array, jax.Array]:
        """Draws and their log-probabilities, by one more pass."""
        x = self.sample(key, sample_shape)
        return x, self.log_prob(x)

    def _trainable(self, trainable: Any, all_false: Any) -> Any:
        return self.tree_unflatten(self.tree_flatten()[1], [(all_false if self.frozen else trainable)(self.network)])

    def __repr__(self) -> str:
        first, *more = repr(self.network).splitlines()
        own = "(frozen=True)" if self.frozen else ""
        return "\n".join([f"{type(self).__name__}{own}", f"└─ network: {first}", *("   " + line for line in more)])


class ConditionalAutoregressiveBernoulli(Module):
    """p(x | c) = prod_d Bernoulli(x_d; logit_d(x_<d, c)): `model(c)` is the `AutoregressiveBernoulli` given c.

    `model(c).batch_shape == c.shape[:-1]`: one distribution for each condition. Train it with
    `pushforward.fit(key, model, x, c)`.

    Args:
        network: a conditional `AutoregressiveNetwork` of one parameter.

    Raises:
        TypeError: for another network.
        ValueError: if it puts out another number of parameters, or takes no condition.
    """

    network: AutoregressiveNetwork

    def __init__(self, network: AutoregressiveNetwork):
        _check_network(network, type(self).__name__)
        if network.condition_dim is None:
            raise ValueError(
                "ConditionalAutoregressiveBernoulli expects a network that takes a condition, and this one takes none. "
                "Build it with conditional=True, or use AutoregressiveBernoulli."
            )
        self.network = network

    def condition(self, c: Any) -> AutoregressiveBernoulli:
        """The distribution given the condition `c`, of shape [batch axes | condition_dim]."""
        bound = AutoregressiveBernoulli(self.network.condition(numeric_inputs(c, self.network)))
        return bound._with_frozen(True) if self.frozen else bound

    def __call__(self, c: Any) -> AutoregressiveBernoulli:
        """The same as `condition(c)`."""
        return self.condition(c)

    @property
    def condition_dim(self) -> int:
        """The number of entries of a condition."""
        return int(self.network.condition_dim or 0)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(D,)."""
        return (self.network.dim,)

    @property
    def support(self) -> Any:
        """Vectors of 0 and 1, whatever the condition."""
        return _BITS


@seldom_collected()
@eqx.filter_jit
def _log_prob(law: AutoregressiveBernoulli, value: jax.Array) -> jax.Array:
    check_value(law, value.shape)
    binary = (value == 0) | (value == 1)
    logits = cast_floating(law.network, value.dtype)(jnp.where(binary, value, 0))[..., 0]
    dtype = accumulation_dtype(logits.dtype)
    log_prob = -jnp.sum(jax.nn.softplus(jnp.where(value == 1, -logits, logits)), axis=-1, dtype=dtype)
    log_prob = jnp.where(jnp.all(binary, axis=-1), log_prob, -jnp.inf)
    return jnp.where(jnp.any(jnp.isnan(value), axis=-1), jnp.nan, log_prob)


@seldom_collected()
@eqx.filter_jit
def _sample(law: AutoregressiveBernoulli, key: jax.Array, sample_shape: tuple[int, ...]) -> jax.Array:
    net, shape = law.network, sample_shape + law.batch_shape
    rows = int(np.prod(shape, dtype=int))
    if net.bound is not None:
        bound = jnp.broadcast_to(net.bound, (*shape, net.bound.shape[-1]))
        net = replace(net, bound=bound.reshape(rows, net.bound.shape[-1]))
    # A bit is 1 where the logit is above logistic noise.
    noise = jax.random.logistic(key, (net.dim, rows), model_dtype(net))
    bits = solve_sequentially(net, lambda params, noise: (noise < params[0]).astype(noise.dtype), noise)
    return bits.T.reshape(*shape, net.dim).astype(jnp.int32)


def _check_network(network: Any, who: str) -> None:
    if not isinstance(network, AutoregressiveNetwork):
        raise TypeError(
            f"{who} expects an AutoregressiveNetwork, and got {type(network).__name__}: bit d must depend on those "
            "before it alone. flows.made(key, dim, conditionals='bernoulli') builds one."
        )
    if network.params != 1:
        raise ValueError(
            f"{who} expects a network of one parameter for each bit, its logit, and this one puts out "
            f"{network.params}. Build it with params=1."
        )
