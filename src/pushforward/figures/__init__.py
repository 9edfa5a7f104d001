"""Layer 7: pictures of flows, as functions that return Matplotlib figures.

    from pushforward import figures

    figures.density(flow, x=(-2, 3), y=(-1, 2)).savefig("density.png")
    figures.deformation(key, flow)                       # the plane, layer by layer
    figures.pairs({"data": table, "samples": samples})   # every pair of columns
    figures.training(result.history)
    figures.calibration(flow, held_out)

Each returns a new `matplotlib.figure.Figure` that no window and no global state knows of; `savefig` writes it, and a
notebook shows it. The colours are Okabe and Ito's (2008), which people with any kind of colour vision tell apart.
"""

from .calibrated import calibration
from .deformed import deformation
from .gridded import density
from .paired import pairs
from .trained import training

__all__ = ["calibration", "deformation", "density", "pairs", "training"]
