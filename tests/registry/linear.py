"""Linear maps, triangular matrices from vectors, and layers that normalise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors import (
    ActNorm,
    Affine,
    BatchNormalization,
    Chain,
    Exp,
    FillScaleTriL,
    FillTriangular,
    LULinear,
    Scale,
    ScaleMatvecDiag,
    ScaleMatvecTriL,
    Softplus,
    TransformDiagonal,
)

from .base import Entry

LOWER, UPPER = np.tri(3, dtype=bool), np.tri(3, dtype=bool).T


def diagonal(key, batch=()):
    """Factors of both signs, away from zero."""
    return jnp.array([0.6, -1.7, 2.5]) + 0.1 * jax.random.normal(key, (*batch, 3))


def lower(key, batch=()):
    return jnp.array([[0.8, 9.0, 9.0], [-0.4, 1.5, 9.0], [1.1, 0.7, -1.2]]) + 0.05 * jax.random.normal(
        key, (*batch, 3, 3)
    )


def factor(key, batch=()):
    return 0.4 * jax.random.normal(key, (*batch, 3, 2))


def data(key):
    return jnp.array([3.0, -40.0, 0.1]) + jnp.array([0.5, 7.0, 0.02]) * jax.random.normal(key, (64, 3))


def lower_entries(tangent):
    rows, columns = np.tril_indices(tangent.shape[-1])
    return tangent[..., rows, columns]


def upper_entries(tangent):
    rows, columns = np.triu_indices(tangent.shape[-1])
    return tangent[..., rows, columns]


def draw_lower(key, batch):
    return jnp.tril(jax.random.normal(key, (*batch, 3, 3)))


def draw_upper(key, batch):
    return jnp.triu(jax.random.normal(key, (*batch, 3, 3)))


def draw_positive_diagonal(key, batch):
    matrix = jax.random.normal(key, (*batch, 3, 3))
    return jnp.where(jnp.eye(3, dtype=bool), 0.1 + jnp.abs(matrix), matrix)


ENTRIES = [
    Entry(
        ScaleMatvecDiag,
        cases={
            "default": lambda key: ScaleMatvecDiag(jnp.ones(3)),
            "trained": lambda key: ScaleMatvecDiag(diagonal(key), adjoint=True),
        },
        event_shape=(3,),
        structure=np.eye(3, dtype=bool),
    ),
    Entry(
        ScaleMatvecDiag,
        cases={"batched": lambda key: ScaleMatvecDiag(diagonal(key, (2, 1)), validate_args=True)},
        event_shape=(3,),
        batch_shape=(2, 1),
        label="batched",
    ),
    Entry(
        ScaleMatvecTriL,
        cases={
            "default": lambda key: ScaleMatvecTriL(jnp.eye(3)),
            "trained": lambda key: ScaleMatvecTriL(lower(key)),
        },
        event_shape=(3,),
        structure=LOWER,
    ),
    Entry(
        ScaleMatvecTriL,
        cases={"adjoint": lambda key: ScaleMatvecTriL(lower(key), adjoint=True)},
        event_shape=(3,),
        structure=UPPER,
        label="adjoint",
    ),
    Entry(
        ScaleMatvecTriL,
        cases={"batched": lambda key: ScaleMatvecTriL(lower(key, (2, 1)), validate_args=True)},
        event_shape=(3,),
        batch_shape=(2, 1),
        label="batched",
    ),
    Entry(
        Affine,
        cases={
            "identity": lambda key: Affine(jnp.zeros(3)),
            "diagonal": lambda key: Affine(diagonal(key), scale_identity_multiplier=0.3, scale_diag=diagonal(key)),
            "triangular": lambda key: Affine(diagonal(key), scale_tril=lower(key)),
            "rank 2": lambda key: Affine(
                diagonal(key), scale_tril=lower(key), scale_perturb_factor=factor(key), scale_perturb_diag=[0.7, 1.3]
            ),
            "diagonal and rank 2": lambda key: Affine(scale_diag=diagonal(key), scale_perturb_factor=factor(key)),
        },
        event_shape=(3,),
    ),
    Entry(
        Affine,
        cases={
            "batched": lambda key: Affine(
                diagonal(key),
                scale_identity_multiplier=jnp.array([[0.2], [0.1]]),
                scale_tril=lower(key, (2,))[:, None],
                scale_perturb_factor=factor(key),
                scale_perturb_diag=jnp.array([0.7, 1.3]),
            )
        },
        event_shape=(3,),
        batch_shape=(2, 1),
        label="batched",
    ),
    Entry(
        LULinear,
        cases={
            "default": lambda key: LULinear(3, key=key),
            "trained": lambda key: eqx.tree_at(
                lambda b: (b.raw_factors, b.bias), LULinear(3, key=key), (0.3 * lower(key), diagonal(key))
            ),
        },
        event_shape=(3,),
    ),
    Entry(
        ActNorm,
        cases={"default": lambda key: ActNorm(3), "initialized": lambda key: ActNorm(3).initialize(data(key))},
        event_shape=(3,),
        structure=np.eye(3, dtype=bool),
    ),
    Entry(ActNorm, cases={"image": lambda key: ActNorm((1, 2))}, event_shape=(1, 2), label="matrix"),
    Entry(
        BatchNormalization,
        cases={
            "default": lambda key: BatchNormalization(3, inference=True),
            "initialized": lambda key: BatchNormalization(3, epsilon=1e-5, inference=True).initialize(data(key)),
        },
        event_shape=(3,),
        structure=np.eye(3, dtype=bool),
    ),
    Entry(
        FillTriangular,
        cases={"default": lambda key: FillTriangular(), "validated": lambda key: FillTriangular(validate_args=True)},
        event_shape=(6,),
        coordinates=(None, lower_entries),
        draw_output=draw_lower,
        output_extremes=(0.0,),
    ),
    Entry(
        FillTriangular,
        cases={"upper": lambda key: FillTriangular(upper=True)},
        event_shape=(6,),
        coordinates=(None, upper_entries),
        draw_output=draw_upper,
        label="upper",
    ),
    Entry(
        TransformDiagonal,
        cases={
            "default": lambda key: TransformDiagonal(Softplus()),
            "trained": lambda key: TransformDiagonal(Chain([Softplus(0.5), Scale(diagonal(key))])),
        },
        event_shape=(3, 3),
        draw_output=draw_positive_diagonal,
        output_extremes=(1e-3, 1.0, 30.0),
    ),
    Entry(
        FillScaleTriL,
        cases={
            "default": lambda key: FillScaleTriL(),
            "exponential": lambda key: FillScaleTriL(Exp(), None),
        },
        event_shape=(6,),
        extremes=(-30.0, -1e-8, 0.0, 1e-8, 30.0),
        coordinates=(None, lower_entries),
    ),
]
