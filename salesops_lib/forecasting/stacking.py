"""The engines combined: weights from their past quantile losses, quantiles averaged, the range recalibrated.

Quantiles are averaged at each probability (Vincent), not densities mixed: the average of two forecasts that
agree on the shape keeps it. Weights are not negative, sum to 1 and minimise the mean pinball loss of the
average over past origins at the same week, and they are equal to begin with: n past periods move them
n ÷ (n + :data:`TRUST`) of the way to the best split. In planted worlds (four engines, alike or not, one node
or twelve, one past period to twelve) that loses less than equal weights at every n; a wait until some number
of periods stands loses more, and going all the way loses most where periods are few. The range is stretched
or narrowed by what earlier ranges missed.

Source: Vannitsem and others (2021) on quantile averaging; Romano, Patterson, Candès (2019), conformalized
quantile regression, here scaled and two-sided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

PROBABILITIES = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
MEDIAN = 5  # position of one half in them
TRUST = 4  # past periods that move weights half of the way from equal to the best split
STEPS = 20  # weights are multiples of 1 ÷ 20
LEVEL = 0.8  # of the range that is recalibrated
MIN_SCORES = 20  # earlier ranges before a recalibration
STRETCH = (0.5, 3.0)  # bounds of it


@dataclass(frozen=True)
class Weights:
    """Weight of each engine; ``periods`` past ones they rest on; ``stacked`` False where none are there."""

    of: dict[str, float]
    periods: int
    stacked: bool


def stack(
    forecasts: Mapping[str, np.ndarray], actual: np.ndarray, scale: np.ndarray, periods: Sequence[str]
) -> Weights:
    """Weights of engines by the pinball loss of their average over past forecasts.

    Parameters
    ----------
    forecasts
        By engine, past forecasts × :data:`PROBABILITIES`; only rows where all engines stand count.
    actual, scale
        What came in, and what a loss is measured in (a node's usual period), so that large nodes do not rule.
    periods
        The period each row is of: rows of one period are one observation when it comes to trust.

    Returns
    -------
    Weights
        With n periods n ÷ (n + 4) of the way from equal ones to the best; equal where there are none.
    """
    names = sorted(forecasts)
    equal = {name: 1 / len(names) for name in names}
    whole = np.isfinite(actual) & (scale > 0)
    for name in names:
        whole &= np.isfinite(forecasts[name]).all(axis=1)
    count = len({p for p, kept in zip(periods, whole, strict=True) if kept})
    if len(names) < 2 or not count:
        return Weights(equal, count, stacked=False)
    unit = scale[whole, None]
    values = np.stack([forecasts[name][whole] / unit for name in names], axis=-1)
    grid = simplex(len(names))
    losses = _mean_loss(values, actual[whole, None] / unit, grid)
    best, trust = grid[int(np.argmin(losses))], count / (count + TRUST)
    return Weights(
        {name: float(trust * w + (1 - trust) / len(names)) for name, w in zip(names, best, strict=True)},
        count,
        stacked=True,
    )


def averaged(quantiles: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Quantiles of the combination; nodes × probabilities. An engine that a node lacks leaves its weight to
    the others; a node without any is missing.
    """
    total = mass = 0.0
    for name, values in quantiles.items():
        there = np.isfinite(values).all(axis=1, keepdims=True)
        total = total + np.where(there, np.nan_to_num(values), 0.0) * weights.get(name, 0.0)
        mass = mass + there * weights.get(name, 0.0)
    return np.where(mass > 0, total / np.where(mass > 0, mass, 1.0), np.nan)


def scores(actual: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """How far each outcome lay from the median, in half ranges of its side at :data:`LEVEL`; 1: its edge."""
    low, high = (int(np.argmin(np.abs(PROBABILITIES - p))) for p in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    middle = quantiles[:, MEDIAN]
    side = np.where(actual >= middle, quantiles[:, high] - middle, middle - quantiles[:, low])
    off = np.abs(actual - middle)
    return np.where(side > 0, off / np.where(side > 0, side, 1.0), np.where(off > 0, np.inf, 0.0))


def stretch(earlier: np.ndarray, periods: int) -> float:
    """By how much to widen a range, from :func:`scores` of earlier ones out of ``periods`` past periods.

    1 with fewer than :data:`MIN_SCORES`. The conformal factor, n ÷ (n + 4) of the way from 1, n periods: rows
    of one period miss together.
    """
    known = np.sort(earlier[~np.isnan(earlier)])
    if known.size < MIN_SCORES:
        return 1.0
    rank = min(int(np.ceil((known.size + 1) * LEVEL)), known.size) - 1
    return 1 + (float(np.clip(known[rank], *STRETCH)) - 1) * periods / (periods + 4)


def stretched(quantiles: np.ndarray, factor: float) -> np.ndarray:
    """Quantiles moved away from their median by a factor."""
    middle = quantiles[:, MEDIAN : MEDIAN + 1]
    return middle + (quantiles - middle) * factor


@cache
def simplex(parts: int) -> np.ndarray:
    """Every way to split 1 into ``parts`` multiples of 1 ÷ :data:`STEPS`; splits × parts."""
    splits = [[]]
    for place in range(parts):
        rest = [STEPS - sum(s) for s in splits]
        last = place == parts - 1
        splits = [[*s, n] for s, left in zip(splits, rest, strict=True)
                  for n in ([left] if last else range(left + 1))]  # fmt: skip
    return np.array(splits, dtype="float64") / STEPS


def _mean_loss(values: np.ndarray, actual: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Mean pinball loss of the average under every row of weights."""
    losses = np.empty(len(grid))
    for start in range(0, len(grid), 256):
        part = grid[start : start + 256]
        off = actual[..., None] - values @ part.T  # rows × probabilities × weights
        share = PROBABILITIES[None, :, None]
        losses[start : start + 256] = np.maximum(share * off, (share - 1) * off).mean(axis=(0, 1))
    return losses
