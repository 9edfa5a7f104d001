"""Scalar maps at 50 digits: all `MAPS` of the modules in this folder. The format is described in `base`."""

import pkgutil
from importlib import import_module

from .base import ScalarMap

MAPS: list[ScalarMap] = [
    entry
    for name in sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name != "base")
    for entry in import_module(f"{__name__}.{name}").MAPS
]

__all__ = ["MAPS", "ScalarMap"]
