"""Maps made of maps, on vectors and on structures, and the map that is not injective."""

import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors import (
    AbsoluteValue,
    Blockwise,
    Chain,
    Invert,
    JointMap,
    LeakyReLU,
    MaskedAutoregressiveFlow,
    Restructure,
    Scale,
    ScaleMatvecTriL,
    Shift,
    Sigmoid,
    SoftmaxCentered,
    Softplus,
    Split,
    Stack,
    Tanh,
    TransformDiagonal,
)
from pushforward.nets import AutoregressiveNetwork

from .base import Entry


def numbers(key, shape=(), centre=0.0):
    """Numbers of the size that training gives, all different."""
    return centre + 0.4 * jax.random.normal(key, shape)


def lower(key, batch=()):
    return jnp.array([[0.8, 0.0], [-0.4, 1.5]]) + 0.05 * jax.random.normal(key, (*batch, 2, 2))


def mapped(key):
    return JointMap({"a": Chain([Shift(numbers(key)), Softplus()]), "b": [Scale(-1.7), Sigmoid(-0.5, 2.0)]})


def crossed(key):
    """One vector taken apart, its parts mapped and put together again in another order."""
    return Chain(
        [
            Invert(Split([1, 3])),
            Restructure([1, 0]),
            JointMap([ScaleMatvecTriL(jnp.tril(jnp.eye(3) + numbers(key, (3, 3)))), LeakyReLU(0.4)]),
            Split([3, 1]),
        ]
    )


def conditional(key):
    keys = jax.random.split(key, 2)
    net = AutoregressiveNetwork(
        2, (2,), conditional=True, conditional_event_shape=(2,), hidden_units=(8,), activation=jnp.tanh, key=keys[0]
    )
    return Blockwise([MaskedAutoregressiveFlow(net), Scale(numbers(keys[1], (1,), 1.5))], [2, 1])


def drop_last(tangent):
    """The coordinates of a simplex of two numbers, after one number, that determine a point."""
    return tangent[..., :-1]


def draw_block_and_simplex(key, batch):
    """One number, and two probabilities that are multiples of 2^-20, so that they sum to 1 exactly."""
    keys = jax.random.split(key)
    p = np.floor(np.asarray(jax.random.uniform(keys[0], (*batch, 1), minval=0.1, maxval=0.9)) * 2**20) / 2**20
    return np.concatenate([np.asarray(jax.random.normal(keys[1], (*batch, 1))), p, 1 - p], axis=-1)


ENTRIES = [
    Entry(
        JointMap,
        cases={"dictionary": mapped, "trained": lambda key: mapped(jax.random.split(key)[0])},
        event_shape={"a": (), "b": [(), ()]},
        structure=np.eye(3, dtype=bool),
    ),
    Entry(
        JointMap,
        cases={"batched": lambda key: JointMap((Scale(numbers(key, (2, 1), 1.5)), Shift(numbers(key, (3,)))))},
        event_shape=((), ()),
        batch_shape=(2, 3),
        label="batched",
    ),
    Entry(
        JointMap,
        cases={"ranks": lambda key: JointMap([ScaleMatvecTriL(lower(key)), Split([1, 2]), Tanh()])},
        event_shape=[(2,), (3,), ()],
        label="ranks",
    ),
    Entry(Restructure, cases={"places": lambda key: Restructure({"a": 1, "b": [2, 0]})}, event_shape=[(), (), ()]),
    Entry(
        Restructure,
        cases={"keys": lambda key: Restructure((("z", "x"), "y"), ["x", {"p": "y", "q": "z"}])},
        event_shape=[(), {"p": (), "q": ()}],
        label="nested",
    ),
    Entry(
        Blockwise,
        cases={
            "ones": lambda key: Blockwise([Softplus(), Scale(numbers(key, (), -1.5)), Sigmoid()]),
            "sizes": lambda key: Blockwise([ScaleMatvecTriL(lower(key)), Softplus()], [2, 1], maybe_changes_size=False),
        },
        event_shape=(3,),
    ),
    Entry(
        Blockwise,
        cases={
            "batched": lambda key: Blockwise(
                [ScaleMatvecTriL(lower(key, (2, 1))), Shift(numbers(key, (3, 1))), Tanh()], [2, 1, 1]
            )
        },
        event_shape=(4,),
        batch_shape=(2, 3),
        label="batched",
    ),
    Entry(
        Blockwise,
        cases={"simplex": lambda key: Blockwise([Shift(numbers(key)), SoftmaxCentered()])},
        event_shape=(2,),
        draw_output=draw_block_and_simplex,
        output_extremes=(),
        coordinates=(None, drop_last),
        label="grows",
    ),
    Entry(
        Blockwise,
        cases={"conditional": conditional},
        event_shape=(3,),
        condition_dim=2,
        label="conditional",
        conditioned=(True, True, False),
    ),
    Entry(Chain, cases={"structures": crossed}, event_shape=(4,), label="structures"),
    Entry(
        Invert,
        cases={"structures": lambda key: Invert(mapped(key))},
        event_shape={"a": (), "b": [(), ()]},
        label="structures",
    ),
    Entry(
        Stack,
        cases={"structures": lambda key: Stack([JointMap((Scale(2.0), Shift(a))) for a in (0.3, -0.8)])},
        event_shape=((), ()),
        label="structures",
    ),
    Entry(
        Stack,
        cases={"batched": lambda key: Stack([Scale(numbers(k, (3,), 1.5)) for k in jax.random.split(key, 2)])},
        batch_shape=(3,),
        label="batched",
    ),
    Entry(
        TransformDiagonal,
        cases={"batched": lambda key: TransformDiagonal(Chain([Shift(numbers(key, (3, 2))), LeakyReLU(0.4)]))},
        event_shape=(2, 2),
        batch_shape=(3,),
        label="batched",
    ),
    Entry(
        AbsoluteValue,
        cases={"default": lambda key: AbsoluteValue(), "validated": lambda key: AbsoluteValue(validate_args=True)},
    ),
    Entry(
        Chain,
        cases={"branches": lambda key: Chain([Scale(-0.7), AbsoluteValue(), Shift(numbers(key))])},
        label="branches",
    ),
]
