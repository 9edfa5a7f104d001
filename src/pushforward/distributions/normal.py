"""Normal bases on vectors: one without parameters, one whose parameters may train."""

import math
import operator
from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core import numeric_inputs
from ..core.module import _describe
from ..core.shapes import accumulation_dtype
from .base import PytreeDistribution
from .support import event_constraint

_LOG_2PI = math.log(2 * math.pi)


class StandardNormal(PytreeDistribution):
    """log p(x) = -|x|^2 / 2 - (D/2) log 2 pi, D the number of entries of an event: independent standard normals.

    Nothing in it trains; it has no arrays.

    Args:
        event_shape: shape of an event; an integer D stands for (D,).
    """

    pytree_aux_fields = ("shape_of_event", "frozen")
    independent_coordinates = True

    def __init__(self, event_shape: int | tuple[int, ...] = ()):
        shape = event_shape if isinstance(event_shape, tuple | list) else (event_shape,)
        self.shape_of_event = tuple(operator.index(size) for size in shape)
        self.frozen = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """As given."""
        return self.shape_of_event

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Always ()."""
        return ()

    @property
    def support(self) -> Any:
        """All real events."""
        return event_constraint(constraints.real, len(self.shape_of_event))

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape [sample_shape | event_shape] in JAX's default float."""
        return jax.random.normal(key, (*sample_shape, *self.shape_of_event))

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log p(value) of shape [sample axes]."""
        x = _accumulating(numeric_inputs(value))
        axes = tuple(range(-len(self.shape_of_event), 0))
        return -0.5 * jnp.sum(x**2, axis=axes) - 0.5 * _LOG_2PI * math.prod(self.shape_of_event)

    @property
    def mean(self) -> jax.Array:
        """Zeros."""
        return jnp.zeros(self.shape_of_event)

    @property
    def variance(self) -> jax.Array:
        """Ones."""
        return jnp.ones(self.shape_of_event)

    def entropy(self) -> jax.Array:
        """(D/2) (1 + log 2 pi)."""
        return jnp.asarray(0.5 * (1 + _LOG_2PI) * math.prod(self.shape_of_event))

    def __repr__(self) -> str:
        return f"StandardNormal({self.shape_of_event})"


class MultivariateNormalDiag(PytreeDistribution):
    """log p(x) = -sum_i [((x_i - loc_i) / scale_i)^2 / 2 + log scale_i + log(2 pi) / 2]: independent normals.

    Args:
        loc: means, shape [batch axes | D]; None for zeros.
        scale_diag: standard deviations, positive, shape [batch axes | D]; None for ones unless the multiplier is given.
        scale_identity_multiplier: a positive number, shape [batch axes], added to all entries of `scale_diag`, or the
            standard deviation of all entries if `scale_diag` is None.

    The parameters are `loc` and `raw_scale`, which may take any real value: scale_diag = softplus(raw_scale). So it may
    train as the base of a flow (`train_base=True`).

    Raises:
        ValueError: if neither `loc` nor `scale_diag` says how many entries a vector has, or a scale is not positive.
    """

    pytree_data_fields = ("loc", "raw_scale")
    pytree_aux_fields = ("frozen",)
    independent_coordinates = True

    def __init__(self, loc: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None):
        vectors = [numeric_inputs(v) for v in (loc, scale_diag) if v is not None]
        if not vectors or min(v.ndim for v in vectors) < 1:
            raise ValueError(
                "MultivariateNormalDiag expects loc or scale_diag of shape [batch axes | D], and got "
                f"{'neither' if not vectors else 'a scalar'}: D, the number of entries, is unknown. "
                "Give loc=jnp.zeros(D)."
            )
        dtype = max((v.dtype for v in vectors), key=lambda dtype: jnp.finfo(dtype).bits)
        size = max(v.shape[-1] for v in vectors)
        scale = jnp.ones(size, dtype) if scale_diag is None else numeric_inputs(scale_diag).astype(dtype)
        if scale_identity_multiplier is not None:
            multiplier = numeric_inputs(scale_identity_multiplier).astype(dtype)[..., None]
            scale = (jnp.zeros_like(scale) if scale_diag is None else scale) + multiplier
        if not isinstance(scale, jax.core.Tracer) and not bool(jnp.all(scale > 0)):
            raise ValueError(
                "MultivariateNormalDiag expects positive standard deviations, and got one that is not: scale_diag is "
                "the standard deviation of each entry, not its logarithm. Take jnp.exp of a logarithm."
            )
        self.loc = jnp.zeros(size, dtype) if loc is None else numeric_inputs(loc).astype(dtype)
        self.raw_scale = _softplus_inverse(scale)
        self.frozen = False
        jnp.broadcast_shapes(self.loc.shape, self.raw_scale.shape)

    @property
    def scale_diag(self) -> jax.Array:
        """The standard deviations."""
        return jax.nn.softplus(self.raw_scale)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(D,)."""
        return jnp.broadcast_shapes(self.loc.shape[-1:], self.raw_scale.shape[-1:])

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The batch axes of the parameters."""
        return jnp.broadcast_shapes(self.loc.shape[:-1], self.raw_scale.shape[:-1])

    @property
    def support(self) -> Any:
        """All real vectors."""
        return constraints.real_vector

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws of shape [sample_shape | batch_shape | D], loc + scale_diag * noise, in the dtype of the parameters."""
        noise = jax.random.normal(key, self.shape(tuple(sample_shape)), self.loc.dtype)
        return self.loc + self.scale_diag * noise

    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """log p(value) of shape [sample axes | batch_shape]."""
        x = _accumulating(numeric_inputs(value, self))
        loc, scale = self.loc.astype(x.dtype), jax.nn.softplus(self.raw_scale.astype(x.dtype))
        terms = 0.5 * ((x - loc) / scale) ** 2 + jnp.log(scale) + 0.5 * _LOG_2PI
        return -jnp.sum(terms, axis=-1)

    @property
    def mean(self) -> jax.Array:
        """loc, of shape [batch_shape | D]."""
        return jnp.broadcast_to(self.loc, self.shape())

    @property
    def variance(self) -> jax.Array:
        """scale_diag^2, of shape [batch_shape | D]."""
        return jnp.broadcast_to(self.scale_diag**2, self.shape())

    def entropy(self) -> jax.Array:
        """sum_i log scale_i + (D/2) (1 + log 2 pi), of shape [batch_shape]."""
        log_scale = jnp.broadcast_to(jnp.log(self.scale_diag), self.shape())
        return jnp.sum(log_scale + 0.5 * (1 + _LOG_2PI), axis=-1)

    def __repr__(self) -> str:
        own = [f"loc={_describe(self.loc)}", f"raw_scale={_describe(self.raw_scale)}"]
        return f"MultivariateNormalDiag({', '.join(own + ['frozen=True'] * self.frozen)})"


def _softplus_inverse(y: jax.Array) -> jax.Array:
    # log(exp(y) - 1) without overflow for large y or cancellation for small y.
    return y + jnp.log(-jnp.expm1(-y))


def _accumulating(x: jax.Array) -> jax.Array:
    return x.astype(accumulation_dtype(x.dtype))
