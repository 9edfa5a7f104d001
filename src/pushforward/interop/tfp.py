"""TensorFlow Probability's bijectors, of its JAX substrate, as ours."""

from typing import Any

import jax

from ..bijectors import Bijector
from ..bijectors.facts import DeclaredFacts
from ..core import constant_field, static_field
from ..core.shapes import cast_floating, floating_dtype
from .held import UNSAVEABLE, Held, as_given, require_interface

INTERFACE = (
    "forward", "inverse", "forward_log_det_jacobian", "inverse_log_det_jacobian", "forward_min_event_ndims",
    "inverse_min_event_ndims", "is_constant_jacobian", "dtype",
)  # fmt: skip


class TFPMap(Bijector):
    """y = bijector.forward(x), for a bijector of TensorFlow Probability; see `from_tfp`."""

    held: Held = constant_field()
    facts: DeclaredFacts = static_field()
    native_dtype: str | None = static_field()

    unsaveable = UNSAVEABLE

    def _repr_children(self):
        return [("bijector", type(self.bijector))]

    @property
    def bijector(self) -> Any:
        """The bijector."""
        held = self.held if self.native_dtype is None else cast_floating(self.held, self.native_dtype)
        return held.whole()

    def _native(self, x: Any) -> Any:
        """x in the dtype of the bijector's arrays, if it has some."""
        return x if self.native_dtype is None else cast_floating(x, self.native_dtype)

    @property
    def forward_min_event_ndims(self) -> Any:
        """The bijector's."""
        return self.facts.forward_min_event_ndims

    @property
    def inverse_min_event_ndims(self) -> Any:
        """The bijector's."""
        return self.facts.inverse_min_event_ndims

    @property
    def is_constant_jacobian(self) -> bool:
        """The bijector's."""
        return self.facts.is_constant_jacobian

    @property
    def is_increasing(self) -> Any:
        """As declared."""
        return self.facts.is_increasing

    @property
    def domain(self) -> Any:
        """As declared."""
        return self.facts.domain

    @property
    def codomain(self) -> Any:
        """As declared."""
        return self.facts.codomain

    @as_given
    def _forward_and_log_det(self, x):
        b, x = self.bijector, self._native(x)
        return b.forward(x), b.forward_log_det_jacobian(x, self.forward_min_event_ndims)

    @as_given
    def _inverse_and_log_det(self, y):
        b, y = self.bijector, self._native(y)
        return b.inverse(y), b.inverse_log_det_jacobian(y, self.inverse_min_event_ndims)

    @as_given
    def _forward(self, x):
        return self.bijector.forward(self._native(x))

    @as_given
    def _inverse(self, y):
        return self.bijector.inverse(self._native(y))


def from_tfp(
    bijector: Any, *, domain: Any = Bijector.domain, codomain: Any = Bijector.codomain, is_increasing: Any = None
) -> Bijector:
    """The bijector y = bijector.forward(x), computed by TensorFlow Probability.

    Every bijector of TensorFlow Probability is here under its own name; this is for one that you wrote yourself, or to
    compare the two. Its arrays are constants: those that have to stay positive do not say so. It computes in
    the dtype of its arrays, that of its construction, as theirs insist on it; the result has the dtype of the input.

    Args:
        bijector: a bijector of `tensorflow_probability.substrates.jax`. Keyword arguments of its methods (conditions)
            have to be bound in it.
        domain, codomain, is_increasing: facts that TensorFlow Probability does not declare, as in `Inline`.

    Raises:
        TypeError: for anything else, one on TensorFlow's own arrays included.
        ValueError: if it is not injective.

    Example:
        from_tfp(tfb.SinhArcsinh(skewness=0.5), is_increasing=True)
    """
    require_interface(
        bijector, INTERFACE, "a bijector of TensorFlow Probability's JAX substrate", "tensorflow_probability"
    )
    if isinstance(bijector, Bijector):
        raise TypeError(f"from_tfp expects a bijector of TensorFlow Probability, and {type(bijector).__name__} is ours")
    home = type(bijector).__module__
    if home.startswith("tensorflow_probability.python."):
        raise TypeError(
            f"from_tfp expects a bijector on JAX arrays, and {home}.{type(bijector).__name__} takes TensorFlow's. "
            "Build it from tensorflow_probability.substrates.jax.bijectors."
        )
    if not getattr(bijector, "_is_injective", True):
        raise ValueError(
            f"from_tfp expects an injective map, and got {type(bijector).__name__}, which has several inverses. Use "
            "pushforward.bijectors.AbsoluteValue."
        )
    # Of a chain they are NumPy's integers.
    n_in, n_out = jax.tree.map(int, (bijector.forward_min_event_ndims, bijector.inverse_min_event_ndims))
    facts = DeclaredFacts(n_in, n_out, bool(bijector.is_constant_jacobian), is_increasing, domain, codomain)
    held = Held(bijector)
    return TFPMap(held, facts, str(floating_dtype(held)) if jax.tree.leaves(held) else None)
