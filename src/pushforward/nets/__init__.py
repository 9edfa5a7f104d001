"""Layer 1: conditioners, the networks that supply the parameters of flow layers."""

from .block_autoregressive import BlockAutoregressiveNetwork
from .conditioner import Conditioner
from .incremental import solve_sequentially
from .linearised import linear_solvers
from .made import AutoregressiveNetwork
from .masks import Masks, draw_masks
from .mlp import MLP
from .on_angles import OnAngles
from .residual import ResidualMLP

__all__ = [
    "MLP",
    "AutoregressiveNetwork",
    "BlockAutoregressiveNetwork",
    "Conditioner",
    "Masks",
    "OnAngles",
    "ResidualMLP",
    "draw_masks",
    "linear_solvers",
    "solve_sequentially",
]
