"""MADE: a network whose output i sees inputs < i only, by masking weights (Germain et al. 2015).

Every input has a degree 1..D (its place in the autoregressive order), every hidden unit a degree m; a weight is kept if

    input d -> hidden m:    m >= d
    hidden m' -> hidden m:  m >= m'
    hidden m -> output d:   d > m

so output d depends on the inputs of degree < d. Hidden units are sorted by degree, which makes the kept weights of
every layer a staircase: the units of one degree are contiguous, and `incremental.py` can compute them degree by degree.

Layout. Inside, features lead: activations are (features, *batch), so that products need no transposition and the
parameters of a transformer come out as (params, D, *batch), contiguous along the batch.

    layer l:   v_l = W_l a_{l-1} + b_l + C_l c  (+ v_{l-2} at the end of a residual block),   a_0 = x,  a_l = act(v_l)

Direct weights A from the inputs to the outputs add  A x,  where input d -> output d' is kept if d' > d.

Under many masks (`masks.py`) an input that is masked and one that is 0 look the same to a unit. Weights U_l on the mask
M_l itself tell them apart: they add  (U_l * M_l) 1 / sqrt(in)  to v_l  (Germain et al. 2015, without the root).
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core import Module, as_callable, constant_field, replace, static_field
from .products import layer_product, precision


class AutoregressiveNetwork(Module):
    """Masked autoencoder: maps x of shape [..., D] to [..., D, params], where output i depends on x_j, j < i, only.

    Args:
        params: numbers put out for each input (2 for shift and log-scale).
        event_shape: (D,) or D.
        conditional: whether the outputs also depend on a condition c of shape [..., condition size], bound by
            `condition(c)` or given as `net(x, c)`.
        conditional_event_shape: (condition size,) or an integer; required if conditional.
        conditional_input_layers: "all_layers" or "first_layer": where c enters.
        hidden_units: sizes of the hidden layers; None for none (outputs linear in the inputs).
        input_order: "left-to-right", "right-to-left", "random", or a permutation of 1..D: entry k is the degree
            (the place in the order) of input k.
        hidden_degrees: "equal" gives every degree an equal share of the units, "random" draws them.
        activation: of the hidden layers; None for the identity.
        use_bias: whether layers have biases.
        residual: after the first layer, each entry of `hidden_units` is a residual block of two masked layers; all
            entries must be equal.
        output_scale: factor on the initial weights of the last layer; small values start a flow near the identity.
        direct: whether inputs reach the outputs directly too, by a masked matrix that is 0 to begin with.
        mask_weights: whether there are weights on the mask too, 0 to begin with: for training under many masks.
        key: for the initial weights and whatever is "random".

    With a condition, degrees start at 0: units that see the condition alone, so that the first output is as flexible in
    c as the others.

    Raises:
        ValueError: for sizes, orders or names that do not fit, naming the argument.
    """

    weights: tuple[jax.Array, ...]
    biases: tuple[jax.Array, ...] | None
    condition_weights: tuple[jax.Array | None, ...] | None
    activation: Any
    input_degrees: jax.Array = constant_field()
    unit_degrees: Any = constant_field()
    bound: Any = constant_field()
    hidden_degrees: tuple[tuple[int, ...], ...] = static_field()
    params: int = static_field()
    dim: int = static_field()
    condition_dim: int | None = static_field()
    residual: bool = static_field()
    is_left_to_right: bool = static_field()
    direct_weights: jax.Array | None = None
    mask_weights: tuple[jax.Array, ...] | None = None

    def __init__(
        self,
        params: int,
        event_shape: Any = None,
        conditional: bool = False,
        conditional_event_shape: Any = None,
        conditional_input_layers: str = "all_layers",
        hidden_units: Sequence[int] | None = None,
        input_order: Any = "left-to-right",
        hidden_degrees: str = "equal",
        activation: Callable[[jax.Array], jax.Array] | None = None,
        use_bias: bool = True,
        *,
        residual: bool = False,
        output_scale: float = 1.0,
        direct: bool = False,
        mask_weights: bool = False,
        key: jax.Array,
    ):
        dim = _one_size(event_shape, "event_shape")
        units = tuple(int(h) for h in (hidden_units or ()))
        if min((params, *units)) < 1:
            raise ValueError(f"expected positive params and hidden_units, and got params={params}, {units}")
        if conditional and conditional_event_shape is None:
            raise ValueError(
                "conditional=True needs conditional_event_shape, the size of the condition, and got None; "
                "the weights on the condition are made here. Pass conditional_event_shape=(size,)."
            )
        if conditional_input_layers not in ("all_layers", "first_layer"):
            raise ValueError(
                f"conditional_input_layers is 'all_layers' or 'first_layer', and got {conditional_input_layers!r}"
            )
        if residual and (not units or len(set(units)) > 1):
            raise ValueError(f"residual blocks add layers of one size, and got hidden_units={hidden_units}; repeat one")
        self.condition_dim = _one_size(conditional_event_shape, "conditional_event_shape") if conditional else None
        input_degrees = _input_degrees(input_order, dim, key)
        self.input_degrees = jnp.asarray(input_degrees, jnp.int32)
        self.is_left_to_right = isinstance(input_order, str) and input_order == "left-to-right"
        lowest = 0 if conditional or dim == 1 else 1
        layer_units = (units[0], *(h for h in units for _ in range(2))) if residual else units
        shared = units[:1] if residual else units
        degrees = [_hidden_degrees(hidden_degrees, h, lowest, dim, key, k) for k, h in enumerate(shared)]
        self.hidden_degrees = tuple(degrees * len(layer_units) if residual else degrees)
        self.params, self.dim, self.residual = params, dim, residual
        self.activation = as_callable(activation if activation is not None else _identity)
        self.unit_degrees = None
        masks = self._masks(input_degrees)
        entering = [conditional and (conditional_input_layers == "all_layers" or k == 0) for k in range(len(masks))]
        width = self.condition_dim or 0
        # One draw for everything: every draw is a program of its own to compile.
        counts = [count for mask in masks for count in (mask.size, mask.shape[0] * width, mask.shape[0])]
        noise = jax.random.uniform(key, (sum(counts),), minval=-1, maxval=1)
        pieces = iter(jnp.split(noise, np.cumsum(counts[:-1])))
        weights, biases, on_condition = [], [], []
        for mask in masks:
            # Standard deviation 1.15 / sqrt(inputs kept): a row that sees few inputs starts with larger weights. Biases
            # of hidden units start spread too: at zero, all kinks of a unit of one input would sit at the origin.
            bound = 2 / jnp.sqrt(jnp.maximum(1, mask.sum(1)).astype(noise.dtype))
            weights.append(bound[:, None] * next(pieces).reshape(mask.shape))
            on_condition.append(2 / max(1, width) ** 0.5 * next(pieces).reshape(mask.shape[0], width))
            biases.append(bound * next(pieces))
        weights[-1], on_condition[-1] = output_scale / 2 * weights[-1], output_scale / 2 * on_condition[-1]
        self.weights = tuple(weights)
        self.biases = (*biases[:-1], jnp.zeros_like(biases[-1])) if use_bias else None
        self.condition_weights = None
        if conditional:
            self.condition_weights = tuple(w if here else None for w, here in zip(on_condition, entering, strict=True))
        self.direct_weights = jnp.zeros((params * dim, dim), noise.dtype) if direct else None
        self.mask_weights = tuple(jnp.zeros_like(w) for w in weights) if mask_weights else None
        self.bound = None

    def condition(self, c: Any) -> "AutoregressiveNetwork":
        """The network with the condition `c` (shape [..., condition size]) bound; itself if it takes none."""
        if self.condition_dim is None:
            return self
        c = jnp.asarray(c)
        if not jnp.issubdtype(c.dtype, jnp.floating):
            c = c.astype(self.weights[0].dtype)
        if c.ndim < 1 or c.shape[-1] != self.condition_dim:
            raise ValueError(
                f"condition: expected shape [..., {self.condition_dim}], and got {c.shape}; the network was built with "
                f"conditional_event_shape={self.condition_dim}"
            )
        return replace(self, bound=c)

    def __call__(self, x: Any, conditional_input: Any = None) -> jax.Array:
        """Outputs of shape [..., D, params] for inputs of shape [..., D]; batch axes broadcast with the condition's."""
        net = self if conditional_input is None else self.condition(conditional_input)
        x = jnp.asarray(x)
        x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(self.weights[0].dtype)
        if x.ndim < 1 or x.shape[-1] != self.dim:
            raise ValueError(
                f"AutoregressiveNetwork: expected an input of shape [..., {self.dim}], and got {x.shape}; "
                f"event_shape is ({self.dim},)"
            )
        net.check_bound()
        batch = jnp.broadcast_shapes(x.shape[:-1], net.batch_shape())
        x = jnp.broadcast_to(x, (*batch, self.dim))
        return jnp.moveaxis(net.columns(jnp.moveaxis(x, -1, 0)), (0, 1), (-1, -2))

    def check_bound(self) -> None:
        """`ValueError` if the network takes a condition and has none bound."""
        if self.condition_dim is not None and self.bound is None:
            raise ValueError(
                "this network is conditional and has no condition bound, so its outputs are not defined; "
                "bind one first: flow(c), bijector.condition(c) or net.condition(c)"
            )

    def batch_shape(self) -> tuple[int, ...]:
        """The batch axes of the bound condition; () without."""
        return () if self.bound is None else self.bound.shape[:-1]

    def columns(self, x: jax.Array) -> jax.Array:
        """The outputs in internal layout, (D, *batch) to (params, D, *batch); batch includes the condition's."""
        offsets = self.offsets(x.ndim - 1)
        values: list[jax.Array] = []
        a = x
        for layer, (weight, offset) in enumerate(zip(self.masked_weights(), offsets, strict=True)):
            v = layer_product(weight, a)
            v = v if offset is None else v + offset
            if self.adds_skip(layer):
                v = v + values[layer - 2]
            values.append(v)
            a = self.activation(v)
        direct = self.masked_direct_weights()
        out = values[-1] if direct is None else values[-1] + layer_product(direct, x)
        return out.reshape(self.params, self.dim, *x.shape[1:])

    def adds_skip(self, layer: int) -> bool:
        """Whether a layer ends a residual block, adding the value of two layers before."""
        return self.residual and layer >= 2 and layer % 2 == 0 and layer < len(self.weights) - 1

    def offsets(self, batch_ndim: int) -> list[jax.Array | None]:
        """For each layer b + C c + (U * M) 1 / sqrt(in) as (features, *batch), of size 1 where constant; None for 0."""
        out: list[jax.Array | None] = []
        constants = self._constants()
        for layer, weight in enumerate(self.weights):
            total = constants[layer]
            total = total if total is None else total.reshape((-1,) + (1,) * batch_ndim)
            on_condition = self.condition_weights[layer] if self.condition_weights is not None else None
            if on_condition is not None and self.bound is not None:
                part = jnp.tensordot(on_condition, jnp.moveaxis(self.bound, -1, 0), 1, precision=precision())
                part = part.reshape((weight.shape[0],) + (1,) * (batch_ndim + 1 - part.ndim) + part.shape[1:])
                total = part if total is None else total + part
            out.append(total)
        return out

    def _constants(self) -> tuple[jax.Array | None, ...]:
        """For each layer b + (U * M) 1 / sqrt(in), or None for nothing."""
        biases = self.biases if self.biases is not None else (None,) * len(self.weights)
        if self.mask_weights is None:
            return biases
        masks = self._masks(self.input_degrees)
        # Over the root of their number: they move together, and Adam moves each as far as a weight on its own.
        sums = [
            jnp.sum(jnp.where(m, u, 0), axis=1) / u.shape[1] ** 0.5
            for m, u in zip(masks, self.mask_weights, strict=True)
        ]
        return tuple(s if b is None else s + b for s, b in zip(sums, biases, strict=True))

    def masked_weights(self) -> list[jax.Array]:
        """The weights with masked entries set to zero, each (out, in); the last is (params * D, in), params leading."""
        return [jnp.where(m, w, 0) for m, w in zip(self._masks(self.input_degrees), self.weights, strict=True)]

    def masked_direct_weights(self) -> jax.Array | None:
        """The weights from inputs to outputs with masked entries set to zero, (params * D, D), params leading."""
        if self.direct_weights is None:
            return None
        mask = self.input_degrees[:, None] > self.input_degrees[None, :]
        return jnp.where(jnp.tile(mask, (self.params, 1)), self.direct_weights, 0)

    def sorted_by_degree(self) -> "AutoregressiveNetwork":
        """The same map with its hidden units in the order of their degrees; itself unless `masks.py` gave it others."""
        if self.unit_degrees is None:
            return self
        orders = [jnp.argsort(degrees) for degrees in self.unit_degrees]

        def by_rows(arrays: Any) -> Any:
            """The rows of every layer but the last in the order of its units."""
            if arrays is None:
                return None
            hidden = [a if a is None else a[order] for a, order in zip(arrays[:-1], orders, strict=True)]
            return (*hidden, arrays[-1])

        def by_units(arrays: Any) -> Any:
            """Rows and columns in the order of their units."""
            first, *others = by_rows(arrays)
            return (first, *(w[:, order] for w, order in zip(others, orders, strict=True)))

        return replace(
            self,
            weights=by_units(self.weights),
            mask_weights=None if self.mask_weights is None else by_units(self.mask_weights),
            biases=by_rows(self.biases),
            condition_weights=by_rows(self.condition_weights),
            unit_degrees=None,
        )

    def _masks(self, input_degrees: Any) -> list[Any]:
        hidden = self.unit_degrees or [np.asarray(d, np.int32) for d in self.hidden_degrees]
        sources = [input_degrees, *hidden]
        masks = [m[:, None] >= d[None, :] for d, m in zip(sources[:-1], hidden, strict=True)]
        last = input_degrees[:, None] > sources[-1][None, :]
        xp = np if isinstance(last, np.ndarray) else jnp
        return [*masks, xp.tile(last, (self.params, 1))]


def _identity(x: jax.Array) -> jax.Array:
    return x


def _one_size(shape: Any, name: str) -> int:
    if isinstance(shape, int | np.integer):
        shape = (shape,)
    if shape is None or len(shape) != 1 or min(shape) < 1:
        raise ValueError(f"{name}: expected one positive size, such as (3,), and got {shape!r}; the events are vectors")
    (size,) = shape
    return int(size)


def _input_degrees(order: Any, dim: int, key: jax.Array) -> Any:
    if isinstance(order, str):
        if order == "left-to-right":
            return np.arange(1, dim + 1, dtype=np.int32)
        if order == "right-to-left":
            return np.arange(dim, 0, -1, dtype=np.int32)
        if order == "random":
            return jax.random.permutation(jax.random.fold_in(key, 1), jnp.arange(1, dim + 1, dtype=jnp.int32))
        raise ValueError(
            f"input_order is 'left-to-right', 'right-to-left', 'random' or a permutation of 1..{dim}, and got {order!r}"
        )
    degrees = np.asarray(order, np.int32)
    if degrees.shape != (dim,) or sorted(degrees.tolist()) != list(range(1, dim + 1)):
        raise ValueError(
            f"input_order: expected a permutation of 1..{dim}, and got {degrees.tolist()}; entry k is the place of "
            "input k in the order"
        )
    return degrees


def _hidden_degrees(kind: str, units: int, lowest: int, dim: int, key: jax.Array, layer: int) -> tuple[int, ...]:
    highest = max(lowest, dim - 1)
    if kind == "equal":
        # Even shares of lowest..highest, the lowest included. (TFP rounds the inner points of a linspace up, which
        # leaves degree 1 without units, and so its second output without a view of the first input.)
        degrees = lowest + np.arange(units) * (highest - lowest + 1) // units
    elif kind == "random":
        if isinstance(key, jax.core.Tracer):
            raise TypeError(
                "hidden_degrees='random' needs a concrete key, and got a traced one: the degrees are static "
                "structure. Build the network outside jit and vmap, or use 'equal'."
            )
        degrees = np.sort(
            np.asarray(jax.random.randint(jax.random.fold_in(key, 2 + layer), (units,), lowest, highest + 1))
        )
    else:
        raise ValueError(f"hidden_degrees is 'equal' or 'random', and got {kind!r}")
    return tuple(int(d) for d in degrees)
