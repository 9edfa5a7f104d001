"""RealNVP under TensorFlow Probability's arguments, and its default network."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core import Module, as_callable, replace, static_field
from ..nets import MLP
from .base import Bijector
from .coupling import split_indices


class RealNVP(Bijector):
    """y_a = x_a,  y_b = exp(log_scale(x_a)) x_b + shift(x_a), where a are the first d coordinates and b the others.

    inverse  x_b = (y_b - shift(y_a)) exp(-log_scale(y_a));    log |det dy/dx| = sum of log_scale(x_a);    domain: real.
    Both directions are one call of the function (Dinh, Sohl-Dickstein & Bengio 2017). Without a scale it is NICE, whose
    log-det is 0. `Coupling` is the same with any mask and any transformer.

    Args:
        num_masked: d, the number of coordinates that stay; if negative, the last |d| stay.
        fraction_masked: instead, d as a fraction of the size of the event, in (-1, 1), rounded.
        shift_and_log_scale_fn: maps (x_a of shape [..., d], D - d) to (shift, log_scale), each [..., D - d] or None;
            for instance `real_nvp_default_template(...)`.
        bijector_fn: instead, maps (x_a, D - d) to a bijector of scalars or vectors that moves x_b.
        is_constant_jacobian: accepted as in TFP, where it says of NICE that the log-det is constant. It changes
            nothing: that log-det costs nothing here, and the Jacobian, which the fact is about, is not constant.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if not exactly one of num_masked and fraction_masked, and of the two functions, is given.
    """

    shift_and_log_scale_fn: Any
    bijector_fn: Any
    num_masked: int | None = static_field()
    fraction_masked: float | None = static_field()

    forward_min_event_ndims = 1

    def __init__(
        self,
        num_masked: int | None = None,
        fraction_masked: float | None = None,
        shift_and_log_scale_fn: Callable | None = None,
        bijector_fn: Callable | None = None,
        is_constant_jacobian: bool = False,
        validate_args: bool = False,
    ):
        if (num_masked is None) == (fraction_masked is None):
            raise ValueError(
                "RealNVP takes either num_masked or fraction_masked, and got "
                f"{'neither' if num_masked is None else 'both'}; they say how many coordinates stay. Give exactly one."
            )
        if (shift_and_log_scale_fn is None) == (bijector_fn is None):
            raise ValueError(
                "RealNVP takes either shift_and_log_scale_fn or bijector_fn, and got "
                f"{'neither' if bijector_fn is None else 'both'}; they say how the others move. Give exactly one."
            )
        if num_masked is not None and int(num_masked) != num_masked:
            raise TypeError(f"RealNVP: expected num_masked to be an integer, and got {num_masked}; use fraction_masked")
        if fraction_masked is not None and not abs(fraction_masked) < 1:
            raise ValueError(
                f"RealNVP: expected fraction_masked between -1 and 1, and got {fraction_masked}; at least one "
                "coordinate must move"
            )
        self.shift_and_log_scale_fn = as_callable(shift_and_log_scale_fn)
        self.bijector_fn = as_callable(bijector_fn)
        self.num_masked = None if num_masked is None else int(num_masked)
        self.fraction_masked = None if fraction_masked is None else float(fraction_masked)
        self.validate_args = validate_args

    def condition(self, c):
        """Bind `c` in the function, if that takes one."""
        changes = {}
        for name in ("shift_and_log_scale_fn", "bijector_fn"):
            fn = getattr(self, name)
            if hasattr(fn, "condition"):
                changes[name] = fn.condition(c)
        return replace(self, **changes)

    def _forward_and_log_det(self, x):
        return self._run_parts(x, "forward")

    def _inverse_and_log_det(self, y):
        return self._run_parts(y, "inverse")

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def _run_parts(self, x: jax.Array, direction: str) -> tuple[jax.Array, jax.Array]:
        size = x.shape[-1]
        d = self.num_masked if self.fraction_masked is None else int(np.round(size * self.fraction_masked))
        stay, move = split_indices(size, None, d, "RealNVP")
        kept, moved = (x[..., i.min(initial=size) : i.max(initial=-1) + 1] for i in (stay, move))
        out, log_det = self._move(kept, moved, direction)
        batch = jnp.broadcast_shapes(out.shape[:-1], kept.shape[:-1])
        parts = [jnp.broadcast_to(a, (*batch, a.shape[-1])) for a in (kept, out)]
        if len(stay) and stay[0] > move[0]:
            parts.reverse()
        return jnp.concatenate(parts, axis=-1), log_det

    def _move(self, kept: jax.Array, moved: jax.Array, direction: str) -> tuple[jax.Array, jax.Array]:
        if self.bijector_fn is not None:
            bijector = self.bijector_fn(kept, moved.shape[-1])
            if bijector.forward_min_event_ndims != bijector.inverse_min_event_ndims:
                raise ValueError(
                    "RealNVP: bijector_fn gave a map that changes the rank of its event, and its result could not be "
                    "joined with the coordinates that stay; give a map of scalars or vectors"
                )
            return getattr(bijector, direction + "_and_log_det")(moved, 1)
        shift, log_scale = self.shift_and_log_scale_fn(kept, moved.shape[-1])
        zero = jnp.zeros((), moved.dtype)
        shift = zero if shift is None else shift
        if log_scale is None:
            return (moved + shift if direction == "forward" else moved - shift), zero
        if direction == "forward":
            out = moved * jnp.exp(log_scale) + shift
        else:
            out, log_scale = (moved - shift) * jnp.exp(-log_scale), -log_scale
        return out, jnp.sum(jnp.broadcast_to(log_scale, out.shape), -1)


class RealNVPTemplate(Module):
    """(shift, log_scale) = two halves of an MLP's output, called as net(x_a, D - d); by `real_nvp_default_template`."""

    net: MLP
    shift_only: bool = static_field()

    def __call__(self, x: Any, output_units: int | None = None) -> tuple[jax.Array, jax.Array | None]:
        """(shift, log_scale) of shape [..., output_units]; log_scale is None with `shift_only`."""
        made_for = self.net.out_size // (1 if self.shift_only else 2)
        if output_units is not None and output_units != made_for:
            raise ValueError(
                f"the network of this RealNVP was built for {made_for} moving coordinates, and is asked for "
                f"{output_units}; build it with output_units={output_units}"
            )
        out = self.net(x)
        return (out, None) if self.shift_only else (out[..., :made_for], out[..., made_for:])

    def condition(self, c: Any) -> "RealNVPTemplate":
        """Bind `c` in the network."""
        return replace(self, net=self.net.condition(c))


def real_nvp_default_template(
    hidden_layers: Sequence[int] = (512, 512),
    shift_only: bool = False,
    activation: Callable[[jax.Array], jax.Array] | None = jax.nn.relu,
    *,
    input_units: int,
    output_units: int,
    condition_dim: int | None = None,
    output_scale: float = 0.01,
    key: jax.Array,
) -> RealNVPTemplate:
    """A network for `RealNVP(shift_and_log_scale_fn=...)`: x_a of shape [..., d] to (shift, log_scale) of [..., D - d].

    Args:
        hidden_layers: sizes of the hidden layers.
        shift_only: give (shift, None), for NICE.
        activation: of the hidden layers; None for the identity.
        input_units: d, the number of coordinates that stay.
        output_units: D - d, the number of those that move.
        condition_dim: size of a condition, bound by `condition(c)`; None for none.
        output_scale: factor on the initial weights of the last layer; 0 starts the flow at the identity.
        key: for the initial weights.
    """
    net = MLP(
        input_units,
        output_units if shift_only else 2 * output_units,
        hidden_units=tuple(hidden_layers),
        activation=_identity if activation is None else activation,
        condition_dim=condition_dim,
        output_scale=output_scale,
        key=key,
    )
    return RealNVPTemplate(net, shift_only)


def _identity(x: jax.Array) -> jax.Array:
    return x
