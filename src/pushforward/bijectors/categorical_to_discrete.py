"""CategoricalToDiscrete: numbers in place of categories."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import constraints

from ..core import constant_field
from ..core.parameters import as_parameter, known_values
from .base import Bijector


class CategoricalToDiscrete(Bijector):
    """y = map_values[x]: the number that belongs to category x.

    inverse  the place of the nearest of map_values, of two equally near ones the lower;
    log-det 0, as probabilities of single points carry over unchanged;
    domain: integers 0 to K - 1;    codomain: map_values.

    Places come and go in the dtype of the input, as all arrays of bijectors are floating: `.astype(int)` makes indices.
    Forward is NaN where x is no place.

    Args:
        map_values: shape (K,), in strictly increasing order; data that do not train.
        validate_args: check values (x a place, y one of map_values up to rounding), also under `jit`.

    Raises:
        ValueError: if map_values is not one row of increasing numbers.
    """

    map_values: jax.Array = constant_field()

    forward_min_event_ndims = 0
    is_constant_jacobian = True

    def __init__(self, map_values: Any, *, validate_args: bool = False):
        self.map_values = as_parameter(map_values, "CategoricalToDiscrete: map_values")
        known, shape = known_values(self.map_values), self.map_values.shape
        rising = known is None or len(shape) != 1 or bool(np.all(np.diff(known) > 0))
        if len(shape) != 1 or shape[0] == 0 or not rising:
            raise ValueError(
                "CategoricalToDiscrete: expected map_values to be one row of strictly increasing numbers, and got "
                f"{f'shape {shape}' if known is None else known.tolist()}; otherwise a number would not tell its "
                "category. Sort them, and leave out repeated ones."
            )
        self.validate_args = validate_args

    @property
    def domain(self) -> Any:
        """The places 0 to K - 1."""
        return constraints.integer_interval(0, self.map_values.shape[0] - 1)

    @property
    def codomain(self) -> Any:
        """The interval from the least to the largest number."""
        return constraints.interval(self.map_values[0], self.map_values[-1])

    def _forward_and_log_det(self, x):
        place = jnp.where((x >= 0) & (x < self.map_values.shape[0]), x, 0).astype(jnp.int32)
        return jnp.where(place.astype(x.dtype) == x, self.map_values[place], jnp.nan), jnp.zeros((), x.dtype)

    def _inverse_and_log_det(self, y):
        halves = self.map_values[:-1] / 2 + self.map_values[1:] / 2
        place = jnp.searchsorted(halves, y)
        if self.validate_args:
            near = self.map_values[place]
            off = jnp.abs(y - near) > 10 * jnp.finfo(y.dtype).eps * (1 + jnp.abs(near))
            y = eqx.error_if(y, jnp.any(off), "CategoricalToDiscrete.inverse: expected numbers of map_values")
        return jnp.where(jnp.isnan(y), y, place.astype(y.dtype)), jnp.zeros((), y.dtype)
