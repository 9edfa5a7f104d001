"""The bijector contract.

A bijector f is an invertible, differentiable map, a module whose arrays are its parameters. **Forward is always
latent -> data.** For an event x of rank r >= `forward_min_event_ndims`:

    forward(x)                       y = f(x)
    inverse(y)                       x = f^-1(y)
    forward_log_det_jacobian(x, r)   log |det df/dx|, summed over the event: one number for each batch element
    inverse_log_det_jacobian(y, r)   log |det df^-1/dy| = -forward_log_det_jacobian(f^-1(y))

Shapes. `x.shape = [sample and batch axes | event axes]`. Leading axes broadcast, also against batch axes that the
parameters carry; the log-determinant always has the full batch shape. `event_ndims=None` is the minimum; more sums
more axes; fewer is a `ValueError`. Events may be pytrees (of a map that splits or joins), with ranks to match.

What an author writes: `forward_min_event_ndims` and any sufficient subset of

    _forward_and_log_det(x)  -> y, log_det        _inverse_and_log_det(y) -> x, log_det       (one pass; preferred)
    _forward(x), _inverse(y)                      with either _forward_log_det_jacobian(x)
                                                  or _inverse_log_det_jacobian(y)

in code that lets leading axes broadcast, with log-dets at the minimum rank (any shape that broadcasts to the batch).
The base derives the rest, so that no formula is written twice: a missing log-det is minus its counterpart at the mapped
point, else comes from automatic differentiation; a missing inverse of a monotone scalar map from a bracketed root find
with implicit derivatives. Unused halves cost nothing under `jit`: the compiler drops them.

Before a method of the author runs, the base has converted the input to floating arrays, checked its rank, and cast the
floating parameters to the dtype of the input.

Facts are class attributes without annotation, or properties (of an annotated one, Equinox would make a field):

    forward_min_event_ndims   required
    inverse_min_event_ndims   default: the same
    is_constant_jacobian      default: False
    is_increasing             of a scalar map: True, False or a boolean array; default: None, not monotone or unknown
    domain, codomain          NumPyro constraints (a matching pytree of them where events are pytrees); default: real
    is_injective              default: True. Where it is False, `inverse` is a tuple of branches (every x with f(x) = y)
                              and `inverse_log_det_jacobian` a tuple to match; there is no forward log-det
    branches_increasing       of a scalar map that is not injective: whether it increases, for each branch of inverse
                              from the least x up; default: None, unknown
    parts_interact            of events that are pytrees: whether some part of y depends on several parts of x. If not
                              (`JointMap`), each part may have an event rank of its own. Default: they do
    permutes                  the numbers of y are those of x in another order or shape, so that one bound on all of
                              them carries over; default: False
"""

from collections.abc import Callable
from typing import Any, ClassVar, final

import equinox as eqx
import jax
import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core import Module, broadcast_batch, extra_event_ndims, map_ndims, numeric_inputs, static_field, sum_event
from ..core.shapes import cast_floating, check_rank, floating_dtype
from ..solvers import invert_monotone
from .autodiff import autodiff_log_det
from .domains import constraint_bounds, feasible_like, satisfies


class Bijector(Module):
    """y = f(x), an invertible differentiable map. See the module's docstring for the contract.

    Example:
        class Sigmoid(Bijector):
            forward_min_event_ndims = 0

            def _forward(self, x):
                return jax.nn.sigmoid(x)

            def _inverse(self, y):
                return jnp.log(y) - jnp.log1p(-y)

            def _forward_log_det_jacobian(self, x):
                return -jax.nn.softplus(-x) - jax.nn.softplus(x)
    """

    validate_args: bool = static_field(default=False, kw_only=True)

    # ------------------------------------------------------------------ facts
    # ClassVar only for type checkers: Equinox makes no field of it. Subclasses need no annotation.
    forward_min_event_ndims: ClassVar[Any] = None
    is_constant_jacobian: ClassVar[Any] = False
    is_increasing: ClassVar[Any] = None
    is_injective: ClassVar[bool] = True
    branches_increasing: ClassVar[tuple[bool, ...] | None] = None
    domain: ClassVar[Any] = constraints.real
    codomain: ClassVar[Any] = constraints.real
    permutes: ClassVar[bool] = False

    @property
    def inverse_min_event_ndims(self) -> Any:
        """The least rank of an event on the output side."""
        return self.forward_min_event_ndims

    @property
    def parts_interact(self) -> bool:
        """Whether the parts of an event that is a pytree are mixed; unless declared otherwise, they are."""
        return not all(isinstance(n, int) for n in (self.forward_min_event_ndims, self.inverse_min_event_ndims))

    # ------------------------------------------------- what an author writes
    def _forward(self, x: Any) -> Any:
        raise NotImplementedError

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        raise NotImplementedError

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        raise NotImplementedError

    def _forward_and_log_det(self, x: Any) -> tuple[Any, Any]:
        if self._writes("_forward"):
            y = self._forward(x)
            return y, self._derived_log_det(x, y, "forward")
        if self._writes("_inverse_and_log_det", "_inverse"):
            y = self._numerical_counterpart(self._inverse_only, x, "forward")
            return y, -self._inverse_and_log_det(y)[1]
        raise TypeError(f"{type(self).__name__} defines no map: write _forward, _forward_and_log_det or an inverse")

    def _inverse_and_log_det(self, y: Any) -> tuple[Any, Any]:
        if self._writes("_inverse"):
            x = self._inverse(y)
            return x, self._derived_log_det(y, x, "inverse")
        if self._writes("_forward_and_log_det", "_forward"):
            x = self._numerical_counterpart(self._forward_only, y, "inverse")
            return x, -self._forward_and_log_det(x)[1]
        raise TypeError(f"{type(self).__name__} defines no map: write _forward, _forward_and_log_det or an inverse")

    def _forward_event_shape(self, shape: Any) -> Any:
        return self._traced_shape("_forward_only", shape, self.forward_min_event_ndims, self.inverse_min_event_ndims)

    def _inverse_event_shape(self, shape: Any) -> Any:
        return self._traced_shape("_inverse_only", shape, self.inverse_min_event_ndims, self.forward_min_event_ndims)

    # ----------------------------------------------------------------- public
    @final
    def forward_and_log_det(self, x: Any, event_ndims: Any = None) -> tuple[Any, jax.Array]:
        """(f(x), log |det df/dx|) in one pass.

        Args:
            x: array (or pytree of arrays) of shape [batch axes | event axes].
            event_ndims: rank of an event of `x`; None for `forward_min_event_ndims`.

        Returns:
            y, and the log-determinant of shape [batch axes].

        Raises:
            ValueError: if `event_ndims` is below the minimum, `x` has fewer axes than an event, or the parameters have
                axes that would make events longer.
            NotImplementedError: if the map is not injective.
        """
        return self._run(x, event_ndims, "forward")

    @final
    def inverse_and_log_det(self, y: Any, event_ndims: Any = None) -> tuple[Any, jax.Array]:
        """(f^-1(y), log |det df^-1/dy|) in one pass; arguments as in `forward_and_log_det`.

        Of a map that is not injective, both are tuples, with one entry for each branch.
        """
        return self._run(y, event_ndims, "inverse")

    @final
    def forward(self, x: Any) -> Any:
        """y = f(x)."""
        return self._run(x, None, "forward", log_det=False)[0]

    @final
    def inverse(self, y: Any) -> Any:
        """x = f^-1(y); of a map that is not injective, the tuple of all x with f(x) = y."""
        return self._run(y, None, "inverse", log_det=False)[0]

    @final
    def forward_log_det_jacobian(self, x: Any, event_ndims: Any = None) -> jax.Array:
        """log |det df/dx| at `x`, summed over the event axes: shape [batch axes]."""
        return self._run(x, event_ndims, "forward")[1]

    @final
    def inverse_log_det_jacobian(self, y: Any, event_ndims: Any = None) -> jax.Array:
        """log |det df^-1/dy| at `y`, summed over the event axes: shape [batch axes]."""
        return self._run(y, event_ndims, "inverse")[1]

    @final
    def forward_event_shape(self, shape: Any) -> Any:
        """The shape of an event f(x), from that of x (pytrees of shapes where events are pytrees)."""
        return self._forward_event_shape(_as_shapes(shape, self.forward_min_event_ndims, self._who("forward")))

    @final
    def inverse_event_shape(self, shape: Any) -> Any:
        """The shape of an event f^-1(y), from that of y."""
        return self._inverse_event_shape(_as_shapes(shape, self.inverse_min_event_ndims, self._who("inverse")))

    @final
    def forward_event_ndims(self, event_ndims: Any) -> Any:
        """The rank of an event f(x), from that of x; `ValueError` below the minimum."""
        return self._event_ndims(event_ndims, "forward")

    @final
    def inverse_event_ndims(self, event_ndims: Any) -> Any:
        """The rank of an event f^-1(y), from that of y; `ValueError` below the minimum."""
        return self._event_ndims(event_ndims, "inverse")

    def condition(self, c: Any) -> "Bijector":
        """The bijector with the condition `c` (shape [batch axes | condition size]) bound; itself if it takes none."""
        return self

    def initialize(self, x: Any) -> "Bijector":
        """A copy with data-dependent parameters set from a batch `x` of data (its output side); default: itself."""
        return self

    def update_statistics(self, x: Any) -> "Bijector":
        """A copy whose running statistics have seen the batch `x` of data (its output side); default: itself."""
        return self

    def batch_shape(self, event_shape: Any) -> tuple[int, ...]:
        """The batch axes that the parameters carry, for events of `event_shape` on the input side."""
        n_in, dtype = self.forward_min_event_ndims, jnp.result_type(float)
        zeros = jax.tree.map(lambda n, s: jax.ShapeDtypeStruct(s, dtype), n_in, event_shape)
        y = self._shapes_after(zeros)
        event_ndims = self.forward_event_ndims(
            jax.tree.map(lambda n, s: len(s), self.forward_min_event_ndims, event_shape)
        )
        after = jax.tree.map(lambda n, leaf: leaf.shape[leaf.ndim - n :], event_ndims, y)
        expected = self.forward_event_shape(event_shape)
        if jax.tree.leaves(after) != jax.tree.leaves(expected):
            raise ValueError(
                f"{type(self).__name__} expects events of a shape that its parameters keep, and got {event_shape}, "
                f"from which they make {after} instead of {expected}: axes of theirs fall on axes of length 1 of the "
                "event. Give events of their full shape, or the parameters one axis more, for the batch."
            )
        return broadcast_batch(y, event_ndims)

    def __call__(self, other: Any) -> Any:
        """Of a distribution: the `TransformedDistribution`; of a bijector: the `Chain`; of an array: `forward`."""
        if isinstance(other, Bijector):
            from .chain import Chain

            return Chain([self, other])
        from numpyro.distributions import Distribution

        if isinstance(other, Distribution):
            # The one place where a layer reaches up: the vocabulary asks for Exp()(Normal(0., 1.)).
            from ..distributions.transformed import TransformedDistribution

            return TransformedDistribution(other, self)
        return self.forward(other)

    # ------------------------------------------------------------- machinery
    def _who(self, method: str) -> str:
        return f"{type(self).__name__}.{method}"

    def _require_ranks(self) -> None:
        if self.forward_min_event_ndims is None:
            raise TypeError(
                f"{type(self).__name__} does not declare forward_min_event_ndims: the least rank of an event it maps "
                "(0 for a scalar map, 1 for a map of vectors). Set it as a class attribute without annotation."
            )

    def _writes(self, *names: str) -> bool:
        """Whether the class itself (not the base) defines one of the methods."""
        return any(getattr(type(self), name) is not getattr(Bijector, name) for name in names)

    @final
    def _run(self, x: Any, event_ndims: Any, direction: str, log_det: bool = True) -> tuple[Any, Any]:
        self._require_ranks()
        ranks = event_ndims
        if ranks is None:
            ranks = self.forward_min_event_ndims if direction == "forward" else self.inverse_min_event_ndims
        else:
            self._event_ndims(ranks, direction)  # refuses ranks below the minimum
        return self._run_at(x, ranks, direction, log_det)

    @final
    def _run_at(self, x: Any, ranks: Any, direction: str, log_det: bool = True) -> tuple[Any, Any]:
        """`_run` with event ranks that are known to be right."""
        who = self._who(direction)
        forward = direction == "forward"
        x = _numbers(x, ranks, self)
        check_rank(x, ranks, who)
        if self.validate_args:
            x = _checked(x, self.domain if forward else self.codomain, self._minimum_ranks(direction)[0], who)
        bijector = cast_floating(self, floating_dtype(x))
        if not log_det:
            return (bijector._forward_only(x) if forward else bijector._inverse_only(x)), None
        return bijector._at_ranks(x, ranks, direction)

    # The three methods below are overridden by maps made of maps, in which each part has event ranks of its own.

    def _event_ndims(self, event_ndims: Any, direction: str) -> Any:
        """Event ranks on the other side; `ValueError` below the minimum."""
        minimum_in, minimum_out = self._minimum_ranks(direction)
        extra = extra_event_ndims(event_ndims, minimum_in, self._who(direction))
        return map_ndims(lambda n: n + extra, minimum_out)

    def _at_ranks(self, x: Any, event_ndims: Any, direction: str) -> tuple[Any, Any]:
        """(value, log-det) in `direction`, summed over events of rank `event_ndims`."""
        minimum_in = self._minimum_ranks(direction)[0]
        extra = extra_event_ndims(event_ndims, minimum_in, self._who(direction))
        y, value = self._forward_and_log_det(x) if direction == "forward" else self._inverse_and_log_det(x)
        branches = direction == "inverse" and not self.is_injective
        if branches and extra:
            raise ValueError(
                f"{self._who(direction)} expects events of its least rank, {minimum_in}, and got rank {event_ndims}: "
                f"each of the numbers of an event has {len(y)} branches of its own, so that an event of n of them has "
                f"{len(y)}^n. Take the log-det at rank {minimum_in}; of a distribution, transform the scalar one and "
                "then call .to_event(...)."
            )
        if branches:
            pairs = zip(y, value, strict=True)
            return y, tuple(self._summed(x, branch, log_det, 0, direction) for branch, log_det in pairs)
        return y, self._summed(x, y, value, extra, direction)

    def _summed(self, x: Any, y: Any, value: Any, extra: int, direction: str) -> jax.Array:
        """The log-det `value` of x -> y, of the shape of the batch, summed over `extra` event axes."""
        n_in, n_out = self._minimum_ranks(direction)
        if extra:
            before, after = _extra_axes(x, n_in, extra), _extra_axes(y, n_out, extra)
            if len(before | after) > 1:
                raise ValueError(
                    f"{self._who(direction)}: event_ndims asks to sum over {extra} axes of an event, which have the "
                    f"lengths {sorted(before)} going in and {sorted(after)} coming out. They are broadcast on the way, "
                    "so that the event grows and its Jacobian has no determinant. Give events of their full shape."
                )
        if not hasattr(value, "dtype"):
            value = jnp.asarray(value, floating_dtype(y))
        return sum_event(value, self._batch(y, n_out, direction), extra)

    def _batch(self, y: Any, event_ndims: Any, direction: str) -> tuple[int, ...]:
        """The common batch shape of the parts of `y`; `ValueError` if they have none."""
        try:
            return broadcast_batch(y, event_ndims)
        except ValueError:
            shapes = [tuple(leaf.shape) for leaf in jax.tree.leaves(y)]
            raise ValueError(
                f"{self._who(direction)} expects parts whose batch axes broadcast, and got arrays of shapes {shapes} "
                f"with event ranks {event_ndims}: the log-det is one array for all of them. If the last axes belong to "
                "the events, say so with event_ndims."
            ) from None

    def _preimages(self, y: Any, event_ndims: Any) -> list[tuple[Any, Any, Any]]:
        """(x, log-det, whether x is there) for every branch of the inverse, summed over events of rank `event_ndims`.

        Finite, with finite derivatives, also where y is outside the codomain and nothing is there.
        """
        if self.is_injective:
            extra = extra_event_ndims(event_ndims, self.inverse_min_event_ndims, self._who("inverse"))
            x, log_det, inside = self._inverse_within(y)
            axes = tuple(range(-extra, 0))
            return [(x, jnp.sum(log_det, axis=axes), jnp.all(inside, axis=axes))]
        inside = satisfies(self.codomain, y, self.inverse_min_event_ndims)
        if inside is not True:
            y = _where_event(inside, y, feasible_like(self.codomain, y), self.inverse_min_event_ndims)
        branches, log_dets = self.inverse_and_log_det(y, event_ndims)
        return [
            (x, log_det, jnp.broadcast_to(jnp.asarray(inside), log_det.shape))
            for x, log_det in zip(branches, log_dets, strict=True)
        ]

    def _minimum_ranks(self, direction: str) -> tuple[Any, Any]:
        """Least event ranks of (inputs, outputs) in `direction`."""
        ranks = self.forward_min_event_ndims, self.inverse_min_event_ndims
        return ranks if direction == "forward" else ranks[::-1]

    def _shapes_after(self, x: Any) -> Any:
        """What `forward` makes of arrays like x, as shapes. Maps that take long to trace say it themselves."""
        dtype = jnp.result_type(float)
        return jax.eval_shape(lambda b, x: cast_floating(b, dtype)._forward_only(x), self, x)

    def _forward_only(self, x: Any) -> Any:
        return self._forward(x) if self._writes("_forward") else self._forward_and_log_det(x)[0]

    def _inverse_only(self, y: Any) -> Any:
        return self._inverse(y) if self._writes("_inverse") else self._inverse_and_log_det(y)[0]

    def _inverse_within(self, y: Any) -> tuple[Any, Any, Any]:
        """(x, log-det, whether y is in the codomain), finite and with finite derivatives also where it is not.

        The log-determinant and the flag are at the minimum rank. NaN counts as inside: it passes through.
        """
        inside = satisfies(self.codomain, y, self.inverse_min_event_ndims)
        if inside is True:
            x, log_det = self.inverse_and_log_det(y)
            return x, log_det, jnp.ones(log_det.shape, bool)
        safe = _where_event(inside, y, feasible_like(self.codomain, y), self.inverse_min_event_ndims)
        x, log_det = self.inverse_and_log_det(safe)
        return x, log_det, jnp.broadcast_to(inside, log_det.shape)

    def _is_sequential(self, direction: str) -> bool:
        """Whether `direction` runs a long loop, so that `Stack` had better compile it once, not once for each layer."""
        return False

    @property
    def _unrolled_layers(self) -> int | None:
        """Up to how many such layers `Stack` had better write out, by the length of their program; None: no opinion."""
        return None

    def _derived_log_det(self, x: Any, y: Any, direction: str) -> Any:
        """log |det dy/dx| of y = map(x) in `direction`, from whichever log-det the author wrote, else by autodiff."""
        own, other = "_forward_log_det_jacobian", "_inverse_log_det_jacobian"
        own_pass, other_pass = "_forward_and_log_det", "_inverse_and_log_det"
        fn: Callable = self._forward
        minimum = self.forward_min_event_ndims
        if direction == "inverse":
            own, other, own_pass, other_pass, fn = other, own, other_pass, own_pass, self._inverse
            minimum = self.inverse_min_event_ndims
        if self._writes(own):
            return getattr(self, own)(x)
        if self._writes(other):
            return -getattr(self, other)(y)
        if self._writes(other_pass):
            return -getattr(self, other_pass)(y)[1]
        return autodiff_log_det(fn, x, minimum)

    def _numerical_counterpart(self, fn: Callable, target: Any, missing: str) -> Any:
        """Solve fn(x) = target for a monotone scalar `fn`."""
        if self.is_increasing is None or self.forward_min_event_ndims != 0:
            raise NotImplementedError(
                f"{type(self).__name__} has no {missing}: it is not declared a monotone scalar map, so it cannot be "
                f"inverted numerically. Write _{missing} (or _{missing}_and_log_det), or set is_increasing."
            )
        search = self.domain if missing == "inverse" else self.codomain
        lower, upper = constraint_bounds(search)
        return invert_monotone(fn, target, lower=lower, upper=upper, increasing=self.is_increasing)

    def _traced_shape(self, method: str, shape: Any, n_in: Any, n_out: Any) -> Any:
        if n_in == 0 and n_out == 0:
            return shape
        dtype = jnp.result_type(float)
        arrays = jax.tree.map(lambda n, s: jax.ShapeDtypeStruct(s, dtype), n_in, shape)
        out = jax.eval_shape(lambda b, x: getattr(cast_floating(b, dtype), method)(x), self, arrays)
        first_n, first_shape = jax.tree.leaves(n_in)[0], jax.tree.leaves(arrays)[0].shape
        extra = first_shape[: len(first_shape) - first_n]
        return jax.tree.map(lambda n, a: extra + a.shape[a.ndim - n :], n_out, out)


def _numbers(x: Any, event_ndims: Any, like: Any) -> Any:
    """`x` as floating arrays, one for each part of an event; what has another structure is left to `check_rank`."""
    if not isinstance(event_ndims, int):
        try:
            return jax.tree.map(lambda n, part: numeric_inputs(part, like), event_ndims, x)
        except ValueError:
            pass
    return numeric_inputs(x, like)


def _extra_axes(x: Any, event_ndims: Any, extra: int) -> set[tuple[int, ...]]:
    """The lengths of the `extra` axes before the last `event_ndims`, of all arrays of `x`."""
    leaves = zip(jax.tree.leaves(x), jax.tree.leaves(event_ndims), strict=True)
    return {a.shape[a.ndim - n - extra : a.ndim - n] for a, n in leaves}


def _where_event(inside: Any, y: Any, other: Any, event_ndims: Any) -> Any:
    def one(n: int, y: jax.Array, other: Any) -> jax.Array:
        return jnp.where(jnp.reshape(inside, inside.shape + (1,) * n), y, jnp.asarray(other, y.dtype))

    return jax.tree.map(one, event_ndims, y, other)


def _checked(x: Any, constraint: Any, event_ndims: Any, who: str) -> Any:
    inside = satisfies(constraint, x, event_ndims)
    if inside is True:
        return x
    return eqx.error_if(x, ~jnp.all(inside), f"{who}: expected values in {constraint}, and got some outside")


def _as_shapes(shape: Any, event_ndims: Any, who: str) -> Any:
    """Normalise a shape (or a pytree of shapes matching `event_ndims`) to tuples, checking the rank."""

    def one(n: int, s: Any) -> tuple[int, ...]:
        s = (s,) if isinstance(s, int) else tuple(int(k) for k in s)
        if len(s) < n:
            raise ValueError(f"{who}: expected an event shape with at least {n} axes, and got {s}")
        return s

    return jax.tree.map(one, event_ndims, shape)
