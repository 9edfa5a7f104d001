"""Blockwise: a bijector for each block of a vector."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from numpyro.distributions import constraints

from ..core import static_field
from .base import Bijector
from .composition import Composition
from .domains import constraint_bounds, is_real
from .invert import Invert
from .split import Split


class Blockwise(Composition):
    """y = [b_1(x_1), ..., b_n(x_n)] for the blocks x = [x_1, ..., x_n] of a vector.

    inverse  x = [b_1^-1(y_1), ..., b_n^-1(y_n)];    log |det dy/dx| = the sum of those of the blocks;
    domain and codomain: that of the bijectors where they share one, else NumPyro's `cat` of theirs.

    Batch axes of the bijectors broadcast against one another.

    Args:
        bijectors: maps of scalars or vectors, at least one. One of scalars maps each number of its block.
        block_sizes: the length of each block of x; default: all 1.
        maybe_changes_size: False promises that every block keeps its length; the lengths on the other side are then not
            asked for.
        validate_args: check values, also under `jit`.

    Attributes `block_sizes` and `inverse_block_sizes` are the lengths of the blocks of x and of y.

    Raises:
        ValueError: if there is no bijector, one changes the rank of events or maps matrices or structures, or
            block_sizes are not one positive length for each; by a call, if x has another length in all.

    Example:
        Blockwise([Exp(), Sigmoid()], block_sizes=[2, 1]).forward(jnp.zeros(3))    # [1, 1, 0.5]
    """

    bijectors: tuple[Bijector, ...]
    block_sizes: tuple[int, ...] = static_field()
    maybe_changes_size: bool = static_field()

    forward_min_event_ndims = 1
    inverse_min_event_ndims = 1

    def __init__(
        self,
        bijectors: Sequence[Bijector],
        block_sizes: Sequence[int] | None = None,
        *,
        maybe_changes_size: bool = True,
        validate_args: bool = False,
    ):
        self.bijectors = tuple(bijectors)
        if not self.bijectors:
            raise ValueError(
                "Blockwise expects at least one bijector, and got none; Identity() leaves a block as it is"
            )
        for k, part in enumerate(self.bijectors):
            if not isinstance(part, Bijector):
                raise TypeError(
                    f"Blockwise expects bijectors, and number {k} is {type(part).__name__}; wrap plain functions in "
                    "Inline"
                )
            ranks = part.forward_min_event_ndims, part.inverse_min_event_ndims
            if ranks not in ((0, 0), (1, 1)):
                raise ValueError(
                    f"Blockwise expects maps of scalars or of vectors, since a block is a vector, and number {k}, "
                    f"{type(part).__name__}, takes events of rank {ranks[0]} to rank {ranks[1]}. Use a Chain of Split, "
                    "JointMap and Invert(Split), with Reshape inside where a block is to be a matrix."
                )
        sizes = (1,) * len(self.bijectors) if block_sizes is None else tuple(int(n) for n in block_sizes)
        if len(sizes) != len(self.bijectors) or min(sizes) < 1:
            raise ValueError(
                f"Blockwise expects block_sizes to be {len(self.bijectors)} positive lengths, one for each bijector, "
                f"and got {sizes}: block k goes to bijector k. None stands for blocks of one number."
            )
        self.block_sizes = sizes
        self.maybe_changes_size = bool(maybe_changes_size)
        self.validate_args = validate_args

    @property
    def inverse_block_sizes(self) -> tuple[int, ...]:
        """The length of each block of y."""
        if not self.maybe_changes_size:
            return self.block_sizes
        pairs = zip(self.bijectors, self.block_sizes, strict=True)
        return tuple(part.forward_event_shape((size,))[-1] for part, size in pairs)

    @property
    def domain(self) -> Any:
        """The domain of the bijectors where they share one; else those of the blocks."""
        return _joined([part.domain for part in self.bijectors], lambda: self.block_sizes)

    @property
    def codomain(self) -> Any:
        """The codomain of the bijectors where they share one; else those of the blocks."""
        return _joined([part.codomain for part in self.bijectors], lambda: self.inverse_block_sizes)

    def _walk_forward(self, step, x):
        cut, join = self._ends()
        return step(join, [step(part, block) for part, block in zip(self.bijectors, step(cut, x), strict=True)])

    def _walk_inverse(self, step, y):
        cut, join = self._ends()
        return step(cut, [step(part, block) for part, block in zip(self.bijectors, step(join, y), strict=True)])

    def _ends(self) -> tuple[Bijector, Bijector]:
        """What cuts x into blocks, and what joins those of y."""
        return Split(self.block_sizes), Invert(Split(self.inverse_block_sizes))


def _joined(sets: list[Any], sizes: Callable[[], tuple[int, ...]]) -> Any:
    """The constraint on a vector of blocks that lie in `sets`; real where NumPyro has none, and each block is then held
    to its own by `_inverse_within` only.
    """
    for k, one in enumerate(sets):
        while isinstance(one, constraints.independent):
            one = one.base_constraint
        sets[k] = one
    if all(is_real(one) for one in sets):
        return constraints.real
    ends = [constraint_bounds(one) for one in sets]
    alike = all(type(one) is type(sets[0]) for one in sets) and all(isinstance(e, int | float) for e in sum(ends, ()))
    if alike and all(pair == ends[0] for pair in ends) and sets[0].event_dim == 0:
        return sets[0]
    # `cat` is for constraints on numbers, and joins what they say of blocks without batch axes.
    scalar = all(one.event_dim == 0 for one in sets) and all(jnp.ndim(e) <= 1 for e in sum(ends, ()))
    return constraints.cat(sets, -1, sizes()) if scalar else constraints.real
