"""Ranges of a record whose rows hang together: a period is one observation, its weeks are not three.

Three forecasts of a quarter miss together, and so do its reps. A range that counts rows is too narrow; these
count periods.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from salesops_lib.core.periods import Period
from salesops_lib.core.stats import proportion_interval

LEVEL = 0.9
Ends = tuple[float, float]
UNKNOWN: Ends = (float("nan"), float("nan"))


def share_range(inside: np.ndarray, periods: Sequence[str], level: float = LEVEL) -> Ends:
    """Range of a share of yes and no by period: Wilson's, with as many trials as the rows are worth.

    Rows are worth n ÷ design effect (variance over periods ÷ that of independent rows): as many as there are
    periods at least, n at most. Where all rows agree no variance shows, and they count as their periods.
    Missing with fewer than two periods.

    Parameters
    ----------
    inside
        One truth value a row.
    periods
        The period of each row.

    Source: Korn, Graubard (1998), Survey Methodology 24; Dean, Pagano (2015), J. Survey Stat. Meth. 3(4).
    """
    from scipy.special import ndtri, stdtrit

    n, code = len(inside), ordered_codes(periods)
    count = int(code.max()) + 1 if n else 0
    if count < 2:
        return UNKNOWN
    share, worth = float(np.mean(inside)), float(count)
    if 0 < share < 1:
        off = np.bincount(code, inside - share)
        effect = count / (count - 1) * (off**2).sum() / (n * share * (1 - share))
        known = ndtri((1 + level) / 2) / stdtrit(
            count - 1, (1 + level) / 2
        )  # an estimated variance: t, not z
        worth = n / np.clip(effect, 1.0, n / count) * float(known) ** 2
    made = proportion_interval(share * worth, worth, level)
    return made.low, made.high


def ratio_range(
    over: np.ndarray, under: np.ndarray, periods: Sequence[str], lags: int = 0, level: float = LEVEL
) -> Ends:
    """Range of Σ over ÷ Σ under by period: linearised, Student's t with periods − 1 degrees of freedom.

    Parameters
    ----------
    over, under
        Numerator and denominator of each row, in one unit.
    periods
        The period of each row.
    lags
        How many periods on errors still hang together: as many as the forecast looks past its own.

    Returns
    -------
    low, high
        Missing with fewer than three periods, or where the denominators add up to nothing.

    Source: Cochran (1977), Sampling Techniques, 6.4; Newey, West (1987) for the lags.
    """
    from scipy.special import stdtrit

    code = ordered_codes(periods)
    count = int(code.max()) + 1 if len(code) else 0
    whole = float(np.sum(under))
    if count < 3 or not whole > 0:
        return UNKNOWN
    ratio = float(np.sum(over)) / whole
    off = np.bincount(code, over - ratio * under)
    squares = float(off @ off)
    for lag in range(1, min(lags, count - 2) + 1):
        squares += 2 * (1 - lag / (lags + 1)) * float(off[lag:] @ off[:-lag])
    squares = squares if squares > 0 else float(off @ off)
    half = float(stdtrit(count - 1, (1 + level) / 2)) * (count / (count - 1) * squares) ** 0.5 / whole
    return ratio - half, ratio + half


def holm(p_values: Sequence[float]) -> np.ndarray:
    """p values of several tests made at once: each is the chance that any of them shows by luck alone.

    Missing ones stay missing and do not count. Source: Holm (1979), Scand. J. Statist. 6(2).
    """
    values = np.asarray(p_values, dtype="float64")
    made = np.full(values.shape, np.nan)
    order = np.argsort(values, kind="stable")[: int(np.isfinite(values).sum())]
    raised = values[order] * np.arange(len(order), 0, -1)
    made[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return made


def ordered_codes(periods: Sequence[str]) -> np.ndarray:
    """Place of each row's period among those there are, in order of time, from 0."""
    names, code = np.unique(np.asarray(periods, dtype=str), return_inverse=True)
    order = sorted(range(len(names)), key=lambda k: Period.parse(names[k]))
    return np.argsort(order)[code] if len(names) else code
