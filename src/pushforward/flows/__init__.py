"""Layer 5: recipes, one factory an architecture, all alike.

    flow = flows.maf(key, dim, condition_dim=None, layers=5, hidden_units=(64, 64), ...)

Each returns a `TransformedDistribution` on R^dim, or with `condition_dim` a `ConditionalDistribution`, whose call
`flow(c)` gives one. Recipes hold no mathematics: they put bijectors together.
"""

from .bernstein import bernstein
from .bnaf import bnaf
from .circular import circular
from .default import default
from .gaussianization import gaussianization
from .iaf import iaf
from .made import made
from .maf import maf
from .maf_mog import maf_mog
from .mixture import mixture
from .mlp import mlp
from .naf import naf
from .nice import nice
from .planar import planar
from .radial import radial
from .realnvp import realnvp
from .spline_autoregressive import spline_autoregressive
from .spline_coupling import spline_coupling
from .sum_of_squares import sum_of_squares
from .sylvester import sylvester
from .umnn import umnn

__all__ = [
    "bernstein",
    "bnaf",
    "circular",
    "default",
    "gaussianization",
    "iaf",
    "made",
    "maf",
    "maf_mog",
    "mixture",
    "mlp",
    "naf",
    "nice",
    "planar",
    "radial",
    "realnvp",
    "spline_autoregressive",
    "spline_coupling",
    "sum_of_squares",
    "sylvester",
    "umnn",
]
