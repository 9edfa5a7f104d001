"""Layer 1: conditioners, the networks that supply the parameters of flow layers."""

from .block_autoregressive import BlockAutoregressiveNetwork
from .conditioner import Conditioner
from .incremental import solve_sequentially
from .linearised import linear_solvers
from .made import AutoregressiveNetwork
from .mlp import MLP
from .residual import ResidualMLP

__all__ = [
    "MLP",
    "AutoregressiveNetwork",
    "BlockAutoregressiveNetwork",
    "Conditioner",
    "ResidualMLP",
    "linear_solvers",
    "solve_sequentially",
]
