"""`ParametricDistribution`: a transformed distribution that holds named parameters, and makes the map of them."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from ..core.module import _describe
from ..core.parameters import as_parameter, check_broadcast, positive_parameter
from ..core.shapes import cast_floating
from .foreign import describe, model_dtype
from .transformed import TransformedDistribution


class ParametricDistribution(TransformedDistribution):
    """y = f(x), x ~ base, where f (and the base) are functions of named parameters; not for use by itself.

    A subclass lists its parameters in `pytree_data_fields`, one that must stay positive by its logarithm, `raw_scale`
    for `scale`, so that all of them may take any real value: they train, by `pushforward.fit` and as the base of a
    flow with `train_base=True`. It defines the properties `base` and `bijector`, which are made anew when asked for.
    """

    pytree_aux_fields = ("frozen",)
    event_shape_override = None
    batch_shape_override = None
    train_base = False

    base: Any
    bijector: Any

    def _hold(
        self,
        real: Mapping[str, Any] | None = None,
        positive: Mapping[str, Any] | None = None,
        *,
        validate_args: bool = False,
    ) -> None:
        """Set the parameters from the arguments of the constructor, checked; None stays None.

        Raises:
            ValueError: if a positive one is known not to be, or shapes do not broadcast.
            TypeError: for something else than numbers.
        """
        who, real, positive = type(self).__name__, real or {}, positive or {}
        given = {name: value for name, value in (*real.items(), *positive.items()) if value is not None}
        for name, value in real.items():
            setattr(self, name, None if value is None else as_parameter(value, f"{who}: {name}"))
        for name, value in positive.items():
            if value is not None:
                value = jnp.log(positive_parameter(value, f"{who}: {name}", validate=validate_args))
            setattr(self, f"raw_{name}", value)
        check_broadcast(who, **given)
        self.frozen = False

    def _in_one_dtype(self) -> Any:
        """Itself with all parameters in the widest of their dtypes, for formulas that mix them."""
        return cast_floating(self, model_dtype(self))

    def _trainable(self, trainable: Any, all_false: Any) -> Any:
        children, static = self.tree_flatten()
        return self.tree_unflatten(static, [(all_false if self.frozen else trainable)(child) for child in children])

    def __repr__(self) -> str:
        names = [name.removeprefix("raw_") for name in self.pytree_data_fields]
        held = {name: getattr(self, name) for name in names}
        own = [f"{name}={_word(value)}" for name, value in held.items() if value is not None]
        return f"{type(self).__name__}({', '.join(own + ['frozen=True'] * self.frozen)})"


def exponential(raw: str, doc: str) -> Any:
    """A property: the positive parameter of which `raw` is the logarithm (None of None)."""

    def value(self: Any) -> jax.Array | None:
        held = self.__dict__[raw]
        return None if held is None else jnp.exp(held)

    value.__doc__ = doc
    return property(value)


def _word(value: Any) -> str:
    return describe(value) if hasattr(value, "log_prob") else _describe(value)
