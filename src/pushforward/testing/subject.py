"""The bijector under test: parameter draws, inputs, and what the compiled programs say of them, computed once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..bijectors import Bijector
from ..bijectors.domains import by_part
from ..core import trainable
from .failure import CheckFailure
from .inputs import extreme_rows, extreme_values, map_events, normals_for, take_into
from .programs import exact, mixed

# Ordinary rows, and rows further out that only float64 can be held to.
ROWS, WIDE_ROWS = 4, 2
WIDE = 6.0


class Blocked(Exception):
    """A program that this check needs has failed already, and another check has said so."""


@dataclass
class Subject:
    """What `check_bijector` was given, and the observations that the checks share."""

    bijector: Bijector
    event_shape: Any
    batch_shape: tuple[int, ...] = ()
    condition_dim: int | None = None
    points: Any = None
    condition: Any = None
    draw: Callable[..., Any] | None = None
    draw_output: Callable[..., Any] | None = None
    extremes: Any = None
    output_extremes: Any = None
    float64: float = 1e-9
    float32: float = 2e-4
    numerical: bool = False
    structure: Any = None
    coordinates: tuple[Any, Any] = (None, None)
    surface: bool = False
    conditioned: Any = True
    perturbation: float = 0.1
    draws: int = 10
    # Draw outputs as images of inputs, for a map that reaches only some piece of its codomain.
    images: bool = False
    _memory: dict[Any, Any] = field(default_factory=dict, repr=False)

    # ------------------------------------------------------------ parameters
    def parameters(self, k: int, dtype: Any = np.float32) -> Bijector:
        """The bijector as built (k = 0), or with noise added to what trains."""
        return self._once(("parameters", k, dtype), lambda: self._parameters(k, dtype))

    def _parameters(self, k: int, dtype: Any) -> Bijector:
        rng = np.random.default_rng(k)

        def one(leaf: Any, trains: bool) -> Any:
            if not (eqx.is_array(leaf) and jnp.issubdtype(leaf.dtype, jnp.floating)):
                return leaf if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else np.asarray(leaf)
            # By way of float32, so that both precisions are given the same numbers.
            value = np.asarray(leaf).astype(np.float32)
            if trains and k:
                value = value + np.float32(self.perturbation) * rng.standard_normal(value.shape).astype(np.float32)
            return np.asarray(value, dtype)

        return jax.tree.map(one, self.bijector, trainable(self.bijector))

    def example(self, k: int) -> Bijector:
        """The bijector of draw k with some condition bound, if it takes one."""
        b = self.parameters(k)
        return b if self.condition_dim is None else b.condition(np.zeros((self.condition_dim,), np.float32))

    @property
    def kinds(self) -> range:
        """The parameter draws; one if nothing trains."""
        trains = any(jax.tree.leaves(trainable(self.bijector))) and self.perturbation > 0
        return range(self.draws if trains else 1)

    @staticmethod
    def where(k: int, precision: str) -> str:
        """In words: which parameters, which precision."""
        return f" [{precision}, {'parameters as built' if k == 0 else f'perturbed parameters, draw {k}'}]"

    # ---------------------------------------------------------------- inputs
    def inputs(self, k: int) -> tuple[Any, Any, Any]:
        """(x, y, c), `ROWS` ordinary rows and `WIDE_ROWS` further out: inputs of forward, of inverse, conditions."""
        return self._once(("inputs", k), lambda: self._rows(k, ROWS + WIDE_ROWS))

    def mixed_inputs(self, k: int) -> tuple[Any, Any, Any]:
        """(x, y, c): the ordinary rows, then rows with extreme numbers."""
        return self._once(("mixed inputs", k), lambda: self._mixed_rows(k))

    def _rows(self, k: int, rows: int) -> tuple[Any, Any, Any]:
        b = self.parameters(k)
        rng = np.random.default_rng(1000 + k)
        c = None
        if self.condition is not None and self.condition_dim is not None:
            c = np.resize(np.asarray(self.condition, np.float32), (rows, self.condition_dim))
        elif self.condition_dim is not None:
            c = rng.standard_normal((rows, self.condition_dim)).astype(np.float32)
        if self.points is not None:
            x = jax.tree.map(lambda a: np.resize(np.asarray(a, np.float64), (rows, *a.shape[1:])), self.points)
        else:
            x = self._draw(b.domain, b.forward_min_event_ndims, self.event_shape, rows, rng, self.draw)
        out_shape = self.example(k).forward_event_shape(self.event_shape)
        if self.images:
            return x, self._images(b, c, rows, rng), c
        try:
            y = self._draw(b.codomain, b.inverse_min_event_ndims, out_shape, rows, rng, self.draw_output)
        except NotImplementedError:
            y = self._images(b, c, rows, rng)
        return x, y, c

    def _draw(self, constraint: Any, ndims: Any, shape: Any, rows: int, rng: Any, given: Any) -> Any:
        batch = (rows, *self.batch_shape)
        if given is not None:
            # In float64, which for points with a constraint (that sum to one, say) is not float32 cast.
            with jax.enable_x64(True):
                drawn = given(jax.random.key(int(rng.integers(2**31))), batch)
            return jax.tree.map(lambda a: np.asarray(a, np.float64), drawn)
        return map_events(
            lambda n, s, one: take_into(one, normals_for(one, s, batch, rng, (ROWS, WIDE))),
            ndims, shape, by_part(constraint, ndims),
        )  # fmt: skip

    def _images(self, b: Bijector, c: Any, rows: int, rng: Any) -> Any:
        """Outputs of forward, for a codomain that nothing can draw from."""
        x = self._draw(b.domain, b.forward_min_event_ndims, self.event_shape, rows, rng, self.draw)
        axes = len(self.batch_shape)
        bound = b if c is None else b.condition(c.reshape((rows,) + (1,) * axes + c.shape[1:]))
        with jax.enable_x64(True):
            return jax.tree.map(np.asarray, jax.jit(Bijector.forward)(bound, x))

    def _mixed_rows(self, k: int) -> tuple[Any, Any, Any]:
        b = self.parameters(k)
        x, y, c = jax.tree.map(lambda a: a[:ROWS], self.inputs(k))
        x_rows = self._extreme(b.domain, b.forward_min_event_ndims, x, self.extremes)
        y_rows = self._extreme(b.codomain, b.inverse_min_event_ndims, y, self.output_extremes)
        count = ROWS + max(rows.shape[0] for rows in jax.tree.leaves((x_rows, y_rows)))

        def fill(ordinary: Any, extreme: Any) -> Any:
            short = np.resize(ordinary, (count - ROWS - extreme.shape[0], *ordinary.shape[1:]))
            return np.concatenate([ordinary, extreme, short])

        x, y = jax.tree.map(fill, x, x_rows), jax.tree.map(fill, y, y_rows)
        if c is not None:
            c = np.resize(c, (count, *c.shape[1:]))
        return jax.tree.map(np.float32, (x, y, c))

    def _extreme(self, constraint: Any, ndims: Any, ordinary: Any, given: Any) -> Any:
        def rows(n: int, part: np.ndarray, one: Any) -> np.ndarray:
            values, ready = extreme_values(one, given)
            if ready:
                return extreme_rows(part[0], values, n, len(self.batch_shape))
            unconstrained = normals_for(one, part.shape[part.ndim - n :], self.batch_shape, np.random.default_rng(0))
            return take_into(one, extreme_rows(unconstrained, values, n, len(self.batch_shape)))

        return map_events(rows, ndims, ordinary, by_part(constraint, ndims))

    # ---------------------------------------------------------- observations
    def exact(self, k: int, back: bool = False) -> Any:
        """The 64-bit observations of draw k; `back` feeds the outputs in again, for round trips."""
        return self._once(("exact", k, back), lambda: self._exact(k, back))

    def _exact(self, k: int, back: bool) -> Any:
        x, y, c = self.inputs(k)
        with jax.enable_x64(True):
            if back:
                seen = self.exact(k)
                x, y = seen["inverse"][0], seen["forward"][0]
            x, y, c = jax.tree.map(lambda a: np.asarray(a, np.float64), (x, y, c))
            b = self.parameters(k, np.float64)
            return jax.device_get(exact(b, x, y, c, coordinates=self.coordinates))

    def mixed(self, k: int, what: str = "ordinary") -> Any:
        """(gradients, values) in 32 bits on the mixed batch of draw k.

        Args:
            what: "ordinary"; "back" feeds the outputs in again; "nan" has NaN in row 1 of x and y; "nan condition" in
                row 1 of c; "condition j" another value of component j of c.
        """
        return self._once(("mixed", k, what), lambda: self._mixed(k, what))

    def _mixed(self, k: int, what: str) -> Any:
        x, y, c = self.mixed_inputs(k)
        if what == "back":
            # The ordinary rows only: of extreme ones the image may lie on the very edge of the codomain.
            (y, _), (x, _) = jax.tree.map(lambda a: np.resize(a[:ROWS], a.shape), self.mixed(k)[1])
        elif what == "nan":
            x, y = jax.tree.map(_nan_in_row_1, (x, y))
        elif what == "nan condition":
            c = _nan_in_row_1(c)
        elif what.startswith("condition"):
            c = c.copy()
            c[:, int(what.split()[1])] += 0.5
        with jax.enable_x64(False):
            b = self.parameters(k)
            trained, rest = eqx.partition(b, trainable(b))
            return jax.device_get(mixed(trained, rest, x, y, c, axes=len(self.batch_shape)))

    def _once(self, key: Any, compute: Callable[[], Any]) -> Any:
        if key not in self._memory:
            try:
                self._memory[key] = compute()
            except (CheckFailure, Blocked):
                raise
            except Exception as error:
                self._memory[key] = Blocked(f"{key[0]} failed before: {error}")
                raise
        if isinstance(self._memory[key], Blocked):
            raise self._memory[key]
        return self._memory[key]


def _nan_in_row_1(a: np.ndarray) -> np.ndarray:
    a = a.copy()
    a[1] = np.nan
    return a
