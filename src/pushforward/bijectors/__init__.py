"""Layer 2: invertible maps, one idea a file."""

from .base import Bijector
from .chain import Chain
from .invert import Invert
from .masked_autoregressive import MaskedAutoregressiveFlow
from .scale import Scale
from .stack import Stack

__all__ = ["Bijector", "Chain", "Invert", "MaskedAutoregressiveFlow", "Scale", "Stack"]
