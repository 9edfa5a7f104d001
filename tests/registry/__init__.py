"""The registry of the generic suite: all `ENTRIES` of the modules in this folder. The format is described in `base`."""

import pkgutil
from importlib import import_module

from .base import Entry

ENTRIES: list[Entry] = [
    entry
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name != "base")
    for entry in import_module(f"{__name__}.{module}").ENTRIES
]

__all__ = ["ENTRIES", "Entry"]
