"""MaskedAutoregressiveFlow: y_i = T(x_i; parameters(y_<i)).

With an affine T this is MAF (Papamakarios, Pavlakou & Murray 2017), y_i = x_i exp(alpha_i(y_<i)) + mu_i(y_<i); its
`Invert` is IAF (Kingma et al. 2016); with a spline, the autoregressive neural spline flow (Durkan et al. 2019).

inverse (data -> latent) is one network pass. forward (latent -> data) is sequential: with one of our masked networks
`nets.solve_sequentially` does it in about two passes' time; with any other, sweeps y <- T(x; parameters(y)) until
nothing changes, at most D of them. Derivatives of the sequential direction are implicit, from the equation it solves:
linear systems, solved in the same two ways (`nets.linear_solvers`).
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core import as_callable, replace, static_field
from ..nets import AutoregressiveNetwork as AutoregressiveNetwork  # exported by this package too, as TFP does
from ..nets import linear_solvers, solve_sequentially
from .base import Bijector
from .transformers import AdditiveTransformer, AffineTransformer, Transformer, explicit_direction, unrolled_layers


class MaskedAutoregressiveFlow(Bijector):
    """y_i = T(x_i; parameters(y_<i)); for the affine T, y_i = x_i exp(log_scale_i(y_<i)) + shift_i(y_<i).

    inverse  x_i = T^-1(y_i; parameters(y_<i)), one network pass;    log |dy/dx| = sum_i log |T'(x_i)|.

    Args:
        shift_and_log_scale_fn: maps y of shape [..., D] to (shift, log_scale), or to an array [..., D, 2] of both, or
            [..., D, 1] of shifts alone; output i may depend on inputs < i only. Usually an `AutoregressiveNetwork`.
        bijector_fn: instead, maps y to a bijector that acts on each coordinate (any network, any scalar map).
        is_constant_jacobian: accepted as in TFP, where it says of shifts alone that the log-det is constant; changes
            nothing, as the Jacobian, of which exact moments would be made, is not.
        unroll_loop: accepted as in TFP; there is no loop of whole passes left to unroll, so it changes nothing.
        event_ndims: rank of an event; above 1 only with a function that is not an `AutoregressiveNetwork`.
        transformer: with an `AutoregressiveNetwork`, the scalar map T whose parameters it supplies; by default affine
            for 2 parameters and additive for 1. The network must put out `transformer.params_per_dim` parameters.

    Raises:
        ValueError: if not exactly one function is given, or the transformer and the network do not fit.
    """

    shift_and_log_scale_fn: Any
    bijector_fn: Any
    transformer: Any = static_field()
    event_ndims: int = static_field()

    def __init__(
        self,
        shift_and_log_scale_fn: Callable | None = None,
        bijector_fn: Callable | None = None,
        is_constant_jacobian: bool = False,
        validate_args: bool = False,
        unroll_loop: bool = False,
        event_ndims: int = 1,
        *,
        transformer: Transformer | None = None,
    ):
        if (shift_and_log_scale_fn is None) == (bijector_fn is None):
            raise ValueError("MaskedAutoregressiveFlow takes shift_and_log_scale_fn or bijector_fn; give exactly one")
        net = shift_and_log_scale_fn
        if isinstance(net, AutoregressiveNetwork):
            if event_ndims != 1:
                raise ValueError(f"an AutoregressiveNetwork maps vectors, so event_ndims is 1, and got {event_ndims}")
            if transformer is None:
                transformer = AdditiveTransformer() if net.params == 1 else AffineTransformer()
            if net.params != transformer.params_per_dim:
                raise ValueError(
                    f"{type(transformer).__name__} needs {transformer.params_per_dim} parameters for each coordinate, "
                    f"and the network puts out {net.params}; build it with params={transformer.params_per_dim}"
                )
        elif transformer is not None:
            raise ValueError("transformer goes with an AutoregressiveNetwork; for other functions use bijector_fn")
        self.shift_and_log_scale_fn = as_callable(net)
        self.bijector_fn = as_callable(bijector_fn)
        self.transformer = transformer
        self.event_ndims = int(event_ndims)
        self.validate_args = validate_args

    @property
    def forward_min_event_ndims(self) -> int:
        """`event_ndims`."""
        return self.event_ndims

    def _is_sequential(self, direction):
        return direction == "forward"

    @property
    def _unrolled_layers(self):
        return unrolled_layers(self.transformer)

    def condition(self, c):
        """Bind `c` in the network."""
        changes = {}
        for name in ("shift_and_log_scale_fn", "bijector_fn"):
            fn = getattr(self, name)
            if hasattr(fn, "condition"):
                changes[name] = fn.condition(c)
        return replace(self, **changes)

    def batch_shape(self, event_shape):
        """The batch axes of the bound condition."""
        net = self.shift_and_log_scale_fn
        return net.batch_shape() if self._has_masked_network else super().batch_shape(event_shape)

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    @property
    def _has_masked_network(self) -> bool:
        return isinstance(self.shift_and_log_scale_fn, AutoregressiveNetwork)

    def _inverse_and_log_det(self, y):
        if not self._has_masked_network:
            return _apply(self._scalar_bijector(y), y, "inverse", self.event_ndims)
        y = self._columns(y)
        x, log_det = self.transformer.inverse_and_log_det(self.shift_and_log_scale_fn.columns(y), y)
        return jnp.moveaxis(x, 0, -1), jnp.sum(log_det, 0)

    def _forward(self, x):
        return _forward_implicitly(self, x)

    def _forward_and_log_det(self, x):
        y = _forward_implicitly(self, x)
        # One more pass, dropped by the compiler where the log-det is not used; its derivatives are then exact too.
        if not self._has_masked_network:
            return y, self._at(y, x)[1]
        if self._is_explicit_inverse:
            return y, -self._inverse_and_log_det(y)[1]
        return y, jnp.sum(self.transformer.forward_and_log_det(self._params(y), self._columns(x))[1], 0)

    @property
    def _is_explicit_inverse(self) -> bool:
        return explicit_direction(self.transformer) == "inverse"

    def _params(self, y: jax.Array) -> jax.Array:
        return self.shift_and_log_scale_fn.columns(self._columns(y))

    def _at(self, y: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(T(x; parameters(y)), its log-det) of foreign functions, with the parameters taken at y, the fixed point."""
        return _apply(self._scalar_bijector(y), x, "forward", self.event_ndims)

    def _slopes(self, params: jax.Array, y: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Derivatives of y = T(x; params) by params, (P, D, batch), and by x, (D, batch), where y is known already.

        Of the direction that is a formula: with  x = g(y; params)  they are  -g_params / g_y  and  1 / g_y.
        """
        transformer, y, x = self.transformer, self._columns(y), self._columns(x)
        if self._is_explicit_inverse:
            of_params, slope = _slopes_of(lambda p, y: transformer.inverse_and_log_det(p, y)[0], params, y)
            return -of_params / slope, 1 / slope
        return _slopes_of(lambda p, x: transformer.forward_and_log_det(p, x)[0], params, x)

    def _columns(self, a: jax.Array) -> jax.Array:
        net = self.shift_and_log_scale_fn
        net.check_bound()
        if a.shape[-1] != net.dim:
            raise ValueError(
                f"MaskedAutoregressiveFlow: expected events of shape ({net.dim},), got an array of shape {a.shape}; "
                f"its network was built with event_shape=({net.dim},)"
            )
        a = jnp.broadcast_to(a, (*jnp.broadcast_shapes(a.shape[:-1], net.batch_shape()), net.dim))
        return jnp.moveaxis(a, -1, 0)

    def _scalar_bijector(self, y: jax.Array) -> Bijector:
        if self.bijector_fn is not None:
            return self.bijector_fn(y)
        out = self.shift_and_log_scale_fn(y)
        if isinstance(out, tuple | list):
            shift, log_scale = out
        elif out.shape[-1] == 1:
            shift, log_scale = out[..., 0], None
        else:
            shift, log_scale = out[..., 0], out[..., 1]
        return _ShiftAndLogScale(shift, log_scale)

    def _solve(self, x: jax.Array) -> jax.Array:
        """The sequential direction, without derivatives."""
        if self._has_masked_network:
            net, x, batch = self._rows(x)
            return self._unrows(solve_sequentially(net, self._transform, x), batch)
        shape = jax.eval_shape(self._at, x, x)[0].shape
        return _sweep(lambda y: self._at(y, x)[0], jnp.zeros(shape, x.dtype), self._event_size(shape))

    def _tangent(self, y: jax.Array, x: jax.Array, flow_dot: Any, x_dot: Any) -> jax.Array:
        """That of y: the v with v = b + N v, N the derivative in the y that parameters are taken at, b in all else.

        N is strictly triangular in the order of the inputs.
        """
        if not self._has_masked_network:
            _, b = eqx.filter_jvp(lambda flow, x: flow._at(y, x)[0], (self, x), (flow_dot, x_dot))
            return self._solve_by_sweeps(y, x, b)
        params, params_dot = eqx.filter_jvp(lambda flow: flow._params(y), (self,), (flow_dot,))
        of_params, of_x = self._slopes(params, y, x)
        # None is the derivative of what is held fixed.
        b = jnp.zeros_like(of_x) if x_dot is None else of_x * self._columns(x_dot)
        b = b if params_dot is None else b + jnp.sum(of_params * params_dot, axis=0)
        return self._solve_tangent(y, of_params, jnp.moveaxis(b, 0, -1))

    def _solve_by_sweeps(self, y: jax.Array, x: jax.Array, b: jax.Array) -> jax.Array:
        def matvec(v: jax.Array) -> jax.Array:
            return v - jax.jvp(lambda y: self._at(y, x)[0], (y,), (v,))[1]

        def solve(matvec: Callable, b: jax.Array) -> jax.Array:
            return _sweep(lambda v: b + v - matvec(v), b, self._event_size(y.shape))

        return lax.custom_linear_solve(matvec, b, solve=solve, transpose_solve=solve)

    def _solve_tangent(self, y: jax.Array, of_params: jax.Array, b: jax.Array) -> jax.Array:
        def matvec(v: jax.Array) -> jax.Array:
            return v - jnp.moveaxis(jnp.sum(of_params * jax.jvp(self._params, (y,), (v,))[1], axis=0), 0, -1)

        net, at_y, batch = self._rows(y)
        solvers = linear_solvers(net, of_params.reshape(len(of_params), *at_y.shape), at_y)
        solve, transpose_solve = (
            lambda _, b, solver=solver: self._unrows(solver(self._rows(b, batch)[1]), batch) for solver in solvers
        )
        return lax.custom_linear_solve(matvec, b, solve=solve, transpose_solve=transpose_solve)

    def _event_size(self, shape: tuple[int, ...]) -> int:
        return int(np.prod(shape[len(shape) - self.event_ndims :]))

    def _transform(self, params: jax.Array, x: jax.Array) -> jax.Array:
        return self.transformer.forward_and_log_det(params, x)[0]

    def _rows(self, x: jax.Array, batch: Any = None) -> tuple[AutoregressiveNetwork, jax.Array, tuple[int, ...]]:
        """The network with a condition for every row, x as (D, rows), and the batch axes that the rows had."""
        net = self.shift_and_log_scale_fn
        columns = self._columns(x if batch is None else jnp.broadcast_to(x, (*batch, net.dim)))
        batch = columns.shape[1:]
        if net.bound is not None:
            bound = jnp.broadcast_to(net.bound, (*batch, net.condition_dim)).reshape(-1, net.condition_dim)
            net = replace(net, bound=bound)
        return net, columns.reshape(net.dim, int(np.prod(batch))), batch

    def _unrows(self, y: jax.Array, batch: tuple[int, ...]) -> jax.Array:
        return jnp.moveaxis(y.reshape(y.shape[0], *batch), 0, -1)


class _ShiftAndLogScale(Bijector):
    """y = exp(log_scale) x + shift, element by element."""

    shift: jax.Array
    log_scale: jax.Array | None

    forward_min_event_ndims = 0
    is_increasing = True

    def _forward_and_log_det(self, x):
        return AffineTransformer().forward_and_log_det(self._params(), x)

    def _inverse_and_log_det(self, y):
        return AffineTransformer().inverse_and_log_det(self._params(), y)

    def _params(self) -> jax.Array:
        log_scale = jnp.zeros_like(self.shift) if self.log_scale is None else self.log_scale
        return jnp.stack(jnp.broadcast_arrays(self.shift, log_scale))


def _slopes_of(fn: Callable, params: jax.Array, at: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Derivatives of fn, element by element, by both of its arguments."""
    value, back = jax.vjp(fn, params, at)
    return back(jnp.ones_like(value))


def _apply(bijector: Bijector, x: jax.Array, direction: str, event_ndims: int) -> tuple[jax.Array, jax.Array]:
    return getattr(bijector, direction + "_and_log_det")(x, event_ndims)


@eqx.filter_custom_jvp
def _implicit(flow: MaskedAutoregressiveFlow, x: jax.Array) -> jax.Array:
    """y = T(x; parameters(y)), with derivatives from this equation rather than from the steps that solve it.

    Its Jacobian in y is I - N with N strictly triangular in the order of the inputs. The linear systems of both modes
    of differentiation are solved sequentially too with one of our networks, else by at most D sweeps v <- b + N v.
    """
    return flow._solve(x)


@_implicit.def_jvp
def _implicit_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (flow, x), (flow_dot, x_dot) = primals, tangents
    y = _implicit(flow, x)
    return y, flow._tangent(y, x, flow_dot, x_dot)


# Compiled once and found again, also outside any jit.
_forward_implicitly = eqx.filter_jit(_implicit)


def _sweep(update: Callable[[jax.Array], jax.Array], start: jax.Array, most: int) -> jax.Array:
    """Iterate y <- update(y) until nothing changes, at most `most` times; NaN counts as unchanged."""

    def body(state: Any) -> Any:
        y, _, count = state
        new = update(y)
        return new, jnp.any((new != y) & ~(jnp.isnan(new) & jnp.isnan(y))), count + 1

    y, *_ = lax.while_loop(lambda s: s[1] & (s[2] < most), body, (start, jnp.asarray(True), jnp.asarray(0, jnp.int32)))
    return y
