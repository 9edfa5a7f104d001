"""OnAngles: a network that sees angles as points on the circle."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core import Module, replace, static_field


class OnAngles(Module):
    """net(cos x_a, sin x_a, x_b), a the coordinates that are angles, b the others: periodic in every angle.

    Args:
        net: maps [..., 2 |a| + |b|] to [..., any size].
        angles: for each coordinate of x, whether it is an angle.
    """

    net: Any
    angles: tuple[bool, ...] = static_field()

    def __init__(self, net: Any, angles: Sequence[bool]):
        self.net = net
        self.angles = tuple(bool(a) for a in angles)

    def condition(self, c: Any) -> "OnAngles":
        """The network with `c` bound."""
        return replace(self, net=self.net.condition(c))

    def __call__(self, x: jax.Array) -> jax.Array:
        """The network of x, shape [..., size]."""
        numbers = [x[..., k] for k in range(x.shape[-1])]
        turned = [number for number, is_angle in zip(numbers, self.angles, strict=True) if is_angle]
        others = [number for number, is_angle in zip(numbers, self.angles, strict=True) if not is_angle]
        return self.net(jnp.stack([*map(jnp.cos, turned), *map(jnp.sin, turned), *others], axis=-1))
