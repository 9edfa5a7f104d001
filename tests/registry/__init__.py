"""The registry of the generic suite: all `ENTRIES` of the modules in this folder. The format is described in `base`."""

import pkgutil
from importlib import import_module

from .base import Entry

MODULES = [
    import_module(f"{__name__}.{name}")
    for name in sorted(m.name for m in pkgutil.iter_modules(__path__))
    if name != "base"
]
ENTRIES: list[Entry] = [entry for module in MODULES for entry in module.ENTRIES]

__all__ = ["ENTRIES", "MODULES", "Entry"]
