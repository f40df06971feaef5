"""Forecasts that add up: rep → team → region → company, by membership on the day, and segments beside them.

What is booked is known and adds up as it is; what is still to come is drawn for every node from its combined
quantiles and reconciled draw by draw. How exact a node is, is the spread of its own forecast; how nodes err
together comes from past errors, shrunk (MinT), and where these are few errors count as independent (WLS).
Equal weights (OLS) take a company of forty reps to be as exact as any one of them: they let the top rule,
move every rep by the same money and push small ones below 0. The levels above are drawn with the
dependence that sums of the bottom have; taken for independent news they would narrow every range. No draw is
negative: what is below 0 is made up by the others of the draw, the least exact first. Quantiles are read off
the reconciled draws: they are never added.

Source: Wickramasuriya, Athanasopoulos, Hyndman (2019), JASA 114(526); Panagiotelis and others (2023) on
reconciling draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.forecasting.bookings import History
from salesops_lib.forecasting.stacking import MEDIAN, PROBABILITIES

MIN_ERRORS = 6  # past periods with errors before their covariance is used
TREE = ("company", "region", "team", "rep")
_COLUMN = {"region": "region", "team": "team"}


@dataclass(frozen=True)
class Reconciled:
    """``draws``: nodes × draws of the period's bookings; missing where a node has no forecast. ``method``:
    ``MinT-shrink``, ``WLS``, or ``none`` where there is nothing to reconcile. ``periods``: of past errors.
    """

    draws: np.ndarray
    method: str
    periods: int

    def quantiles(self, probabilities: np.ndarray = PROBABILITIES) -> np.ndarray:
        """Quantiles of every node, nodes × probabilities."""
        return np.quantile(self.draws, probabilities, axis=1).T

    def reaches(self, amounts: np.ndarray) -> np.ndarray:
        """Chance that each node books at least its amount, never 0 or 1: (k + ½) ÷ (n + 1) of n draws."""
        count = (self.draws >= amounts[:, None] - 0.005).sum(axis=1)
        chance = (count + 0.5) / (self.draws.shape[1] + 1)
        return np.where(np.isfinite(amounts) & np.isfinite(self.draws[:, 0]), chance, np.nan)


def reconcile(
    history: History, quantiles: np.ndarray, errors: np.ndarray, *, seed: int, draws: int = 2000
) -> Reconciled:
    """Draws of every node that add up.

    Parameters
    ----------
    history
        The nodes, where reps stand, and what is booked.
    quantiles
        Combined forecast, nodes × :data:`PROBABILITIES`.
    errors
        Booked − median of past periods at the same week, nodes × periods, missing where a node had none.
    seed, draws
        Of the random numbers; how many.
    """
    rest = np.maximum(quantiles - history.now[:, None], 0.0)
    made = np.full((len(rest), draws), np.nan)
    normal = np.random.default_rng(seed).standard_normal((len(rest), draws))
    tree, summing = summing_matrix(history.nodes, np.isfinite(rest).all(axis=1))
    method, periods = "none", 0
    if len(tree) > summing.shape[1]:
        residuals = errors[tree][:, np.isfinite(errors[tree[0]])]
        periods = residuals.shape[1]
        moved = np.nanmax(np.abs(residuals), axis=0) > 0.005 if residuals.size else np.zeros(0, dtype=bool)
        errors = _filled(residuals) if moved.sum() >= MIN_ERRORS else None
        if errors is not None and _always_alike(errors):
            errors = None
        method = "WLS" if errors is None else "MinT-shrink"
        made[tree] = _reconciled(rest[tree], summing, errors, normal[tree])
    elif len(tree):
        made[tree] = drawn(rest[tree], normal[tree])
    outside = np.setdiff1d(np.flatnonzero(np.isfinite(rest).all(axis=1)), tree)
    made[outside] = drawn(rest[outside], normal[outside])
    company = history.level("company")
    beside = np.intersect1d(history.level("segment"), outside)
    if company.size and beside.size:
        made[beside] = _to_total(made[beside], made[company[0]])
    return Reconciled(made + history.now[:, None], method, periods)


def summing_matrix(nodes: pd.DataFrame, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the nodes of the tree, bottom last, and which bottom nodes each is the sum of.

    The bottom is the lowest level with a forecast; a node none of them belongs to is not in the tree.
    """
    levels = [level for level in TREE if (known & (nodes["level"] == level).to_numpy()).any()]
    if not levels:
        return np.array([], dtype=int), np.zeros((0, 0))
    bottom = np.flatnonzero(known & (nodes["level"] == levels[-1]).to_numpy())
    below = nodes.iloc[bottom]
    places, rows = [], []
    for level in levels[:-1]:
        for place in np.flatnonzero(known & (nodes["level"] == level).to_numpy()):
            name = nodes["node_id"].iloc[place]
            inside = (
                np.ones(len(bottom)) if level == "company" else (below[_COLUMN[level]] == name).to_numpy()
            )
            if inside.any():
                places.append(place)
                rows.append(inside.astype("float64"))
    return np.array([*places, *bottom]), np.vstack([*rows, np.eye(len(bottom))])


def drawn(quantiles: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Values of each node's quantile function at standard normal scores; straight on both sides beyond the
    outermost quantiles, on the normal scale; never negative.
    """
    from scipy.special import ndtri

    at = ndtri(PROBABILITIES)
    made = np.empty(normal.shape)
    for row, (values, scores) in enumerate(zip(quantiles, normal, strict=True)):
        made[row] = np.interp(scores, at, values)
        for end, side in ((0, scores < at[0]), (-1, scores > at[-1])):
            slope = (values[end] - values[1 if end == 0 else -2]) / (at[end] - at[1 if end == 0 else -2])
            made[row, side] = values[end] + slope * (scores[side] - at[end])
    return np.maximum(made, 0.0)


def _reconciled(
    rest: np.ndarray, summing: np.ndarray, errors: np.ndarray | None, normal: np.ndarray
) -> np.ndarray:
    """Draws of the tree's nodes, coherent and without negatives. ``errors``: past ones; None where few."""
    from hierarchicalforecast.methods import MinTrace

    size = _spread(rest)
    # Of the past only how errors go together counts: each node's are put to the size of today's spread.
    scaled = np.diag(size) * len(size) ** 0.5 if errors is None else errors * (size / _rms(errors))[:, None]
    fitted = MinTrace(method="wls_var" if errors is None else "mint_shrink").fit(
        S=summing, y_hat=rest[:, MEDIAN : MEDIAN + 1], y_insample=scaled, y_hat_insample=np.zeros_like(scaled)
    )
    below = slice(len(rest) - summing.shape[1], None)
    base = drawn(rest, _dependent(fitted.W[below, below], summing, normal[below]))
    return summing @ _not_negative(fitted.P @ base, size[below] ** 2)


def _spread(quantiles: np.ndarray) -> np.ndarray:
    """Standard deviation of each node's forecast, the largest as 1; without a range a thousandth of it."""
    from scipy.special import ndtri

    grid = ndtri((np.arange(200) + 0.5) / 200)
    size = drawn(quantiles, np.broadcast_to(grid, (len(quantiles), 200))).std(axis=1)
    return np.maximum(size / size.max(), 0.001) if size.max() > 0 else np.ones(len(size))


def _always_alike(errors: np.ndarray) -> bool:
    """Whether all nodes have erred together and by one size, to and fro: nothing varies that a covariance
    could be shrunk by, and it has no inverse.
    """
    size = np.abs(errors - errors.mean(axis=1, keepdims=True))
    together = np.abs(np.corrcoef(errors)).min() > 1 - 1e-6
    return bool(together and (np.ptp(size, axis=1) <= 1e-6 * size.max(axis=1)).all())


def _rms(errors: np.ndarray) -> np.ndarray:
    return np.sqrt((errors**2).mean(axis=1))


def _not_negative(parts: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Each draw's nearest parts without negatives and with the same sum, or 0 where that is negative.

    Nearest in units of each part's own variance, as MinT measures it: the active set of the quadratic
    programme, all draws at once. parts × draws, variances of the parts.
    """
    total, free = np.maximum(parts.sum(axis=0), 0.0), np.ones(parts.shape, dtype=bool)
    made = parts
    for _ in range(len(parts)):
        share = np.where(free, variance[:, None], 0.0)
        left = total - np.where(free, made, 0.0).sum(axis=0)
        made = np.where(free, made + share * (left / np.maximum(share.sum(axis=0), 1e-300)), 0.0)
        below = made < 0
        if not below.any():
            break
        free &= ~below
    return np.maximum(made, 0.0)


def _dependent(covariance: np.ndarray, summing: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Standard normal scores of all nodes, dependent as sums of the bottom are: from independent ones of the
    bottom and the covariance of its errors.
    """
    value, vector = np.linalg.eigh(covariance)
    scores = summing @ (vector @ (np.sqrt(np.maximum(value, 0.0))[:, None] * normal))
    size = np.einsum("ij,jk,ik->i", summing, covariance, summing) ** 0.5
    return scores / np.maximum(size, 1e-12)[:, None]


def _to_total(parts: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Parts scaled in each draw to add up to a total; equal parts where all are 0."""
    sums = parts.sum(axis=0)
    shared = np.broadcast_to(total / len(parts), parts.shape)
    return np.where(sums > 0, parts * (total / np.where(sums > 0, sums, 1.0)), shared)


def _filled(residuals: np.ndarray) -> np.ndarray:
    """Errors without gaps: a missing one is as large as the node's others usually are, with alternating sign,
    so that it adds no correlation. A node that never erred has a tenth of the usual error: none is exact.
    """
    known = np.isfinite(residuals)
    size = np.sqrt(np.where(known, residuals**2, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    typical = np.median(size[size > 0.005]) if (size > 0.005).any() else 1.0
    never = known.any(axis=1) & (size <= 0.005)
    size = np.where(never, typical / 10, np.where(size > 0.005, size, typical))
    known &= ~never[:, None]
    sign = np.where(np.add.outer(np.arange(residuals.shape[0]), np.arange(residuals.shape[1])) % 2, 1, -1)
    return np.where(known, residuals, size[:, None] * sign)
