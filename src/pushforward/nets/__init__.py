"""Layer 1: conditioners, the networks that supply the parameters of flow layers."""

from .incremental import solve_sequentially
from .made import AutoregressiveNetwork

__all__ = ["AutoregressiveNetwork", "solve_sequentially"]
