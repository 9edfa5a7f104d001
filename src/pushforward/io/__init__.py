"""Layer 4: model folders without pickle."""

from .model import data_hash, info, load, load_folder, save
from .names import register

__all__ = ["data_hash", "info", "load", "load_folder", "register", "save"]
