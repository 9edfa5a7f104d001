"""The format of the registry: one `Entry` a class, from which the generic suite makes its tests.

Adding a bijector takes four edits: its file, its line in `pushforward/bijectors/__init__.pyi`, its family in
`docs/_catalogue/families.py`, and an entry here. Put
the entry into a module of this folder, in a list named `ENTRIES` (any file name; it is found by itself):

    from pushforward.bijectors import Sigmoid
    from .base import Entry

    ENTRIES = [
        Entry(
            Sigmoid,
            cases={
                "default": lambda key: Sigmoid(),
                "trained": lambda key: Sigmoid(low=-1.5, high=jnp.array([0.5, 2.0, 7.0])),
            },
            event_shape=(),
        ),
    ]

and run `pytest tests/generic -k Sigmoid`. The suite takes every case through all checks of `pushforward.testing` in
float32 and in float64, at the parameters as built and at perturbed ones. A case is built under 32-bit types; for the
float64 checks its parameters are cast. A class has at least two cases over all its entries: as built, and one that
looks trained (parameters of sizes that training gives, different in every coordinate). Where cases need different event
shapes or conditions, write several entries of the same class and tell them apart by `label`.

Sizes: keep events at 2 to 5 numbers and networks at 8 units. Compiling is what takes the time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import jax

from pushforward.bijectors import Bijector


@dataclass(frozen=True)
class Entry:
    """How the suite meets one class.

    Args:
        bijector: the class.
        cases: name -> function of a key that builds an instance. A conditional one is built unbound.
        event_shape: shape of one event on the input side of `forward`, at the minimum rank (`()` for a scalar map); a
            pytree of shapes where events are pytrees. A scalar map whose parameters have a shape, say (3,), is still of
            event shape (); its parameters then carry batch axes: give `batch_shape=(3,)`.
        batch_shape: batch axes that the parameters carry, one shape for all cases of the entry.
        condition_dim: size of the condition of a conditional map, else None.
        label: to tell several entries of one class apart.
        draw: (key, batch shape) -> valid inputs of shape batch + event, ordinary ones. Default: standard normals taken
            into the domain.
        draw_output: the same for the output side. Default: standard normals taken into the codomain; where the codomain
            has no such map, images of drawn inputs.
        extremes: numbers at which, on the input side, values and gradients must still be finite; they are put into some
            coordinates and some rows of an otherwise ordinary batch. Default: ±1e3, ±30, ±1e-8 and 0 on the real line,
            else points from the edges of the domain to far out. State them where the formula itself overflows, as for
            the exponential: `extremes=(-80.0, -1e-8, 80.0)`.
        output_extremes: the same for the inverse.
        float64, float32: tolerances of round trips, log-dets against autodiff, and float32 against float64, as error /
            (1 + size). Defaults 1e-9 and 2e-4: some hundred roundings of a well-conditioned formula; 1e-6 and 1e-3
            where `numerical`.
        reason: why a tolerance differs from the default. Required then.
        structure: boolean matrix [output, input] of a flattened event, or a function of the bijector that gives it:
            False where the Jacobian is exactly zero. Default: not checked.
        coordinates: where events have more numbers than degrees of freedom (a simplex), functions that pick independent
            ones, (of an input event, of an output event), None for all: `(None, drop_last)`. Name the functions at
            module level, so that cases share compiled programs. Where both sides have them, they are entries that move
            freely (the lower triangles of two matrices).
        surface: the output lies on a surface (a sphere), and the log-det is that of its area, half of log det J^T J.
        conditioned: booleans over the flattened output event: which outputs depend on the condition. Default: all.
        numerical: the inverse (or forward) is found by a solve, so that eager, jitted, batched and looped calls agree
            to the tolerances above instead of a tenth of them.
        perturbation: standard deviation of the noise added to the trained leaves for the further parameter draws.
        exempt: name of a check -> why it does not apply. Every line here is a hole in the net; give the reason.
        slow: its cases take more than some seconds to compile, and run among the slow tests.
    """

    bijector: type[Bijector]
    cases: Mapping[str, Callable[[jax.Array], Bijector]]
    event_shape: Any = ()
    batch_shape: tuple[int, ...] = ()
    condition_dim: int | None = None
    label: str = ""
    draw: Callable[[jax.Array, tuple[int, ...]], Any] | None = None
    draw_output: Callable[[jax.Array, tuple[int, ...]], Any] | None = None
    extremes: tuple[float, ...] | None = None
    output_extremes: tuple[float, ...] | None = None
    float64: float | None = None
    float32: float | None = None
    reason: str = ""
    structure: Any = None
    coordinates: tuple[Any, Any] = (None, None)
    surface: bool = False
    conditioned: Any = True
    numerical: bool = False
    perturbation: float = 0.1
    exempt: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False

    def __post_init__(self):
        if (self.float64, self.float32) != (None, None) and not self.reason:
            raise ValueError(f"the entry of {self.bijector.__name__} has its own tolerances: give the reason")

    def arguments(self) -> dict[str, Any]:
        """The fields that are arguments of `check_bijector`."""
        own = {"bijector", "cases", "label", "reason", "slow"}
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in own}

    @property
    def name(self) -> str:
        """What tests are called."""
        return self.bijector.__name__ + (f"[{self.label}]" if self.label else "")
