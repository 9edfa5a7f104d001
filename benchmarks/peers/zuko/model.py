"""Zuko's masked autoregressive flow: affine (MAF) or 8-bin spline (NSF), order reversed."""

from __future__ import annotations

import torch
import zuko

from benchmarks.common import BINS

PACKAGES = ("zuko", "torch")


def build(kind: str, dim: int, hidden: list[int], layers: int) -> torch.nn.Module:
    """Zuko alternates the order of the features by itself."""
    sizes = {"transforms": layers, "hidden_features": hidden, "activation": torch.nn.ReLU}
    if kind == "affine":
        return zuko.flows.MAF(dim, **sizes)
    return zuko.flows.NSF(dim, bins=BINS, **sizes)


def log_prob(flow: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Log density of each row."""
    return flow().log_prob(x)


def sample(flow: torch.nn.Module, n: int) -> torch.Tensor:
    """Draw ``n`` rows."""
    return flow().sample((n,))
