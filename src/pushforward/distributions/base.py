"""`PytreeDistribution`: a NumPyro distribution whose leaves have a fixed order and whose shapes follow from its leaves.

One on vectors has marginals and conditionals of some of its coordinates, see `joint`.

NumPyro flattens a distribution in the order of a Python `set`, which changes with the hash seed of the process, and
stores its batch shape, which is then wrong inside `vmap`. A class of ours lists its fields once, in order, and computes
its shapes from the arrays that it holds at the time.
"""

from collections.abc import Callable, Iterable
from typing import Any

import jax
from jax.tree_util import GetAttrKey
from numpyro.distributions import Distribution


class PytreeDistribution(Distribution):
    """Base of the distributions of this package; not for use by itself.

    A subclass lists `pytree_data_fields` (arrays, bijectors, distributions) and `pytree_aux_fields` (static, hashable)
    and sets every one of them in `__init__`. It defines `event_shape` and `batch_shape` as properties.
    """

    arg_constraints: dict[str, Any] = {}  # noqa: RUF012 - NumPyro's own declaration
    pytree_data_fields: tuple[str, ...] = ()
    pytree_aux_fields: tuple[str, ...] = ("frozen",)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # In place of NumPyro's registration, which a second one would contradict.
        jax.tree_util.register_pytree_with_keys(cls, cls._flatten_with_keys, cls.tree_unflatten, cls.tree_flatten)

    def _flatten_with_keys(self) -> tuple[tuple[tuple[GetAttrKey, Any], ...], tuple[Any, ...]]:
        children, static = self.tree_flatten()
        keys = (GetAttrKey(name) for name in self.pytree_data_fields)
        return tuple(zip(keys, children, strict=True)), static

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Children in the order of `pytree_data_fields`; static fields in the order of `pytree_aux_fields`."""
        held = self.__dict__
        return tuple(held[name] for name in self.pytree_data_fields), tuple(held[n] for n in self.pytree_aux_fields)

    @classmethod
    def tree_unflatten(cls, aux_data: tuple[Any, ...], params: Iterable[Any]) -> Any:
        """The distribution of these fields, whatever they hold: JAX also puts booleans, None and objects there."""
        new = object.__new__(cls)
        new.__dict__.update(zip(cls.pytree_data_fields, params, strict=True))
        new.__dict__.update(zip(cls.pytree_aux_fields, aux_data, strict=True))
        return new

    def _with_frozen(self, frozen: bool) -> Any:
        children, _ = self.tree_flatten()
        static = tuple(frozen if n == "frozen" else self.__dict__[n] for n in self.pytree_aux_fields)
        return self.tree_unflatten(static, children)

    def _trainable(self, trainable: Callable[[Any], Any], all_false: Callable[[Any], Any]) -> Any:
        return jax.tree.map(lambda _: not self.frozen, self)

    @property
    def has_rsample(self) -> bool:
        """Whether samples have derivatives with respect to the parameters."""
        return True

    def marginal(self, columns: Any, *, key: Any = None, num_samples: int = 1024) -> Any:
        """p(x_A) of some coordinates of a distribution on vectors: a `Marginal`, whose samples are exact.

        Args:
            columns: the coordinates A, in the order wanted.
            key: of the draws behind its `log_prob`, which is an estimate; its error: `estimate_log_prob`.
            num_samples: weighted draws for each point where a density is asked for.
        """
        from .joint import Marginal

        return Marginal(self, columns, key=key, num_samples=num_samples)

    def conditional(self, given: Any, *, key: Any = None, num_samples: int = 8192) -> Any:
        """p(x_B | x_A = a), the other coordinates of a distribution on vectors given some: a `Conditional`.

        Args:
            given: coordinate -> its value, {1: 0.5}.
            key: of the weighted draws behind everything that it tells.
            num_samples: how many of them.
        """
        from .joint import Conditional

        return Conditional(self, given, key=key, num_samples=num_samples)
