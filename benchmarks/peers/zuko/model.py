"""Zuko's flows: affine (MAF, RealNVP) or 8-bin spline (NSF, and couplings of the same transform)."""

from __future__ import annotations

import torch
import zuko

from benchmarks.common import BINS

PACKAGES = ("zuko", "torch")


def build(kind: str, dim: int, hidden: list[int], layers: int) -> torch.nn.Module:
    """Zuko alternates the order of the features, or the mask of the couplings, by itself."""
    sizes = {"transforms": layers, "hidden_features": hidden, "activation": torch.nn.ReLU}
    if kind == "affine":
        return zuko.flows.MAF(dim, **sizes)
    if kind == "spline":
        return zuko.flows.NSF(dim, bins=BINS, **sizes)
    if kind == "affine_coupling":
        return zuko.flows.RealNVP(dim, **sizes)
    shapes = [(BINS,), (BINS,), (BINS - 1,)]
    return zuko.flows.RealNVP(dim, univariate=zuko.transforms.MonotonicRQSTransform, shapes=shapes, **sizes)


def log_prob(flow: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Log density of each row."""
    return flow().log_prob(x)


def sample(flow: torch.nn.Module, n: int) -> torch.Tensor:
    """Draw ``n`` rows."""
    return flow().sample((n,))


def round_trip(flow: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """From data to latents and back."""
    transform = flow().transform
    return transform.inv(transform(x))
