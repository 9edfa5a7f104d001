"""Scalar maps, maps from functions, and maps that only reorder."""

import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors import (
    Exp,
    Identity,
    Inline,
    LeakyReLU,
    Log,
    Logit,
    NormalCDF,
    Permute,
    PReLU,
    Reshape,
    Shift,
    Sigmoid,
    SoftmaxCentered,
    Softplus,
    Split,
    Tanh,
)

from .base import Entry

# Beyond 88 the exponential overflows in float32.
EXPONENTS = (-80.0, -30.0, -1e-8, 0.0, 1e-8, 30.0, 80.0)
# Further out the image rounds to an end of the interval, which is open, and validation refuses it on the way back.
INSIDE = (-4.0, -1e-8, 0.0, 1e-8, 4.0)


def three(key, centre=0.0):
    """Three numbers, all different, of the size that training gives."""
    return centre + jnp.array([0.4, -0.3, 0.9]) + 0.1 * jax.random.normal(key, (3,))


def leaky(alpha, x):
    return jnp.where(x < 0, alpha * x, x)


def unleaky(alpha, y):
    return jnp.where(y < 0, y / alpha, y)


def learnable(alpha):
    return Inline(
        jax.tree_util.Partial(leaky, alpha),
        jax.tree_util.Partial(unleaky, alpha),
        is_increasing=True,
        forward_min_event_ndims=0,
    )


def cubic(weight, x):
    return x + weight * x**3


def swap(x):
    return x[..., ::-1]


def drop_last(tangent):
    """The coordinates of the simplex that determine a point."""
    return tangent[..., :-1]


def draw_simplex(key, batch):
    """Probabilities that are multiples of 2^-20, so that they sum to 1 exactly, in float32 too."""
    parts = np.exp(np.asarray(jax.random.normal(key, (*batch, 4))))
    parts = np.floor(parts / parts.sum(axis=-1, keepdims=True) * 2**20) / 2**20
    return np.concatenate([parts[..., :-1], 1 - parts[..., :-1].sum(axis=-1, keepdims=True)], axis=-1)


def permutation_matrix(bijector):
    return np.eye(bijector.permutation.shape[0], dtype=bool)[np.asarray(bijector.permutation)]


ENTRIES = [
    Entry(Identity, cases={"default": lambda key: Identity(), "validated": lambda key: Identity(validate_args=True)}),
    Entry(Shift, cases={"default": lambda key: Shift(0.5)}),
    Entry(Shift, cases={"trained": lambda key: Shift(three(key))}, batch_shape=(3,), label="batched"),
    Entry(
        Exp,
        cases={"default": lambda key: Exp(), "validated": lambda key: Exp(validate_args=True)},
        extremes=EXPONENTS,
    ),
    Entry(
        Log,
        cases={"default": lambda key: Log(), "validated": lambda key: Log(validate_args=True)},
        output_extremes=EXPONENTS,
    ),
    Entry(Sigmoid, cases={"default": lambda key: Sigmoid(), "ends": lambda key: Sigmoid(-2.0, 0.7)}),
    Entry(
        Sigmoid,
        cases={"trained": lambda key: Sigmoid(low=-1.5, high=three(key, 1.0))},
        batch_shape=(3,),
        label="batched",
    ),
    Entry(Logit, cases={"default": lambda key: Logit()}),
    Entry(Logit, cases={"validated": lambda key: Logit(validate_args=True)}, output_extremes=INSIDE, label="validated"),
    Entry(Tanh, cases={"default": lambda key: Tanh()}),
    Entry(Tanh, cases={"validated": lambda key: Tanh(validate_args=True)}, extremes=INSIDE, label="validated"),
    Entry(
        Softplus,
        cases={
            "default": lambda key: Softplus(),
            "soft": lambda key: Softplus(hinge_softness=0.3),
            "low": lambda key: Softplus(low=-0.8),
        },
    ),
    Entry(
        Softplus,
        cases={"trained": lambda key: Softplus(jnp.exp(three(key)), three(key))},
        batch_shape=(3,),
        label="batched",
    ),
    Entry(NormalCDF, cases={"default": lambda key: NormalCDF()}),
    Entry(
        NormalCDF, cases={"validated": lambda key: NormalCDF(validate_args=True)}, extremes=INSIDE, label="validated"
    ),
    Entry(PReLU, cases={"default": lambda key: PReLU(), "steep": lambda key: PReLU(2.5)}),
    Entry(PReLU, cases={"trained": lambda key: PReLU(jnp.exp(three(key)))}, batch_shape=(3,), label="batched"),
    Entry(
        LeakyReLU,
        cases={"default": lambda key: LeakyReLU(), "steep": lambda key: LeakyReLU(0.5)},
    ),
    Entry(
        Inline,
        cases={
            "functions": lambda key: Inline(jnp.negative, jnp.negative, is_increasing=False, forward_min_event_ndims=0),
            "learnable": lambda key: learnable(jnp.array(0.3)),
        },
    ),
    Entry(
        Inline,
        cases={"vector": lambda key: Inline(swap, swap, is_constant_jacobian=True, forward_min_event_ndims=1)},
        event_shape=(3,),
        label="vector",
    ),
    Entry(
        Inline,
        cases={
            "inverted": lambda key: Inline(
                jax.tree_util.Partial(cubic, jnp.array(0.3)), is_increasing=True, forward_min_event_ndims=0
            )
        },
        label="numerical",
        numerical=True,
    ),
    Entry(
        Permute,
        cases={"default": lambda key: Permute([2, 0, 1]), "drawn": lambda key: Permute(jax.random.permutation(key, 3))},
        event_shape=(3,),
        structure=permutation_matrix,
    ),
    Entry(Permute, cases={"rows": lambda key: Permute([1, 2, 0], axis=-2)}, event_shape=(3, 2), label="axis"),
    Entry(
        Reshape,
        cases={"default": lambda key: Reshape((2, 3)), "found": lambda key: Reshape((-1, 3), (6,))},
        event_shape=(6,),
    ),
    Entry(Reshape, cases={"scalar": lambda key: Reshape((1, 1), ())}, event_shape=(), label="scalar"),
    Entry(
        Split,
        cases={"default": lambda key: Split(2), "sizes": lambda key: Split([1, -1])},
        event_shape=(4,),
    ),
    Entry(Split, cases={"rows": lambda key: Split([1, 2], axis=-2)}, event_shape=(3, 2), label="axis"),
    Entry(
        SoftmaxCentered,
        cases={
            "default": lambda key: SoftmaxCentered(),
            "validated": lambda key: SoftmaxCentered(validate_args=True),
        },
        event_shape=(3,),
        coordinates=(None, drop_last),
        draw_output=draw_simplex,
    ),
]
