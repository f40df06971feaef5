"""Hartigan's dip test: is a sample drawn from one hump, or do two fit it better?

The dip is the largest distance between the sample's distribution function and the nearest one with a single
hump. All functions work along the last axis, on many samples at once.
"""

from __future__ import annotations

import numpy as np

DRAWS = 2000


def dip(samples: np.ndarray) -> np.ndarray:
    """The dip of each sample (last axis; no missing values): from 1 ÷ 2n (one hump) to 0.25 (two points).

    A modal interval, at first the whole range, shrinks: below it the greatest convex minorant of the
    distribution function is compared with it, above it the least concave majorant, until the two are nearer
    to each other inside the interval than the function is to them outside.

    Source: Hartigan and Hartigan (1985), Annals of Statistics 13, 70-84.
    """
    values = np.sort(np.atleast_2d(np.asarray(samples, dtype="float64")), axis=-1)
    n = values.shape[-1]
    if n < 4:
        return np.full(values.shape[:-1], 0.5 / max(n, 1))
    below = _before(values)
    above = (n - 1 - _before(-values[:, ::-1]))[:, ::-1]
    many = np.arange(len(values))
    low, high = np.zeros(len(values), "int64"), np.full(len(values), n - 1)
    found = np.ones(len(values))
    while many.size:
        part = values[many]
        minor, minor_at = _hull(part, below[many], high[many], low[many], 0)
        major, major_at = _hull(part, above[many], low[many], high[many], 1)
        apart = np.where(minor_at | major_at, major - minor, -np.inf)
        widest = apart.argmax(axis=1)
        rows = np.arange(len(many))
        left, right = _narrowed(minor_at, major_at, widest, rows)
        outside = _outside(minor, major, (low[many], left, right, high[many]))
        go = apart[rows, widest] > found[many]
        found[many] = np.where(go, np.maximum(found[many], outside), found[many])
        go &= (left > low[many]) | (right < high[many])
        low[many], high[many] = left, right
        many = many[go]
    return found / (2 * n)


def dip_test(sample: np.ndarray, *, seed: int = 7, draws: int = DRAWS) -> tuple[float, float]:
    """The dip of one sample, and how often a single hump shows one at least as deep.

    The p-value is simulated from the uniform distribution, of all with one hump the one nearest to two: for
    a peaked or skewed hump the test errs on the side of silence. It is never 0: (1 + deeper) ÷ (1 + draws).
    Both are NaN under four values.
    """
    known = np.asarray(sample, dtype="float64")
    known = known[np.isfinite(known)]
    if known.size < 4:
        return np.nan, np.nan
    seen = float(dip(known)[0])
    null = dip(np.random.default_rng(seed).random((draws, known.size)))
    return seen, float((1 + (null >= seen - 1e-12).sum()) / (1 + draws))


def _before(values: np.ndarray) -> np.ndarray:
    """For each point the one before it on the lower hull of the points (value, rank) up to there."""
    rows, n = values.shape
    before = np.zeros((rows, n), dtype="int64")
    for at in range(1, n):
        near = np.full(rows, at - 1)
        many = np.flatnonzero(near > 0)
        while many.size:
            mid, x = near[many], values[many]
            far = before[many, mid]
            pick = np.arange(len(many))
            run_near, run_far = x[pick, at] - x[pick, mid], x[pick, mid] - x[pick, far]
            drop = run_near * (mid - far) >= run_far * (at - mid)  # the middle point lies above the chord
            near[many[drop]] = far[drop]
            many = many[drop & (far > 0)]
        before[:, at] = near
    return before


def _hull(values, chain, start, stop, upper: int) -> tuple[np.ndarray, np.ndarray]:
    """Height (in points) of the hull from ``start`` along ``chain`` to ``stop`` at every point, and where it
    touches. Outside the interval the height means nothing.
    """
    rows, n = values.shape
    touch = np.zeros((rows, n), dtype=bool)
    at, each = start.copy(), np.arange(rows)
    touch[each, at] = True
    while (at != stop).any():
        at = np.where(at == stop, stop, chain[each, at])
        touch[each, at] = True
    rank = np.arange(n)
    last = np.maximum.accumulate(np.where(touch, rank, 0), axis=1)
    following = np.minimum.accumulate(np.where(touch, rank, n - 1)[:, ::-1], axis=1)[:, ::-1]
    x_last, x_next = np.take_along_axis(values, last, 1), np.take_along_axis(values, following, 1)
    run = x_next - x_last
    share = np.divide(values - x_last, run, out=np.zeros_like(values), where=run > 0)
    return last + share * (following - last) + upper, touch


def _narrowed(minor_at, major_at, widest, rows) -> tuple[np.ndarray, np.ndarray]:
    """The interval between the hulls' points of contact around the widest gap."""
    rank = np.arange(minor_at.shape[1])
    beside = np.where(minor_at & (rank <= widest[:, None]), rank, -1).max(axis=1)
    beyond = np.where(major_at & (rank >= widest[:, None]), rank, len(rank)).min(axis=1)
    return beside, beyond


def _outside(minor, major, interval) -> np.ndarray:
    """Largest distance of the distribution function from the hulls outside the narrowed interval."""
    low, left, right, high = (edge[:, None] for edge in interval)
    rank = np.arange(minor.shape[1])
    under = np.where((rank >= low) & (rank <= left), rank + 1 - minor, -np.inf).max(axis=1)
    over = np.where((rank >= right) & (rank <= high), major - rank, -np.inf).max(axis=1)
    return np.maximum(under, over)
