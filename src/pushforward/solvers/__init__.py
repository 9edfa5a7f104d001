"""Layer 1: equations solved numerically, with implicit derivatives."""

from .monotone import invert_monotone

__all__ = ["invert_monotone"]
