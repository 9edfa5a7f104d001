"""Restructure: the parts of an event in another structure."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from ..core import static_field
from ..core.shapes import floating_dtype, same_structure
from .base import Bijector
from .invert import Invert


@dataclasses.dataclass(frozen=True, eq=False)
class _Structure:
    """A pytree of tokens as static structure: dictionaries and lists compare by value, but do not hash."""

    tokens: Any

    @property
    def leaves(self) -> tuple[Any, ...]:
        return tuple(jax.tree.leaves(self.tokens))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Structure):
            return NotImplemented
        return same_structure(self.tokens, other.tokens) and self.leaves == other.leaves

    def __hash__(self) -> int:
        return hash((jax.tree.structure(self.tokens), self.leaves))

    def __repr__(self) -> str:
        return repr(self.tokens)

    def ranks(self) -> Any:
        """The least event rank of each part, 0."""
        return jax.tree.map(lambda _: 0, self.tokens)

    def moved(self, event: Any, to: "_Structure") -> Any:
        """The parts of `event`, which has this structure, put where `to` has their tokens."""
        parts: dict[Any, Any] = {}
        jax.tree.map(parts.setdefault, self.tokens, event)
        return jax.tree.map(parts.get, to.tokens)


class Restructure(Bijector):
    """y = the parts of x, arranged as in output_structure: a part goes where the same token stands.

    inverse  the parts of y, arranged as in input_structure;    log |det dy/dx| = 0;    domain and codomain: real.

    It takes a list apart into a dictionary, say, between `Split` and `JointMap`. No part is changed, and each may have
    event ranks of its own, at least 0.

    Args:
        output_structure: a pytree of tokens, integers or strings, each once.
        input_structure: a pytree of the same tokens. Default: a list, where the tokens are 0, 1, ..., n - 1 (the places
            in it); a dictionary, where they are strings (its keys).
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if a token stands twice, the structures have different tokens, or there is no input_structure and
            the tokens are neither places nor keys.

    Example:
        to_dict = Restructure({"a": 1, "b": [2, 0]})
        to_dict.forward([1.0, 2.0, 3.0])    # {"a": 2, "b": [3, 1]}
    """

    output_structure: _Structure = static_field()
    input_structure: _Structure = static_field()

    is_constant_jacobian = True
    permutes = True
    parts_interact = False

    def __init__(self, output_structure: Any, input_structure: Any = None, *, validate_args: bool = False):
        tokens = _checked_tokens(output_structure, "output_structure")
        if input_structure is None:
            input_structure = _default_input(tokens)
        elif (given := set(_checked_tokens(input_structure, "input_structure"))) != set(tokens):
            raise ValueError(
                "Restructure expects the same tokens in both structures, and got "
                f"{sorted(map(repr, set(tokens) - given))} in output_structure only and "
                f"{sorted(map(repr, given - set(tokens)))} in input_structure only: a part goes where its token "
                "stands. Give every token a place in both."
            )
        # Rebuilt, so that a list that is changed later does not change this.
        self.output_structure = _Structure(jax.tree.map(lambda token: token, output_structure))
        self.input_structure = _Structure(jax.tree.map(lambda token: token, input_structure))
        self.validate_args = validate_args

    @property
    def forward_min_event_ndims(self) -> Any:
        """0 for each part, in input_structure."""
        return self.input_structure.ranks()

    @property
    def inverse_min_event_ndims(self) -> Any:
        """0 for each part, in output_structure."""
        return self.output_structure.ranks()

    def _moved(self, event: Any, direction: str) -> Any:
        if direction == "forward":
            return self.input_structure.moved(event, self.output_structure)
        return self.output_structure.moved(event, self.input_structure)

    def _event_ndims(self, event_ndims, direction):
        minimum = self._minimum_ranks(direction)[0]
        if not same_structure(event_ndims, minimum) or min(jax.tree.leaves(event_ndims), default=0) < 0:
            raise ValueError(
                f"{self._who(direction)}: expected event_ndims of the structure {minimum!r}, at least 0 each, and got "
                f"{event_ndims!r}"
            )
        return self._moved(event_ndims, direction)

    def _at_ranks(self, x, event_ndims, direction):
        return self._moved(x, direction), jnp.zeros(self._batch(x, event_ndims, direction), floating_dtype(x))

    def _forward_and_log_det(self, x):
        return self._at_ranks(x, self.forward_min_event_ndims, "forward")

    def _inverse_and_log_det(self, y):
        return self._at_ranks(y, self.inverse_min_event_ndims, "inverse")

    def _forward(self, x):
        return self._moved(x, "forward")

    def _inverse(self, y):
        return self._moved(y, "inverse")

    def _preimages(self, y, event_ndims):
        x, log_det = self._at_ranks(y, event_ndims, "inverse")
        return [(x, log_det, jnp.ones(log_det.shape, bool))]

    def _forward_event_shape(self, shape):
        return self._moved(shape, "forward")

    def _inverse_event_shape(self, shape):
        return self._moved(shape, "inverse")

    def batch_shape(self, event_shape):
        """There are no parameters."""
        return ()


def pack_sequence_as(example: Any) -> Restructure:
    """The bijector from a list of parts to the structure of `example`, a pytree, in the order of its leaves."""
    leaves, structure = jax.tree.flatten(example)
    return Restructure(jax.tree.unflatten(structure, range(len(leaves))))


def tree_flatten(example: Any) -> Invert:
    """The bijector from the structure of `example`, a pytree, to the list of its leaves: the inverse of the above."""
    return Invert(pack_sequence_as(example))


def _checked_tokens(structure: Any, name: str) -> list[Any]:
    tokens = jax.tree.leaves(structure)
    if not all(isinstance(token, int | str) for token in tokens):
        raise ValueError(
            f"Restructure: {name} expects integers or strings as tokens, and got {structure!r}: they say which part "
            "goes where. Give each part a number or a name."
        )
    if not tokens or len(set(tokens)) < len(tokens):
        raise ValueError(
            f"Restructure: {name} expects at least one token and none twice, and got {structure!r}: a part has one "
            "place on either side. Give each part a token of its own."
        )
    return tokens


def _default_input(tokens: list[Any]) -> Any:
    if all(isinstance(token, str) for token in tokens):
        return {token: token for token in tokens}
    if set(tokens) == set(range(len(tokens))):
        return list(range(len(tokens)))
    raise ValueError(
        f"Restructure expects an input_structure, or tokens that tell it (strings, the keys of a dictionary, or 0 to "
        f"{len(tokens) - 1}, the places in a list), and got the tokens {tokens}. Give input_structure."
    )
