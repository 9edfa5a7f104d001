"""Coupling: some coordinates stay and steer a scalar map of the others."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core import as_callable, replace, static_field
from ..core.shapes import cast_floating
from ..nets.conditioner import Conditioner
from .base import Bijector
from .bins import of_rank
from .transformers import AffineTransformer, Transformer, unrolled_layers


class Coupling(Bijector):
    """y_a = x_a,  y_b = T(x_b; parameters(x_a)), where a are the masked coordinates and b the others.

    inverse  x_a = y_a, x_b = T^-1(y_b; parameters(y_a));    log |det dy/dx| = sum over b of log |T'|;    domain: real.
    Both directions are one pass of the network. With `AdditiveTransformer` this is NICE (Dinh, Krueger & Bengio 2015),
    with `AffineTransformer` RealNVP (Dinh, Sohl-Dickstein & Bengio 2017), with `SplineTransformer` the neural spline
    coupling (Durkan et al. 2019).

    Args:
        conditioner: maps x_a of shape [..., d] to [..., P (D - d)], where P = transformer.params_per_dim and the
            parameters lead: P groups of D - d numbers. An `MLP`, a `ResidualMLP` or any other callable.
        transformer: the scalar map T.
        mask: D booleans (or zeros and ones), true where a coordinate stays; any pattern. Give this or `num_masked`.
        num_masked: the first d coordinates stay; the last |d| if negative.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if not exactly one of mask and num_masked is given, or the sizes of the conditioner do not fit.
    """

    conditioner: Any
    transformer: Any = static_field()
    mask: tuple[bool, ...] | None = static_field()
    num_masked: int | None = static_field()

    forward_min_event_ndims = 1

    def __init__(
        self,
        conditioner: Callable[[Any], Any],
        transformer: Transformer | None = None,
        *,
        mask: Sequence[Any] | np.ndarray | None = None,
        num_masked: int | None = None,
        validate_args: bool = False,
    ):
        if (mask is None) == (num_masked is None):
            raise ValueError(
                f"Coupling takes either mask or num_masked, and got {'neither' if mask is None else 'both'}; they say "
                "which coordinates stay. Give exactly one."
            )
        self.transformer = AffineTransformer() if transformer is None else transformer
        if not isinstance(self.transformer, Transformer):
            raise TypeError(
                f"Coupling: expected a transformer such as AffineTransformer(), and got "
                f"{type(self.transformer).__name__}; for a function that returns a bijector use RealNVP's bijector_fn"
            )
        self.conditioner = as_callable(conditioner)
        self.mask = None if mask is None else _as_mask(mask)
        self.num_masked = None if num_masked is None else int(num_masked)
        self.validate_args = validate_args
        if isinstance(self.conditioner, Conditioner):
            self._check_sizes(self.conditioner)

    def condition(self, c):
        """Bind `c` in the conditioner; itself if that takes none."""
        if not hasattr(self.conditioner, "condition"):
            return self
        return replace(self, conditioner=self.conditioner.condition(c))

    @property
    def _unrolled_layers(self):
        return unrolled_layers(self.transformer)

    def _shapes_after(self, x):
        stay, move = split_indices(x.shape[-1], self.mask, self.num_masked, "Coupling")
        kept = jax.ShapeDtypeStruct((len(stay), *x.shape[:-1]), x.dtype)
        params = jax.eval_shape(lambda c, kept: cast_floating(c, x.dtype)._params(kept, len(move)), self, kept)
        batch = jnp.broadcast_shapes(params.shape[2:], x.shape[:-1])
        return jax.ShapeDtypeStruct((*batch, x.shape[-1]), x.dtype)

    def _forward_and_log_det(self, x):
        return self._run_rows(x, self.transformer.forward_and_log_det)

    def _inverse_and_log_det(self, y):
        return self._run_rows(y, self.transformer.inverse_and_log_det)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _run_rows(self, x: jax.Array, transform: Callable) -> tuple[jax.Array, jax.Array]:
        """The map with coordinates leading, so that each is contiguous along the batch."""
        stay, move = split_indices(x.shape[-1], self.mask, self.num_masked, "Coupling")
        rows = jnp.moveaxis(x, -1, 0)
        kept, moved = take_rows(rows, stay), take_rows(rows, move)
        params = self._params(kept, len(move))
        # A batched condition gives parameters with more batch axes than x has.
        batch = jnp.broadcast_shapes(params.shape[2:], moved.shape[1:])
        kept, moved = (jnp.broadcast_to(of_rank(a, len(batch)), (a.shape[0], *batch)) for a in (kept, moved))
        out, log_det = transform(params, moved)
        rows = take_rows(jnp.concatenate([kept, out]), np.argsort(np.concatenate([stay, move])))
        return jnp.moveaxis(rows, 0, -1), jnp.sum(log_det, 0)

    def _params(self, kept: jax.Array, moved: int) -> jax.Array:
        """Shape (P, D - d, *batch)."""
        count = self.transformer.params_per_dim
        if isinstance(self.conditioner, Conditioner):
            if (self.conditioner.in_size, self.conditioner.out_size) != (kept.shape[0], count * moved):
                self._refuse_sizes(self.conditioner, kept.shape[0], moved)
            out = self.conditioner.columns(kept)
        else:
            out = self.conditioner(jnp.moveaxis(kept, 0, -1))
            if out.shape[-1] != count * moved:
                raise ValueError(
                    f"Coupling: expected the conditioner to put out {count} numbers for each of {moved} coordinates, "
                    f"{count * moved} in all, and got shape {out.shape}"
                )
            out = jnp.moveaxis(out, -1, 0)
        return out.reshape(count, moved, *out.shape[1:])

    def _check_sizes(self, net: Conditioner) -> None:
        if self.mask is None:
            stay, move = abs(self.num_masked or 0), max(1, net.out_size // self.transformer.params_per_dim)
        else:
            stay, move = sum(self.mask), len(self.mask) - sum(self.mask)
        if (net.in_size, net.out_size) != (stay, move * self.transformer.params_per_dim):
            self._refuse_sizes(net, stay, move)

    def _refuse_sizes(self, net: Conditioner, stay: int, move: int) -> None:
        count = self.transformer.params_per_dim
        raise ValueError(
            f"Coupling: with {stay} coordinates staying, {move} moving and {type(self.transformer).__name__}, the "
            f"conditioner has in_size={stay} and out_size={count} * {move} = {count * move}, and this one has "
            f"in_size={net.in_size}, out_size={net.out_size}; build it with these sizes"
        )


def split_indices(
    size: int, mask: tuple[bool, ...] | None, num_masked: int | None, who: str
) -> tuple[np.ndarray, np.ndarray]:
    """(coordinates that stay, coordinates that move) of an event of `size` numbers."""
    if mask is not None:
        if len(mask) != size:
            raise ValueError(
                f"{who}: expected events of {len(mask)} numbers, as many as the mask has, and got {size}; the mask "
                "says for each number whether it stays"
            )
        stays = np.asarray(mask)
    else:
        d = num_masked or 0
        if abs(d) >= size:
            raise ValueError(
                f"{who}: expected num_masked below the size of the event, {size}, and got {d}; at least one coordinate "
                "must move"
            )
        stays = np.arange(size) < d if d >= 0 else np.arange(size) >= size + d
    return np.flatnonzero(stays), np.flatnonzero(~stays)


def _as_mask(mask: Any) -> tuple[bool, ...]:
    values = np.asarray(mask)
    if values.ndim != 1 or not np.all((values == 0) | (values == 1)):
        raise ValueError(
            f"Coupling: expected mask to be a vector of booleans (or zeros and ones), and got {values.tolist()}; it "
            "says for each coordinate whether it stays"
        )
    if np.all(values):
        raise ValueError("Coupling: the mask keeps every coordinate, so nothing moves; leave at least one false")
    return tuple(bool(v) for v in values)


def take_rows(rows: jax.Array, indices: np.ndarray) -> jax.Array:
    """Rows by static indices; a slice where they are contiguous."""
    if len(indices) == 0 or np.array_equal(indices, np.arange(indices[0], indices[0] + len(indices))):
        start = int(indices[0]) if len(indices) else 0
        return rows[start : start + len(indices)]
    return rows.at[indices].get(unique_indices=True, mode="promise_in_bounds")
