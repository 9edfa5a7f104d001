"""`jax.jit` with options of the compiler, for programs where its defaults compile too long or too much.

The options are the compiler's own affair and change with it, so they are used only where it knows them.
"""

from collections.abc import Callable
from functools import cache, cached_property, update_wrapper
from typing import Any

import jax
import numpy as np

from .._garbage import seldom_collected

# A program that runs once or twice: most of its time is the compiler's.
RUNS_ONCE = (("xla_backend_optimization_level", 0),)
# A program that runs for long. LLVM's level 2 takes a tenth less time to compile than its level 3, and on CPUs the
# steps of 3 x MAF(128, 128) a twentieth less to run.
RUNS_LONG = (("xla_backend_optimization_level", 2), ("xla_cpu_parallel_codegen_split_count", 8))

Options = tuple[tuple[str, Any], ...]
_NOTHING = np.zeros((), np.int32)


@cache
def known(options: Options) -> dict[str, Any] | None:
    """The options as a dict; None where the compiler at hand does not know them."""
    try:
        jax.jit(lambda: 0, compiler_options=dict(options))()
    except (ValueError, RuntimeError):
        return None
    return dict(options)


class Compiled:
    """A jitted function with compiler options, made on the first call, so that importing starts no backend.

    While another program is traced it is the plain function, part of that program: options are those of a whole one.

    Args:
        fn: the function.
        options: of the compiler.
        arguments: of `jax.jit`.
    """

    def __init__(self, fn: Callable[..., Any], options: Options, **arguments: Any):
        self._fn, self._options, self._arguments = fn, options, arguments
        update_wrapper(self, fn)

    @cached_property
    def _jitted(self) -> Any:
        return jax.jit(self._fn, compiler_options=known(self._options), **self._arguments)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if _is_traced():
            return self._fn(*args, **kwargs)
        with seldom_collected():
            return self._jitted(*args, **kwargs)

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """As of a jitted function."""
        with seldom_collected():
            return self._jitted.lower(*args, **kwargs)


def _is_traced() -> bool:
    # Under a trace every operation is part of it, also one on a constant; this one compiles nothing outside.
    return isinstance(jax.device_put(_NOTHING), jax.core.Tracer)


def compiled(options: Options, **arguments: Any) -> Callable[[Callable[..., Any]], Compiled]:
    """The decorator `jax.jit(..., compiler_options=options, **arguments)`."""
    return lambda fn: Compiled(fn, options, **arguments)
