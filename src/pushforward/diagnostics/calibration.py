"""Is a density right? Held-out rows against it, by the tests of Kolmogorov and Smirnov."""

import dataclasses
import math

import numpy as np

_EXACT_ROWS = 500


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What the tests of several quantities say together.

    Attributes:
        values: [rows, quantities], what was tested: of `calibration`, the probability integral transform.
        statistic: of each quantity, the largest difference of two distribution functions.
        p_value: the probability of a larger one if all is right.
        corrected: the same, corrected for their number (Holm 1979): below 0.01 somewhere in one of a hundred reports.
    """

    values: np.ndarray
    statistic: np.ndarray
    p_value: np.ndarray
    corrected: np.ndarray

    @property
    def overall(self) -> float:
        """One p-value for all quantities together: the least corrected one."""
        return float(np.min(self.corrected, initial=1.0))


def pit(z: np.ndarray) -> np.ndarray:
    """u = Phi(z), Phi the standard normal distribution function: uniform on [0, 1] if z is standard normal."""
    z = np.asarray(z, np.float64)
    return 0.5 * np.asarray(np.frompyfunc(math.erfc, 1, 1)(-z / math.sqrt(2.0)), np.float64)


def distance_pit(z: np.ndarray) -> np.ndarray:
    """u = F(|z|^2), F the chi-squared distribution function with D degrees: uniform if z [rows, D] is standard normal.

    With h = |z|^2 / 2,  1 - F = exp(-h) sum_{k < D/2} h^k / k!  for even D, and for odd D  erfc(sqrt h) + exp(-h)
    sum_{k <= (D-1)/2} h^(k-1/2) / Gamma(k + 1/2)  (Abramowitz and Stegun 1964, 26.4.4, 26.4.5).
    """
    z = np.asarray(z, np.float64)
    half = np.clip(0.5 * np.sum(z**2, axis=1), 1e-300, 1e300)
    size = z.shape[1]
    powers = np.arange(size // 2) + (size % 2) / 2
    above = 0.0 if size % 2 == 0 else np.asarray(np.frompyfunc(math.erfc, 1, 1)(np.sqrt(half)), np.float64)
    for power in powers:
        above = above + np.exp(power * np.log(half) - half - math.lgamma(power + 1))
    return np.clip(1.0 - above, 0.0, 1.0)


def calibration(latents: np.ndarray, *, distance: bool = False) -> Calibration:
    """Test each coordinate of a flow's latents for the standard normal distribution.

    If the flow is the distribution of the rows, the latents of rows that it has not seen are independent standard
    normal numbers. Coordinate i is the conditional of one column only where no layer mixes columns.

    Args:
        latents: [rows, coordinates] of rows that were held out; rows that are not finite count as most extreme.
        distance: test, last, the distance of a row from the origin too, if there are several coordinates.
    """
    z = np.nan_to_num(np.asarray(latents, np.float64), nan=np.inf, posinf=np.inf, neginf=-np.inf)
    if z.ndim != 2 or not len(z):
        raise ValueError(f"calibration expects latents of shape [rows, coordinates] with a row, and got {z.shape}")
    if distance and z.shape[1] > 1:
        return uniformity(np.column_stack([pit(z), distance_pit(z)]))
    return uniformity(pit(z))


def uniformity(u: np.ndarray) -> Calibration:
    """Test each column of `u`, [rows, quantities], for the uniform distribution on [0, 1]."""
    statistic = np.array([_distance_to_uniform(column) for column in u.T])
    p_value = np.array([ks_p_value(d, len(u)) for d in statistic])
    return Calibration(u, statistic, p_value, holm(p_value))


def two_samples(first: np.ndarray, second: np.ndarray) -> Calibration:
    """Test column by column whether two tables come from one distribution.

    Args:
        first: [rows, columns].
        second: [other rows, columns].

    The p-value is that of the one-sample test with n m / (n + m) rows; with ties, as of whole numbers, it is too large.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or not len(first) or not len(second):
        raise ValueError(
            f"two_samples expects two tables of the same columns with a row each, and got {first.shape} and "
            f"{second.shape}"
        )
    rows = round(len(first) * len(second) / (len(first) + len(second)))
    statistic = np.array([_distance(a, b) for a, b in zip(first.T, second.T, strict=True)])
    p_value = np.array([ks_p_value(d, max(rows, 1)) for d in statistic])
    return Calibration(first, statistic, p_value, holm(p_value))


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values corrected for their number n: the smallest times n, the next times n - 1, and so on (Holm 1979)."""
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return corrected


def ks_p_value(statistic: float, rows: int) -> float:
    """P(D_n >= d), D_n the largest difference of the empirical distribution of n rows to the true, continuous one.

    Exact for small probabilities and for few rows, else within 0.0001.

    Sources: the one-sided distribution of Birnbaum and Tingey (1951), twice which is P to a relative error of about
    p^3; the matrix power of Durbin (1973) in the form of Marsaglia, Tsang and Wang (2003); else the limit of Kolmogorov
    (1933) with the correction of Vrbik (2018).
    """
    d, n = float(statistic), int(rows)
    if d >= 1.0:
        return 0.0
    if n * d <= 0.5:
        return 1.0
    tail = 2.0 * _one_sided(d, n)
    if tail < 0.02:
        return tail
    if n <= _EXACT_ROWS:
        return min(1.0, max(0.0, 1.0 - _durbin(d, n)))
    x = math.sqrt(n) * d
    x += 1 / (6 * math.sqrt(n)) + (x - 1) / (4 * n)
    if x < 0.2:
        return 1.0
    return min(1.0, max(0.0, 2.0 * sum((-1) ** (k - 1) * math.exp(-2.0 * (k * x) ** 2) for k in range(1, 30))))


def _one_sided(d: float, n: int) -> float:
    """P(D_n^+ >= d) = sum_j C(n, j) d (d + j/n)^(j-1) (1 - d - j/n)^(n-j),  j = 0..floor(n (1 - d))."""
    j = np.arange(math.floor(n * (1.0 - d)) + 1, dtype=np.float64)
    rest = 1.0 - d - j / n
    j, rest = j[rest > 0], rest[rest > 0]
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, n + 1)))])
    k = j.astype(np.int64)
    log_terms = log_factorial[n] - log_factorial[k] - log_factorial[n - k]
    log_terms += (j - 1) * np.log(d + j / n) + (n - j) * np.log(rest)
    return float(d * np.sum(np.exp(log_terms)))


def _durbin(d: float, n: int) -> float:
    """P(D_n < d) as the middle entry of a matrix to the power n, times n! / n^n."""
    k = math.floor(n * d) + 1
    size, h = 2 * k - 1, k - n * d
    column = 1.0 - h ** np.arange(1, size + 1)
    matrix = (np.subtract.outer(np.arange(size), np.arange(size)) >= -1).astype(np.float64)
    matrix[:, 0] = column
    matrix[-1, :] = column[::-1]
    matrix[-1, 0] = 1.0 - 2.0 * h**size + (max(0.0, 2.0 * h - 1.0) ** size)
    gap = np.subtract.outer(np.arange(size), np.arange(size)) + 1
    matrix /= np.array([float(math.factorial(min(max(g, 0), 170))) for g in range(size + 1)])[np.maximum(gap, 0)]
    # Scaled by n!^(1/n) / n at each step, so that the numbers stay within range.
    scale = math.exp(math.lgamma(n + 1) / n) / n
    return float(np.linalg.matrix_power(matrix * scale, n)[k - 1, k - 1])


def _distance_to_uniform(u: np.ndarray) -> float:
    u, steps = np.sort(u), np.arange(len(u) + 1) / len(u)
    return float(max(np.max(steps[1:] - u), np.max(u - steps[:-1])))


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    first, second = np.sort(first), np.sort(second)
    both = np.concatenate([first, second])
    below = [np.searchsorted(values, both, side="right") / len(values) for values in (first, second)]
    return float(np.max(np.abs(below[0] - below[1])))
