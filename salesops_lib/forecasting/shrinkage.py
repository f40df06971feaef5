"""Empirical Bayes for many short rows of like numbers: each row's mean, pulled towards that of all rows.

Row i holds n_i values with mean θ_i and common variance σ²; the θ_i lie around μ with variance τ². The pull
is σ² ÷ n_i against τ²: a row of few values moves far, rows that truly differ move little. σ² is pooled within
rows, τ² and μ are DerSimonian and Laird's moments.

Source: Morris (1983), Parametric Empirical Bayes Inference, JASA 78(381); DerSimonian, Laird (1986).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST = 0.5  # of the standard error of τ² where it is 0: the least it is taken for


@dataclass(frozen=True)
class Shrunk:
    """One number per row: ``mean`` (posterior), ``error`` (its standard deviation), ``spread`` (that of a new
    value), and ``freedom``, the degrees of freedom of σ². All missing where no value is known at all.
    """

    mean: np.ndarray
    error: np.ndarray
    spread: np.ndarray
    freedom: int

    def quantiles(self, probabilities: np.ndarray) -> np.ndarray:
        """Quantiles of each row's next value: Student's t; rows × probabilities."""
        from scipy.special import stdtrit  # scipy.stats would cost a second to import

        score = stdtrit(max(self.freedom, 1), np.asarray(probabilities, dtype="float64"))
        return self.mean[:, None] + self.spread[:, None] * score[None, :]


def shrunk(values: np.ndarray) -> Shrunk:
    """Posterior mean and the spread of the next value for each row; missing values are NaN.

    Parameters
    ----------
    values
        Rows × observations. A row without any gets the mean of all, with the variance between rows on top.
        With fewer than two values in all rows together nothing can be said: NaN.
    """
    known = np.isfinite(values)
    n = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    own = np.divide(total, n, out=np.zeros(len(n)), where=n > 0)
    filled, count = n > 0, int(n.sum())
    freedom = count - int(filled.sum())
    if count < 2:
        missing = np.full(len(n), np.nan)
        return Shrunk(missing, missing, missing, 0)
    if freedom > 0:
        within = float((np.where(known, values - own[:, None], 0.0) ** 2).sum() / freedom)
    else:  # one value a row: what is within and what between cannot be told apart
        within, freedom = float(np.var(own[filled], ddof=1)), count - 1
    within = max(within, 1e-12)
    between = _between(own[filled], n[filled], within)
    weight = 1 / (between + within / n[filled])
    middle, doubt = float((weight * own[filled]).sum() / weight.sum()), 1 / float(weight.sum())
    noise = within / np.maximum(n, 1)
    loose = np.where(filled, noise / (between + noise), 1.0)  # 1 − pull
    error = np.sqrt(between * loose + loose**2 * doubt)
    mean = middle + (1 - loose) * (own - middle)
    return Shrunk(mean, error, np.sqrt(error**2 + within), freedom)


def left_out(values: np.ndarray) -> np.ndarray:
    """For each value the posterior mean of its row without that value's column: rows × observations."""
    made = np.full(values.shape, np.nan)
    for column in range(values.shape[1]):
        made[:, column] = shrunk(np.delete(values, column, axis=1)).mean
    return made


def _between(own: np.ndarray, n: np.ndarray, within: float) -> float:
    """Variance of the rows' true means; with one row all of its mean is its own.

    Never 0: the moment is often negative with few rows, and 0 would claim that all are surely alike.
    """
    if own.size < 2:
        return 1e12 * within
    weight = n / within
    middle = (weight * own).sum() / weight.sum()
    excess = (weight * (own - middle) ** 2).sum() - (own.size - 1)
    found = float(excess / (weight.sum() - (weight**2).sum() / weight.sum()))
    error = within / float(np.mean(n)) * float(np.sqrt(2 / (own.size - 1)))
    return max(LEAST * error, found)
