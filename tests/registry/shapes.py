"""Maps that move, sum or add entries, and maps of vectors onto other sets."""

import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors import (
    Ascending,
    CategoricalToDiscrete,
    Cumsum,
    DiscreteCosineTransform,
    IteratedSigmoidCentered,
    Pad,
    Squeeze,
    Transpose,
    UnitVector,
)

from .base import Entry
from .elementary import draw_simplex, drop_last

VALUES = np.array([-1.5, 0.25, 2.0, 7.0], np.float32)
DISCRETE = "the map of places has no derivative; its log-det is the 0 of probabilities, which carry over"


def inner(tangent):
    """What `Pad` got: the rows but the first, the columns but the last two."""
    return tangent[..., 1:, :-2].reshape(*tangent.shape[:-2], -1)


def draw_padded(key, batch):
    return jnp.pad(
        jax.random.normal(key, (*batch, 2, 2)), [(0, 0)] * len(batch) + [(1, 0), (0, 2)], constant_values=0.5
    )


def draw_with_zero(key, batch):
    return jnp.pad(jax.random.normal(key, (*batch, 3)), [(0, 0)] * len(batch) + [(0, 1)])


def draw_mirrored(key, batch):
    return jnp.pad(jax.random.normal(key, (*batch, 3)), [(0, 0)] * len(batch) + [(1, 0)], mode="reflect")


def drop_first(tangent):
    return tangent[..., 1:]


def draw_sphere(key, batch):
    vectors = jax.random.normal(key, (*batch, 4))
    return vectors / jnp.linalg.norm(vectors, axis=-1, keepdims=True)


def draw_places(key, batch):
    return jax.random.randint(key, batch, 0, len(VALUES)).astype(jnp.result_type(float))


def draw_values(key, batch):
    return jnp.asarray(VALUES)[jax.random.randint(key, batch, 0, len(VALUES))]


ENTRIES = [
    Entry(
        Transpose,
        cases={
            "default": lambda key: Transpose(rightmost_transposed_ndims=2),
            "perm": lambda key: Transpose([1, 0], validate_args=True),
        },
        event_shape=(2, 3),
    ),
    Entry(Transpose, cases={"three": lambda key: Transpose([1, 2, 0])}, event_shape=(1, 2, 2), label="three"),
    Entry(Transpose, cases={"none": lambda key: Transpose([])}, label="none"),
    Entry(
        Pad,
        cases={"default": lambda key: Pad(), "validated": lambda key: Pad(validate_args=True)},
        event_shape=(3,),
        coordinates=(None, drop_last),
        draw_output=draw_with_zero,
        output_extremes=(0.0,),
    ),
    Entry(
        Pad,
        cases={"axes": lambda key: Pad([(0, 2), (1, 0)], constant_values=0.5, axis=[-1, -2])},
        event_shape=(2, 2),
        coordinates=(None, inner),
        draw_output=draw_padded,
        label="axes",
    ),
    Entry(
        Pad,
        cases={"reflect": lambda key: Pad([(1, 0)], "reflect")},
        event_shape=(3,),
        coordinates=(None, drop_first),
        draw_output=draw_mirrored,
        label="reflect",
    ),
    Entry(
        Cumsum,
        cases={"default": lambda key: Cumsum(), "validated": lambda key: Cumsum(validate_args=True)},
        event_shape=(3,),
        structure=np.tri(3, dtype=bool),
    ),
    Entry(
        Cumsum,
        cases={"rows": lambda key: Cumsum(-2)},
        event_shape=(3, 2),
        structure=np.kron(np.tri(3), np.eye(2)) != 0,
        label="axis",
    ),
    Entry(
        DiscreteCosineTransform,
        cases={"default": lambda key: DiscreteCosineTransform(), "type 3": lambda key: DiscreteCosineTransform(3)},
        event_shape=(4,),
    ),
    Entry(
        Squeeze,
        cases={"default": lambda key: Squeeze(), "factor": lambda key: Squeeze(factor=2, validate_args=True)},
        event_shape=(2, 4, 1),
    ),
    Entry(
        Ascending,
        cases={"default": lambda key: Ascending(), "validated": lambda key: Ascending(validate_args=True)},
        event_shape=(3,),
        extremes=(-8.0, -1e-8, 0.0, 1e-8, 8.0, 80.0),
        structure=np.tri(3, dtype=bool),
    ),
    Entry(
        UnitVector,
        cases={"default": lambda key: UnitVector(), "validated": lambda key: UnitVector(validate_args=True)},
        event_shape=(3,),
        surface=True,
        draw_output=draw_sphere,
        output_extremes=(),
    ),
    Entry(
        IteratedSigmoidCentered,
        cases={
            "default": lambda key: IteratedSigmoidCentered(),
            "validated": lambda key: IteratedSigmoidCentered(validate_args=True),
        },
        event_shape=(3,),
        coordinates=(None, drop_last),
        draw_output=draw_simplex,
    ),
    Entry(
        CategoricalToDiscrete,
        cases={
            "default": lambda key: CategoricalToDiscrete(VALUES),
            "validated": lambda key: CategoricalToDiscrete(VALUES, validate_args=True),
        },
        draw=draw_places,
        draw_output=draw_values,
        extremes=(0.0, 3.0),
        output_extremes=(-1.5, 7.0),
        exempt={"forward_log_det": DISCRETE, "inverse_log_det": DISCRETE},
    ),
]
