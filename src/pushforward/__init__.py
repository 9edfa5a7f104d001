"""pushforward: normalizing flows on JAX, from the first bijector to a trained model.

Names are imported on first use (PEP 562), so that `import pushforward` costs nothing.

    fit, FitResult            train a flow
    save, load, register      model folders without pickle
    check                     a certificate of a flow on your data
    freeze, unfreeze, trainable   what trains
    bijectors, distributions, flows, nets, training, testing, diagnostics, io,
    data, estimators, figures, inference, interop, report  the parts

The command `pushforward` is in `cli`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._garbage import seldom_collected
from ._version import __version__

if TYPE_CHECKING:
    from . import (
        bijectors,
        core,
        data,
        diagnostics,
        distributions,
        estimators,
        figures,
        flows,
        inference,
        interop,
        io,
        nets,
        report,
        solvers,
        testing,
        training,
    )
    from .core import freeze, trainable, unfreeze
    from .diagnostics import check
    from .io import load, register, save
    from .training import FitResult, fit

_PACKAGES = (
    "bijectors", "core", "data", "diagnostics", "distributions", "estimators", "figures", "flows", "inference",
    "interop", "io", "nets", "report", "solvers", "testing", "training",
)  # fmt: skip
_NAMES = {
    "FitResult": "training",
    "check": "diagnostics",
    "fit": "training",
    "freeze": "core",
    "load": "io",
    "register": "io",
    "save": "io",
    "trainable": "core",
    "unfreeze": "core",
}

__all__ = [
    "FitResult", "__version__", "bijectors", "check", "core", "data", "diagnostics", "distributions", "estimators",
    "figures", "fit", "flows", "freeze", "inference", "interop", "io", "load", "nets", "register", "report", "save",
    "solvers", "testing", "trainable", "training", "unfreeze",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    package = _NAMES.get(name, name)
    if package in _PACKAGES:
        with seldom_collected():
            module = import_module(f".{package}", __name__)
        return getattr(module, name) if name in _NAMES else module
    raise AttributeError(f"module 'pushforward' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
