"""Layer 1: equations solved numerically, with implicit derivatives."""

from .monotone import as_root, invert_monotone

__all__ = ["as_root", "invert_monotone"]
