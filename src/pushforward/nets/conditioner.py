"""What the dense conditioners share: calling conventions, the bound condition, the initial weights.

Inside, features lead: activations are (features, *batch) and weights (out, in), so that a product needs no
transposition and the parameters of a transformer come out contiguous along the batch.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from ..core import Module, constant_field, replace, static_field
from ..core.shapes import cast_floating
from .products import layer_product

Array = jax.Array
ConditionerT = TypeVar("ConditionerT", bound="Conditioner")


class Conditioner(Module):
    """A network that maps x of shape [..., in_size], and perhaps a condition, to [..., out_size].

    Subclasses write `columns`.

    Attributes:
        in_size, out_size: numbers in and out.
        condition_dim: size of the condition; None if it takes none.
        bound: the bound condition, shape [..., condition_dim].
    """

    bound: Any = constant_field()
    in_size: int = static_field()
    out_size: int = static_field()
    condition_dim: int | None = static_field()

    def _set_sizes(self, in_size: int, out_size: int, condition_dim: int | None, units: tuple[int, ...]) -> None:
        named = {"in_size": in_size, "out_size": out_size, "condition_dim": condition_dim}
        named |= {f"hidden_units[{k}]": size for k, size in enumerate(units)}
        for name, size in named.items():
            least = 0 if name == "in_size" else 1
            if size is not None and (int(size) != size or size < least):
                raise ValueError(
                    f"{type(self).__name__}: expected {name} to be an integer, at least {least}, and got {size}; it is "
                    "a number of units"
                )
        self.in_size, self.out_size, self.bound = int(in_size), int(out_size), None
        self.condition_dim = None if condition_dim is None else int(condition_dim)

    def columns(self, x: Array) -> Array:
        """The network with features leading: (in_size, *batch) to (out_size, *batch)."""
        raise NotImplementedError

    def __call__(self, x: Any) -> Array:
        """Outputs of shape [..., out_size] for x of shape [..., in_size]; batch axes broadcast with the condition's."""
        x = jnp.asarray(x)
        x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.result_type(float))
        if x.ndim < 1 or x.shape[-1] != self.in_size:
            raise ValueError(
                f"{type(self).__name__}: expected an input of shape [..., {self.in_size}], and got {x.shape}; the "
                f"network was built with in_size={self.in_size}"
            )
        return jnp.moveaxis(cast_floating(self, x.dtype).columns(jnp.moveaxis(x, -1, 0)), 0, -1)

    def condition(self: ConditionerT, c: Any) -> ConditionerT:
        """The network with `c` (shape [..., condition_dim]) bound; itself if it takes no condition."""
        if self.condition_dim is None:
            return self
        c = jnp.asarray(c)
        c = c if jnp.issubdtype(c.dtype, jnp.floating) else c.astype(jnp.result_type(float))
        if c.ndim < 1 or c.shape[-1] != self.condition_dim:
            raise ValueError(
                f"condition: expected shape [..., {self.condition_dim}], and got {c.shape}; the network was built with "
                f"condition_dim={self.condition_dim}"
            )
        return replace(self, bound=c)

    def bound_columns(self) -> Array:
        """The bound condition with features leading; `ValueError` if none is bound."""
        if self.bound is None:
            raise ValueError(
                f"this {type(self).__name__} is conditional and has no condition bound, so its outputs are not defined."
                " Bind one first: flow(c), bijector.condition(c) or net.condition(c)."
            )
        return jnp.moveaxis(self.bound, -1, 0)


def dense(weight: Array, a: Array, bias: Array | None = None) -> Array:
    """W a + b for a of shape (in, *batch)."""
    product = layer_product(weight, a)
    return product if bias is None else add_leading(product, bias)


def add_leading(a: Array, b: Array) -> Array:
    """a + b of shapes (features, *batch) whose batch axes broadcast, whatever their ranks."""
    ndim = max(a.ndim, b.ndim)
    a, b = (v.reshape(v.shape[0], *(1,) * (ndim - v.ndim), *v.shape[1:]) for v in (a, b))
    return a + b


def initial_weights(key: Array, layers: Sequence[tuple[int, int, int, float]]) -> list[Array]:
    """Normal numbers of variance 2 scale^2 / fan_in (He et al. 2015) for every (out size, in size, fan_in, scale).

    One draw for all: every draw would be a program of its own to compile, a tenth of a second each.
    """
    sizes = np.cumsum([out_size * in_size for out_size, in_size, _, _ in layers])
    draws = jnp.split(jax.random.normal(key, (int(sizes[-1]),), jnp.result_type(float)), sizes[:-1])
    return [
        scale * (2 / max(1, fan_in)) ** 0.5 * draw.reshape(out_size, in_size)
        for draw, (out_size, in_size, fan_in, scale) in zip(draws, layers, strict=True)
    ]


def initial_bias(key: Array, size: int, fan_in: int) -> Array:
    """Uniform numbers in +-2 / sqrt(fan_in): hidden units of few inputs start with their kinks apart, not all at 0."""
    bound = 2 / max(1, fan_in) ** 0.5
    return jax.random.uniform(key, (size,), jnp.result_type(float), -bound, bound)
