"""JointMap: a structure of bijectors, each applied to its own part."""

from typing import Any

import jax

from .composition import Composition, is_bijector


class JointMap(Composition):
    """y = {k: b_k(x_k)} for a structure of bijectors b_k and a matching structure x of parts.

    inverse  x = {k: b_k^-1(y_k)};    log |det dy/dx| = the sum over k of that of b_k at x_k, one array;
    domain and codomain: those of the b_k, in the same structure.

    The structure is any pytree: a dictionary, list or tuple, nested or not. Each part has event ranks of its own, since
    no part acts on another: `event_ndims={"a": 1, "b": 0}` sums the log-det of "a" over one axis and that of "b" over
    none. Only what is left, the batch axes, must broadcast from part to part.

    Args:
        bijectors: a pytree of bijectors, at least one. (A bijector whose events are structures themselves is one part.)
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if there is no bijector.
        TypeError: if a leaf is something else.

    Example:
        both = JointMap({"a": Exp(), "b": Scale(2.0)})
        both.forward({"a": 1.0, "b": 2.0})    # {"a": e, "b": 4}
    """

    def __init__(self, bijectors: Any = None, *, validate_args: bool = False):
        leaves = jax.tree.leaves(bijectors, is_leaf=is_bijector)
        if not leaves:
            raise ValueError(
                f"JointMap expects a structure of bijectors, and got {bijectors!r}, which holds none: it would map "
                "nothing. Identity() leaves a part as it is."
            )
        if wrong := [type(leaf).__name__ for leaf in leaves if not is_bijector(leaf)]:
            raise TypeError(
                f"JointMap expects bijectors in its structure, and got {', '.join(wrong)}; wrap plain functions in "
                "Inline"
            )
        # Rebuilt, so that a list that is changed later does not change this.
        self.bijectors = jax.tree.map(lambda part: part, bijectors, is_leaf=is_bijector)
        self.validate_args = validate_args

    def _repr_children(self):
        pairs = jax.tree_util.tree_leaves_with_path(self.bijectors, is_leaf=is_bijector)
        return [(jax.tree_util.keystr(path), part) for path, part in pairs]

    def _walk_forward(self, step, x):
        return jax.tree.map(step, self.bijectors, x, is_leaf=is_bijector)

    def _walk_inverse(self, step, y):
        return jax.tree.map(step, self.bijectors, y, is_leaf=is_bijector)

    def _of_each(self, fact: str) -> Any:
        return jax.tree.map(lambda part: getattr(part, fact), self.bijectors, is_leaf=is_bijector)

    @property
    def forward_min_event_ndims(self) -> Any:
        """Those of the bijectors, in their structure."""
        return self._of_each("forward_min_event_ndims")

    @property
    def inverse_min_event_ndims(self) -> Any:
        """Those of the bijectors, in their structure."""
        return self._of_each("inverse_min_event_ndims")

    @property
    def domain(self) -> Any:
        """Those of the bijectors, in their structure."""
        return self._of_each("domain")

    @property
    def codomain(self) -> Any:
        """Those of the bijectors, in their structure."""
        return self._of_each("codomain")
