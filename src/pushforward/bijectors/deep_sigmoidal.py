"""The deep sigmoidal map of neural autoregressive flows (Huang, Krueger, Lacoste & Courville 2018)."""

import dataclasses
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from ..core.elementary import log1p_of
from ..solvers import invert_monotone
from .bins import of_rank
from .spline_kernel import softplus_slope


@dataclasses.dataclass(frozen=True)
class DeepSigmoidalTransformer:
    """y = logit(sum_k w_k sigmoid(a_k x + b_k)),   a_k > 0, w_k > 0, sum_k w_k = 1,   k = 1..K (the DSF of the paper).

    With depth > 1 the dense one (DDSF), by layers h_i -> logit(sum_k W_ik sigmoid(a_k sum_j U_kj h_j + b_k)) of K
    numbers, one in the last, with W and U of rows that sum to 1.

    inverse: numerical, with implicit derivatives;    log-det: closed form. Far out the map is linear, with the slope of
    a unit, so that it is onto the line. Anywhere y lies between the least and the largest a_k x + b_k, and so layer by
    layer the inverses of these are the ends of a bracket of x.

    Values are log S - log(1 - S), S the sum of sigmoids, both by logsumexp, and slopes too are summed as logarithms:
    both tails are precise, however far, and so are the gaps between distant steps.

    Parameters of a coordinate, for each layer: K slopes (through a softplus), K biases b, the weights U and W (through
    a softmax). Zeros give the identity.

    Choose it for densities with several modes: a step of the sigmoids is a mode, of any width and anywhere, where a
    spline has its knots in a box. A spline is faster, and its inverse needs no search. Outside of the data the flattest
    of the units is left, so that with a small slope a few samples are far out.

    Args:
        units: K, sigmoids of a layer.
        depth: number of layers.
        min_slope: least a_k.
    """

    units: int = 8
    depth: int = 1
    min_slope: float = 1e-3

    def __post_init__(self) -> None:
        for name in ("units", "depth"):
            value = getattr(self, name)
            if value < 1 or int(value) != value:
                raise ValueError(
                    f"DeepSigmoidalTransformer: expected an integer {name} >= 1, and got {value}; it is a number of "
                    f"{'sigmoids of a layer' if name == 'units' else 'layers'}. For the identity use no layer at all."
                )
        if not 0 < self.min_slope < 1:
            raise ValueError(
                f"DeepSigmoidalTransformer: expected 0 < min_slope < 1, and got {self.min_slope}; zero parameters give "
                "slopes of 1. Leave it out for 0.001."
            )

    @property
    def params_per_dim(self) -> int:
        """3 units, and for every further layer 2 units (1 + units) more."""
        return sum(sum(sizes) for sizes in self._sizes())

    def forward_and_log_det(self, params: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(y, log dy/dx)."""
        layers = self._layers(params, x)
        infinite = jnp.isinf(x)
        y, log_slope = _run(layers, jnp.where(infinite, 0, x))
        far = _run(layers, jnp.where(infinite, jnp.sign(x), 0) * jnp.sqrt(jnp.finfo(x.dtype).max))[1]
        return jnp.where(infinite, x, y), jnp.where(infinite, far, log_slope)

    def inverse_and_log_det(self, params: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(x, log dx/dy)."""
        layers = self._layers(params, y)
        infinite = jnp.isinf(y)
        target = jnp.where(infinite, 0, y)
        lower = upper = lax.stop_gradient(target)
        for layer in lax.stop_gradient(layers[::-1]):
            lower = jnp.min((lower - layer.biases) / layer.slopes, axis=0)
            upper = jnp.max((upper - layer.biases) / layer.slopes, axis=0)
        x = invert_monotone(
            lambda x: _run(layers, x)[0],
            target,
            lower=lower,
            upper=upper,
            slope=lambda x: jnp.exp(_run(layers, x)[1]),
        )
        x = jnp.where(infinite, y, x)
        return x, -self.forward_and_log_det(params, x)[1]

    def _sizes(self) -> list[tuple[int, int, int, int]]:
        """For each layer the numbers of slopes, biases, weights U (none of a single input), weights W."""
        k, last = self.units, self.depth - 1
        return [(k, k, 0 if i == 0 else k * k, k if i == last else k * k) for i in range(self.depth)]

    def _layers(self, params: jax.Array, x: jax.Array) -> list["_Layer"]:
        params = of_rank(params, max(x.ndim, params.ndim - 1))
        shape, k, out = params.shape[1:], self.units, []
        for parts in self._sizes():
            part, params = params[: sum(parts)], params[sum(parts) :]
            slopes, biases, inner, outer = lax.split(part, parts)
            inner = inner.reshape(k, parts[2] // k, *shape)
            outer = outer.reshape(parts[3] // k, k, *shape)
            log_inner = jax.nn.log_softmax(inner, axis=1) if parts[2] else None
            slopes = softplus_slope(slopes, self.min_slope)
            out.append(_Layer(slopes, biases, log_inner, jax.nn.log_softmax(outer, axis=1)))
        return out


class _Layer(NamedTuple):
    """Of K units the slopes and biases (K, ...), the logarithms of U (K, inputs, ...) and of W (outputs, K, ...)."""

    slopes: jax.Array
    biases: jax.Array
    log_inner: Any
    log_outer: jax.Array


def _run(layers: list[_Layer], x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(y, log dy/dx) for finite x."""
    h, log_slope = x[None], jnp.zeros_like(x)[None]
    most = jnp.finfo(x.dtype).max / 4
    for layer in layers:
        if layer.log_inner is not None:
            h = jnp.sum(jnp.exp(layer.log_inner) * h, axis=1)
            largest, total = _log_sum(layer.log_inner + log_slope)
            log_slope = largest + total
        z = jnp.clip(layer.slopes * h + layer.biases, -most, most)
        h, log_slope = _mix(layer.log_outer, z, jnp.log(layer.slopes) + log_slope)
    return h[0], log_slope[0]


def _mix(log_weights: jax.Array, z: jax.Array, log_slopes: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(h, log h') of h_i = logit(S_i), S_i = sum_k W_ik sigmoid(z_k), where z_k' = exp(log_slopes_k).

    h' = sum_k W_ik sigmoid'(z_k) z_k' / (S_i (1 - S_i)), and sigmoid'(z) = sigmoid(z) sigmoid(-z): of the smaller of
    S_i and 1 - S_i the terms are taken relative to the largest, so that the quotient of the two sums keeps its digits.
    """
    size = jnp.where(z < 0, -z, z)
    t = jnp.exp(-size)
    rest = log1p_of(t, 1 + t)
    log_up, log_down = jnp.where(z < 0, z, 0) - rest, jnp.where(z < 0, 0, -z) - rest
    up, down = log_weights + log_up, log_weights + log_down
    (most_up, sum_up), (most_down, sum_down) = _log_sum(up), _log_sum(down)
    log_share, log_left = most_up + sum_up, most_down + sum_down
    above = log_share > log_left
    terms = jnp.where(above[:, None], down - most_down[:, None], up - most_up[:, None])
    most, total = _log_sum(terms + jnp.where(above[:, None], log_up, log_down) + log_slopes)
    log_slope = most + total - jnp.where(above, sum_down, sum_up)
    return log_share - log_left, log_slope - jnp.maximum(log_share, log_left)


def _log_sum(a: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(the largest of a, the logarithm of the sum of exp(a - largest)) over axis 1, which is unrolled as in `bins`."""
    rows = [jnp.squeeze(row, 1) for row in lax.split(a, (1,) * a.shape[1], axis=1)]
    most = lax.stop_gradient(reduce(jnp.maximum, rows))
    return most, jnp.log(reduce(jnp.add, [jnp.exp(row - most) for row in rows]))
