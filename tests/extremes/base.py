"""The format of `tests/extremes`: one `ScalarMap` a scalar bijector, which says in mpmath what it should compute.

Put the entry into a module of this folder, in a list named `MAPS` (any file name; it is found by itself):

    import mpmath as mp
    from pushforward.bijectors import Expm1
    from .base import INF, ScalarMap

    MAPS = [
        ScalarMap(
            "Expm1",
            build=Expm1,
            forward=mp.expm1,
            log_derivative=lambda x: x,
            inverse=mp.log1p,
            codomain=(-1, INF),
        ),
    ]

and run `pytest tests/test_extremes.py -k Expm1 -n0`. The test takes some 200 inputs over the range of float32 (zeros,
subnormals, infinities, the ends of the domain and their neighbours, powers of two and ten, random ones) to 50 digits.

The functions get an `mpf` inside the open domain (codomain) and return an `mpf`; they need not know infinity or the
ends, where the test takes their limits. At 50 digits they may still cancel: write `-2 * mp.log(mp.cosh(x))`, not
`mp.log(1 - mp.tanh(x) ** 2)`, which is log 0 at x = 60. `exp` below is `mp.exp`, but safe to nest: mpmath never comes
back from exp(exp(1e38)). Parameters: use numbers that float32 has (0.25, 1.5), or `single(0.3)`, the number that the
bijector sees.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import mpmath as mp
import numpy as np

from pushforward.bijectors import Bijector

QUANTITIES = ("forward", "forward_log_det", "inverse", "inverse_log_det")
INF = float("inf")


def single(value: float) -> mp.mpf:
    """The float32 nearest to `value`, exactly."""
    return mp.mpf(float(np.float32(value)))


def exp(x: mp.mpf) -> mp.mpf:
    """e^x; beyond 10^12 no larger, and below -10^12 no smaller, than there."""
    return mp.exp(max(min(x, mp.mpf(10) ** 12), -(mp.mpf(10) ** 12)))


@dataclass(frozen=True)
class ScalarMap:
    """What one scalar bijector should compute.

    Args:
        name: of the class, with the setting after it where there are several: "Softplus of softness 0.25".
        build: makes the instance (parameters are scalars).
        forward: x -> y.
        log_derivative: x -> log |dy/dx|.
        inverse: y -> x.
        inverse_log_derivative: y -> log |dx/dy|, for where inverse(y) has lost what it needs at 50 digits (a sigmoid
            beyond 115 is 1). Default: -log_derivative(inverse(y)).
        domain, codomain: their ends. Inputs outside are not tried.
        ulps: quantity (`QUANTITIES`) -> allowed error in units in the last place of the true value; default 8. A
            function of the input where it is not the same everywhere. What is below the smallest normal number,
            1.2e-38, may be flushed to zero.
        sizes: quantity -> a size that its error may be relative to besides its own: y = low + ... keeps the absolute
            precision of `low` near its zero.
        reason: why a tolerance differs from the default. Required then.
        points: more inputs of `forward`, at which the formula changes its branch, say; tried with their neighbours, and
            their images are inputs of `inverse`.
    """

    name: str
    build: Callable[[], Bijector]
    forward: Callable[[mp.mpf], mp.mpf]
    log_derivative: Callable[[mp.mpf], mp.mpf]
    inverse: Callable[[mp.mpf], mp.mpf]
    inverse_log_derivative: Callable[[mp.mpf], mp.mpf] | None = field(default=None, kw_only=True)
    domain: tuple[float, float] = (-INF, INF)
    codomain: tuple[float, float] = (-INF, INF)
    ulps: Mapping[str, float | Callable[[float], float]] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    points: Sequence[float] = ()

    def __post_init__(self):
        given = {*self.ulps, *self.sizes}
        assert given <= set(QUANTITIES), f"{self.name}: tolerances are of {QUANTITIES}, not of {sorted(given)}"
        assert bool(self.reason) == bool(given), f"{self.name}: a tolerance needs a reason, and a reason one"

    def __str__(self):
        return self.name
