"""Stack: many layers of one structure, compiled once."""

from collections.abc import Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from ..core import carried_over, constant_field, replace, static_field
from ..core.shapes import accumulation_dtype
from .base import Bijector
from .composition import latents
from .transformers import UNROLLED_LAYERS, UNROLLED_SHORT_LAYERS

# A layer of more numbers than this runs for long, beside which it matters less that it compiles for long. In a program
# that is a loop itself, such as that of `fit`, smaller ones gain nothing: its memory stays as it is from step to step.
_SMALL_LAYER = 100_000
# `with inside_loop(True):` around the tracing of such a program. Part of what JAX looks traces up by.
inside_loop = jax.make_user_context(False)


class Stack(Bijector):
    """The same map as Chain(layers), held as one pytree with a leading layer axis and run by `lax.scan`.

    Compile time does not grow with depth, beyond a handful of layers, which are written out. As in `Chain`, **the last
    of the list is applied first**.

    Args:
        layers: bijectors of one class and one static structure; arrays may differ in value, permutations included.
            A layer must map events to events of the same shape.

    Raises:
        ValueError: if the layers differ in structure or shapes (put them in a `Chain` instead), or are not injective.

    `stack[i]` is layer i, `len(stack)` the number of layers. A condition bound with `condition(c)` stays beside the
    layers and is bound inside the loop's body.

    Attributes:
        rematerialized: whether a gradient keeps what enters each layer and computes its inside again, see
            `pushforward.training.rematerialized`.
    """

    layers: Bijector
    depth: int = static_field()
    bound: Any = constant_field()
    is_bound: bool = static_field()
    rematerialized: bool = static_field()

    def __init__(self, layers: Sequence[Bijector], *, validate_args: bool = False):
        layers = tuple(layers)
        if not layers:
            raise ValueError("Stack needs at least one layer, and got none; Identity() is the map that does nothing")
        first = layers[0]
        if first.forward_min_event_ndims != first.inverse_min_event_ndims:
            raise ValueError(
                f"Stack repeats one map, so its layers keep the rank of the event; {type(first).__name__} changes it. "
                "Use Chain."
            )
        if not first.is_injective:
            raise ValueError(
                f"Stack expects injective layers, and got {type(first).__name__}: each would multiply the branches "
                "of the inverse, and a loop carries one value. Use Chain."
            )
        signature = _signature(first)
        for k, layer in enumerate(layers):
            if _signature(layer) != signature:
                raise ValueError(
                    f"Stack needs layers of one structure, and layer {k} differs from layer 0 in its class, static "
                    f"fields or array shapes:\n{layer!r}\nagainst\n{first!r}\nUse Chain for layers that differ."
                )
        self.layers = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *layers)
        self.depth = len(layers)
        self.bound = None
        self.is_bound = False
        self.rematerialized = False
        self.validate_args = validate_args

    @classmethod
    def of_stacked(cls, layers: Bijector, depth: int) -> "Stack":
        """The stack of `depth` layers given as one pytree with a leading layer axis, as `vmap` over a factory makes."""
        stack = object.__new__(cls)
        fields = {"layers": layers, "depth": depth, "bound": None, "is_bound": False}
        for name, value in {**fields, "rematerialized": False, "validate_args": False}.items():
            object.__setattr__(stack, name, value)
        return stack

    def _repr_children(self):
        return [(f"each of {self.depth} layers", self.layers)]

    @property
    def forward_min_event_ndims(self) -> Any:
        """That of a layer."""
        return self.layers.forward_min_event_ndims

    @property
    def is_constant_jacobian(self) -> bool:
        """That of a layer."""
        return self.layers.is_constant_jacobian

    @property
    def parts_interact(self) -> bool:
        """As in a layer."""
        return self.layers.parts_interact

    def _event_ndims(self, event_ndims, direction):
        return self.layers._event_ndims(event_ndims, direction)

    def _at_ranks(self, x, event_ndims, direction):
        return self._through(x, event_ndims, direction, True)

    def _forward_and_log_det(self, x):
        return self._through(x, self.forward_min_event_ndims, "forward", True)

    def _inverse_and_log_det(self, y):
        return self._through(y, self.forward_min_event_ndims, "inverse", True)

    def _forward(self, x):
        return self._through(x, None, "forward", False)[0]

    def _inverse(self, y):
        return self._through(y, None, "inverse", False)[0]

    def _through(self, x: Any, event_ndims: Any, direction: str, log_det: bool) -> tuple[Any, Any]:
        return _scan(self, x, event_ndims, direction, log_det, self._is_written_out(direction))

    def _is_written_out(self, direction: str) -> bool:
        """Whether the layers stand one after another in a program, not in a loop."""
        layer = self.layers
        most = UNROLLED_LAYERS if layer._unrolled_layers is None else layer._unrolled_layers
        if not most or self.rematerialized or layer._is_sequential(direction):
            return False
        size = sum(leaf.size for leaf in jax.tree.leaves(layer) if hasattr(leaf, "size")) / self.depth
        if size > _SMALL_LAYER:
            return self.depth <= max(most, UNROLLED_SHORT_LAYERS)
        return self.depth <= most and not inside_loop.value

    def _forward_event_shape(self, shape):
        return shape

    def _inverse_event_shape(self, shape):
        return shape

    def batch_shape(self, event_shape):
        """That of a layer."""
        return self._bind(self[0]).batch_shape(event_shape)

    def condition(self, c):
        """Bind `c` in every layer, inside the loop."""
        return replace(self, bound=jnp.asarray(c), is_bound=True)

    def initialize(self, x):
        """Initialise the layers from the data side inwards, each from what reaches it; nothing when frozen."""
        if self.frozen:
            return self
        return self._walk(x, lambda layer, x: layer.initialize(x))

    def update_statistics(self, x):
        """Update the layers from the data side inwards, each from what reaches it; nothing when frozen."""
        if self.frozen:
            return self

        def body(x: Any, layer: Bijector) -> Any:
            bound = self._bind(layer)
            return bound.inverse(x), self._unbound(layer, bound, bound.update_statistics(x))

        return replace(self, layers=lax.scan(body, x, self.layers, length=self.depth)[1])

    def _is_sequential(self, direction):
        return self.layers._is_sequential(direction)

    def _walk(self, x: Any, update: Any) -> "Stack":
        layers = []
        for layer in self:
            bound = self._bind(layer)
            changed = update(bound, x)
            layers.append(self._unbound(layer, bound, changed))
            x = latents(changed, x)
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *layers)
        return replace(self, layers=stacked)

    def _unbound(self, layer: Bijector, bound: Bijector, changed: Bijector) -> Bijector:
        """What has changed since the condition was bound; that stays beside the layers."""
        return carried_over(layer, bound, changed) if self.is_bound else changed

    def _bind(self, layer: Bijector) -> Bijector:
        return layer.condition(self.bound) if self.is_bound else layer

    def __len__(self) -> int:
        return self.depth

    def __getitem__(self, index: int) -> Bijector:
        if not -self.depth <= index < self.depth:
            raise IndexError(f"layer {index} of a Stack of {self.depth}")
        return jax.tree.map(lambda leaf: leaf[index], self.layers)

    def __iter__(self) -> Iterator[Bijector]:
        return (self[k] for k in range(self.depth))


@eqx.filter_jit
def _scan(stack: Stack, x: Any, event_ndims: Any, direction: str, log_det: bool, unroll: bool) -> tuple[Any, Any]:
    # Under jit, so that a call outside any jit compiles once and is found again.
    batch: tuple[int, ...] = ()
    if event_ndims is None and not isinstance(x, jax.Array):
        x = _settled(stack._bind(stack[0]), x, direction)
    else:
        event_ndims = stack.forward_min_event_ndims if event_ndims is None else event_ndims
        batch = jnp.broadcast_shapes(
            *(leaf.shape[: leaf.ndim - n] for leaf, n in _paired(x, event_ndims)),
            stack._bind(stack[0]).batch_shape(jax.tree.map(lambda n, a: a.shape[a.ndim - n :], event_ndims, x)),
        )
        x = jax.tree.map(lambda n, a: jnp.broadcast_to(a, batch + a.shape[a.ndim - n :]), event_ndims, x)

    def body(carry: Any, layer: Bijector) -> Any:
        x, total = carry
        layer = stack._bind(layer)
        if log_det:
            x, value = getattr(layer, direction + "_and_log_det")(x, event_ndims)
            return (x, total + value), None
        return (getattr(layer, direction)(x), total), None

    dtype = accumulation_dtype(jax.tree.leaves(x)[0].dtype)
    if stack.rematerialized:
        body = jax.checkpoint(body, prevent_cse=False)  # in a loop nothing is shared between two iterations
    start = (x, jnp.zeros(batch, dtype))
    (x, total), _ = lax.scan(
        body, start, stack.layers, length=stack.depth, reverse=direction == "forward", unroll=unroll
    )
    return x, total


def _settled(layer: Bijector, x: Any, direction: str) -> Any:
    """x with the batch axes that the layer's parameters give its parts, so that a loop keeps their shapes.

    For values alone, nobody says which axes of a part are events; so the shapes are those that come out.
    """
    while True:
        y = jax.eval_shape(getattr(layer, direction), x)
        shapes = jax.tree.map(lambda a, b: jnp.broadcast_shapes(a.shape, b.shape), x, y)
        wider = jax.tree.map(jnp.broadcast_to, x, shapes)
        if jax.tree.leaves(jax.tree.map(jnp.shape, wider)) == jax.tree.leaves(jax.tree.map(jnp.shape, x)):
            return x
        x = wider


def _paired(x: Any, ndims: Any) -> Any:
    return zip(jax.tree.leaves(x), jax.tree.leaves(ndims), strict=True)


def _signature(layer: Any) -> Any:
    leaves, treedef = jax.tree.flatten(layer)
    return treedef, [(jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves]
