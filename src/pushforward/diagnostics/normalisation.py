"""Whether a density integrates to one, from its own draws and those of a rival: bridge sampling (Meng & Wong 1996).

With draws x of the flow p and y of a normalised density q, r = the integral of p is the root of

    r = mean_y[ p / (p + r q) ] / mean_x[ q / (p + r q) ]

for equal numbers of draws: the estimate of least variance from both. Unlike E_q[p / q] it bears tails of p heavier than
q's, and unlike E_p[q / p] lighter ones. It is valid in any dimension and whatever q is, but says something only where
the two overlap; the standard error and the overlap tell, and below an overlap of 50 draws the verdict is left open.

So q has to be near p. It is a mixture, half of it the Gaussian with the flow's mean and covariance, half of it
Gaussians around draws x_k of the flow, each shaped by the flow's own Jacobian there, dx = J_k h e. In the latents these
are balls of radius h around draws of the base, which cover it well up to ten dimensions or so. If the Jacobians are
wrong, q is another density that still integrates to one; the estimate stays valid.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

LEAST_OVERLAP = 50.0
# In more dimensions so many balls no longer cover the base.
MOST_DIMENSIONS, KERNELS = 16, 256


@dataclasses.dataclass(frozen=True)
class Integral:
    """log of the integral, its standard error, and the number of draws on which the estimate rests."""

    log: float
    error: float
    overlap: float


def log_integral(
    draws: np.ndarray,
    log_density: Callable[[np.ndarray], np.ndarray],
    latents: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None,
    rng: np.random.Generator,
) -> Integral:
    """The log of the integral of a density.

    Args:
        draws: from it, shape [draws | coordinates]; the first half shapes the rival, the second half is used.
        log_density: of rows of coordinates.
        latents: for rows of coordinates the latents and the Jacobians dz/dx; None to do without.
        rng: draws from the rival.
    """
    half = len(draws) // 2
    fit, ours = np.asarray(draws[:half], np.float64), np.asarray(draws[half : 2 * half], np.float64)
    rivals: list[_Gaussian | _Kernels] = [_Gaussian(fit)]
    if latents is not None and fit.shape[1] <= MOST_DIMENSIONS:
        centres = draws[: min(KERNELS, half)]
        kernels = _Kernels(np.asarray(centres, np.float64), *latents(centres))
        rivals += [kernels] if len(kernels.centres) else []
    theirs = np.concatenate([r.sample(rng, half // len(rivals)) for r in rivals])
    with np.errstate(all="ignore"):
        at_ours, at_theirs = (
            np.asarray(log_density(x), np.float64)
            - np.logaddexp.reduce([r.log_density(x) - math.log(len(rivals)) for r in rivals])
            for x in (ours, theirs)
        )
    if np.any(np.isnan(at_ours)) or np.any(np.isnan(at_theirs)):
        return Integral(math.nan, math.inf, 0.0)
    return _bridge(at_ours, at_theirs)


def _bridge(at_ours: np.ndarray, at_theirs: np.ndarray) -> Integral:
    """The integral from log (p / q) at draws of p and of q."""
    log_r = 0.0
    for _ in range(200):
        from_theirs, from_ours = _expit(at_theirs - log_r), _expit(log_r - at_ours)
        if np.mean(from_theirs) == 0 or np.mean(from_ours) == 0:
            return Integral(math.nan, math.inf, 0.0)
        step = float(np.log(np.mean(from_theirs)) - np.log(np.mean(from_ours)))
        log_r += step
        if abs(step) < 1e-9:
            break
    variances = [np.var(f) / (len(f) * np.mean(f) ** 2) for f in (from_theirs, from_ours)]
    overlap = min(float(np.sum(f)) for f in (from_theirs, from_ours))
    return Integral(log_r, math.sqrt(sum(variances)), overlap)


class _Gaussian:
    def __init__(self, x: np.ndarray):
        self.mean = np.mean(x, axis=0)
        covariance = np.atleast_2d(np.cov(x, rowvar=False))
        # A little of the diagonal keeps it positive where there are few draws for the number of coordinates.
        shrink = min(1.0, (x.shape[1] + 1) / len(x))
        covariance = (1 - shrink) * covariance + shrink * np.diag(np.diag(covariance))
        tiny = np.finfo(np.float64).tiny
        self.cholesky = np.linalg.cholesky(covariance + np.diag(1e-12 * np.diag(covariance) + tiny))

    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return self.mean + rng.standard_normal((count, len(self.mean))) @ self.cholesky.T

    def log_density(self, x: np.ndarray) -> np.ndarray:
        white = np.linalg.solve(self.cholesky, (x - self.mean).T)
        log_det = np.sum(np.log(np.diag(self.cholesky)))
        return -0.5 * np.sum(white**2, axis=0) - log_det - 0.5 * len(self.mean) * math.log(2 * math.pi)


class _Kernels:
    """Gaussians around draws of the flow, spheres of radius `width` in the latents (in units of their spread)."""

    def __init__(self, centres: np.ndarray, z: np.ndarray, jacobians: np.ndarray):
        count, dim = centres.shape
        deviation = np.std(np.asarray(z, np.float64), axis=0)
        width = count ** (-1 / (dim + 4))  # the usual bandwidth of a kernel estimate
        with np.errstate(all="ignore"):
            whiten = np.asarray(jacobians, np.float64) / (width * deviation[:, None])
            log_det = np.linalg.slogdet(whiten)[1]
            usable = np.isfinite(log_det) & np.all(np.isfinite(whiten), axis=(1, 2))
            usable[usable] &= np.linalg.cond(whiten[usable]) < 1e12
        self.centres, self.whiten, self.log_det = centres[usable], whiten[usable], log_det[usable]

    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        which = rng.integers(len(self.centres), size=count)
        noise = rng.standard_normal((count, self.centres.shape[1], 1))
        return self.centres[which] + np.linalg.solve(self.whiten[which], noise)[..., 0]

    def log_density(self, x: np.ndarray) -> np.ndarray:
        # whiten (x - centre) as a difference of two products, one row of x at a time against all kernels.
        moved = np.einsum("kij,kj->ki", self.whiten, self.centres)
        constant = self.log_det - 0.5 * x.shape[1] * math.log(2 * math.pi) - math.log(len(self.centres))
        out = np.empty(len(x))
        for start in range(0, len(x), 256):
            white = np.einsum("kij,nj->nki", self.whiten, x[start : start + 256]) - moved
            out[start : start + 256] = np.logaddexp.reduce(constant - 0.5 * np.sum(white**2, axis=-1), axis=1)
        return out


def _expit(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0.0, -x))
