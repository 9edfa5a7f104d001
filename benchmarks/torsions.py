"""Torsion angles of proteins (phi, psi): circular coordinates beside a von Mises mixture and beside none.

    PUSHFORWARD_DATA=... python -m benchmarks.torsions [--seeds 0 1 2] [--epochs 60]

84,013 residues with both angles, two decimals in radians, dequantised by uniform noise of a step (seed 0), then split
by `RandomState(seed)` into 80 % to train, 10 % to validate and 10 % to test. All densities are on the torus, in nats:

    circular       flows.circular
    line           the same couplings with `angles=(False, False)`, splines on [-pi, pi] from the same uniform base:
                   nothing is lost outside, and the density may jump at the seam
    von Mises      mixtures of products of von Mises densities, 5 to 60 components by EM, chosen on validation rows

The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import jax
import numpy as np
from scipy.special import i0e, logsumexp

import pushforward as pf
from pushforward import flows
from pushforward.distributions import AnglesAndNormals


def angles() -> np.ndarray:
    """(84013, 2) in [-pi, pi)."""
    folder = os.environ.get("PUSHFORWARD_DATA", "")
    path = Path(folder) / "torsions" / "top500_phi_psi.npz"
    if not folder or not path.exists():
        sys.exit("Set PUSHFORWARD_DATA to the folder that holds torsions/top500_phi_psi.npz.")
    with np.load(path) as stored:
        x = stored["phi_psi"].astype(np.float64)
    x = x[np.isfinite(x).all(1)]
    x = x + np.random.RandomState(0).uniform(-0.005, 0.005, x.shape)
    return (x + np.pi) % (2 * np.pi) - np.pi


def split(x: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training, validation and test rows."""
    x = x[np.random.RandomState(seed).permutation(len(x))]
    a, b = int(0.8 * len(x)), int(0.9 * len(x))
    return x[:a], x[a:b], x[b:]


def von_mises_log_density(x: np.ndarray, log_weights: np.ndarray, mean: np.ndarray, kappa: np.ndarray) -> np.ndarray:
    """log of w_k prod_d exp(kappa cos(x_d - mean)) / (2 pi I0(kappa)), shape [rows, components]."""
    cosine = np.cos(x[:, None, :] - mean) - 1
    return log_weights + np.sum(kappa * cosine - np.log(2 * np.pi * i0e(kappa)), axis=-1)


def von_mises_mixture(x: np.ndarray, components: int, seed: int, steps: int = 200) -> tuple[np.ndarray, ...]:
    """Maximum likelihood by EM (Banerjee et al. 2005, the approximation of kappa in eq. 4.4 for the circle)."""
    rng = np.random.RandomState(seed)
    mean = x[rng.choice(len(x), components, replace=False)]
    kappa = np.full((components, 2), 10.0)
    log_weights = np.full(components, -np.log(components))
    point = np.stack([np.cos(x), np.sin(x)], -1)
    for _ in range(steps):
        log_p = von_mises_log_density(x, log_weights, mean, kappa)
        share = np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True))
        total = share.sum(0) + 1e-9
        resultant = np.einsum("nk,ndc->kdc", share, point) / total[:, None, None]
        length = np.clip(np.linalg.norm(resultant, axis=-1), 1e-6, 1 - 1e-6)
        mean = np.arctan2(resultant[..., 1], resultant[..., 0])
        kappa = np.minimum(length * (2 - length**2) / (1 - length**2), 2000.0)
        log_weights = np.log(total / total.sum())
    return log_weights, mean, kappa


def best_mixture(train: np.ndarray, validation: np.ndarray, test: np.ndarray, seed: int) -> dict:
    """Test NLL of the mixture that is best on validation rows."""
    start = time.perf_counter()
    found = []
    for components in (5, 10, 20, 40, 60):
        fitted = von_mises_mixture(train[:20_000], components, seed)
        nll = [-float(np.mean(logsumexp(von_mises_log_density(x, *fitted), axis=1))) for x in (validation, test)]
        found.append((nll[0], nll[1], components))
    best = min(found)
    return {"nll": best[1], "components": best[2], "seconds": time.perf_counter() - start}


def fitted_flow(
    train: np.ndarray, validation: np.ndarray, test: np.ndarray, seed: int, epochs: int, circle: bool
) -> dict:
    """Test NLL of the flow; the two are the same but for `angles`."""
    start = time.perf_counter()
    flow = flows.circular(
        jax.random.key(seed), 2, angles=(circle, circle), base=AnglesAndNormals((True, True)), bound=np.pi,
        bins=16, layers=4, hidden_units=(64, 64),
    )  # fmt: skip
    rows = np.concatenate([train, validation]).astype(np.float32)
    result = pf.fit(
        jax.random.key(seed), flow, rows, epochs=epochs, batch_size=512, learning_rate=2e-3,
        validation_fraction=len(validation) / len(rows), progress=False,
    )  # fmt: skip
    log_prob = np.asarray(jax.jit(lambda model, x: model.log_prob(x))(result.model, test.astype(np.float32)))
    return {"nll": -float(np.mean(log_prob)), "seconds": time.perf_counter() - start}


def main() -> None:
    """Print a line a model and seed, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=60)
    given = parser.parse_args()
    x = angles()
    results: dict[str, list[float]] = {"circular": [], "line": [], "von Mises": []}
    for seed in given.seeds:
        parts = split(x, seed)
        runs = {
            "von Mises": best_mixture(*parts, seed),
            "circular": fitted_flow(*parts, seed, given.epochs, True),
            "line": fitted_flow(*parts, seed, given.epochs, False),
        }
        for name, run in runs.items():
            results[name].append(run["nll"])
            print(f"seed {seed}  {name:10} {run}", flush=True)
    print(json.dumps({name: {"median": float(np.median(nll)), "runs": nll} for name, nll in results.items()}))


if __name__ == "__main__":
    main()
