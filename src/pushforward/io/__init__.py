"""Layer 4: model folders without pickle."""

from .model import data_hash, info, load, save
from .names import register

__all__ = ["data_hash", "info", "load", "register", "save"]
