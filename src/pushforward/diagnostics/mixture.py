"""A mixture of Gaussians with full covariances, fitted by expectation maximisation; small and quick, on NumPy."""

import dataclasses
import math

import numpy as np

# Added to the variances, in standardised units.
FLOOR = 1e-6
_TOLERANCE = 1e-3
_BLOCK = 20_000


@dataclasses.dataclass(frozen=True)
class Mixture:
    """p(x) = sum_k w_k N(x | m_k, S_k), held in standardised units.

    Attributes:
        loc: [columns], subtracted from the data.
        scale: [columns], then divided by.
        weights: [k].
        means: [k, columns].
        covariances: [k, columns, columns].
        given: so many last columns are a condition: densities are those of the others given these.
    """

    loc: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    given: int = 0

    @property
    def components(self) -> int:
        """How many Gaussians."""
        return len(self.weights)

    @classmethod
    def gaussian(cls, rows: np.ndarray, given: int = 0) -> "Mixture":
        """One component, with mean and covariance of the rows."""
        rows = np.asarray(rows, np.float64)
        if rows.ndim != 2 or len(rows) < 2 or not 0 <= given < rows.shape[1]:
            raise ValueError(
                f"expected [rows, columns] with two rows at least and more columns than are given ({given}), and got "
                f"shape {rows.shape}"
            )
        loc, scale = np.mean(rows, axis=0), np.std(rows, axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        z = (rows - loc) / scale
        size = z.shape[1]
        covariance = z.T @ z / len(z) + FLOOR * np.eye(size)
        return cls(loc, scale, np.ones(1), np.zeros((1, size)), covariance[None], given)

    def fitted(self, rows: np.ndarray, steps: int) -> "Mixture":
        """After at most so many steps of expectation maximisation on these rows.

        A log density is linear in the products z_i z_j, and so are the moments of a component, so that a step is two
        products of matrices for all components together.
        """
        z = (np.asarray(rows, np.float64) - self.loc) / self.scale
        upper = np.triu_indices(z.shape[1])
        features = np.concatenate([np.ones((len(z), 1)), z, z[:, upper[0]] * z[:, upper[1]]], axis=1)
        mixture, before = self, -math.inf
        for _ in range(steps):
            logs = features @ mixture._coefficients(upper).T
            top = np.max(logs, axis=1, keepdims=True)
            shares = np.exp(logs - top)
            total = np.sum(shares, axis=1, keepdims=True)
            now = float(np.mean(top + np.log(total)))
            mixture = mixture._of_moments((shares / total).T @ features, upper)
            if now - before < _TOLERANCE:
                break
            before = now
        return mixture

    def started(self, rows: np.ndarray, components: int, rng: np.random.Generator) -> "Mixture":
        """Another number of components, where k-means puts them (begun by Arthur and Vassilvitskii's seeding, 2007)."""
        z = (np.asarray(rows, np.float64) - self.loc) / self.scale
        centres = z[rng.integers(len(z))][None]
        nearest = np.sum((z - centres[0]) ** 2, axis=1)
        while len(centres) < components:
            weights = nearest / np.sum(nearest) if np.sum(nearest) > 0 else None
            centres = np.concatenate([centres, z[rng.choice(len(z), p=weights)][None]])
            nearest = np.minimum(nearest, np.sum((z - centres[-1]) ** 2, axis=1))
        for _ in range(10):
            owner = np.argmax(z @ centres.T - 0.5 * np.sum(centres**2, axis=1), axis=1)
            shares = (owner == np.arange(components)[:, None]).astype(np.float64)
            count = np.sum(shares, axis=1, keepdims=True)
            centres = np.where(count > 0, shares @ z / np.maximum(count, 1), centres)
        count = np.maximum(count, 1e-3)
        groups = [z[owner == k] - centres[k] for k in range(components)]
        within = [group.T @ group / c for group, c in zip(groups, count, strict=True)]
        # A cluster of a handful of rows has no covariance of its own: that of all rows gets the weight of a few.
        few = 2.0 / (count[:, :, None] + 2.0)
        covariances = (1 - few) * np.array(within) + few * 0.1 * np.eye(z.shape[1]) + FLOOR * np.eye(z.shape[1])
        weights = count[:, 0] / np.sum(count)
        return dataclasses.replace(self, weights=weights, means=centres, covariances=covariances)

    def log_density(self, rows: np.ndarray) -> np.ndarray:
        """Of each row, in nats and the units of the data."""
        rows = np.asarray(rows, np.float64)
        blocks = [rows[k : k + _BLOCK] for k in range(0, max(len(rows), 1), _BLOCK)]
        return np.concatenate([self._log_density((block - self.loc) / self.scale) for block in blocks])

    def _log_density(self, z: np.ndarray) -> np.ndarray:
        first = z.shape[1] - self.given
        joint = self._log_sum(z, slice(None)) - float(np.sum(np.log(self.scale[:first])))
        return joint - self._log_sum(z, slice(first, None)) if self.given else joint

    def _log_sum(self, z: np.ndarray, part: slice) -> np.ndarray:
        """The log of the sum over components, of the coordinates in `part`."""
        z = z[:, part]
        logs = np.empty((self.components, len(z)))
        for k in range(self.components):
            factor = np.linalg.cholesky(self.covariances[k][part, part])
            white = np.linalg.solve(factor, (z - self.means[k, part]).T)
            constant = 0.5 * z.shape[1] * math.log(2 * math.pi) + float(np.sum(np.log(np.diag(factor))))
            logs[k] = np.log(self.weights[k]) - constant - 0.5 * np.sum(white**2, axis=0)
        top = np.max(logs, axis=0)
        return top + np.log(np.sum(np.exp(logs - top), axis=0))

    def _coefficients(self, upper: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """[k, 1 + columns + products]: the log of each weighted component as a linear form."""
        precision = np.linalg.inv(self.covariances)
        slope = np.einsum("kij,kj->ki", precision, self.means)
        size = self.means.shape[1]
        constant = np.log(self.weights) - 0.5 * (
            size * math.log(2 * math.pi) + np.linalg.slogdet(self.covariances)[1] + np.sum(slope * self.means, axis=1)
        )
        doubled = np.where(upper[0] == upper[1], 0.5, 1.0)
        return np.concatenate([constant[:, None], slope, -doubled * precision[:, upper[0], upper[1]]], axis=1)

    def _of_moments(self, moments: np.ndarray, upper: tuple[np.ndarray, np.ndarray]) -> "Mixture":
        count = np.maximum(moments[:, :1], 1e-10)
        size = self.means.shape[1]
        means = moments[:, 1 : 1 + size] / count
        covariances = np.zeros_like(self.covariances)
        covariances[:, upper[0], upper[1]] = covariances[:, upper[1], upper[0]] = moments[:, 1 + size :] / count
        covariances += FLOOR * np.eye(size) - means[:, :, None] * means[:, None, :]
        weights = count[:, 0] / np.sum(count)
        return dataclasses.replace(self, weights=weights, means=means, covariances=covariances)
